//! Somebody else's service as a witness: a script of ours starts it, says where it is, hears where a shop of ours is,
//! and walks. Each thing that it sees is a line; one that it does not see fails the part.

use super::{Outcome, Stand, shop::Shop};
use std::{
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
};

/// Settings of the shop, as its environment has them.
pub(super) type Settings = Vec<(String, String)>;

/// What is walked.
pub(super) struct Walk {
    /// The part's name, and the shop's.
    pub(super) name: &'static str,
    /// Whose service it is.
    pub(super) package: &'static str,
    /// What the line begins with that says where the service is.
    pub(super) opening: &'static str,
    /// The shop's settings, given that.
    pub(super) settings: fn(&str) -> Settings,
    /// What the script is told of the shop.
    pub(super) told: fn(&Shop) -> String,
}

impl Walk {
    /// Runs the script to its end.
    pub(super) fn run(
        &self,
        stand: &Stand,
        command: &mut Command,
        out: &mut dyn Write,
    ) -> io::Result<Outcome> {
        let mut witness = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let outcome = self.walk(stand, &mut witness, out);
        // It may have ended by itself.
        drop(witness.kill());
        drop(witness.wait());
        outcome
    }

    fn walk(&self, stand: &Stand, witness: &mut Child, out: &mut dyn Write) -> io::Result<Outcome> {
        let gone = || io::Error::other("the witness has no way to be spoken to");
        let said = witness.stdout.take().ok_or_else(gone)?;
        let mut lines = BufReader::new(said).lines();
        let mut service = None;
        for line in lines.by_ref() {
            if let Some(address) = line?.strip_prefix(self.opening) {
                service = Some(address.to_owned());
                break;
            }
        }
        let service = service.ok_or_else(|| io::Error::other("the witness did not open"))?;
        let settings = (self.settings)(&service);
        let settings: Vec<(&str, &str)> = settings
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let shop = Shop::open(stand, self.name, &settings)?;
        let mut asking = witness.stdin.take().ok_or_else(gone)?;
        writeln!(asking, "{}", (self.told)(&shop))?;
        let (mut seen, mut not_seen) = (0_u32, 0_u32);
        for line in lines {
            let line = line?;
            if line.starts_with("seen: ") {
                seen = seen.saturating_add(1);
            } else if line.starts_with("NOT SEEN: ") {
                not_seen = not_seen.saturating_add(1);
            }
            writeln!(out, "{line}")?;
        }
        let line = format!("{}: {seen} things seen, {not_seen} not", self.package);
        let passed = witness.wait()?.success() && not_seen == 0 && seen > 0;
        Ok(if passed {
            Outcome::Passed(line)
        } else {
            Outcome::Failed(line)
        })
    }
}
