//! `souk keys`: the keys that the shop signs tokens with, written straight into identity's store, so that it works with
//! and without a running shop. What is secret of them is never shown.

use crate::{console::say, key_args::SigningKeysCommand, shop::open_services};
use contracts::BoxError;
use identity::SigningKeyView;

pub(super) async fn run(command: SigningKeysCommand) -> Result<(), BoxError> {
    match command {
        SigningKeysCommand::List { data } => {
            let (services, _work) = open_services(&data.load()?, true).await?;
            for key in services.near_identity()?.signing_keys().await? {
                say(line(&key));
            }
        }
        SigningKeysCommand::Rotate { data, at_once } => {
            let (services, _work) = open_services(&data.load()?, true).await?;
            let identity = services.near_identity()?;
            say(line(&identity.rotate_signing_key(at_once).await?));
        }
    }
    Ok(())
}

fn line(key: &SigningKeyView) -> String {
    let until = key.signs_until.map(|until| format!(" until {until}"));
    format!(
        "{}  signs from {}{}",
        key.kid,
        key.signs_from,
        until.unwrap_or_default()
    )
}
