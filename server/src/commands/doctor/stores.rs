//! What a shop keeps its rows in, and what carries its events: whether it is there, new enough, and keeps its word.

use super::{Finding, PATIENCE, is_open};
use crate::{commands::in_one_line, commands::migrate, config::Config, places::Places};
use contracts::BoxError;
use platform::{
    bus::nats,
    db::{
        Place,
        postgres::{self, Looked},
        sqlite,
    },
    redis,
    tasks::Tasks,
};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The oldest PostgreSQL that the tests ran with.
const POSTGRES_MIN: i64 = 150_000;
/// Connections that others may need: whoever looks, whoever copies.
const CONNECTIONS_BESIDE: i64 = 10;
/// Services that have connections of their own.
const SERVICES: i64 = 6;
/// How far two clocks may be apart.
const APART_MAX: Duration = Duration::from_secs(1);

pub(super) async fn look(config: &Config) -> Vec<Finding> {
    let mut findings = if config.database_is_shared() {
        postgres(config).await
    } else {
        vec![Finding::fine(
            "database",
            format!("SQLite {}, built in", sqlite::version()),
        )]
    };
    // Whoever is away was told of already.
    if findings.iter().all(|one| one.grade != super::Grade::Wrong) {
        findings.push(schema(config).await);
    }
    findings.push(broker(config).await);
    findings.push(cache(config).await);
    findings
}

async fn schema(config: &Config) -> Finding {
    let lacks = match tokio::time::timeout(PATIENCE, migrate::lacks(config)).await {
        Ok(Ok(lacks)) => lacks,
        Ok(Err(error)) => return Finding::wrong("schema", in_one_line(&*error)),
        Err(_) => return Finding::wrong("schema", "could not be read in time"),
    };
    let missing: usize = lacks.iter().map(|(_, steps)| steps.len()).sum();
    match missing {
        0 => Finding::fine("schema", "is this release's"),
        _ if is_open(config) => Finding::doubtful(
            "schema",
            format!(
                "lacks {missing} steps of this program's release: the shop that is open is of another"
            ),
        ),
        _ => Finding::fine(
            "schema",
            format!(
                "lacks {missing} steps: the shop makes them when it opens, or `souk migrate up`"
            ),
        ),
    }
}

async fn postgres(config: &Config) -> Vec<Finding> {
    let looked = match tokio::time::timeout(PATIENCE, ask(config)).await {
        Ok(Ok(looked)) => looked,
        Ok(Err(error)) => {
            return vec![Finding::wrong("database", in_one_line(&*error))];
        }
        Err(_) => return vec![Finding::wrong("database", "PostgreSQL does not answer")],
    };
    vec![
        server(&looked),
        durability(&looked),
        connections(config, &looked),
        clocks(&looked),
    ]
}

async fn ask(config: &Config) -> Result<Looked, BoxError> {
    let tasks = Tasks::default();
    match Places::new(config, None, &tasks).of("orders")? {
        Place::Postgres(place) => Ok(postgres::Database::new(place)?.look().await?),
        Place::Sqlite(..) => Err("the database is no PostgreSQL".into()),
    }
}

fn server(looked: &Looked) -> Finding {
    let version = format!(
        "PostgreSQL {}.{}",
        looked.version / 10_000,
        looked.version % 10_000
    );
    if looked.is_standby {
        let line = format!(
            "{version}, a standby: name the primary too, with target_session_attrs=read-write"
        );
        Finding::wrong("database", line)
    } else if looked.version < POSTGRES_MIN {
        let least = POSTGRES_MIN / 10_000;
        Finding::doubtful(
            "database",
            format!("{version}: tried with {least} and newer"),
        )
    } else {
        Finding::fine("database", version)
    }
}

/// A server that answers before it keeps anything loses orders that were acknowledged.
fn durability(looked: &Looked) -> Finding {
    let off = looked.durability.iter().filter(|(_, value)| value == "off");
    let off: Vec<&str> = off.map(|(name, _)| *name).collect();
    let all = looked
        .durability
        .iter()
        .map(|(name, value)| format!("{name} {value}"));
    if off.is_empty() {
        Finding::fine("durability", all.collect::<Vec<_>>().join(", "))
    } else {
        let off = off.join(", ");
        Finding::wrong(
            "durability",
            format!("{off}: off, so that orders are lost with the power; turn it on"),
        )
    }
}

