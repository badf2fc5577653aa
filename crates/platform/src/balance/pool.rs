//! The instances of a role, as they are known just now, and the choice among them. Clones share the pool.

use super::{
    budget::Budget,
    discover::{self, Source},
    health::Word,
    instance::{Instance, Occupied, Verdict},
    metrics::{Metrics, Slot},
    options::Options,
    pick::{Chance, Standing, pick, weigh},
    probe,
    view::PoolView,
    wire::Connector,
};
use crate::{http::tls::nodes::Way, tasks::Tasks};
use axum::body::Body;
use contracts::BoxError;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};
use tokio::time::Instant;

/// How many milliseconds the pool's clock has run when it begins, so that 0 can mean never.
const EPOCH_MS: u64 = 1;

/// The instances of a role.
#[derive(Clone)]
pub struct Pool(Arc<Inside>);

struct Inside {
    role: &'static str,
    options: Options,
    instances: RwLock<Arc<[Arc<Instance>]>>,
    /// Held while instances come and go, or are left out: both look at all of them first.
    changing: Mutex<()>,
    began: Instant,
    chance: Chance,
    budget: Budget,
    client: Client<Connector, Body>,
    metrics: Metrics,
}

/// Why no instance can be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NoChoice {
    /// There is none, or each was tried.
    Nobody,
    /// All have as much to do as they may.
    Full,
}

impl Pool {
    /// The pool of a role. Sources that change are followed, and instances asked how they are, until the tasks
    /// stop. With a way of TLS nothing goes to an instance without it.
    ///
    /// # Errors
    /// When a source cannot be followed at all.
    pub fn open(
        role: &'static str,
        sources: Vec<Source>,
        options: Options,
        tls: Option<Way>,
        tasks: &Tasks,
    ) -> Result<Self, BoxError> {
        let pool = Self::without_tasks(role, options, tls);
        discover::start(&pool, sources, tasks)?;
        probe::start(&pool, tasks);
        Ok(pool)
    }

    fn without_tasks(role: &'static str, options: Options, tls: Option<Way>) -> Self {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        connector.set_connect_timeout(Some(Duration::from_millis(options.connect_ms)));
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(Duration::from_millis(options.idle_ms))
            .pool_max_idle_per_host(usize::try_from(options.idle_max).unwrap_or(usize::MAX))
            .build(Connector::new(connector, tls));
        Self(Arc::new(Inside {
            role,
            budget: Budget::new(&options.retry),
            options,
            instances: RwLock::new(Arc::from([])),
            changing: Mutex::new(()),
            began: Instant::now(),
            chance: Chance::new(),
            client,
            metrics: Metrics::of(role),
        }))
    }

