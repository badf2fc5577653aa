//! A shop on PostgreSQL comes back to a moment, as docs/back-up.md says it: a base backup beside people who buy, logs
//! that are archived, a moment, orders after it, and then everything is lost but those two.

use super::{
    drill::{Shop, people, until},
    postgres::{Database, own},
};
use crate::{
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    fs,
    io::{self, Write},
    time::Instant,
};

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let found = [("initdb", "postgresql"), ("setpriv", "util-linux")]
        .map(|(program, package)| tools::debian(program, package));
    let [Ok(initdb), Ok(_)] = &found else {
        let missing = found.into_iter().find_map(Result::err);
        return Ok(Outcome::NotRun(missing.unwrap_or_default()));
    };
    let folder = stand.folder.join("moment");
    tools::remove(&folder)?;
    fs::create_dir_all(&folder)?;
    let (archive, copy) = (folder.join("archive"), folder.join("copy"));
    own(&archive)?;
    let logs = archive.display();
    let kept = [
        "archive_mode=on".to_owned(),
        format!("archive_command=test ! -f {logs}/%f && cp %p {logs}/%f"),
    ];
    let mut database = Database::make(&folder, initdb, &kept)?;
    let shop = Shop::open(stand, &folder, &database)?;
    let buyers = people(stand, &shop.address)?;
    let more = |than: u64| until("orders are placed", || Ok(shop.placed()? > than));
    more(20)?;
    database.copy(&copy)?;
    writeln!(out, "  a base backup is made while people buy")?;
    more(shop.placed()?.saturating_add(20))?;
    let moment = database.say("SELECT now()")?;
    let placed = shop.placed()?;
    writeln!(out, "  {placed} orders; the moment is {moment}")?;
    more(placed.saturating_add(50))?;
    let lost = shop.placed()?;
    // An hour of orders fills logs by itself.
    let log = database.say("SELECT pg_walfile_name(pg_switch_wal())")?;
    until("the log of that time is archived", || {
        Ok(database.say("SELECT last_archived_wal FROM pg_stat_archiver")? >= log)
    })?;
    drop(buyers);
    database.kill()?;
    drop(shop);

    let begun = Instant::now();
    let back = database.come_back(
        &copy,
        &[
            format!("restore_command=cp {logs}/%f %p"),
            format!("recovery_target_time={moment}"),
            "recovery_target_action=promote".to_owned(),
        ],
    )?;
    until("it takes writes again", || {
        Ok(back.say("SELECT pg_is_in_recovery()")? == "f")
    })?;
    let there: u64 = back
        .say("SELECT count(*) FROM orders.orders")?
        .parse()
        .map_err(io::Error::other)?;
    let took = begun.elapsed();
    let again = Shop::open(stand, &folder, &back)?;
    again.verify(stand, &back)?;
    // One may be on its way at the moment itself.
    let is_right = there.abs_diff(placed) <= 2 && there < lost;
    let said = format!(
        "of {lost} orders the {there} of the moment are back after {:.1} s, at which {placed} had been answered; the \
         shop opens and its books balance",
        took.as_secs_f32()
    );
    Ok(match is_right {
        true => Outcome::Passed(said),
        false => Outcome::Failed(said),
    })
}
