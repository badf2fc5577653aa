//! What was wished for: how often, how long, how large. Read once, before the parts run.

use std::{io, path::PathBuf, sync::OnceLock};

static WISHED: OnceLock<Plan> = OnceLock::new();

/// What is said of the words that are known.
pub(super) const WORDS: &str = "\
  --quick             two short rounds, small shops; the report goes to target/bench/report
  --rounds N          of each figure, alternating (5)
  --seconds N         each run of a round (5)
  --products N        of the large shop of `scale` (100000)
  --orders N          of the large shop of `scale` (1000000)
  --again             `scale` opens the shops that it filled last, of the same size, and fills none
  --day N             seconds of `day` (600)
  --trace FILE        orders whose skew `scale` and `day` take, JSON Lines, plain or .gz (without: Zipf's)
  --to DIR            where the report goes (docs/performance)";

/// The options of `cargo xtask bench`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) quick: bool,
    pub(super) rounds: u32,
    pub(super) seconds: u64,
    pub(super) products: u32,
    pub(super) orders: u32,
    pub(super) again: bool,
    pub(super) day_seconds: u64,
    pub(super) trace: Option<PathBuf>,
    pub(super) to: Option<PathBuf>,
}

const WHOLE: Plan = Plan {
    quick: false,
    rounds: 5,
    seconds: 5,
    products: 100_000,
    orders: 1_000_000,
    again: false,
    day_seconds: 600,
    trace: None,
    to: None,
};
const QUICK: Plan = Plan {
    quick: true,
    rounds: 2,
    seconds: 1,
    products: 10_000,
    orders: 20_000,
    again: false,
    day_seconds: 20,
    trace: None,
    to: None,
};

impl Plan {
    /// Takes the options out of the words; what is left are names of parts.
    pub(super) fn read<'w>(words: &[&'w str]) -> io::Result<(Self, Vec<&'w str>)> {
        let mut plan = if words.contains(&"--quick") {
            QUICK
        } else {
            WHOLE
        };
        let mut names = Vec::new();
        let mut rest = words.iter().copied();
        while let Some(word) = rest.next() {
            if word == "--quick" {
                continue;
            }
            if word == "--again" {
                plan.again = true;
                continue;
            }
            if !word.starts_with("--") {
                names.push(word);
                continue;
            }
            let unknown = || io::Error::other(format!("{word}: what is known is\n{WORDS}"));
            let value = rest.next().ok_or_else(unknown)?;
            let number = || value.parse::<u32>().ok().filter(|number| *number > 0);
            match word {
                "--rounds" => plan.rounds = number().ok_or_else(unknown)?,
                "--seconds" => plan.seconds = number().ok_or_else(unknown)?.into(),
                "--products" => plan.products = number().ok_or_else(unknown)?,
                "--orders" => plan.orders = number().ok_or_else(unknown)?,
                "--day" => plan.day_seconds = number().ok_or_else(unknown)?.into(),
                "--trace" => plan.trace = Some(std::path::absolute(value)?),
                "--to" => plan.to = Some(std::path::absolute(value)?),
                _ => return Err(unknown()),
            }
        }
        Ok((plan, names))
    }

    /// From here on it is what `wished` answers.
    pub(super) fn set(self) {
        // It is set once; were it set again, the first would go on to count.
        drop(WISHED.set(self));
    }

    pub(super) fn wished() -> &'static Self {
        WISHED.get().unwrap_or(&WHOLE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_and_parts_are_told_apart() {
        let (plan, names) = Plan::read(&["reads", "--rounds", "7", "scale"]).unwrap();
        assert_eq!((plan.rounds, plan.seconds), (7, WHOLE.seconds));
        assert_eq!(names, ["reads", "scale"]);
        let (quick, _) = Plan::read(&["--rounds", "3", "--quick", "--again"]).unwrap();
        assert_eq!((quick.rounds, quick.seconds), (3, QUICK.seconds));
        assert!(quick.again && !plan.again);
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for words in [
            &["--fast", "1"] as &[&str],
            &["--rounds"],
            &["--rounds", "0"],
            &["--rounds", "many"],
        ] {
            assert!(Plan::read(words).is_err(), "{words:?}");
        }
    }
}
