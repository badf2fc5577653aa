//! `souk health`: a health check that needs no shell and no curl.

use crate::console::say;
use contracts::BoxError;
use std::time::Duration;

pub(super) async fn run(url: &str) -> Result<(), BoxError> {
    let scheme = if url.contains("://") { "" } else { "http://" };
    let address = format!("{scheme}{}/readyz", url.trim_end_matches('/'));
    let client = reqwest::Client::builder()
        .timeout(Duration::from_secs(3))
        .build()?;
    let status = client
        .get(&address)
        .send()
        .await
        .map_err(|_| format!("{address} does not answer"))?
        .status();
    if status.is_success() {
        say("ready");
        Ok(())
    } else {
        Err(format!("{address} answers {status}").into())
    }
}
