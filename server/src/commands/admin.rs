//! `souk admin`: writes straight into identity's store, so that it works with and without a running shop.

use crate::{args::DataArgs, commands::password, console::say, shop::open_services};
use contracts::{BoxError, identity::ProfileError, problem::ToProblem, values::Email};

pub(super) async fn create(data: &DataArgs, email: &str) -> Result<(), BoxError> {
    let config = data.load()?;
    let email = Email::parse(email).map_err(|error| format!("--email {error}"))?;
    let password = password::read("Password: ")?;
    let folder = config.data_folder();
    let new = folder.filter(|folder| !folder.join("identity.sqlite").is_file());
    let (services, _work) = open_services(&config, false).await?;
    if let Some(folder) = new {
        say(format!("made a new shop in {}", folder.display()));
    }
    let user = services
        .near_identity()?
        .create_admin(email, password)
        .await
        .map_err(|error| error.to_problem().detail)?;
    say(format!("{} is an admin now, with this password", user.id));
    Ok(())
}

pub(super) async fn second_factor_off(data: &DataArgs, email: &str) -> Result<(), BoxError> {
    let config = data.load()?;
    let email = Email::parse(email).map_err(|error| format!("--email {error}"))?;
    let (services, _work) = open_services(&config, true).await?;
    let taken = services
        .near_identity()?
        .take_second_factor_off_of(email.clone())
        .await;
    match taken {
        Ok(true) => say(format!(
            "{} signs in by the password alone now",
            email.as_str()
        )),
        Ok(false) => say(format!("{} had no second factor", email.as_str())),
        Err(ProfileError::NotFound) => {
            return Err(format!("nobody has the address {}", email.as_str()).into());
        }
        Err(error) => return Err(error.to_problem().detail.into()),
    }
    Ok(())
}
