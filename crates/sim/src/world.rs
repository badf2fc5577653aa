//! One run: opens the shop, lets people and faults at it, then quiet, then reads all books. Time passes in small steps,
//! in the shop's process and among the people in turn, and nowhere else.

use crate::{
    books,
    bus::{Deliveries, Manners},
    cast::{CODE, Stocked, admins, customer, stocked},
    client::Town,
    net::Net,
    people::{self, Board},
    plan::{Fault, Mood, Plan},
    process::{CHALLENGE_SECONDS, Ground, PAYMENT_WINDOW_SECONDS, Process, paused_runtime},
    record::Record,
    words,
};
use checker::{History, Provider, State, Violation};
use contracts::{
    BoxError,
    values::{EventId, Timestamp},
};
use platform::{clock::Clock, digest, tasks::Tasks};
use std::{
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::runtime::Runtime;

/// How long a client waits for an answer.
const PATIENCE: Duration = Duration::from_secs(6);
/// The longest rest of a buyer between two things.
const REST_OF_BUYERS_MS: u64 = 500;
/// Time passes by so much while people are about.
const STEP_MS: u64 = 5;
/// And by so much while all are waiting for the shop to come to rest.
const LONG_STEP_MS: u64 = 40;
/// How long the shop has to come to rest: more than the longest wait of a payment or an event, and of a hold.
const REST_MS: u64 =
    65_000 + 1_000 * (PAYMENT_WINDOW_SECONDS as u64 + CHALLENGE_SECONDS as u64 + 20);
/// How long after the last fault what was begun under it may still suffer from it.
const AFTERMATH_MS: u64 = 14_000;
/// How long after a start that failed comes the next one.
const RESTART_MS: u64 = 300;
/// How long people may take to finish at most.
const FINISH_MS_MAX: u64 = 120_000;
/// The moment at which every run begins.
const DAWN_MS: i64 = 1_800_000_000_000;
/// A disk that was never synced keeps what is older than this.
const UNSYNCED_MS: u64 = 2_000;

/// What came of a run.
#[derive(Debug)]
pub struct Run {
    /// What clients saw.
    pub history: History,
    /// What is in the books.
    pub state: State,
    /// What is in the provider's.
    pub provider: Provider,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// All that happened, a line each.
    pub trace: Vec<String>,
    /// The same without what is drawn by lot: equal for equal seeds.
    pub plain: Vec<String>,
    /// A digest of it: equal for equal seeds.
    pub digest: String,
}

/// Runs a plan, and has the checker look at what came of it.
///
/// # Errors
/// When the shop cannot be opened or read.
pub fn run(plan: &Plan) -> Result<Run, BoxError> {
    let folder = Folder::new()?;
    let mut world = World::open(plan, &folder.0)?;
    world.storm();
    world.calm();
    world.close()
}

/// The simulated disk: a folder that goes with the run.
struct Folder(PathBuf);

impl Folder {
    fn new() -> std::io::Result<Self> {
        let path = std::env::temp_dir().join(format!("souk-sim-{}", EventId::generate()));
        std::fs::create_dir_all(&path)?;
        Ok(Self(path))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

struct World<'a> {
    ground: Ground<'a>,
    process: Option<Process>,
    lives: u64,
    people: Runtime,
    workers: Tasks,
    town: Town,
    board: Board,
    wall: Arc<AtomicI64>,
    now_ms: u64,
    quiet_from_ms: u64,
    starts_at: Option<u64>,
    frozen_until: u64,
    cut_until: u64,
    disk_until: u64,
    mood_until: u64,
    knobs: payments::Knobs,
    troubled: Arc<AtomicBool>,
}

impl<'a> World<'a> {
    fn open(plan: &'a Plan, folder: &'a Path) -> Result<Self, BoxError> {
        let clock = Clock::manual(Timestamp::from_ms(DAWN_MS));
        let wall = match &clock {
            Clock::Manual(wall) => Arc::clone(wall),
            Clock::System => Arc::default(),
        };
        let troubled = Arc::new(AtomicBool::new(true));
        let ground = Ground {
            plan,
            folder,
            clock,
            net: Net::new(plan.loss_per_mille, plan.delay_ms_max),
            disk_troubles: Arc::new(AtomicU32::new(0)),
            manners: Manners {
                troubles_per_mille: plan.bus_troubles_per_mille,
                troubled: Arc::clone(&troubled),
                swallows: plan.tampering.bus_swallows,
                reorders: plan.tampering.bus_reorders,
            },
            deliveries: Deliveries::default(),
        };
        let people = paused_runtime()?;
        let process = Process::start(&ground, 0)?;
        let Stocked { goods, shipping } = process.within(stocked(&process.services, plan))?;
        let town = Town {
            way: Arc::new(ground.net.clone()),
            record: people.block_on(async { Record::new() }),
            goods: Arc::new(goods),
            code: Some(CODE),
            shipping,
            patience: PATIENCE,
            rest_ms_max: REST_OF_BUYERS_MS,
        };
        Ok(Self {
            ground,
            process: Some(process),
            lives: 1,
            people,
            workers: Tasks::default(),
            town,
            board: Board::default(),
            wall,
            now_ms: 0,
            quiet_from_ms: u64::MAX,
            starts_at: None,
            frozen_until: 0,
            cut_until: 0,
            disk_until: 0,
            mood_until: 0,
            knobs: payments::Knobs::default(),
            troubled,
        })
    }

    /// People go about their business, and faults strike.
    fn storm(&mut self) {
        let plan = self.ground.plan;
        let (board, town) = (self.board.clone(), self.town.clone());
        let (seed, buyers) = (plan.seed, plan.sizes.buyers);
        let workers = self.workers.clone();
        self.people.block_on(async {
            for number in 0..buyers {
                let buyer = people::buyer(&town, seed, number, customer(number));
                let buyer = buyer.live(board.clone());
                drop(workers.finish(async move { drop(buyer.await) }));
            }
            for keeper in people::keepers(&town, seed, "k", admins()) {
                let keeper = keeper.live(board.clone());
                drop(workers.finish(async move { drop(keeper.await) }));
            }
        });
        let mut faults = plan.faults.iter().copied().peekable();
        while self.now_ms < plan.sizes.storm_ms {
            while let Some((_, fault)) = faults.next_if(|(at, _)| *at <= self.now_ms) {
                self.strike(fault);
            }
            self.step(STEP_MS);
        }
        self.board.close();
    }

    /// All faults stop; whoever has begun something finishes it, and one last round of purchases must just work.
    fn calm(&mut self) {
        self.cut_until = 0;
        self.frozen_until = 0;
        self.disk_until = 0;
        self.turn(payments::Knobs::default());
        self.mood_until = 0;
        self.troubled.store(false, Ordering::Relaxed);
        self.ground.net.heal();
        self.starts_at = self.starts_at.map(|_| self.now_ms);
        self.town.record.note(self.now_ms, "all faults stop");
        let calm_from = self.now_ms.saturating_add(AFTERMATH_MS);
        let latest = self.now_ms.saturating_add(FINISH_MS_MAX);
        let people_are_done = |world: &Self| world.people_are_done();
        while self.now_ms < latest && (self.now_ms < calm_from || !people_are_done(self)) {
            self.step(STEP_MS);
        }
        self.quiet_from_ms = self.now_ms;
        let (town, seed) = (self.town.clone(), self.ground.plan.seed);
        let buyers = self.ground.plan.sizes.buyers;
        let workers = Tasks::default();
        self.people.block_on(async {
            let last = async move {
                // Keys of their own: nobody's of before.
                for mut keeper in people::keepers(&town, !seed, "heir", admins()) {
                    keeper.last_restock().await;
                }
                for number in 0..buyers {
                    let number = number.saturating_add(50);
                    let mut buyer = people::buyer(&town, !seed, number, customer(number));
                    buyer.last_purchase().await;
                }
            };
            drop(workers.finish(last));
        });
        self.workers = workers;
        let latest = self.now_ms.saturating_add(FINISH_MS_MAX);
        while self.now_ms < latest && !people_are_done(self) {
            self.step(STEP_MS);
        }
        let rested = self.now_ms.saturating_add(REST_MS);
        while self.now_ms < rested {
            self.step(LONG_STEP_MS);
        }
    }

    fn people_are_done(&self) -> bool {
        self.workers.running() == 0
    }

    fn strike(&mut self, fault: Fault) {
        self.town.record.note(self.now_ms, &format!("{fault:?}"));
        let now = self.now_ms;
        match fault {
            Fault::Crash(down) => {
                self.process = None;
                if self.ground.plan.tampering.unsynced_disk {
                    self.forget_what_was_not_synced();
                }
                self.starts_at = Some(now.saturating_add(down));
            }
            Fault::Freeze(time) => self.frozen_until = now.saturating_add(time),
            Fault::Cut(time) => {
                self.cut_until = now.saturating_add(time);
                self.ground.net.cut(true);
            }
            Fault::Jump(by) => {
                self.wall.fetch_add(by, Ordering::SeqCst);
            }
            Fault::Disk(time) => self.disk_until = now.saturating_add(time),
            Fault::Provider(mood, time) => {
                self.mood_until = now.saturating_add(time);
                self.turn(knobs(mood));
            }
        }
    }

    /// The provider changes its mood; a process that starts later meets it in the same one.
    fn turn(&mut self, knobs: payments::Knobs) {
        if let Some(process) = &self.process {
            process.services.sandbox.turn(knobs.clone());
        }
        self.knobs = knobs;
    }

    /// Time passes.
    fn step(&mut self, ms: u64) {
        self.now_ms = self.now_ms.saturating_add(ms);
        self.wall
            .fetch_add(i64::try_from(ms).unwrap_or(0), Ordering::SeqCst);
        if self.starts_at.is_some_and(|at| at <= self.now_ms) {
            self.restart();
        }
        self.notice_a_failure();
        let disk = if self.now_ms < self.disk_until {
            self.ground.plan.disk_troubles_per_mille
        } else {
            0
        };
        self.ground.disk_troubles.store(disk, Ordering::Relaxed);
        if self.cut_until > 0 && self.cut_until <= self.now_ms {
            self.cut_until = 0;
            self.ground.net.cut(false);
        }
        if self.mood_until > 0 && self.mood_until <= self.now_ms {
            self.mood_until = 0;
            self.turn(payments::Knobs::default());
        }
        let time = Duration::from_millis(ms);
        if self.frozen_until <= self.now_ms
            && let Some(process) = &self.process
        {
            process.step(time);
        }
        self.people
            .block_on(async { tokio::time::sleep(time).await });
        if self.ground.plan.tampering.unsynced_disk && self.now_ms.is_multiple_of(UNSYNCED_MS) {
            self.sync();
        }
    }

    /// A process one of whose tasks has failed ends itself, as the server does.
    fn notice_a_failure(&mut self) {
        let failure = self
            .process
            .as_ref()
            .and_then(|process| process.services.tasks.failure());
        if let Some(why) = failure {
            self.town
                .record
                .note(self.now_ms, &format!("the process ended itself: {why}"));
            self.process = None;
            self.starts_at = Some(self.now_ms.saturating_add(RESTART_MS));
        }
    }

    /// Starts the process again; on a disk with troubles it may take more than one try, as under any supervisor.
    fn restart(&mut self) {
        match Process::start(&self.ground, self.lives) {
            Ok(process) => {
                process.services.sandbox.turn(self.knobs.clone());
                self.process = Some(process);
                self.starts_at = None;
            }
            Err(error) => {
                self.town
                    .record
                    .note(self.now_ms, &format!("no start: {error}"));
                self.starts_at = Some(self.now_ms.saturating_add(RESTART_MS));
            }
        }
        self.lives = self.lives.saturating_add(1);
    }

    /// What the disk has for sure, when it is never told to sync: an older copy of each file.
    fn sync(&self) {
        for name in FILES {
            let file = self.ground.folder.join(name);
            drop(std::fs::copy(&file, file.with_extension("synced")));
        }
    }

    fn forget_what_was_not_synced(&self) {
        for name in FILES {
            let file = self.ground.folder.join(name);
            drop(std::fs::copy(file.with_extension("synced"), &file));
        }
    }

    fn close(mut self) -> Result<Run, BoxError> {
        let process = self.process.take().ok_or("the shop is not open")?;
        let goods = Arc::clone(&self.town.goods);
        let reading = books::read(&process.services, &goods, &self.ground.deliveries);
        let (state, provider) = process.within(reading)?;
        let (operations, mut trace) = self.town.record.take();
        let history = History {
            operations,
            first_stock: goods
                .iter()
                .map(|good| (good.variant, good.first_stock))
                .collect(),
            first_prices: goods
                .iter()
                .map(|good| (good.variant, good.first_price))
                .collect(),
            quiet_from_ms: i64::try_from(self.quiet_from_ms).unwrap_or(i64::MAX),
            patience_ms: i64::try_from(PATIENCE.as_millis()).unwrap_or(i64::MAX),
        };
        let plain = words::plain(&trace, &state, &goods);
        trace.extend(words::ends(&state, &goods));
        let violations = checker::check(&history, &state, &provider);
        let lines: Vec<&[u8]> = plain.iter().map(String::as_bytes).collect();
        let digest = digest::base64url(&digest::sha256(&lines));
        Ok(Run {
            history,
            state,
            provider,
            violations,
            trace,
            plain,
            digest,
        })
    }
}

fn knobs(mood: Mood) -> payments::Knobs {
    let good = payments::Knobs::default();
    match mood {
        Mood::Down => payments::Knobs { down: true, ..good },
        Mood::Late(delay_ms) => payments::Knobs { delay_ms, ..good },
        Mood::Forgetful(drop_answers) => payments::Knobs {
            drop_answers,
            ..good
        },
        Mood::Strict(decline) => payments::Knobs { decline, ..good },
        Mood::Wrong(wrong_amount) => payments::Knobs {
            wrong_amount,
            ..good
        },
        Mood::Talkative(duplicate_callbacks) => payments::Knobs {
            callbacks: true,
            duplicate_callbacks,
            reorder_callbacks: true,
            ..good
        },
    }
}

/// The files that a shop cannot do without.
const FILES: [&str; 3] = ["catalog.sqlite", "orders.sqlite", "payments.sqlite"];
