//! What every store of identity promises, whatever it is built on: the same tests run for each form, through the
//! trait. Looks behind a store's back only for what must not be left.

mod accounts;
mod api_keys;
mod external;
mod factors;
mod links;
mod mails;
mod nodes;
mod security;
mod sessions;
mod users;

use super::{
    Credentials, LoginName, NewMail, NewSession, NewUser, Rotated, Rotation, Store,
    postgres::PostgresStore, sqlite::SqliteStore,
};
use crate::domain::{mail::MailKind, roles::Roles, security::SecurityEvent, user::User};
use async_trait::async_trait;
use contracts::{
    identity::SecurityEventKind,
    values::{Email, MailId, SessionId, Timestamp, UserId},
};
use platform::db::{
    self,
    sqlite::{Database, Options},
};
use secrecy::SecretString;
use std::{path::PathBuf, sync::Arc};
use testkit::postgres::Postgres;

macro_rules! store_suite {
    (@$form:ident $($part:ident::{$($promise:ident),* $(,)?}),* $(,)?) => {
        mod $form {$($(
            #[tokio::test]
            async fn $promise() {
                // A form whose server may be passed over has said so.
                if let Some(bench) = super::$form().await {
                    super::$part::$promise(bench).await;
                }
            }
        )*)*}
    };
    ($($promises:tt)*) => {
        store_suite! { @sqlite $($promises)* }
        store_suite! { @postgres $($promises)* }
    };
}

store_suite! {
    accounts::{
        one_name_in_all_spellings_is_one_account,
        a_stale_version_changes_nothing,
        new_roles_raise_version_and_epoch,
        a_deleted_account_gives_its_name_back,
        a_setup_token_makes_one_admin,
        the_first_secrets_stay,
        a_key_is_known_before_it_signs_and_after_it_did_or_gone_at_once,
        of_a_deleted_account_only_id_and_times_are_left,
        what_was_kept_is_there_after_opening_again,
    },
    api_keys::{
        a_key_is_found_as_its_owner_is_now,
        a_key_needs_the_password_that_is_there_now,
        too_many_keys_are_refused_until_one_ends,
        a_repeated_wish_finds_the_first_key,
        keys_are_listed_and_end_once_by_who_may,
        another_secret_takes_the_place_of_the_one_before,
        a_use_is_noted_once_a_minute,
        keys_go_with_their_account_and_long_after_their_end,
    },
    external::{
        an_attempt_is_used_once,
        a_person_of_a_provider_s_has_one_account,
        a_provider_is_linked_and_taken_away_by_the_owner,
        links_to_providers_go_with_their_account,
    },
    factors::{
        a_factor_is_begun_turned_on_and_off,
        a_step_is_used_once_and_none_before_it_any_more,
        a_recovery_code_is_used_once_and_its_owner_is_owed_a_mail,
        nothing_is_opened_by_a_password_alone_once_the_factor_is_on,
        a_factor_that_was_lost_is_taken_off_with_all_sessions,
        a_deleted_account_leaves_no_factor,
        secrets_that_were_never_confirmed_are_forgotten_after_a_day,
    },
    links::{
        a_link_is_owed_to_an_account_and_not_too_often,
        a_link_sets_the_password_once_and_ends_everything,
        a_link_that_is_over_changes_nothing,
        a_new_password_makes_links_worthless,
        an_address_is_verified_once,
        links_are_forgotten_a_day_after_their_end,
    },
    mails::{
        a_mail_is_taken_once_until_its_time_is_over,
        a_mail_that_went_or_never_will_is_forgotten,
        only_who_has_an_address_is_owed_a_mail,
        the_mails_of_a_deleted_account_go_with_it,
    },
    security::{
        a_change_and_its_event_are_one_commit,
        refusals_that_go_on_are_one_row,
        events_are_listed_by_account_kind_and_time_page_by_page,
        a_deleted_account_leaves_no_place_behind,
        what_is_too_old_or_too_much_goes_and_changes_outlive_refusals,
    },
    sessions::{
        a_session_needs_the_password_that_is_there_now,
        a_refresh_token_has_one_successor,
        a_refresh_token_that_comes_back_late_ends_its_session,
        a_session_ends_once_and_only_by_its_user,
        sessions_are_listed_until_they_end,
        all_sessions_end_at_once,
        a_new_password_ends_all_other_sessions,
        sweeping_forgets_only_what_is_long_over,
    },
    users::{
        accounts_are_found_by_name_role_and_status,
        accounts_are_listed_page_by_page,
        who_is_disabled_has_nothing_left_and_gets_nothing,
        the_last_admin_who_may_sign_in_stays,
        accounts_are_brought_along_once_and_stay_as_they_are,
    },
}

