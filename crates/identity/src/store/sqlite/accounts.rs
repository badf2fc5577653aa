//! The table of users, as admins look after it.

use super::{SqliteStore, links, rows, security, sessions, users};
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
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};
use secrecy::ExposeSecret;
use std::{collections::HashSet, convert::Infallible};

#[async_trait]
impl Accounts for SqliteStore {
    async fn users(&self, wish: UserWish) -> Result<Vec<User>, StoreError> {
        let read = self.database.read(move |c| Ok(list(c, &wish)?));
        read.await
    }

    async fn count_users(&self) -> Result<UserCounts, StoreError> {
        self.database.read(|c| Ok(count(c)?)).await
    }

    async fn set_status(&self, change: StatusChange) -> Result<(User, bool), Abort<ProfileError>> {
        let write = self.database.write(move |c| set_status(c, &change));
        write.await
    }

    async fn owe_reset_to(&self, user: UserId, link: NewLink) -> Result<bool, StoreError> {
        let write = self.database.write(move |c| {
            let may = users::find_enabled(c, user)?.is_some_and(|user| user.email.is_some());
            Ok(may && links::owe(c, user, &link)?)
        });
        write.await.map_err(failure)
    }

    async fn import_users(
        &self,
        users: Vec<ImportedUser>,
        commit: bool,
    ) -> Result<Vec<bool>, StoreError> {
        if !commit {
            let read = self.database.read(move |c| Ok(unknown(c, &users)?));
            return read.await;
        }
        let write = self.database.write(move |c| import(c, &users));
        write.await.map_err(failure)
    }
}

/// An address that comes twice is new once, as it would be if they were written.
fn unknown(connection: &Connection, users: &[ImportedUser]) -> rusqlite::Result<Vec<bool>> {
    let mut find = connection.prepare_cached("SELECT 1 FROM users WHERE email_key = ?1")?;
    let mut seen = HashSet::new();
    let one = |one: &ImportedUser| {
        let Some(email) = &one.user.email else {
            return Ok(false);
        };
        Ok(!find.exists([email.key()])? && seen.insert(email.key().to_owned()))
    };
    users.iter().map(one).collect()
}

fn import(connection: &Connection, users: &[ImportedUser]) -> Result<Vec<bool>, Abort<Infallible>> {
    let sql = "INSERT INTO users (user_id, email, email_key, name, password_hash, roles, version, token_epoch,
                                  epoch_changed_at_ms, created_at_ms)
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, 0, ?7, ?7)
               ON CONFLICT (email_key) DO NOTHING";
    let mut insert = connection.prepare_cached(sql)?;
    let mut fresh = Vec::with_capacity(users.len());
    for ImportedUser { user, verified } in users {
        let made = insert.execute(params![
            user.id.as_bytes(),
            user.email.as_ref().map(Email::as_str),
            user.email.as_ref().map(Email::key),
            user.name,
            user.password_hash.expose_secret(),
            user.roles.as_text(),
            user.at.as_ms(),
        ])? == 1;
        if made {
            security::insert(connection, &user.event)?;
        }
        if made && *verified {
            links::verify(connection, user.id, user.at)?;
        }
        fresh.push(made);
    }
    Ok(fresh)
}

/// Those of whom some name begins so, each by its index; `CROSS` keeps SQLite from looking at all others instead.
const FOUND: &str = "(SELECT user_number AS found_number FROM users WHERE email_key >= ?5 AND email_key < ?6
              UNION
              SELECT user_number FROM users WHERE username_key >= ?5 AND username_key < ?6
              UNION
              SELECT user_number FROM users WHERE name IS NOT NULL AND lower(name) >= ?5 AND lower(name) < ?6)
           CROSS JOIN users ON user_number = found_number";

fn statement(from: &str) -> String {
    format!(
        "SELECT {}
           FROM {from}
          WHERE deleted_at_ms IS NULL
            AND (?1 IS NULL OR user_id < ?1)
            AND (?2 IS NULL OR instr(',' || roles || ',', ',' || ?2 || ',') > 0)
            AND (?3 IS NULL OR (disabled_at_ms IS NOT NULL) = ?3)
          ORDER BY user_id DESC
          LIMIT ?4",
        rows::USER
    )
}

fn list(connection: &Connection, wish: &UserWish) -> rusqlite::Result<Vec<User>> {
    let after = wish.after.as_ref().map(UserId::as_bytes);
    let role = wish.role.map(Role::as_str);
    let status = wish.status.map(|status| status == UserStatus::Disabled);
    let Some((from, before)) = wish.range() else {
        return connection
            .prepare_cached(&statement("users"))?
            .query_map(params![after, role, status, wish.limit], rows::user)?
            .collect();
    };
    connection
        .prepare_cached(&statement(FOUND))?
        .query_map(
            params![after, role, status, wish.limit, from, before],
            rows::user,
        )?
        .collect()
}

