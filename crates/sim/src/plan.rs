//! What happens in a run: how much, which faults when, and what is broken on purpose. All of it follows from the seed.

use crate::{process::Services, random::Random};
use contracts::{catalog::Catalog, orders::Orders};
use platform::bus::Consumer;
use std::{fmt, sync::Arc};

/// Streams of the seed.
const FAULTS: u64 = 1;

/// How much of everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sizes {
    /// People who buy.
    pub buyers: u64,
    /// Things to buy.
    pub products: u64,
    /// How long they buy, in simulated milliseconds.
    pub storm_ms: u64,
}

/// A fault and when it strikes, in milliseconds of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The process dies and is started again so much later.
    Crash(u64),
    /// The process stands still for so long, and then goes on as if nothing had been.
    Freeze(u64),
    /// Nothing gets through to the shop for so long.
    Cut(u64),
    /// The shop's clock jumps by so many milliseconds.
    Jump(i64),
    /// The disk refuses and loses writes for so long.
    Disk(u64),
    /// The provider misbehaves like this, for so long.
    Provider(Mood, u64),
}

/// How a provider may misbehave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    /// It answers nothing and does nothing.
    Down,
    /// It answers so much later, in milliseconds.
    Late(u32),
    /// It loses so many answers, after their effect.
    Forgetful(u32),
    /// It declines so many charges.
    Strict(u32),
    /// It holds another amount, so many times.
    Wrong(u32),
    /// It calls back about everything, each so many times more, the newest first.
    Talkative(u32),
}

/// A run, laid out beforehand.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What all of it follows from.
    pub seed: u64,
    /// How much of everything.
    pub sizes: Sizes,
    /// Faults, in the order of their times.
    pub faults: Vec<(u64, Fault)>,
    /// Of a thousand requests, how many are lost on the way there, and as many answers on the way back.
    pub loss_per_mille: u32,
    /// The longest way of a request or an answer, in milliseconds.
    pub delay_ms_max: u64,
    /// Of a thousand events, how many are refused, told twice, or told again much later.
    pub bus_troubles_per_mille: u32,
    /// Of a thousand calls between services, how many do not arrive, or lose their answer.
    pub port_troubles_per_mille: u32,
    /// Of a thousand writes, how many go wrong while the disk has troubles.
    pub disk_troubles_per_mille: u32,
    /// What is broken on purpose; nothing, unless a test of the checker wants it.
    pub tampering: Tampering,
}

impl Plan {
    /// The run of a seed.
    #[must_use]
    pub fn of(seed: u64) -> Self {
        let mut random = Random::new(seed, FAULTS);
        let sizes = Sizes {
            buyers: random.between(2, 6),
            products: random.between(1, 4),
            storm_ms: random.between(10_000, 30_000),
        };
        let mut faults: Vec<(u64, Fault)> = (0..random.below(9))
            .map(|_| (random.between(500, sizes.storm_ms), fault(&mut random)))
            .collect();
        faults.sort_by_key(|(at, _)| *at);
        Self {
            seed,
            sizes,
            faults,
            loss_per_mille: u32::try_from(random.below(120)).unwrap_or(0),
            delay_ms_max: random.between(0, 80),
            bus_troubles_per_mille: u32::try_from(random.below(300)).unwrap_or(0),
            port_troubles_per_mille: u32::try_from(random.below(120)).unwrap_or(0),
            disk_troubles_per_mille: u32::try_from(random.below(200)).unwrap_or(0),
            tampering: Tampering::default(),
        }
    }
}

fn fault(random: &mut Random) -> Fault {
    match random.below(13) {
        0..=3 => Fault::Crash(random.between(1, 3_000)),
        4 => Fault::Freeze(random.between(100, 12_000)),
        5 => Fault::Cut(random.between(100, 3_000)),
        6 if random.chance(500) => {
            Fault::Jump(i64::try_from(random.between(1_000, 3_600_000)).unwrap_or(0))
        }
        6 => Fault::Jump(
            i64::try_from(random.between(100, 20_000))
                .unwrap_or(0)
                .saturating_neg(),
        ),
        7 => Fault::Disk(random.between(200, 4_000)),
        _ => Fault::Provider(mood(random), random.between(500, 10_000)),
    }
}

fn mood(random: &mut Random) -> Mood {
    let what = random.below(6);
    let count = u32::try_from(random.between(1, 6)).unwrap_or(1);
    match what {
        0 => Mood::Down,
        1 => Mood::Late(u32::try_from(random.between(10, 4_000)).unwrap_or(0)),
        2 => Mood::Forgetful(count),
        3 => Mood::Strict(count),
        4 => Mood::Wrong(count),
        _ => Mood::Talkative(count),
    }
}

/// Puts something in front of a service.
pub type Wrap<T> = Arc<dyn Fn(Arc<T>) -> Arc<T> + Send + Sync>;

/// Makes further consumers of events.
pub type Consumers = Arc<dyn Fn(&Services) -> Vec<Arc<dyn Consumer>> + Send + Sync>;

/// What is broken on purpose, to see whether the checker notices.
#[derive(Clone, Default)]
pub struct Tampering {
    /// In front of the catalog, for orders, payments and callers.
    pub catalog: Option<Wrap<dyn Catalog>>,
    /// In front of orders, for payments and callers.
    pub orders: Option<Wrap<dyn Orders>>,
    /// Consumers beside the real ones.
    pub consumers: Option<Consumers>,
    /// What is not started: `orders`, `payments`, or, of payments, what pays `returns` back.
    pub never_started: &'static [&'static str],
    /// Whether the bus says that it delivered what it threw away.
    pub bus_swallows: bool,
    /// Whether the bus gives two events of a subject in the wrong order.
    pub bus_reorders: bool,
    /// Whether a crash loses what was written in the last seconds, as a disk does that was never synced.
    pub unsynced_disk: bool,
}

impl fmt::Debug for Tampering {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tampering").finish_non_exhaustive()
    }
}
