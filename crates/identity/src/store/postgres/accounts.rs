//! The table of users, as admins look after it. Whoever takes an admin away locks all of them first, in their order, so
//! that of two who take each other away one stays.

use super::{
    PostgresStore, links,
    rows::{self, users},
    security, sessions, users as table,
};
use crate::{
    domain::user::User,
    store::{Accounts, ImportedUser, NewLink, StatusChange, UserWish, failure, last_admin},
};
use async_trait::async_trait;
use contracts::{
    access::Role,
    identity::{ProfileError, UserCounts, UserStatus},
    values::{Counted, Email, UserId, Version},
};
use platform::db::{
    Abort, StoreError,
    postgres::{Bytes, Connection, ToSql},
};
use secrecy::ExposeSecret;
use std::{collections::HashSet, convert::Infallible};

const LIST: &str = users!(
    "SELECT",
    "FROM users
      WHERE deleted_at_ms IS NULL
        AND ($1::uuid IS NULL OR user_id < $1)
        AND ($2::text IS NULL OR strpos(',' || roles || ',', ',' || $2 || ',') > 0)
        AND ($3::boolean IS NULL OR (disabled_at_ms IS NOT NULL) = $3)
      ORDER BY user_id DESC
      LIMIT $4"
);

/// Those of whom some name begins so, each by its index.
const FIND: &str = users!(
    "SELECT",
    "FROM users
      WHERE user_number IN (
                SELECT user_number FROM users WHERE email_key COLLATE \"C\" >= $5 AND email_key COLLATE \"C\" < $6
                UNION
                SELECT user_number FROM users WHERE username_key COLLATE \"C\" >= $5 AND username_key COLLATE \"C\" < $6
                UNION
                SELECT user_number FROM users WHERE lower(name) COLLATE \"C\" >= $5 AND lower(name) COLLATE \"C\" < $6)
        AND deleted_at_ms IS NULL
        AND ($1::uuid IS NULL OR user_id < $1)
        AND ($2::text IS NULL OR strpos(',' || roles || ',', ',' || $2 || ',') > 0)
        AND ($3::boolean IS NULL OR (disabled_at_ms IS NOT NULL) = $3)
      ORDER BY user_id DESC
      LIMIT $4"
);

/// An account that is so already stays as it is, with its version.
const SET_STATUS: &str = users!(
    "UPDATE users
        SET disabled_at_ms = CASE WHEN $3 THEN $4::bigint END, version = version + 1,
            token_epoch = CASE WHEN $3 THEN token_epoch + 1 ELSE token_epoch END,
            epoch_changed_at_ms = CASE WHEN $3 THEN $4 ELSE epoch_changed_at_ms END
      WHERE user_id = $1 AND deleted_at_ms IS NULL AND ($2::bigint IS NULL OR version = $2)
        AND (disabled_at_ms IS NOT NULL) <> $3
     RETURNING",
    ""
);

const ADMINS: &str = "SELECT user_id
       FROM users
      WHERE roles IN ('customer,admin', 'customer,merchant,admin') AND disabled_at_ms IS NULL
      ORDER BY user_number
        FOR NO KEY UPDATE";

/// Who runs the shop by the index of them: whoever has gone is a customer. All others one by one.
const COUNT: &str = "SELECT seen, disabled, merchants,
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM users
                  WHERE roles IN ('customer,admin', 'customer,merchant,admin')
                  LIMIT $1) AS found)
   FROM (SELECT COUNT(*) AS seen,
                COUNT(*) FILTER (WHERE disabled_at_ms IS NOT NULL) AS disabled,
                COUNT(*) FILTER (WHERE roles IN ('customer,merchant', 'customer,merchant,admin')) AS merchants
           FROM (SELECT disabled_at_ms, roles FROM users WHERE deleted_at_ms IS NULL LIMIT $1) AS seen_rows) AS told";

const IMPORT: &str = "INSERT INTO users (user_id, email, email_key, name, password_hash, roles, version, token_epoch,
                        epoch_changed_at_ms, created_at_ms)
     VALUES ($1, $2, $3, $4, $5, $6, 1, 0, $7, $7)
     ON CONFLICT (email_key) DO NOTHING";

#[async_trait]
impl Accounts for PostgresStore {
    async fn users(&self, wish: UserWish) -> Result<Vec<User>, StoreError> {
        let connection = self.database.read().await?;
        let after = wish.after.map(|id| Bytes(*id.as_bytes()));
        let role = wish.role.map(Role::as_str);
        let status = wish.status.map(|status| status == UserStatus::Disabled);
        let limit = i64::from(wish.limit);
        let mut values: Vec<&(dyn ToSql + Sync)> = vec![&after, &role, &status, &limit];
        let range = wish.range();
        let sql = match &range {
            Some((from, before)) => {
                values.push(from);
                values.push(before);
                FIND
            }
            None => LIST,
        };
        let rows = connection.query(sql, &values).await?;
        rows.iter().map(rows::user).collect()
    }

    async fn count_users(&self) -> Result<UserCounts, StoreError> {
        let connection = self.database.read().await?;
        let row = connection.query_one(COUNT, &[&Counted::LOOKED_FOR]).await?;
        let all = Counted::of(row.try_get(0)?);
        let seen = |count| Counted {
            count,
            is_more: all.is_more,
        };
        Ok(UserCounts {
            all,
            disabled: seen(row.try_get(1)?),
            merchants: seen(row.try_get(2)?),
            admins: Counted::of(row.try_get(3)?),
        })
    }

    async fn set_status(&self, change: StatusChange) -> Result<(User, bool), Abort<ProfileError>> {
        self.database
            .write(change, |c, change| Box::pin(set_status(c, change)))
            .await
    }

