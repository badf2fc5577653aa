//! What becomes of writes when the server dies, the way to it is cut, or others are in the way.

use super::{
    add, names, open,
    proxy::{AtCommit, Proxy},
    write,
};
use platform::{
    db::{
        Abort, StoreError,
        postgres::{Connection, Database},
    },
    deadline::{self, Deadline},
};
use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    time::Duration,
};
use testkit::postgres::Postgres;
use tokio::{net::TcpListener, sync::Notify, time::Instant};

#[tokio::test]
async fn what_was_acknowledged_outlives_the_server_s_death_and_the_pool_finds_back() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let database = open(server.place("things")).await;
    for name in ["a", "b", "c"] {
        write(&database, name).await.unwrap();
    }
    server.kill();
    let away = write(&database, "d").await.unwrap_err();
    let nothing_begun = matches!(away, StoreError::Away(_));
    assert!(nothing_begun, "{away:?}");
    assert!(database.reach().await.is_err());
    server.restart();
    while database.reach().await.is_err() {
        tokio::task::yield_now().await;
    }
    write(&database, "e").await.unwrap();
    assert_eq!(names(&database).await, ["a", "b", "c", "e"]);
}

/// A database behind a proxy, and a direct way to it.
async fn behind_a_proxy(server: &Postgres) -> (Proxy, Database, Database) {
    let proxy = Proxy::to(server.port()).await;
    let url = server.database();
    let far = proxy.url(&url, server.port());
    let direct = open(server.place_at(url, "things")).await;
    let far = open(server.place_at(far, "things")).await;
    (proxy, far, direct)
}

#[tokio::test]
async fn a_write_whose_answer_is_lost_is_found_and_not_made_twice() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let (proxy, database, direct) = behind_a_proxy(server).await;
    let runs = Arc::new(AtomicU32::new(0));
    proxy.at_next_commit(AtCommit::CutAfter);
    let numbered: Result<u32, Abort<Infallible>> = database
        .write(Arc::clone(&runs), |c, runs| {
            Box::pin(async move {
                let run = runs.fetch_add(1, Ordering::SeqCst);
                add(c, "once").await?;
                Ok(run)
            })
        })
        .await;
    assert_eq!(numbered.unwrap(), 0, "the first run's own answer");
    assert_eq!(runs.load(Ordering::SeqCst), 1);
    assert_eq!(names(&direct).await, ["once"]);
}

#[tokio::test]
async fn a_write_whose_commit_never_arrived_is_made_again() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let (proxy, database, direct) = behind_a_proxy(server).await;
    proxy.at_next_commit(AtCommit::CutBefore);
    write(&database, "again").await.unwrap();
    assert_eq!(names(&direct).await, ["again"]);
}

#[tokio::test]
async fn a_commit_that_is_not_answered_ends_as_unknown_with_the_caller_s_time() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let (proxy, database, direct) = behind_a_proxy(server).await;
    proxy.at_next_commit(AtCommit::Hang);
    let began = Instant::now();
    let patience = Some(Deadline::after(Duration::from_millis(500)));
    let hung = deadline::within(patience, write(&database, "perhaps")).await;
    assert!(matches!(hung, Err(StoreError::Unknown(_))), "{hung:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
    assert_eq!(names(&direct).await, ["perhaps"]);
}

#[tokio::test]
async fn an_outcome_that_cannot_be_found_out_is_unknown() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let proxy = Proxy::to(server.port()).await;
    let url = server.database();
    let direct = open(server.place_at(url.clone(), "things")).await;
    let mut place = server.place_at(proxy.url(&url, server.port()), "things");
    (
        place.options.write_timeout_ms,
        place.options.outcome_wait_ms,
    ) = (1_000, 200);
    let database = open(place).await;
    proxy.at_next_commit(AtCommit::Hang);
    let dying = async {
        while names(&direct).await.is_empty() {
            tokio::task::yield_now().await;
        }
        server.kill();
    };
    let (written, ()) = tokio::join!(write(&database, "perhaps"), dying);
    assert!(
        matches!(written, Err(StoreError::Unknown(_))),
        "{written:?}"
    );
    server.restart();
    let again = open(server.place_at(url, "things")).await;
    assert_eq!(names(&again).await, ["perhaps"]);
}

#[tokio::test]
async fn a_write_whose_server_dies_before_its_commit_is_lost_for_certain() {
    let Some(server) = Postgres::start() else {
        return;
    };
    let server = Arc::new(server);
    let place = server.place("things");
    let database = open(place.clone()).await;
    let written: Result<(), Abort<Infallible>> = database
        .write(Arc::clone(&server), |c, server| {
            Box::pin(async move {
                add(c, "one").await?;
                server.kill();
                add(c, "two").await?;
                Ok(())
            })
        })
        .await;
    let lost = matches!(written, Err(Abort::Failed(StoreError::Away(_))));
    assert!(lost, "{written:?}");
    server.restart();
    assert_eq!(names(&open(place).await).await, [""; 0]);
}

/// A write of one statement, which finds by its key what it wrote before; true if it was not there. The proxy knows
/// it by its value, and takes that for a COMMIT.
async fn write_once(database: &Database, runs: &Arc<AtomicU32>) -> Result<bool, StoreError> {
    database
        .write_once(Arc::clone(runs), |c, runs| {
            Box::pin(async move {
                runs.fetch_add(1, Ordering::SeqCst);
                let sql = "INSERT INTO things (thing_id, name) VALUES (gen_random_uuid(), $1)
                           ON CONFLICT (name) DO NOTHING";
                Ok(c.execute(sql, &[&ONCE]).await? == 1)
            })
        })
        .await
}

