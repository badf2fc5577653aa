//! What every store of identity promises, whatever it is made of. No SQL in here but to look inside.

use super::{
    Credentials, LoginName, NewSession, NewUser, Rename, RoleChange, Rotated, Rotation, Setup,
    SigningKey, Store, sqlite::SqliteStore,
};
use crate::domain::{roles::Roles, user::User};
use contracts::{
    access::Role,
    identity::{LoginError, ProfileError, RegisterError},
    request::Precondition,
    values::{Email, SessionId, Timestamp, UserId, Username, Version},
};
use platform::db::{Abort, sqlite::Options};
use secrecy::{ExposeSecret, SecretString};

const OPTIONS: Options = Options {
    readers: 2,
    write_queue_max: 256,
    group_max: 64,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
};

struct Folder(std::path::PathBuf);

impl Folder {
    fn new() -> Self {
        let path = std::env::temp_dir().join(format!("souk-identity-{}", UserId::generate()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn open(&self) -> SqliteStore {
        SqliteStore::open(&self.0.join("identity.sqlite"), OPTIONS, at(0)).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const fn at(seconds: i64) -> Timestamp {
    Timestamp::from_ms(0).plus_seconds(seconds)
}

fn person(email: &str) -> NewUser {
    NewUser {
        id: UserId::generate(),
        email: Some(Email::parse(email).unwrap()),
        username: None,
        name: Some("Ann".to_owned()),
        password_hash: SecretString::from("hash one"),
        roles: Roles::of(&[]),
        at: at(1),
    }
}

fn session(token: u8) -> NewSession {
    NewSession {
        id: SessionId::generate(),
        token: [token; 32],
        at: at(1),
        expires_at: at(1_000),
    }
}

fn rotation(used: u8, seconds: i64) -> Rotation {
    Rotation {
        used: [used; 32],
        successor: [used.saturating_add(1); 32],
        at: at(seconds),
        expires_at: at(seconds).plus_seconds(1_000),
        grace_ms: 10_000,
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

async fn one_name_in_all_spellings_is_one_account(store: &dyn Store) {
    let mut first = person("ann@example.com");
    first.username = Some(Username::parse("Ann").unwrap());
    store.register(first, session(1)).await.unwrap();
    for spelling in ["ANN@example.COM", "ａｎｎ@example.com"] {
        let refused = store.register(person(spelling), session(2)).await;
        assert!(
            matches!(refused, Err(Abort::Refused(RegisterError::EmailTaken))),
            "{spelling}"
        );
    }
    let mut second = person("bob@example.com");
    second.username = Some(Username::parse("aNN").unwrap());
    let refused = store.register(second, session(3)).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(RegisterError::UsernameTaken))
    ));
    assert!(
        credentials(store, "bob@example.com").await.is_none(),
        "nothing was left"
    );
    assert!(is_over(store, rotation(3, 2)).await, "no session either");
}

async fn a_session_needs_the_password_that_is_there_now(store: &dyn Store) {
    let user = ann(store).await;
    let proven = credentials(store, "ANN@example.com").await.unwrap();
    store
        .open_session(proven.clone(), session(2))
        .await
        .unwrap();
    let mut admin = person("ann@example.com");
    admin.password_hash = SecretString::from("hash two");
    admin.at = at(5);
    let promoted = store.make_admin(admin).await.unwrap();
    assert_eq!(
        (promoted.id, promoted.roles.as_text()),
        (user.id, "customer,admin".to_owned())
    );
    assert_eq!((promoted.version.get(), promoted.epoch), (2, 1));
    let refused = store.open_session(proven.clone(), session(3)).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(LoginError::InvalidCredentials))
    ));
    assert!(
        store.delete(proven, at(6)).await.is_err(),
        "nor may it delete"
    );
    assert!(
        is_over(store, rotation(1, 6)).await,
        "earlier sessions have ended"
    );
    assert!(is_over(store, rotation(2, 6)).await);
    let now = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(now.password_hash.expose_secret(), "hash two");
}

async fn a_refresh_token_has_one_successor(store: &dyn Store) {
    ann(store).await;
    let session = live(store, rotation(1, 100)).await;
    assert_eq!(
        live(store, rotation(1, 110)).await,
        session,
        "an answer that was lost"
    );
    assert_eq!(live(store, rotation(2, 105)).await, session);
    assert_eq!(live(store, rotation(3, 500)).await, session);
    assert!(is_over(store, rotation(9, 500)).await, "unknown");
    assert!(is_over(store, rotation(4, 1_500)).await, "at its end");
}

async fn a_refresh_token_that_comes_back_late_ends_its_session(store: &dyn Store) {
    let user = ann(store).await;
    let session = live(store, rotation(1, 100)).await;
    let reused = store.rotate(rotation(1, 111)).await.unwrap();
    assert!(matches!(reused, Rotated::Reused(who, ended) if who == user.id && ended == session));
    assert!(
        is_over(store, rotation(2, 112)).await,
        "the thief's and the owner's"
    );
    assert!(is_over(store, rotation(1, 112)).await);
    let endings = store.endings_since(at(111)).await.unwrap();
    assert_eq!(endings.sessions, [(session, at(111))]);
}

async fn a_session_ends_once_and_only_by_its_user(store: &dyn Store) {
    let user = ann(store).await;
    let session = live(store, rotation(1, 2)).await;
    store
        .end_session(session, UserId::generate(), at(3))
        .await
        .unwrap();
    live(store, rotation(2, 4)).await;
    store.end_session(session, user.id, at(5)).await.unwrap();
    store.end_session(session, user.id, at(9)).await.unwrap();
    assert!(is_over(store, rotation(3, 10)).await);
    assert_eq!(
        store.endings_since(at(0)).await.unwrap().sessions,
        [(session, at(5))]
    );
    assert_eq!(
        store.end_session_of([1; 32], at(11)).await.unwrap(),
        Some(session)
    );
    assert_eq!(store.end_session_of([99; 32], at(11)).await.unwrap(), None);
}

async fn a_stale_version_changes_nothing(store: &dyn Store) {
    let user = ann(store).await;
    let rename = |sent, name: Option<&str>| Rename {
        id: user.id,
        sent,
        name: Some(name.map(str::to_owned)),
    };
    let first = Precondition::Header(Version::FIRST);
    let renamed = store.rename(rename(first, None)).await.unwrap();
    assert_eq!((renamed.name, renamed.version.get()), (None, 2));
    for sent in [first, Precondition::Body(Version::FIRST)] {
        let Err(Abort::Refused(ProfileError::VersionConflict { current, .. })) =
            store.rename(rename(sent, Some("Eve"))).await
        else {
            panic!("a stale version was taken")
        };
        assert_eq!(current.get(), 2);
    }
    assert_eq!(store.user(user.id).await.unwrap().unwrap().name, None);
    let unknown = Rename {
        id: UserId::generate(),
        ..rename(first, None)
    };
    let refused = store.rename(unknown).await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ProfileError::NotFound))
    ));
}