const OPTIONS: Options = Options {
    readers: 2,
    write_queue_max: 256,
    group_max: 64,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

/// A way behind a store's back.
#[async_trait]
trait Behind: Send + Sync {
    /// The one text that a statement finds.
    async fn look(&self, sql: &'static str) -> Option<String>;
    /// The same store, opened once more.
    async fn reopened(&self) -> Arc<dyn Store>;
}

/// A store to try.
struct Bench {
    store: Arc<dyn Store>,
    behind: Box<dyn Behind>,
}

struct BehindSqlite {
    folder: PathBuf,
    database: Database,
}

async fn sqlite() -> Option<Bench> {
    let folder = std::env::temp_dir().join(format!("souk-identity-{}", UserId::generate()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = open_sqlite(&folder);
    let database = store.database();
    Some(Bench {
        store: Arc::new(store),
        behind: Box::new(BehindSqlite { folder, database }),
    })
}

fn open_sqlite(folder: &std::path::Path) -> SqliteStore {
    SqliteStore::open(&folder.join("identity.sqlite"), OPTIONS, at(0)).unwrap()
}

#[async_trait]
impl Behind for BehindSqlite {
    async fn look(&self, sql: &'static str) -> Option<String> {
        let look = self
            .database
            .read(move |c| Ok(c.query_row(sql, [], |row| row.get(0))?));
        look.await.unwrap()
    }

    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(open_sqlite(&self.folder))
    }
}

impl Drop for BehindSqlite {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.folder));
    }
}

struct BehindPostgres {
    place: db::postgres::Place,
    database: db::postgres::Database,
}

async fn postgres() -> Option<Bench> {
    let place = Postgres::shared()?.place("identity");
    let store = open_postgres(&place).await;
    let database = store.database();
    Some(Bench {
        store: Arc::new(store),
        behind: Box::new(BehindPostgres { place, database }),
    })
}

/// So many nodes on one database.
async fn postgres_nodes(count: usize) -> Option<Vec<Arc<dyn Store>>> {
    let place = Postgres::shared()?.place("identity");
    let mut nodes: Vec<Arc<dyn Store>> = Vec::new();
    for _ in 0..count {
        nodes.push(Arc::new(open_postgres(&place).await));
    }
    Some(nodes)
}

async fn open_postgres(place: &db::postgres::Place) -> PostgresStore {
    PostgresStore::open(place.clone(), at(0)).await.unwrap()
}

#[async_trait]
impl Behind for BehindPostgres {
    async fn look(&self, sql: &'static str) -> Option<String> {
        let connection = self.database.read().await.unwrap();
        connection.query_one(sql, &[]).await.unwrap().get(0)
    }

    async fn reopened(&self) -> Arc<dyn Store> {
        Arc::new(open_postgres(&self.place).await)
    }
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(0).plus_seconds(seconds)
}

/// Something that happened to somebody.
fn event(seconds: i64) -> SecurityEvent {
    SecurityEvent::new(SecurityEventKind::SessionEnded, at(seconds))
}

fn person(email: &str) -> NewUser {
    let id = UserId::generate();
    NewUser {
        id,
        email: Some(Email::parse(email).unwrap()),
        username: None,
        name: Some("Ann".to_owned()),
        password_hash: SecretString::from("hash one"),
        roles: Roles::of(&[]),
        at: at(1),
        event: event(1).of(id),
    }
}

fn notice(seconds: i64) -> NewMail {
    NewMail {
        id: MailId::generate(),
        kind: MailKind::PasswordChanged,
        at: at(seconds),
        expires_at: at(seconds).plus_seconds(1_000),
    }
}

fn session(token: u8) -> NewSession {
    NewSession {
        id: SessionId::generate(),
        token: [token; 32],
        at: at(1),
        expires_at: at(1_000),
        event: event(1),
    }
}

fn rotation(used: u8, seconds: i64) -> Rotation {
    Rotation {
        used: [used; 32],
        successor: [used.saturating_add(1); 32],
        at: at(seconds),
        expires_at: at(seconds).plus_seconds(1_000),
        life_seconds: 1_000_000,
        grace_ms: 10_000,
        reused: SecurityEvent::new(SecurityEventKind::RefreshTokenReused, at(seconds)),
    }
}

async fn ann(store: &dyn Store) -> User {
    store
        .register(person("ann@example.com"), session(1))
        .await
        .unwrap()
}

async fn credentials(store: &dyn Store, email: &str) -> Option<Credentials> {
    let name = LoginName::Email(Email::parse(email).unwrap());
    store.credentials(name).await.unwrap()
}

async fn live(store: &dyn Store, rotation: Rotation) -> SessionId {
    match store.rotate(rotation).await.unwrap() {
        Rotated::Live(_, session) => session,
        Rotated::Reused(..) => panic!("reused"),
        Rotated::Over => panic!("over"),
    }
}

async fn is_over(store: &dyn Store, rotation: Rotation) -> bool {
    matches!(store.rotate(rotation).await.unwrap(), Rotated::Over)
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = std::env::temp_dir().join(format!("souk-identity-{}", UserId::generate()));
    std::fs::create_dir_all(&folder).unwrap();
    let store = open_sqlite(&folder);
    for entry in std::fs::read_dir(&folder).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
    drop(store);
    std::fs::remove_dir_all(&folder).unwrap();
}
