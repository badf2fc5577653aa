//! The steps of identity's schema in PostgreSQL. None is ever changed once it is there.

use platform::db::{migrate::Migration, postgres::BASE};

pub(crate) const MIGRATIONS: [Migration; 9] = [
    BASE,
    Migration {
        number: 1,
        name: "users_and_sessions",
        sql: include_str!("../../../migrations/postgres/0001_users_and_sessions.sql"),
    },
    Migration {
        number: 2,
        name: "mails",
        sql: include_str!("../../../migrations/postgres/0002_mails.sql"),
    },
    Migration {
        number: 3,
        name: "mail_links",
        sql: include_str!("../../../migrations/postgres/0003_mail_links.sql"),
    },
    Migration {
        number: 4,
        name: "security_events",
        sql: include_str!("../../../migrations/postgres/0004_security_events.sql"),
    },
    Migration {
        number: 5,
        name: "second_factors",
        sql: include_str!("../../../migrations/postgres/0005_second_factors.sql"),
    },
    Migration {
        number: 6,
        name: "external_names",
        sql: include_str!("../../../migrations/postgres/0006_external_names.sql"),
    },
    Migration {
        number: 7,
        name: "api_keys",
        sql: include_str!("../../../migrations/postgres/0007_api_keys.sql"),
    },
    Migration {
        number: 8,
        name: "finding_accounts",
        sql: include_str!("../../../migrations/postgres/0008_finding_accounts.sql"),
    },
];