    /// What the instances are alike in.
    #[must_use]
    pub fn role(&self) -> &'static str {
        self.0.role
    }

    /// How many instances say that they take work.
    #[must_use]
    pub fn ready(&self) -> usize {
        let instances = self.instances();
        instances.iter().filter(|one| self.takes_work(one)).count()
    }

    /// How everything is, for operators.
    #[must_use]
    pub fn view(&self) -> PoolView {
        let now_us = self.now_us();
        let instances = self.instances();
        PoolView {
            role: self.0.role,
            instances: instances
                .iter()
                .map(|one| one.view(now_us, &self.0.options))
                .collect(),
        }
    }

    /// Asks every instance once how it is, so that a door knows before it opens.
    pub async fn look(&self) {
        probe::round(self).await;
    }

    pub(super) fn options(&self) -> &Options {
        &self.0.options
    }

    pub(super) fn client(&self) -> &Client<Connector, Body> {
        &self.0.client
    }

    pub(super) fn budget(&self) -> &Budget {
        &self.0.budget
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    pub(super) fn instances(&self) -> Arc<[Arc<Instance>]> {
        let instances = self.0.instances.read();
        Arc::clone(&instances.unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn now_us(&self) -> u64 {
        let passed = u64::try_from(self.0.began.elapsed().as_micros()).unwrap_or(u64::MAX);
        passed.saturating_add(EPOCH_MS.saturating_mul(1_000))
    }

    /// Takes in who is there now. Who stays keeps what is known of it; who goes gets nothing more, and finishes
    /// what it has.
    pub(super) fn set(&self, addresses: &BTreeSet<SocketAddr>) {
        let changing = self.0.changing.lock();
        let _changing = changing.unwrap_or_else(PoisonError::into_inner);
        let most = usize::try_from(self.0.options.instances_max).unwrap_or(usize::MAX);
        if addresses.len() > most {
            tracing::warn!(
                role = self.0.role,
                found = addresses.len(),
                "more instances than are used"
            );
        }
        let old = self.instances();
        let mut slots: BTreeSet<usize> = (0..most).collect();
        let kept: Vec<Arc<Instance>> = old
            .iter()
            .filter(|one| addresses.contains(&one.address))
            .cloned()
            .collect();
        for one in &kept {
            slots.remove(&one.slot);
        }
        // The first ones warm up for nobody: there is no one else to take their share.
        let cold_since_ms = if old.is_empty() {
            0
        } else {
            self.now_us() / 1_000
        };
        let is_new = |address: &&SocketAddr| !kept.iter().any(|one| one.address == **address);
        let new = addresses.iter().filter(is_new).zip(&slots);
        let new = new.map(|(address, slot)| {
            let metrics = Slot::of(self.0.role, *slot);
            Instance::new(*address, *slot, cold_since_ms, metrics)
        });
        let all: Arc<[Arc<Instance>]> = kept.iter().cloned().chain(new).collect();
        if all.len() != old.len() || kept.len() != old.len() {
            tracing::info!(
                role = self.0.role,
                before = old.len(),
                after = all.len(),
                "the instances have changed"
            );
        }
        let instances = self.0.instances.write();
        *instances.unwrap_or_else(PoisonError::into_inner) = all;
        self.show();
    }

    /// Shows how many instances there are of each state.
    pub(super) fn show(&self) {
        let words: Vec<Word> = self.instances().iter().map(|one| one.word()).collect();
        self.0.metrics.show(&words);
    }

    /// Chooses an instance that has not been tried yet, and occupies it.
    pub(super) fn choose(&self, tried: &[SocketAddr]) -> Result<Occupied, NoChoice> {
        let all = self.instances();
        let now_us = self.now_us();
        let ejected = all.iter().filter(|one| one.is_ejected(now_us / 1_000));
        // When most are suspected, the suspicion is worth nothing: it may be ourselves who cannot reach them.
        let is_panic = ejected.count().saturating_mul(2) > all.len();
        let is_left =
            |one: &&Arc<Instance>| !tried.contains(&one.address) && one.word() != Word::Down;
        let is_good = |one: &&Arc<Instance>| {
            is_left(one) && self.takes_work(one) && (is_panic || !one.is_ejected(now_us / 1_000))
        };
        // Whoever says that it takes work; else whoever answers at all; else anybody.
        let mut fitting: Vec<&Arc<Instance>> = all.iter().filter(is_good).collect();
        if fitting.is_empty() {
            fitting = all.iter().filter(is_left).collect();
        }
        if fitting.is_empty() {
            let untried = |one: &&Arc<Instance>| !tried.contains(&one.address);
            fitting = all.iter().filter(untried).collect();
        }
        if fitting.is_empty() {
            return Err(NoChoice::Nobody);
        }
        fitting.retain(|one| one.in_flight() < self.0.options.in_flight_max);
        let standings: Vec<Standing> = fitting
            .iter()
            .map(|one| one.standing(now_us, &self.0.options))
            .collect();
        let picked = pick(&weigh(&standings), &mut |bound| self.0.chance.below(bound));
        let picked = picked.and_then(|place| fitting.get(place));
        picked.map(|one| one.occupy()).ok_or(NoChoice::Full)
    }

    /// Whether somebody else says that it takes work.
    pub(super) fn has_other(&self, tried: &[SocketAddr]) -> bool {
        let now_ms = self.now_us() / 1_000;
        let is_other = |one: &Arc<Instance>| {
            !tried.contains(&one.address) && self.takes_work(one) && !one.is_ejected(now_ms)
        };
        self.instances().iter().any(is_other)
    }

    /// Whether it says that it takes work, or is not asked.
    fn takes_work(&self, instance: &Instance) -> bool {
        self.0.options.probe.every_ms == 0 || instance.word() == Word::Ready
    }

    /// Notes how a request went, and leaves the instance out if it is time and not too many are out already.
    pub(super) fn note(&self, instance: &Instance, verdict: Verdict, took: Duration) {
        let took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let now_us = self.now_us();
        if !instance.note(verdict, took_ns, now_us, &self.0.options) {
            return;
        }
        let changing = self.0.changing.lock();
        let _changing = changing.unwrap_or_else(PoisonError::into_inner);
        let now_ms = now_us / 1_000;
        let all = self.instances();
        let others = all.iter().filter(|one| one.address != instance.address);
        let out = others.filter(|one| one.is_ejected(now_ms)).count();
        if out.saturating_add(1).saturating_mul(2) <= all.len() {
            instance.eject(now_ms, &self.0.options);
            self.0.metrics.ejections.inc();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{super::options::defaults, *};
    use crate::balance::health::Found;

    fn pool(ports: &[u16]) -> Pool {
        let mut options = defaults();
        options.probe.every_ms = 0;
        // Failures cost nothing here: it is about who may be chosen at all.
        options.retry.try_ms = 0;
        let pool = Pool::without_tasks("test", options, None);
        pool.set(&addresses(ports));
        pool
    }

    fn addresses(ports: &[u16]) -> BTreeSet<SocketAddr> {
        let address = |port: &u16| SocketAddr::from(([127, 0, 0, 1], *port));
        ports.iter().map(address).collect()
    }

    fn at(pool: &Pool, port: u16) -> Arc<Instance> {
        let all = pool.instances();
        let found = all.iter().find(|one| one.address.port() == port);
        Arc::clone(found.unwrap())
    }

    /// The ports that are chosen in many choices.
    fn chosen(pool: &Pool) -> BTreeSet<u16> {
        let port = |_| {
            pool.choose(&[])
                .ok()
                .map(|one| one.instance().address.port())
        };
        (0..200).filter_map(port).collect()
    }

    fn fail(pool: &Pool, port: u16) {
        for _ in 0..pool.options().eject.failures {
            pool.note(&at(pool, port), Verdict::Bad, Duration::ZERO);
        }
    }

    #[tokio::test]
    async fn whoever_fails_in_a_row_is_left_out_but_never_more_than_half() {
        let pool = pool(&[1, 2, 3, 4]);
        fail(&pool, 1);
        assert_eq!(chosen(&pool), BTreeSet::from([2, 3, 4]));
        fail(&pool, 2);
        fail(&pool, 3);
        fail(&pool, 4);
        let out = pool
            .view()
            .instances
            .iter()
            .filter(|one| one.ejected)
            .count();
        assert_eq!(out, 2);
        assert_eq!(chosen(&pool), BTreeSet::from([3, 4]));
    }

    #[tokio::test]
    async fn the_only_one_is_never_left_out() {
        let pool = pool(&[1]);
        fail(&pool, 1);
        assert_eq!(chosen(&pool), BTreeSet::from([1]));
    }

    #[tokio::test]
    async fn when_most_of_those_that_are_left_are_suspected_nobody_is() {
        let pool = pool(&[1, 2, 3, 4]);
        fail(&pool, 1);
        fail(&pool, 2);
        pool.set(&addresses(&[1, 2, 3]));
        assert_eq!(chosen(&pool), BTreeSet::from([1, 2, 3]));
    }

    #[tokio::test]
    async fn whoever_drains_gets_nothing_and_if_all_do_somebody_must() {
        let mut options = defaults();
        options.slow_start_ms = 0;
        let pool = Pool::without_tasks("test", options, None);
        pool.set(&addresses(&[1, 2]));
        assert_eq!(
            chosen(&pool),
            BTreeSet::from([1, 2]),
            "nobody was asked yet"
        );
        let probed = |port, found| at(&pool, port).probed(found, 5, pool.options());
        probed(1, Found::NotReady);
        probed(2, Found::Ready);
        assert_eq!(chosen(&pool), BTreeSet::from([2]));
        probed(2, Found::NotReady);
        assert_eq!(chosen(&pool), BTreeSet::from([1, 2]));
        probed(1, Found::Failure);
        probed(1, Found::Failure);
        assert_eq!(
            chosen(&pool),
            BTreeSet::from([2]),
            "one is down, one drains"
        );
    }

    #[tokio::test]
    async fn who_was_tried_is_not_chosen_again_and_who_is_full_neither() {
        let pool = pool(&[1, 2]);
        let first = at(&pool, 1).address;
        let second = pool.choose(&[first]).unwrap();
        assert_eq!(second.instance().address.port(), 2);
        let none = pool.choose(&[first, second.instance().address]);
        assert_eq!(none.unwrap_err(), NoChoice::Nobody);
        let most = pool.options().in_flight_max;
        let _work: Vec<Occupied> = (0..most).map(|_| at(&pool, 1).occupy()).collect();
        assert_eq!(chosen(&pool), BTreeSet::from([2]));
        assert_eq!(
            pool.choose(&[second.instance().address]).unwrap_err(),
            NoChoice::Full
        );
    }

    #[tokio::test]
    async fn who_stays_keeps_its_slot_and_what_is_known_of_it() {
        let pool = pool(&[1, 2, 3]);
        fail(&pool, 2);
        let before = at(&pool, 2);
        pool.set(&addresses(&[2, 3, 9]));
        assert!(Arc::ptr_eq(&before, &at(&pool, 2)));
        let view = pool.view();
        let slots: BTreeSet<usize> = view.instances.iter().map(|one| one.slot).collect();
        assert_eq!(slots, BTreeSet::from([0, 1, 2]));
        let new = view.instances.iter().find(|one| one.address.port() == 9);
        assert!(new.unwrap().weight_percent < 100, "a new one warms up");
    }
}
