//! The mailer of a shop that has no mail server: each mail becomes a file that any mail program opens. The folder is
//! its owner's alone, for links in mails open accounts.

use super::{Mail, Mailer, compose};
use async_trait::async_trait;
use contracts::BoxError;
use lettre::message::Mailbox;
use std::{
    fs::{DirBuilder, OpenOptions, rename},
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

/// Writes mails into a folder.
pub(super) struct FileMailer {
    folder: PathBuf,
    from: Mailbox,
}

impl FileMailer {
    pub(super) const fn new(folder: PathBuf, from: Mailbox) -> Self {
        Self { folder, from }
    }
}

#[async_trait]
impl Mailer for FileMailer {
    async fn send(&self, mail: &Mail) -> Result<(), BoxError> {
        let bytes = compose(mail, &self.from)?.formatted();
        let (folder, name) = (self.folder.clone(), mail.id.clone());
        let writing = tokio::task::spawn_blocking(move || write(&folder, &name, &bytes));
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

#[cfg(test)]
mod tests {
    use super::super::tests::mail;
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[tokio::test]
    async fn a_mail_is_one_file_however_often_it_is_sent() {
        let folder = std::env::temp_dir().join(format!("souk-mails-{}", std::process::id()));
        let from = "shop@shop.example".parse().unwrap();
        let mailer = FileMailer::new(folder.clone(), from);
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
}
