//! A disk of our own, in memory, that can lose its power: a FUSE file system that knows what was synced. It also
//! fills up, fails and lies on demand. Where it cannot be mounted, whoever asks for it fails and says so.
#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod files;
mod kernel;

pub use files::Unsynced;

use crate::Folder;
use files::{Behaviour, Files};
use fuser::{BackgroundSession, Config, MountOption, Session};
use kernel::Mounted;
use std::{
    io::{Error, ErrorKind},
    os::unix::fs::MetadataExt,
    path::Path,
    sync::{Arc, Mutex},
};

/// A mounted disk; it is empty at first, and gone when this goes.
pub struct Disk {
    files: Arc<Mutex<Files>>,
    session: Option<BackgroundSession>,
    // Last: the folder goes when nothing is mounted on it.
    mountpoint: Folder,
}

impl Default for Disk {
    fn default() -> Self {
        let mut disk = Self {
            files: Arc::default(),
            session: None,
            mountpoint: Folder::default(),
        };
        disk.mount();
        disk
    }
}

impl Disk {
    /// Where it is mounted.
    pub fn path(&self) -> &Path {
        self.mountpoint.path()
    }

    fn mount(&mut self) {
        let metadata = self.path().metadata().expect("the folder to mount on");
        let disk = Mounted {
            files: Arc::clone(&self.files),
            owner: (metadata.uid(), metadata.gid()),
        };
        let mut config = Config::default();
        config.mount_options = vec![MountOption::FSName("souk-test-disk".to_owned())];
        let mounted = Session::new(disk, self.path(), &config).and_then(Session::spawn);
        let session = mounted.unwrap_or_else(|error| {
            panic!(
                "NOT RUN: no FUSE file system can be mounted here ({error}). Power loss, a full disk and failed \
                 syncs are tested on one: it needs Linux, /dev/fuse, and root or fusermount3 (package fuse3)"
            )
        });
        self.session = Some(session);
    }

    fn behave(&self, change: impl FnOnce(&mut Behaviour)) {
        change(&mut self.files.lock().expect("the disk's files").behaviour);
    }

    /// The power goes, at once and for everybody. What was not synced is lost, or some of it.
    pub fn lose_power(&self, unsynced: Unsynced) {
        self.files
            .lock()
            .expect("the disk's files")
            .lose_power(unsynced);
    }

    /// The power is back, and the disk is mounted again. Nobody may have a file of it open.
    pub fn restore_power(&mut self) {
        if let Some(session) = self.session.take() {
            let ended = session.umount_and_join();
            // The kernel may tell the session of its end in either way.
            let aborted = |error: &Error| error.kind() == ErrorKind::ConnectionAborted;
            assert!(
                ended.as_ref().is_ok() || ended.as_ref().is_err_and(aborted),
                "somebody uses the disk: {ended:?}"
            );
        }
        self.behave(|behaviour| behaviour.is_off = false);
        self.mount();
    }

    /// After so many syncs more one fails. What it was to make safe will not be, though later syncs succeed.
    pub fn fail_sync_after(&self, syncs: u64) {
        self.behave(|behaviour| behaviour.syncs_until_failure = Some(syncs));
    }

    /// Whether the sync that was to fail has come.
    pub fn has_failed(&self) -> bool {
        let mut failed = false;
        self.behave(|behaviour| failed = behaviour.syncs_until_failure.is_none());
        failed
    }

    /// From now on syncs are answered and not done, until the power goes.
    pub fn lie(&self) {
        self.behave(|behaviour| behaviour.lies = true);
    }

    /// Leaves room for so many bytes more.
    pub fn leave_room(&self, bytes: usize) {
        let mut files = self.files.lock().expect("the disk's files");
        files.behaviour.room = Some(files.used() + bytes);
    }

    /// There is room again.
    pub fn make_room(&self) {
        self.behave(|behaviour| behaviour.room = None);
    }

    /// How many syncs of files were done.
    pub fn syncs(&self) -> u64 {
        let mut syncs = 0;
        self.behave(|behaviour| syncs = behaviour.syncs);
        syncs
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let Some(session) = self.session.take() else {
            return;
        };
        // A test that failed may leave a dying shop behind: then the disk goes as soon as nobody holds it.
        if session.umount_and_join().is_err() {
            let unmount = std::process::Command::new("umount")
                .arg("--lazy")
                .arg(self.path())
                .status();
            drop(unmount);
        }
    }
}