/// Who sells and who runs the shop by the index of roles: whoever has gone is a customer. All others one by one.
const COUNT: &str = "SELECT seen, disabled,
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM users
                  WHERE roles IN ('customer,merchant', 'customer,merchant,admin')
                  LIMIT ?1)),
        (SELECT COUNT(*)
           FROM (SELECT 1
                   FROM users
                  WHERE roles IN ('customer,admin', 'customer,merchant,admin')
                  LIMIT ?1))
   FROM (SELECT COUNT(*) AS seen, COALESCE(SUM(disabled_at_ms IS NOT NULL), 0) AS disabled
           FROM (SELECT disabled_at_ms FROM users WHERE deleted_at_ms IS NULL LIMIT ?1))";

fn count(connection: &Connection) -> rusqlite::Result<UserCounts> {
    let mut statement = connection.prepare_cached(COUNT)?;
    statement.query_row([Counted::LOOKED_FOR], |row| {
        let all = Counted::of(row.get(0)?);
        Ok(UserCounts {
            all,
            disabled: Counted {
                count: row.get(1)?,
                is_more: all.is_more,
            },
            merchants: Counted::of(row.get(2)?),
            admins: Counted::of(row.get(3)?),
        })
    })
}

fn set_status(
    connection: &Connection,
    change: &StatusChange,
) -> Result<(User, bool), Abort<ProfileError>> {
    let disables = change.status == UserStatus::Disabled;
    let at = change.event.at;
    if disables && is_last_admin(connection, change.id)? {
        return Err(Abort::Refused(last_admin("/status")));
    }
    // An account that is so already stays as it is, with its version.
    let sql = format!(
        "UPDATE users
            SET disabled_at_ms = CASE WHEN ?3 THEN ?4 END, version = version + 1,
                token_epoch = token_epoch + ?3, epoch_changed_at_ms = CASE WHEN ?3 THEN ?4 ELSE epoch_changed_at_ms END
          WHERE user_id = ?1 AND deleted_at_ms IS NULL AND (?2 IS NULL OR version = ?2)
            AND (disabled_at_ms IS NOT NULL) <> ?3
         RETURNING {}",
        rows::USER
    );
    let changed = connection
        .prepare_cached(&sql)?
        .query_row(
            params![
                change.id.as_bytes(),
                change.sent.version().map(Version::get),
                disables,
                at.as_ms(),
            ],
            rows::user,
        )
        .optional()?;
    let Some(user) = changed else {
        let as_it_is = users::find(connection, change.id)?;
        let fits = |user: &User| {
            let is_current = change
                .sent
                .version()
                .is_none_or(|sent| sent == user.version);
            is_current && user.disabled_at.is_some() == disables
        };
        return match as_it_is.filter(fits) {
            Some(user) => Ok((user, false)),
            None => users::refuse(connection, change.id, change.sent),
        };
    };
    if disables {
        sessions::end_all(connection, user.id, "disabled", at)?;
    }
    security::insert(connection, &change.event)?;
    Ok((user, true))
}

/// Whether nobody else runs the shop.
pub(super) fn is_last_admin(connection: &Connection, id: UserId) -> rusqlite::Result<bool> {
    let admins: Vec<[u8; 16]> = connection
        .prepare_cached(
            "SELECT user_id
               FROM users
              WHERE roles IN ('customer,admin', 'customer,merchant,admin') AND disabled_at_ms IS NULL
              LIMIT 2",
        )?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    Ok(matches!(&*admins, [only] if only == id.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_by_indices_alone() {
        let mut connection = Connection::open_in_memory().unwrap();
        platform::db::migrate::migrate(&mut connection, super::super::MIGRATIONS, 1).unwrap();
        let explain = format!("EXPLAIN QUERY PLAN {}", statement(FOUND));
        let mut explained = connection.prepare(&explain).unwrap();
        let (none, text) = (None::<String>, "a");
        let steps = explained.query_map(params![none, none, none, 1, text, text], |row| {
            row.get::<_, String>(3)
        });
        let plan: Vec<String> = steps.unwrap().map(Result::unwrap).collect();
        let plan = plan.join("; ");
        for index in [
            "(email_key>? AND email_key<?)",
            "(username_key>? AND username_key<?)",
            "users_by_name",
            "USING INTEGER PRIMARY KEY (rowid=?)",
        ] {
            assert!(plan.contains(index), "{index}: {plan}");
        }
        assert!(!plan.contains("SCAN users"), "{plan}");
    }
}