async fn new_roles_raise_version_and_epoch(store: &dyn Store) {
    let user = ann(store).await;
    let change = |sent| RoleChange {
        id: user.id,
        sent,
        roles: Roles::of(&[Role::Merchant]),
        at: at(7),
    };
    let changed = store
        .set_roles(change(Precondition::Body(Version::FIRST)))
        .await
        .unwrap();
    assert_eq!((changed.version.get(), changed.epoch), (2, 1));
    assert_eq!(changed.roles.as_text(), "customer,merchant");
    let refused = store
        .set_roles(change(Precondition::Body(Version::FIRST)))
        .await;
    assert!(matches!(
        refused,
        Err(Abort::Refused(ProfileError::VersionConflict { .. }))
    ));
    assert_eq!(
        store.endings_since(at(7)).await.unwrap().users,
        [(user.id, 1, at(7))]
    );
    let Rotated::Live(fresh, _) = store.rotate(rotation(1, 8)).await.unwrap() else {
        panic!("the session lives on")
    };
    assert_eq!((fresh.epoch, fresh.roles), (1, changed.roles));
}

async fn a_deleted_account_gives_its_name_back(store: &dyn Store) {
    let user = ann(store).await;
    let proven = credentials(store, "ann@example.com").await.unwrap();
    assert_eq!(store.delete(proven.clone(), at(9)).await.unwrap(), 1);
    assert!(store.delete(proven, at(9)).await.is_err(), "once");
    assert!(store.user(user.id).await.unwrap().is_none());
    assert!(store.credentials_of(user.id).await.unwrap().is_none());
    assert!(credentials(store, "ann@example.com").await.is_none());
    assert!(is_over(store, rotation(1, 10)).await);
    assert_eq!(
        store.endings_since(at(9)).await.unwrap().users,
        [(user.id, 1, at(9))]
    );
    let again = store
        .register(person("ann@example.com"), session(2))
        .await
        .unwrap();
    assert_ne!(again.id, user.id);
}

