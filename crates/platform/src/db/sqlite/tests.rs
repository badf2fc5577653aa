//! What the embedded store promises: groups commit together, and a bad write undoes itself alone.

use super::*;
use crate::{
    cache::Holds,
    deadline::{self, Deadline},
};

const SCHEMA: Migration = Migration {
    number: 1,
    name: "things",
    sql: "CREATE TABLE things (
              name  TEXT NOT NULL,
              units INTEGER NOT NULL,
              CONSTRAINT things_name_unique UNIQUE (name),
              CONSTRAINT things_units_not_negative CHECK (units >= 0)
          ) STRICT",
};

pub(super) const OPTIONS: Options = Options {
    readers: 2,
    write_queue_max: 4_096,
    group_max: 256,
    wal_checkpoint_pages: 1_000,
    cache_kilobytes: 1_000,
    mapped_megabytes: 0,
};

pub(super) struct Folder(std::path::PathBuf);

impl Folder {
    pub(super) fn new() -> Self {
        let name = format!("souk-sqlite-{}", uuid::Uuid::now_v7());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    pub(super) fn file(&self) -> std::path::PathBuf {
        self.0.join("test.sqlite")
    }

    pub(super) fn open(&self) -> Database {
        Database::open(&self.file(), OPTIONS, &[SCHEMA], 0).unwrap()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

fn insert(connection: &Connection, name: &str, units: i64) -> Result<(), Abort<&'static str>> {
    connection.execute(
        "INSERT INTO things (name, units) VALUES (?1, ?2)",
        (name, units),
    )?;
    Ok(())
}

async fn count(database: &Database) -> i64 {
    let read =
        database.read(|c| Ok(c.query_row("SELECT COUNT(*) FROM things", [], |row| row.get(0))?));
    read.await.unwrap()
}

/// What the file's owner, group and everybody may do, as `chmod` writes it.
fn rights(folder: &Folder) -> u32 {
    let known = std::fs::metadata(folder.file()).unwrap();
    std::os::unix::fs::MetadataExt::mode(&known) & 0o777
}

#[test]
fn a_file_is_its_owner_s_and_one_that_is_open_to_everybody_is_closed() {
    let folder = Folder::new();
    drop(folder.open());
    assert_eq!(rights(&folder), 0o600);
    for (before, after) in [
        (0o644, 0o640),
        (0o666, 0o660),
        (0o640, 0o640),
        (0o600, 0o600),
    ] {
        let given = std::os::unix::fs::PermissionsExt::from_mode(before);
        std::fs::set_permissions(folder.file(), given).unwrap();
        drop(folder.open());
        assert_eq!(rights(&folder), after, "{before:o}");
    }
}

#[tokio::test]
async fn a_bad_write_in_a_group_undoes_itself_alone() {
    let folder = Folder::new();
    let database = folder.open();
    let writes = (0..500_i64).map(|n| {
        let database = database.clone();
        async move {
            let write = database.write(move |c| {
                insert(c, &format!("{n}"), 1)?;
                if n % 5 == 0 {
                    Err(Abort::Refused("every fifth"))
                } else {
                    Ok(n)
                }
            });
            match write.await {
                Ok(answer) => assert_eq!(answer, n),
                Err(Abort::Refused(_)) => assert_eq!(n % 5, 0),
                Err(Abort::Failed(error)) => panic!("{error}"),
            }
        }
    });
    futures_util::future::join_all(writes).await;
    assert_eq!(count(&database).await, 400);
}

#[tokio::test]
async fn writes_that_outlive_different_ends_never_share_a_commit() {
    let folder = Folder::new();
    let database = folder.open();
    let writes = (0..500_i64).map(|n| {
        let database = database.clone();
        let (durability, level) = if n % 3 == 0 {
            (Durability::Kill, 1)
        } else {
            (Durability::PowerLoss, 2)
        };
        async move {
            let write = database.write_to_outlive(durability, move |c| {
                insert(c, &format!("{n}"), 1)?;
                Ok::<_, Abort<&str>>(c.query_row("PRAGMA synchronous", [], |row| row.get(0))?)
            });
            let seen: i64 = write.await.unwrap();
            assert_eq!(seen, level, "{n}");
        }
    });
    futures_util::future::join_all(writes).await;
    assert_eq!(count(&database).await, 500);
    drop(database);
    assert_eq!(count(&folder.open()).await, 500);
}

#[tokio::test]
async fn a_write_that_panics_undoes_itself_and_the_writer_goes_on() {
    let folder = Folder::new();
    let database = folder.open();
    let fallen: Result<(), Abort<&str>> = database
        .write(|c| {
            insert(c, "a", 1)?;
            panic!("on purpose")
        })
        .await;
    assert!(matches!(fallen, Err(Abort::Failed(StoreError::Lost(_)))));
    database.write(|c| insert(c, "b", 1)).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn constraints_come_back_by_name() {
    let folder = Folder::new();
    let database = folder.open();
    database.write(|c| insert(c, "a", 1)).await.unwrap();
    let twice = database
        .write(|c| insert(c, "a", 1).map_err(|e| e.or_constraint("things.name", || "taken")))
        .await;
    assert!(matches!(twice, Err(Abort::Refused("taken"))));
    let below = database
        .write(|c| {
            insert(c, "b", -1)
                .map_err(|e| e.or_constraint("things_units_not_negative", || "negative"))
        })
        .await;
    assert!(matches!(below, Err(Abort::Refused("negative"))));
}

#[tokio::test]
async fn a_full_disk_is_said_and_nothing_of_the_group_is_kept() {
    let folder = Folder::new();
    let database = folder.open();
    // SQLite's own page limit stands in for the disk: the error code is the same (SQLITE_FULL).
    database
        .write(|c| Ok::<_, Abort<()>>(c.pragma_update(None, "max_page_count", 8)?))
        .await
        .unwrap();
    let big = "x".repeat(100_000);
    let result = database.write(move |c| insert(c, &big, 1)).await;
    assert!(
        matches!(result, Err(Abort::Failed(StoreError::Full))),
        "{result:?}"
    );
    database.write(|c| insert(c, "small", 1)).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn readers_cannot_write() {
    let folder = Folder::new();
    let database = folder.open();
    let wrote = database
        .read(|c| Ok(c.execute("INSERT INTO things VALUES ('a', 1)", [])?))
        .await;
    assert!(wrote.is_err());
}

#[tokio::test]
async fn what_was_acknowledged_is_there_after_opening_again() {
    let folder = Folder::new();
    folder.open().write(|c| insert(c, "a", 1)).await.unwrap();
    assert_eq!(count(&folder.open()).await, 1);
}

#[tokio::test]
async fn a_write_whose_time_is_over_is_not_begun_and_its_neighbours_are() {
    let folder = Folder::new();
    let database = folder.open();
    let over = Some(Deadline::after(Duration::ZERO));
    let (late, mate) = tokio::join!(
        deadline::within(over, database.write(|c| insert(c, "late", 1))),
        database.write(|c| insert(c, "mate", 1)),
    );
    assert!(matches!(late, Err(Abort::Failed(StoreError::Late))));
    mate.unwrap();
    assert_eq!(count(&database).await, 1);
}

#[tokio::test]
async fn a_write_whose_caller_has_gone_is_not_begun() {
    let folder = Folder::new();
    let database = folder.open();
    let (pass, wait) = std::sync::mpsc::channel::<()>();
    let mut holds = Box::pin(database.write(move |c| {
        wait.recv().unwrap();
        insert(c, "first", 1)
    }));
    assert!(futures_util::poll!(holds.as_mut()).is_pending());
    let mut gone = Box::pin(database.write(|c| insert(c, "gone", 1)));
    assert!(futures_util::poll!(gone.as_mut()).is_pending());
    drop(gone);
    pass.send(()).unwrap();
    holds.await.unwrap();
    database.write(|c| insert(c, "after", 1)).await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once() {
    let folder = Folder::new();
    let options = Options {
        write_queue_max: 1,
        group_max: 1,
        ..OPTIONS
    };
    let database = Database::open(&folder.file(), options, &[SCHEMA], 0).unwrap();
    let (began, begins) = tokio::sync::oneshot::channel();
    let (pass, wait) = std::sync::mpsc::channel::<()>();
    let mut holds = Box::pin(database.write(move |c| {
        began.send(()).unwrap();
        wait.recv().unwrap();
        insert(c, "first", 1)
    }));
    assert!(futures_util::poll!(holds.as_mut()).is_pending());
    begins.await.unwrap();
    let mut waits = Box::pin(database.write(|c| insert(c, "second", 1)));
    assert!(futures_util::poll!(waits.as_mut()).is_pending());
    let refused = database.write(|c| insert(c, "third", 1)).await;
    assert!(matches!(
        refused,
        Err(Abort::Failed(StoreError::Overloaded))
    ));
    pass.send(()).unwrap();
    holds.await.unwrap();
    waits.await.unwrap();
    assert_eq!(count(&database).await, 2);
}

#[tokio::test]
async fn a_file_that_somebody_else_holds_is_busy_and_one_wait_is_enough_for_all() {
    let folder = Folder::new();
    let database = folder.open();
    let holder = Connection::open(folder.0.join("test.sqlite")).unwrap();
    holder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let writes = (0..50_i64).map(|n| {
        let database = database.clone();
        async move { database.write(move |c| insert(c, &format!("{n}"), 1)).await }
    });
    let outcomes = futures_util::future::join_all(writes);
    // Two groups at most: whoever came while the first waited for the lock (5 s) shares the second.
    let outcomes = tokio::time::timeout(Duration::from_secs(20), outcomes)
        .await
        .unwrap();
    assert!(
        outcomes
            .iter()
            .all(|outcome| matches!(outcome, Err(Abort::Failed(StoreError::Overloaded))))
    );
    holder.execute_batch("ROLLBACK").unwrap();
    database.write(|c| insert(c, "after", 1)).await.unwrap();
    assert_eq!(count(&database).await, 1);
}

/// Inserts, and says whether the writer's own thread did it.
async fn insert_by_thread(database: &Database, name: &str) -> bool {
    let name = name.to_owned();
    let write = database.write(move |c| {
        insert(c, &name, 1)?;
        Ok(std::thread::current().name() == Some("sqlite-writer"))
    });
    write.await.unwrap()
}

/// As if groups had taken so long of late.
fn usually(database: &Database, micros: u64) {
    let Room::Threads { writer, .. } = &database.room else {
        panic!("this is no simulation");
    };
    let usual = &writer.usual;
    usual.store(micros, std::sync::atomic::Ordering::Relaxed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lone_write_on_a_quick_disk_commits_where_it_stands_and_others_go_to_the_thread() {
    let (folder, other) = (Folder::new(), Folder::new());
    let (database, second) = (folder.open(), other.open());
    assert!(
        insert_by_thread(&database, "slow").await,
        "nothing is known of the disk yet"
    );
    // Its thread may still be putting its things in order.
    for round in 0..1_000 {
        usually(&database, 0);
        if !insert_by_thread(&database, &format!("round {round}")).await {
            break;
        }
    }
    usually(&database, 0);
    let (begun, begins) = std::sync::mpsc::channel();
    let (end, ended) = std::sync::mpsc::channel::<()>();
    let lone = database.clone();
    let (mut alone, mut others) = (tokio::task::JoinSet::new(), tokio::task::JoinSet::new());
    alone.spawn(async move {
        let write = lone.write(move |c| {
            begun.send(()).unwrap();
            ended.recv().unwrap();
            insert(c, "lone", 1)?;
            Ok(std::thread::current().name() == Some("sqlite-writer"))
        });
        write.await.unwrap()
    });
    tokio::task::spawn_blocking(move || begins.recv().unwrap())
        .await
        .unwrap();
    usually(&second, 0);
    assert!(
        insert_by_thread(&second, "elsewhere").await,
        "only one thread of the runtime may be kept"
    );
    let meanwhile = database.clone();
    others.spawn(async move { insert_by_thread(&meanwhile, "waiting").await });
    end.send(()).unwrap();
    let by_thread = alone.join_next().await.unwrap().unwrap();
    assert!(!by_thread, "the lone one did not need the thread");
    others.join_next().await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_group_counts_at_once_and_is_forgotten_by_some_quick_ones() {
    let folder = Folder::new();
    let database = folder.open();
    usually(&database, 501);
    assert!(insert_by_thread(&database, "slow").await);
    for (before, took, after) in [
        (0, 100, 100),
        (100, 9_000, 4_000),
        (4_000, 100, 3_500),
        (160, 150, 150),
        (100, 100, 100),
    ] {
        let usual = std::sync::atomic::AtomicU64::new(before);
        writer::learn(&usual, Durability::PowerLoss, took);
        assert_eq!(
            usual.into_inner(),
            after,
            "{took} after {before} microseconds"
        );
    }
}

#[tokio::test]
async fn what_was_read_of_a_row_holds_until_whoever_changed_it_hears_so() {
    let folder = Folder::new();
    let database = folder.open();
    let rows = database.watch(&["things"]).unwrap().unwrap();
    for name in ["tea", "milk"] {
        let sql = "INSERT INTO things (name, units) VALUES (?1, 1)";
        let put = database.write(move |c| Ok::<_, Abort<()>>(c.execute(sql, [name])?));
        put.await.unwrap();
    }
    for time in 0..20 {
        let begun = rows.now();
        let (tea, milk) = (rows.read(begun, 1), rows.read(begun, 2));
        assert!(tea.holds() && milk.holds(), "{time}");
        let sql = "UPDATE things SET units = units + 1 WHERE rowid = 1";
        let change = database.write(move |c| Ok::<_, Abort<()>>(c.execute(sql, [])?));
        change.await.unwrap();
        assert!(!tea.holds(), "{time}: it was changed");
        assert!(milk.holds(), "{time}: it was not");
    }
    let begun = rows.now();
    let gone = database
        .write(|c| Ok::<_, Abort<()>>(c.execute("DELETE FROM things WHERE rowid = 2", [])?));
    gone.await.unwrap();
    assert!(!rows.read(begun, 2).holds());
}