    async fn owe_reset_to(&self, user: UserId, link: NewLink) -> Result<bool, StoreError> {
        self.database
            .write(link, move |c, link| {
                Box::pin(async move {
                    let may = links::may_forget(c, user).await?;
                    Ok(may && links::owe(c, user, link).await?)
                })
            })
            .await
            .map_err(failure)
    }

    async fn import_users(
        &self,
        users: Vec<ImportedUser>,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError> {
        if !commit {
            return unknown(&self.database.read().await?, &users).await;
        }
        self.database
            .write(users, |c, users| Box::pin(import(c, users)))
            .await
            .map_err(failure)
    }
}

/// An address that comes twice is new once, as it would be if they were written.
async fn unknown(connection: &Connection, users: &[ImportedUser]) -> Result<Vec<bool>, StoreError> {
    let keys: Vec<&str> = users.iter().filter_map(key).collect();
    let sql = "SELECT email_key FROM users WHERE email_key = ANY($1)";
    let rows = connection.query(sql, &[&keys]).await?;
    let known = rows.iter().map(|row| row.try_get(0));
    let mut seen = known.collect::<Result<HashSet<String>, _>>()?;
    let is_new = |one| key(one).is_some_and(|key| seen.insert(key.to_owned()));
    Ok(users.iter().map(is_new).collect())
}

/// In the order of addresses, so that two imports of the same people wait for each other in one direction only.
async fn import(
    connection: &Connection,
    users: &[ImportedUser],
) -> Result<Vec<bool>, Abort<Infallible>> {
    let mut places: Vec<(usize, &ImportedUser)> = users.iter().enumerate().collect();
    places.sort_by_key(|(place, one)| (key(one), *place));
    let mut fresh = vec![false; users.len()];
    for (place, ImportedUser { user, verified }) in places {
        let values: [&(dyn ToSql + Sync); 7] = [
            &Bytes(*user.id.as_bytes()),
            &user.email.as_ref().map(Email::as_str),
            &user.email.as_ref().map(Email::key),
            &user.name,
            &user.password_hash.expose_secret(),
            &user.roles.as_text(),
            &user.at.as_ms(),
        ];
        if connection.execute(IMPORT, &values).await? == 0 {
            continue;
        }
        security::insert(connection, &user.event).await?;
        if *verified {
            links::verify(connection, user.id, user.at).await?;
        }
        if let Some(made) = fresh.get_mut(place) {
            *made = true;
        }
    }
    Ok(fresh)
}

fn key(one: &ImportedUser) -> Option<&str> {
    one.user.email.as_ref().map(Email::key)
}

async fn set_status(
    connection: &Connection,
    change: &StatusChange,
) -> Result<(User, bool), Abort<ProfileError>> {
    let disables = change.status == UserStatus::Disabled;
    let at = change.event.at;
    if disables && is_last_admin(connection, change.id).await? {
        return Err(Abort::Refused(last_admin("/status")));
    }
    let values: [&(dyn ToSql + Sync); 4] = [
        &Bytes(*change.id.as_bytes()),
        &change.sent.version().map(Version::get),
        &disables,
        &at.as_ms(),
    ];
    let Some(user) = table::first(connection, SET_STATUS, &values).await? else {
        let as_it_is = table::find(connection, change.id).await?;
        let fits = |user: &User| {
            let is_current = change
                .sent
                .version()
                .is_none_or(|sent| sent == user.version);
            is_current && user.disabled_at.is_some() == disables
        };
        return match as_it_is.filter(fits) {
            Some(user) => Ok((user, false)),
            None => Err(table::refusal(connection, change.id, change.sent).await?),
        };
    };
    if disables {
        sessions::end_all(connection, user.id, "disabled", at).await?;
    }
    security::insert(connection, &change.event).await?;
    Ok((user, true))
}

/// Whether nobody else runs the shop; nobody is taken away from it until this write is done.
pub(super) async fn is_last_admin(connection: &Connection, id: UserId) -> Result<bool, StoreError> {
    let admins = connection.query(ADMINS, &[]).await?;
    match &*admins {
        [only] => Ok(rows::user_id(only, 0)? == id),
        _ => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use contracts::values::Timestamp;
    use testkit::postgres::Postgres;

    /// So many that it matters how they are found.
    const MANY: &str = "
        INSERT INTO users (user_id, email, email_key, username, username_key, name, password_hash, roles, version,
                           token_epoch, epoch_changed_at_ms, created_at_ms)
        SELECT gen_random_uuid(), n || '@x', n || '@x', 'u' || n, 'u' || n, 'N' || n, 'hash', 'customer', 1, 0, 1, 1
          FROM generate_series(1, 5000) AS n;
        ANALYZE users;";

    #[tokio::test]
    async fn accounts_are_found_by_indices_alone() {
        let Some(server) = Postgres::shared() else {
            return;
        };
        let place = server.place("identity");
        let store = PostgresStore::open(place, Timestamp::from_ms(1)).await;
        let database = store.unwrap().database();
        let connection = database.read().await.unwrap();
        connection.execute_batch(MANY).await.unwrap();
        let (after, role, status) = (None::<Bytes<16>>, None::<&str>, None::<bool>);
        let values: [&(dyn ToSql + Sync); 6] =
            [&after, &role, &status, &50_i64, &"4711", &"4711\u{10ffff}"];
        let explain = format!("EXPLAIN {FIND}");
        let rows = connection.query(&explain, &values).await.unwrap();
        let steps: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
        let plan = steps.join("\n");
        for index in [
            "users_by_email_prefix",
            "users_by_username_prefix",
            "users_by_name_prefix",
        ] {
            assert!(plan.contains(index), "{index}: {plan}");
        }
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}