async fn a_setup_token_makes_one_admin(store: &dyn Store) {
    assert!(store.renew_setup_token([1; 32], at(1)).await.unwrap());
    assert!(store.renew_setup_token([2; 32], at(2)).await.unwrap());
    assert!(
        !store.setup_token_is_good([1; 32]).await.unwrap(),
        "replaced"
    );
    ann(store).await;
    let setup = |token, email| Setup {
        token: [token; 32],
        user: NewUser {
            roles: Roles::of(&[Role::Admin]),
            ..person(email)
        },
        session: session(9),
    };
    let replaced = store.set_up(setup(1, "root@example.com")).await;
    assert!(matches!(
        replaced,
        Err(Abort::Refused(RegisterError::SetupTokenInvalid))
    ));
    let taken = store.set_up(setup(2, "ann@example.com")).await;
    assert!(matches!(
        taken,
        Err(Abort::Refused(RegisterError::EmailTaken))
    ));
    assert!(
        store.setup_token_is_good([2; 32]).await.unwrap(),
        "a refusal uses nothing up"
    );
    store.set_up(setup(2, "root@example.com")).await.unwrap();
    let twice = store.set_up(setup(2, "eve@example.com")).await;
    assert!(matches!(
        twice,
        Err(Abort::Refused(RegisterError::SetupTokenInvalid))
    ));
    assert!(
        !store.renew_setup_token([3; 32], at(3)).await.unwrap(),
        "there is an admin"
    );
    assert!(!store.setup_token_is_good([3; 32]).await.unwrap());
}

async fn the_first_secrets_stay(store: &dyn Store) {
    let key = |kid: &str| SigningKey {
        kid: kid.to_owned(),
        pkcs8: vec![1],
        public_x: "x".to_owned(),
    };
    let first = store.secrets(key("one"), [1; 32], at(1)).await.unwrap();
    let second = store.secrets(key("two"), [2; 32], at(2)).await.unwrap();
    assert_eq!((first.successor, second.successor), ([1; 32], [1; 32]));
    assert_eq!(
        (first.keys[0].kid.as_str(), second.keys[0].kid.as_str()),
        ("one", "one")
    );
    assert_eq!(second.keys.len(), 1);
}

async fn sweeping_forgets_only_what_is_long_over(store: &dyn Store) {
    ann(store).await;
    let session = live(store, rotation(1, 500)).await;
    let day = 24 * 60 * 60;
    assert!(!store.sweep(at(1_400)).await.unwrap());
    assert_eq!(
        live(store, rotation(2, 1_401)).await,
        session,
        "one expired, the other not"
    );
    assert!(
        is_over(store, rotation(1, 1_402)).await,
        "forgotten, so that it ends nothing now"
    );
    store.sweep(at(2_500 + day)).await.unwrap();
    assert_eq!(
        store.end_session_of([3; 32], at(2_500)).await.unwrap(),
        None
    );
}

macro_rules! store_suite {
    ($($promise:ident),* $(,)?) => {
        mod sqlite {
            $(#[tokio::test]
            async fn $promise() {
                let folder = super::Folder::new();
                super::$promise(&folder.open()).await;
            })*
        }
    };
}

store_suite! {
    one_name_in_all_spellings_is_one_account,
    a_session_needs_the_password_that_is_there_now,
    a_refresh_token_has_one_successor,
    a_refresh_token_that_comes_back_late_ends_its_session,
    a_session_ends_once_and_only_by_its_user,
    a_stale_version_changes_nothing,
    new_roles_raise_version_and_epoch,
    a_deleted_account_gives_its_name_back,
    a_setup_token_makes_one_admin,
    the_first_secrets_stay,
    sweeping_forgets_only_what_is_long_over,
}

#[tokio::test]
async fn of_a_deleted_account_only_id_and_times_are_left() {
    let folder = Folder::new();
    let store = folder.open();
    let user = ann(&store).await;
    let proven = credentials(&store, "ann@example.com").await.unwrap();
    store.delete(proven, at(9)).await.unwrap();
    let database = store.database();
    let look = database.read(|c| {
        let left = c.query_row(
            "SELECT COALESCE(email, email_key, username, username_key, name, password_hash) FROM users",
            [],
            |row| row.get::<_, Option<String>>(0),
        )?;
        let event = c.query_row(
            "SELECT o.name || ' ' || o.payload || ' ' || s.end_reason FROM outbox o, sessions s",
            [],
            |row| row.get(0),
        )?;
        Ok((left, event))
    });
    let (left, event): (Option<String>, String) = look.await.unwrap();
    assert_eq!(left, None);
    let expected = format!(
        "identity.user_deleted.v1 {{\"user_id\":\"{}\"}} deleted",
        user.id
    );
    assert_eq!(event, expected);
}

#[tokio::test]
async fn what_was_kept_is_there_after_opening_again() {
    let folder = Folder::new();
    ann(&folder.open()).await;
    assert!(
        credentials(&folder.open(), "ann@example.com")
            .await
            .is_some()
    );
}

#[cfg(unix)]
#[test]
fn only_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    let _store = folder.open();
    for entry in std::fs::read_dir(&folder.0).unwrap() {
        let mode = entry.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
    }
}
