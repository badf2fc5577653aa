//! The mailer of a shop that has no mail server: each mail becomes a file that any mail program opens. The folder is
//! its owner's alone, for links in mails open accounts. It keeps the latest mails only: a shop that nobody gave a mail
//! server must not fill its disk with them.

use super::{Mail, Mailer, compose};
use async_trait::async_trait;
use contracts::BoxError;
use lettre::message::Mailbox;
use std::{
    fs::{DirBuilder, OpenOptions, read_dir, remove_file, rename},
    io::{ErrorKind, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// After so many mails the folder is looked through once more: by so many there may be too many.
const LOOK_EVERY: usize = 100;

/// Writes mails into a folder.
pub(super) struct FileMailer {
    folder: PathBuf,
    from: Mailbox,
    files_max: usize,
    written: AtomicUsize,
}

impl FileMailer {
    pub(super) const fn new(folder: PathBuf, from: Mailbox, files_max: usize) -> Self {
        Self {
            folder,
            from,
            files_max,
            written: AtomicUsize::new(0),
        }
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        let bytes = compose(mail, &self.from)?.formatted();
        let (folder, name) = (self.folder.clone(), mail.id.clone());
        let written = self.written.fetch_add(1, Ordering::Relaxed);
        let files_max = written.is_multiple_of(LOOK_EVERY).then_some(self.files_max);
        let writing = tokio::task::spawn_blocking(move || {
            write(&folder, &name, &bytes)?;
            files_max.map_or(Ok(()), |files_max| keep_latest(&folder, files_max))
        });
        Ok(writing.await??)
    }

    fn target(&self) -> String {
        format!("files in {}", self.folder.display())
    }
}

/// Whole or not at all, and the same file for the same mail.
fn write(folder: &Path, name: &str, bytes: &[u8]) -> std::io::Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let unfinished = folder.join(format!(".{name}"));
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&unfinished)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(unfinished, folder.join(format!("{name}.eml")))
}

/// Deletes the oldest mails until so many are left. Two may do so at once: who comes second finds them gone.
fn keep_latest(folder: &Path, files_max: usize) -> std::io::Result<()> {
    let mut mails = Vec::new();
    for entry in read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            match path.metadata() {
                Ok(about) => mails.push((about.modified()?, path)),
                Err(gone) if gone.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    mails.sort_unstable();
    let too_many = mails.len().saturating_sub(files_max);
    for (_, path) in mails.into_iter().take(too_many) {
        match remove_file(path) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::mail;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_mail_is_one_file_however_often_it_is_sent() {
        let folder = std::env::temp_dir().join(format!("souk-mails-{}", std::process::id()));
        let from = "shop@shop.example".parse().unwrap();
        let mailer = FileMailer::new(folder.clone(), from, 10);
        for _ in 0..2 {
            mailer.send(&mail("ann@example.com")).await.unwrap();
        }
        let entries: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
        assert_eq!(entries.len(), 1);
        let path = folder.join("mail_1.eml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains("Good morning."), "{text}");
        for path in [&folder, &path] {
            let mode = std::fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o077, 0);
        }
        std::fs::remove_dir_all(&folder).unwrap();
    }
    #[tokio::test]
    async fn the_latest_mails_are_kept() {
        let folder = std::env::temp_dir().join(format!("souk-latest-{}", std::process::id()));
        let from = "shop@shop.example".parse().unwrap();
        let mailer = FileMailer::new(folder.clone(), from, 10);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("mine.txt"), "not a mail").unwrap();
        for number in 0..=LOOK_EVERY {
            let mail = Mail {
                id: format!("mail_{number:03}"),
                ..mail("ann@example.com")
            };
            mailer.send(&mail).await.unwrap();
        }
        let mut names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        let mut wanted: Vec<_> = (91..=LOOK_EVERY)
            .map(|number| format!("mail_{number:03}.eml"))
            .collect();
        wanted.push("mine.txt".to_owned());
        assert_eq!(names, wanted);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