fn connections(config: &Config, looked: &Looked) -> Finding {
    let wanted = i64::from(config.postgres.connections_max).saturating_mul(SERVICES);
    let most = looked.connections_max;
    let line = format!("{wanted} at most for this node, of {most} that the server takes");
    if wanted.saturating_add(CONNECTIONS_BESIDE) > most {
        let how = "raise max_connections, or lower postgres.connections_max";
        Finding::doubtful("connected", format!("{line}: {how}"))
    } else {
        let nodes = most
            .saturating_sub(CONNECTIONS_BESIDE)
            .checked_div(wanted)
            .unwrap_or(0);
        Finding::fine("connected", format!("{line}: enough for {nodes} nodes"))
    }
}

fn clocks(looked: &Looked) -> Finding {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let theirs = Duration::from_millis(u64::try_from(looked.now_ms).unwrap_or(0));
    let apart = now.abs_diff(theirs);
    if apart > APART_MAX {
        Finding::doubtful(
            "clock",
            format!("{apart:.1?} apart from the database's: keep time by NTP"),
        )
    } else {
        Finding::fine("clock", format!("{apart:.0?} apart from the database's"))
    }
}

async fn broker(config: &Config) -> Finding {
    if config.bus == platform::bus::LOCAL {
        return Finding::fine("bus", "local: events stay in this process");
    }
    match nats::look(&config.bus, &config.nats, PATIENCE).await {
        Ok(looked) if looked.keeps_events => {
            let (version, bytes) = (looked.version, looked.message_bytes_max);
            let line = format!("NATS {version} with JetStream, messages of {bytes} bytes");
            Finding::fine("bus", line)
        }
        Ok(looked) => {
            let version = looked.version;
            let line = format!("NATS {version} keeps no events: start it with --jetstream");
            Finding::wrong("bus", line)
        }
        Err(error) => Finding::doubtful(
            "bus",
            format!(
                "{}: the shop goes on without it, and events wait in the outbox",
                in_one_line(&*error)
            ),
        ),
    }
}

async fn cache(config: &Config) -> Finding {
    if config.cache == "local" {
        return Finding::fine(
            "cache",
            "local: limits and answers are kept in this process",
        );
    }
    match redis::look(&config.cache, PATIENCE).await {
        Ok(looked) if looked.when_full == "noeviction" => Finding::doubtful(
            "cache",
            format!(
                "Redis {} refuses writes when it is full: maxmemory-policy allkeys-lru",
                looked.version
            ),
        ),
        Ok(looked) => Finding::fine(
            "cache",
            format!("Redis {}, {} when full", looked.version, looked.when_full),
        ),
        Err(error) => Finding::doubtful(
            "cache",
            format!(
                "{}: the shop goes on without it, more slowly",
                in_one_line(&*error)
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::Grade, *};

    fn looked() -> Looked {
        Looked {
            version: 150_004,
            durability: [
                ("fsync", "on".to_owned()),
                ("full_page_writes", "on".to_owned()),
                ("synchronous_commit", "remote_apply".to_owned()),
            ],
            connections_max: 100,
            is_standby: false,
            now_ms: i64::MAX,
        }
    }

    #[test]
    fn a_server_that_forgets_orders_or_cannot_take_them_is_wrong() {
        let mut fine = looked();
        assert_eq!(server(&fine).line, "PostgreSQL 15.4");
        assert_eq!(durability(&fine).grade, Grade::Fine);
        fine.durability[0].1 = "off".to_owned();
        assert_eq!(durability(&fine).grade, Grade::Wrong);
        assert!(durability(&fine).line.starts_with("fsync: off"));
        fine.is_standby = true;
        assert_eq!(server(&fine).grade, Grade::Wrong);
        assert_eq!(clocks(&fine).grade, Grade::Doubtful);
    }
}
