//! A bucket as others have it, for the pictures of a shop of ours: moto keeps objects and checks signatures, and AWS's
//! own client for Python reads there what the shop did.

use super::{
    Outcome, Stand, tools,
    witness::{Settings, Walk},
};
use std::{
    io::{self, Write},
    process::Command,
};

const NAME: &str = "pictures";
const SCRIPT: &str = "tests/security/pictures.py";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::python(stand, "moto_server", "moto[server]", "5.2.5")? {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let walk = Walk {
        name: NAME,
        package: "moto 5.2.5",
        opening: "bucket ",
        settings,
        told: |shop| format!("{} {}", shop.address, shop.setup_token),
    };
    let mut command = Command::new(program.with_file_name("python3"));
    command
        .arg(stand.root.join(SCRIPT))
        .arg(program)
        .current_dir(&stand.folder)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    walk.run(stand, &mut command, out)
}

/// What the script says: where the store is, and who the shop is there.
fn settings(said: &str) -> Settings {
    let mut words = said.split_whitespace().map(str::to_owned);
    let mut next = || words.next().unwrap_or_default();
    let of = |key: &str| format!("SOUK_CATALOG__IMAGES__{key}");
    vec![
        (of("STORE"), "s3://pictures/shop".to_owned()),
        (of("S3__ENDPOINT"), next()),
        (of("S3__ACCESS_KEY_ID"), next()),
        (of("S3__SECRET_ACCESS_KEY"), next()),
        (
            "SOUK_OUTWARD__ALLOW".to_owned(),
            "[\"127.0.0.1\"]".to_owned(),
        ),
        ("SOUK_OUTWARD__HTTP".to_owned(), "true".to_owned()),
        ("SOUK_OUTWARD__PORTS".to_owned(), "[]".to_owned()),
    ]
}
