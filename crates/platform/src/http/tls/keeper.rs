//! What connections begin with just now, and who exchanges it: when its files change, or somebody asks for it. What
//! cannot be used is not taken.

use super::{Ends, Files, counts, pair::days_until};
use crate::config::ConfigError;
use contracts::BoxError;
use std::{
    fs::Metadata,
    os::unix::fs::MetadataExt,
    sync::{
        Arc, Mutex, PoisonError, RwLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Whoever has so few days left is reminded of it.
const DAYS_LEFT_MIN: i64 = 14;

/// What a file looks like from outside; a new one looks different.
type Look = Option<(i64, i64, u64, u64)>;

/// How the files are read.
pub(super) type Read = fn(&Files) -> Result<Ends, ConfigError>;

pub(super) struct Keeper {
    files: Files,
    read: Read,
    ends: RwLock<Ends>,
    /// As the files were when they were read last.
    looked: Mutex<[Look; 3]>,
    /// As it was told last.
    days_left: AtomicI64,
    again: Notify,
}

impl Keeper {
    pub(super) fn open(files: Files, read: Read) -> Result<Self, ConfigError> {
        // Before they are read: whatever changes meanwhile is seen as changed.
        let looked = looks(&files);
        let ends = read(&files)?;
        let keeper = Self {
            files,
            read,
            ends: RwLock::new(ends),
            looked: Mutex::new(looked),
            days_left: AtomicI64::new(i64::MAX),
            again: Notify::new(),
        };
        keeper.count_days(keeper.ends().ends_at);
        Ok(keeper)
    }

    /// What a connection that begins now begins with.
    pub(super) fn ends(&self) -> Ends {
        let ends = self.ends.read();
        ends.unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) const fn files(&self) -> &Files {
        &self.files
    }

    pub(super) fn read_again(&self) {
        self.again.notify_one();
    }

    /// Takes what is in the files, if it changed or somebody asked for it.
    fn look(&self, asked: bool) {
        let now = looks(&self.files);
        {
            let mut looked = self.looked.lock().unwrap_or_else(PoisonError::into_inner);
            if *looked == now && !asked {
                return self.count_days(self.ends().ends_at);
            }
            *looked = now;
        }
        let (place, who) = (self.files.place, self.files.place.who());
        match (self.read)(&self.files) {
            Ok(ends) => {
                let days_left = ends.ends_at.map(days_until);
                tracing::info!(days_left, "{who}'s certificate was read again");
                // Whoever sees the new one finds it counted.
                counts::exchanged(place, true);
                self.count_days(ends.ends_at);
                *self.ends.write().unwrap_or_else(PoisonError::into_inner) = ends;
                return;
            }
            Err(error) => {
                tracing::error!(error = %error, "{who} keeps the certificate that it has");
                counts::exchanged(place, false);
            }
        }
        self.count_days(self.ends().ends_at);
    }

    /// Tells how long it lasts, and reminds somebody each day that is one of the last.
    fn count_days(&self, ends_at: Option<u64>) {
        let Some(ends_at) = ends_at else {
            return;
        };
        let days = days_until(ends_at);
        counts::days_left(self.files.place, days);
        if self.days_left.swap(days, Ordering::Relaxed) != days && days < DAYS_LEFT_MIN {
            let who = self.files.place.who();
            tracing::warn!(days_left = days, "{who}'s certificate ends soon");
        }
    }
}

/// Looks at the files until the process stops.
pub(super) async fn keep(keeper: Arc<Keeper>, stop: CancellationToken) -> Result<(), BoxError> {
    let pause = Duration::from_millis(keeper.files.look_every_ms);
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

fn looks(files: &Files) -> [Look; 3] {
    let look = |file: &String| {
        let known: Metadata = std::fs::metadata(file).ok()?;
        Some((known.mtime(), known.mtime_nsec(), known.ino(), known.len()))
    };
    [
        look(&files.certificate),
        look(&files.key),
        look(&files.authorities),
    ]
}
