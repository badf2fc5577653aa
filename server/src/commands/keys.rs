//! `souk admin keys`: API keys for programs, written straight into identity's store, so that it works with and
//! without a running shop. The text of a key goes to standard output alone, and nothing else does when one is made.

use crate::{
    args::{DataArgs, KeysCommand},
    console::{complain, say},
    shop::open_services,
};
use contracts::{
    BoxError,
    identity::ApiKeyView,
    problem::ToProblem,
    scopes::Scope,
    values::{ApiKeyId, Email, Timestamp},
};
use identity::Wanted;
use secrecy::ExposeSecret;

pub(super) async fn run(command: KeysCommand) -> Result<(), BoxError> {
    match command {
        KeysCommand::Create {
            data,
            email,
            name,
            scopes,
            expires,
        } => {
            let wanted = Wanted {
                name,
                scopes,
                expires_at: expires,
            };
            create(&data, &email, wanted).await
        }
        KeysCommand::List { data, email } => list(&data, &email).await,
        KeysCommand::Revoke { data, id } => revoke(&data, id).await,
    }
}

async fn create(data: &DataArgs, email: &str, wanted: Wanted) -> Result<(), BoxError> {
    let email = address(email)?;
    let (services, _work) = open_services(&data.load()?, true).await?;
    let made = services.near_identity()?.make_key_for(email, wanted).await;
    let made = made.map_err(|error| words(&error))?;
    complain(format!(
        "{} acts as {}; this is its text, shown once:",
        made.key.id, made.key.owner
    ));
    if let Some(secret) = made.secret {
        say(secret.expose_secret());
    }
    Ok(())
}

async fn list(data: &DataArgs, email: &str) -> Result<(), BoxError> {
    let email = address(email)?;
    let (services, _work) = open_services(&data.load()?, true).await?;
    let keys = services.near_identity()?.keys_of(email).await;
    for key in keys.map_err(|error| words(&error))? {
        say(line(&key));
    }
    Ok(())
}

async fn revoke(data: &DataArgs, id: ApiKeyId) -> Result<(), BoxError> {
    let (services, _work) = open_services(&data.load()?, true).await?;
    let ended = services.near_identity()?.end_key(id).await;
    if !ended.map_err(|error| words(&error))? {
        return Err(format!("there is no key {id}").into());
    }
    say(format!("{id} is revoked"));
    Ok(())
}

fn address(text: &str) -> Result<Email, BoxError> {
    Email::parse(text).map_err(|error| format!("--email {error}").into())
}

/// A refusal by its fields, if it names some.
fn words(error: &impl ToProblem) -> String {
    let problem = error.to_problem();
    let fields = problem.errors.iter();
    let fields: Vec<String> = fields
        .map(|field| format!("{} {}", field.field.trim_start_matches('/'), field.message))
        .collect();
    if fields.is_empty() {
        problem.detail
    } else {
        fields.join(", ")
    }
}

fn line(key: &ApiKeyView) -> String {
    let scopes: Vec<&str> = key
        .scopes
        .iter()
        .map(|scope: &Scope| scope.as_str())
        .collect();
    let moment = |at: Option<Timestamp>| at.map_or_else(|| "never".to_owned(), |at| at.to_string());
    format!(
        "{}  {}  made {}  ends {}  used {}  revoked {}  {:?}",
        key.id,
        scopes.join(","),
        key.created_at,
        moment(key.expires_at),
        moment(key.last_used_at),
        moment(key.revoked_at),
        key.name
    )
}
