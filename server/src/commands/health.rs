//! `souk health`: a health check that needs no shell and no curl, with TLS or without it.

use crate::console::say;
use clap::Args;
use contracts::BoxError;
use platform::http::tls::ask::{Question, status};
use std::{path::PathBuf, time::Duration};

const PATIENCE: Duration = Duration::from_secs(3);

/// Flags of `health`.
#[derive(Debug, Clone, Args)]
pub struct HealthArgs {
    /// The shop's address, http:// or https://
    #[arg(default_value = "http://127.0.0.1:8080")]
    pub url: String,
    /// With https: believe whoever these certificates sign for, instead of the system's roots (PEM)
    #[arg(long, value_name = "FILE")]
    pub ca: Option<PathBuf>,
    /// With https: the name that the certificate must have, instead of the address's
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
}

pub(super) async fn run(args: &HealthArgs) -> Result<(), BoxError> {
    let scheme = match args.url.split_once("://") {
        None => "http://",
        Some(("http" | "https", _)) => "",
        Some(_) => {
            return Err(format!("{} begins with neither http:// nor https://", args.url).into());
        }
    };
    let address = format!("{scheme}{}/readyz", args.url.trim_end_matches('/'));
    let question = Question {
        url: &address,
        authorities: args.ca.as_deref(),
        name: args.name.as_deref(),
    };
    let answered = tokio::time::timeout(PATIENCE, status(&question)).await;
    let answered = answered.map_err(|_| format!("{address} does not answer"))?;
    let status = answered.map_err(|error| format!("{address} does not answer: {error}"))?;
    if status.is_success() {
        say("ready");
        Ok(())
    } else {
        Err(format!("{address} answers {status}").into())
    }
}
