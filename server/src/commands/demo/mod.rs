//! `souk demo`: a shop of one process with the demo catalog, in which made-up people buy, send, call off, return and
//! review, so that whoever looks sees a shop that lives. It says on every page what it is. It is never a shop that was
//! real before: it opens in a folder of its own only, moves no money, and writes no mail.

mod cast;
mod life;

use super::{api::Api, serve};
use crate::{args::ServeArgs, config::Config, console::say, demo_args::LivingArgs, shop::Shop};
use cast::Cast;
use contracts::BoxError;
use life::Life;
use payments::ProviderName;
use platform::digest;
use secrecy::ExposeSecret;
use std::{
    fs::{self, OpenOptions},
    io::Write,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

/// What a demo's folder holds: everybody's password, and the proof that no shop was there before.
const MARK: &str = "souk.demo";
/// What stands above every page.
const NOTICE: &str =
    "This is a demo: people, orders and money here are made up. Nothing is sold or sent.";
/// What stands there when a demo's folder is opened as any other: what it does now is up to its settings.
const NOTICE_LATER: &str = "A demo made this shop: people, orders and money here are made up.";
/// What the name of a demo ends with.
const ENDING: &str = " (demo)";

pub(super) async fn run(args: &LivingArgs) -> Result<(), BoxError> {
    let serve = ServeArgs {
        data: args.data.clone(),
        listen: args.listen,
        ephemeral: args.data.data.is_none(),
        ..ServeArgs::default()
    };
    let config = serve.load()?;
    check(&config, args)?;
    let password = match &args.data.data {
        Some(folder) => password_in(folder)?,
        None => fresh_password()?,
    };
    let orders = args.orders;
    let begin = move |shop: &mut Shop| begin(shop, password, orders);
    Box::pin(serve::open((config, make_it_a_demo), &serve, begin)).await
}

/// What a demo is never opened on.
fn check(config: &Config, args: &LivingArgs) -> Result<(), BoxError> {
    if config.database_is_shared() {
        return Err("db: a demo keeps its shop in a folder of its own, not in a database".into());
    }
    if config.payments.provider != ProviderName::Sandbox {
        return Err("payments.provider: a demo moves no money; it pays in the sandbox".into());
    }
    if !config.target.is_whole() || !config.gateway.upstream.nodes.is_empty() {
        return Err("target: a demo is one process with all parts of the shop".into());
    }
    if !config.http.is_private() && !args.anywhere {
        return Err(format!(
            "a demo lets everybody in who finds it: it listens on this machine only, not on {}, unless you say \
             --anywhere",
            config.http.listen
        )
        .into());
    }
    Ok(())
}

fn make_it_a_demo(config: &mut Config) {
    config.shop.demo = true;
    config.shop.name.push_str(ENDING);
    NOTICE.clone_into(&mut config.shop.notice);
    // Nobody has these addresses.
    config.orders.mails.kinds.clear();
}

/// Says what a shop is whose folder a demo has made, whoever opens it. A notice of its own stays beside that.
pub(super) fn mark(config: &mut Config) {
    let is_marked = |folder: PathBuf| folder.join(MARK).is_file();
    if config.data_folder().is_some_and(is_marked) {
        config.shop.name.push_str(ENDING);
        let notice = format!("{NOTICE_LATER} {}", config.shop.notice);
        notice.trim_end().clone_into(&mut config.shop.notice);
    }
}

/// The password of the demo in this folder: that of before, or one for a folder that is empty.
fn password_in(folder: &Path) -> Result<String, BoxError> {
    let mark = folder.join(MARK);
    if mark.is_file() {
        return Ok(fs::read_to_string(mark)?.trim().to_owned());
    }
    if folder.exists() && fs::read_dir(folder)?.next().is_some() {
        let folder = folder.display();
        return Err(format!(
            "{folder} is not empty, and no demo of before: a demo never opens on what may be a real shop"
        )
        .into());
    }
    crate::data::make(folder)?;
    let password = fresh_password()?;
    let mut options = OpenOptions::new();
    let options = options.write(true).create_new(true).mode(0o600);
    let mut file = options.open(mark)?;
    file.write_all(password.as_bytes())?;
    file.sync_all()?;
    Ok(password)
}

fn fresh_password() -> Result<String, BoxError> {
    Ok(digest::base64url(&digest::random::<12>()?))
}

/// Tells how to come in, and lets the shop live.
fn begin(shop: &mut Shop, password: String, orders_a_minute: u32) -> Result<(), BoxError> {
    say(format!(
        "  Admin    {}/admin as {} with the password {password}\n\nThis is a demo. {orders_a_minute} orders a minute \
         come by themselves; nothing in it is real.\n",
        shop.public_url,
        cast::ADMIN,
    ));
    // The admin is made with it, and nobody else needs it.
    let setup_token = shop.setup_token.take();
    let cast = Cast::new(
        Api::new(&shop.public_url)?,
        password,
        setup_token.map(|token| token.expose_secret().to_owned()),
    );
    shop.beside("demo", move |stop| {
        Life::new(cast, orders_a_minute).go_on(stop)
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("souk-demo-{name}-{}", std::process::id()));
        drop(fs::remove_dir_all(&folder));
        folder
    }

    #[test]
    fn a_demo_comes_back_to_its_own_folder_and_opens_on_no_other() {
        let own = folder("own");
        let password = password_in(&own).unwrap();
        assert!(password.len() >= 16);
        fs::write(own.join("catalog.sqlite"), "").unwrap();
        assert_eq!(password_in(&own).unwrap(), password, "its own shop");
        let real = folder("real");
        fs::create_dir_all(&real).unwrap();
        fs::write(real.join("catalog.sqlite"), "").unwrap();
        assert!(password_in(&real).is_err());
        assert!(!real.join(MARK).exists());
        for folder in [own, real] {
            fs::remove_dir_all(folder).unwrap();
        }
    }
}
