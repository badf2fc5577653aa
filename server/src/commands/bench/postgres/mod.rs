//! `souk bench postgres`: durable orders a second over HTTP on PostgreSQL, and beside them, in the same run and on the
//! same server, what pgbench reaches with a function call an order that writes the same rows. Then several nodes that
//! fight for one product, beside one node alone. It judges correctness only, never speed.

mod figure;
mod pgbench;
mod stand;

use crate::{args::PostgresArgs, commands::cluster::process::Folder, console::say};
use contracts::BoxError;
use figure::Figures;
use pgbench::Pgbench;
use stand::Stand;

/// Which orders, and who takes them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    /// Spread over all products, one node.
    Uniform,
    /// All of one product, one node.
    Hot,
    /// All of one product, all nodes.
    Fought,
}

impl What {
    const fn name(self) -> &'static str {
        match self {
            Self::Uniform => "uniform",
            Self::Hot => "hot",
            Self::Fought => "fought",
        }
    }
}

pub(in crate::commands) async fn run(plan: PostgresArgs) -> Result<(), BoxError> {
    let folder = Folder::temporary()?;
    let mut stand = Stand::start(&plan, &folder).await?;
    let outcome = measured(&plan, &mut stand, &folder).await;
    stand.stop().await;
    outcome
}

async fn measured(plan: &PostgresArgs, stand: &mut Stand, folder: &Folder) -> Result<(), BoxError> {
    say(stand.settings().await?);
    let pgbench = Pgbench::prepare(&stand.server, folder.path(), plan).await?;
    let mut figures = Figures::default();
    for round in 1..=plan.rounds {
        say(format!("round {round} of {}", plan.rounds));
        for what in [What::Uniform, What::Hot] {
            figures.note(stand.place(what, plan).await?);
            if what == What::Hot && plan.nodes > 1 {
                figures.note(stand.place(What::Fought, plan).await?);
            }
            for clients in &plan.pgbench {
                stand.checkpoint().await?;
                figures.note(pgbench.run(&stand.server, what, *clients).await?);
            }
        }
    }
    figures.tell(plan.nodes);
    stand.check().await?;
    pgbench.check(&stand.server).await
}
