//! The table of users, as admins look after it.

use super::{SqliteStore, links, rows, security, sessions, users};
use crate::{
    domain::user::User,
    store::{Accounts, NewLink, StatusChange, UserWish, failure, last_admin},
};
use async_trait::async_trait;
use contracts::{
    access::Role,
    identity::{ProfileError, UserStatus},
    values::{UserId, Version},
};
use platform::db::{Abort, StoreError};
use rusqlite::{Connection, OptionalExtension, params};

#[async_trait]
impl Accounts for SqliteStore {
    async fn users(&self, wish: UserWish) -> Result<Vec<User>, StoreError> {
        let read = self.database.read(move |c| Ok(list(c, &wish)?));
        read.await
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
}

fn list(connection: &Connection, wish: &UserWish) -> rusqlite::Result<Vec<User>> {
    // The length is SQLite's own count, of characters, as `substr` cuts them.
    let sql = format!(
        "SELECT {}
           FROM users
          WHERE deleted_at_ms IS NULL
            AND (?1 IS NULL OR user_id < ?1)
            AND (?2 IS NULL OR instr(',' || roles || ',', ',' || ?2 || ',') > 0)
            AND (?3 IS NULL OR (disabled_at_ms IS NOT NULL) = ?3)
            AND (?4 IS NULL
                 OR substr(email_key, 1, length(?4)) = ?4
                 OR substr(username_key, 1, length(?4)) = ?4
                 OR lower(substr(name, 1, length(?4))) = ?4)
          ORDER BY user_id DESC
          LIMIT ?5",
        rows::USER
    );
    connection
        .prepare_cached(&sql)?
        .query_map(
            params![
                wish.after.as_ref().map(UserId::as_bytes),
                wish.role.map(Role::as_str),
                wish.status.map(|status| status == UserStatus::Disabled),
                wish.prefix,
                wish.limit,
            ],
            rows::user,
        )?
        .collect()
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
        sessions::end_all(connection, user.id, "logout", at)?;
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