const ONCE: &str = "a single COMMIT";

#[tokio::test]
async fn a_write_of_one_statement_whose_answer_is_lost_finds_by_its_key_what_it_wrote() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    for (cut, is_new) in [(AtCommit::CutAfter, false), (AtCommit::CutBefore, true)] {
        let (proxy, database, direct) = behind_a_proxy(server).await;
        let runs = Arc::default();
        // Prepared: from here on its text is not sent any more, only its value.
        assert!(write_once(&database, &runs).await.unwrap());
        let connection = direct.read().await.unwrap();
        connection.execute("DELETE FROM things", &[]).await.unwrap();
        proxy.at_next_commit(cut);
        assert_eq!(
            write_once(&database, &runs).await.unwrap(),
            is_new,
            "{cut:?}"
        );
        assert_eq!(runs.load(Ordering::SeqCst), 3, "{cut:?}");
        assert_eq!(names(&direct).await, [ONCE], "{cut:?}");
    }
}

#[tokio::test]
async fn a_write_of_one_statement_that_is_not_answered_is_unknown_with_the_caller_s_time() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let (proxy, database, direct) = behind_a_proxy(server).await;
    proxy.at_next_commit(AtCommit::Hang);
    let patience = Some(Deadline::after(Duration::from_millis(500)));
    let hung = deadline::within(patience, write_once(&database, &Arc::default())).await;
    assert!(matches!(hung, Err(StoreError::Unknown(_))), "{hung:?}");
    assert_eq!(names(&direct).await, [ONCE]);
}

#[tokio::test]
async fn a_write_of_one_statement_that_is_refused_keeps_nothing_and_says_which_constraint() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    write(&database, "taken").await.unwrap();
    let refused = database.write_once((), |c, ()| {
        Box::pin(async move {
            let sql = "INSERT INTO things (thing_id, name)
                       SELECT gen_random_uuid(), name FROM UNNEST($1::text[]) AS new (name)";
            c.execute(sql, &[&vec!["free", "taken"]]).await
        })
    });
    let refused = refused.await.unwrap_err();
    assert!(refused.violates("things_name_unique"), "{refused:?}");
    assert_eq!(names(&database).await, ["taken"]);
}

async fn lock(c: &Connection, name: &str) -> Result<(), StoreError> {
    let sql = "SELECT 1 FROM things WHERE name = $1 FOR UPDATE";
    c.query(sql, &[&name]).await.map(drop)
}

/// Where two writes meet: between their locks at first, and when one of them is done.
#[derive(Default)]
struct Crossing {
    runs: AtomicU32,
    meet: Notify,
    done: Notify,
}

/// Locks two rows, one after the other, when the other write has locked its first as well. Made once more, it
/// waits until the other is done.
async fn cross(
    database: &Database,
    rows: [&'static str; 2],
    crossing: &Arc<Crossing>,
) -> Result<(), Abort<Infallible>> {
    let input = (rows, Arc::clone(crossing), AtomicBool::new(false));
    let crossed = database
        .write(input, |c, (rows, crossing, again)| {
            Box::pin(async move {
                if again.swap(true, Ordering::SeqCst) {
                    crossing.done.notified().await;
                }
                lock(c, rows[0]).await?;
                if crossing.runs.fetch_add(1, Ordering::SeqCst) == 0 {
                    crossing.meet.notified().await;
                }
                crossing.meet.notify_one();
                lock(c, rows[1]).await?;
                Ok(())
            })
        })
        .await;
    crossing.done.notify_one();
    crossed
}

#[tokio::test]
async fn a_deadlock_is_broken_and_its_loser_made_once_more() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let database = open(server.place("things")).await;
    for name in ["a", "b"] {
        write(&database, name).await.unwrap();
    }
    let crossing = Arc::new(Crossing::default());
    let (one, other) = tokio::join!(
        cross(&database, ["a", "b"], &crossing),
        cross(&database, ["b", "a"], &crossing)
    );
    assert!(one.is_ok() && other.is_ok(), "{one:?} {other:?}");
    assert_eq!(crossing.runs.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn of_several_hosts_the_one_that_answers_and_can_be_written_to_is_taken() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    // Takes connections and says nothing, like a frozen server.
    let frozen = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = frozen.local_addr().unwrap().port();
    let here = format!("127.0.0.1:{}", server.port());
    let hosts = format!("127.0.0.1:1,127.0.0.1:{port},{here}");
    let url = server.database().replace(&here, &hosts);
    let mut place = server.place_at(url, "things");
    place.options.connect_timeout_ms = 300;
    let database = open(place).await;
    write(&database, "found").await.unwrap();
    assert_eq!(names(&database).await, ["found"]);
}

#[tokio::test]
async fn a_server_that_cannot_be_written_to_is_no_server_of_ours() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    let url = server.database();
    drop(open(server.place_at(url.clone(), "things")).await);
    let only = format!("{url}?options=-c%20default_transaction_read_only%3Don");
    let mut place = server.place_at(only, "things");
    place.options.start_wait_ms = 100;
    let refused = Database::new(place).unwrap().reach().await;
    assert!(matches!(refused, Err(StoreError::Away(_))), "{refused:?}");
}

#[tokio::test]
async fn a_wrong_address_is_refused_without_saying_the_password() {
    let Some(server) = Postgres::shared() else {
        return;
    };
    for url in [
        "postgres://u:sekret@h:x/d",
        "postgres://u:sekret@h/d?nonsense=1",
    ] {
        let refused = Database::new(server.place_at(url.to_owned(), "things"));
        let said = format!("{:?}", refused.unwrap_err());
        assert!(!said.contains("sekret"), "{said}");
    }
}
