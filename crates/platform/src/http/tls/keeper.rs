//! The pair that is shown just now, and who exchanges it: when its files change, or somebody asks for it. A pair that
//! cannot be used is not taken.

use super::{Options, Pair, counts};
use crate::config::ConfigError;
use contracts::BoxError;
use std::{
    fmt,
    fs::Metadata,
    os::unix::fs::MetadataExt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_rustls::rustls::{
    server::{ClientHello, ResolvesServerCert},
    sign::CertifiedKey,
};
use tokio_util::sync::CancellationToken;

/// Whoever has so few days left is reminded of it.
const DAYS_LEFT_MIN: i64 = 14;

/// What a file looks like from outside; a new one looks different.
type Look = Option<(i64, i64, u64, u64)>;

pub(super) struct Keeper {
    options: Options,
    pair: RwLock<Pair>,
    /// As the files were when they were read last.
    looked: Mutex<[Look; 2]>,
    /// As it was told last.
    days_left: AtomicI64,
    again: Notify,
}

impl fmt::Debug for Keeper {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Keeper").finish_non_exhaustive()
    }
}

impl ResolvesServerCert for Keeper {
    /// The same for every name, and for whoever says none.
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let pair = self.pair.read().unwrap_or_else(PoisonError::into_inner);
        Some(Arc::clone(&pair.shown))
    }
}

impl Keeper {
    pub(super) fn open(options: &Options) -> Result<Self, ConfigError> {
        // Before they are read: whatever changes meanwhile is seen as changed.
        let looked = looks(options);
        let pair = Pair::read(options)?;
        let keeper = Self {
            options: options.clone(),
            pair: RwLock::new(pair),
            looked: Mutex::new(looked),
            days_left: AtomicI64::new(i64::MAX),
            again: Notify::new(),
        };
        keeper.count_days();
        Ok(keeper)
    }

    pub(super) fn read_again(&self) {
        self.again.notify_one();
    }

    /// Takes what is in the files, if it changed or somebody asked for it.
    fn look(&self, asked: bool) {
        let now = looks(&self.options);
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if *looked == now && !asked {
                return self.count_days();
            }
            *looked = now;
        }
        match Pair::read(&self.options) {
            Ok(pair) => {
                tracing::info!(
                    days_left = pair.days_left(),
                    "the door's certificate was read again"
                );
                *self.pair.write().unwrap_or_else(PoisonError::into_inner) = pair;
                counts::exchanged(true);
            }
            Err(error) => {
                tracing::error!(error = %error, "the door keeps the certificate that it has");
                counts::exchanged(false);
            }
        }
        self.count_days();
    }

    /// Tells how long it lasts, and reminds somebody each day that is one of the last.
    fn count_days(&self) {
        let pair = self.pair.read().unwrap_or_else(PoisonError::into_inner);
        let days = pair.days_left();
        counts::days_left(days);
        if self.days_left.swap(days, Ordering::Relaxed) != days && days < DAYS_LEFT_MIN {
            tracing::warn!(days_left = days, "the door's certificate ends soon");
        }
    }
}

/// Looks at the files until the process stops.
pub(super) async fn keep(keeper: Arc<Keeper>, stop: CancellationToken) -> Result<(), BoxError> {
    let pause = Duration::from_millis(keeper.options.look_every_ms);
    loop {
        let asked = tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = keeper.again.notified() => true,
            () = tokio::time::sleep(pause) => false,
        };
        let keeper = Arc::clone(&keeper);
        // Disks may be slow, and the runtime is for those who come.
        tokio::task::spawn_blocking(move || keeper.look(asked)).await?;
    }
}

fn looks(options: &Options) -> [Look; 2] {
    let look = |file: &String| {
        let known: Metadata = std::fs::metadata(file).ok()?;
        Some((known.mtime(), known.mtime_nsec(), known.ino(), known.len()))
    };
    [look(&options.certificate_file), look(&options.key_file)]
}
