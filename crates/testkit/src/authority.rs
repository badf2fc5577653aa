//! An authority of certificates of a test's own, made by openssl. Its keys are worth nothing anywhere else.

use crate::Folder;
use std::{io::Write, process::Command};

const CURVE: &str = "ec_paramgen_curve:P-256";

/// An authority, and one certificate that it signed, in files: `ca.pem`, `server.pem`, `server.key`; all of it for a
/// day.
#[derive(Debug)]
pub struct Authority {
    folder: Folder,
}

impl Authority {
    /// With a certificate for these names, as `DNS:localhost`. Without openssl the test fails, or is left out aloud if
    /// servers may be.
    pub fn new(names: &str) -> Option<Self> {
        if Command::new("openssl").arg("version").output().is_err() {
            let missing = "openssl is not installed here: `apt-get install openssl`";
            let skip = std::env::var("SOUK_TEST_SKIP_SERVERS").is_ok_and(|value| value == "1");
            assert!(skip, "{missing} (or set SOUK_TEST_SKIP_SERVERS=1)");
            drop(writeln!(std::io::stderr(), "SKIPPED, because {missing}"));
            return None;
        }
        let authority = Self {
            folder: Folder::default(),
        };
        authority.openssl(
            "req -x509 -newkey ec -pkeyopt CURVE -nodes -days 1 -subj /CN=authority -keyout ca.key -out ca.pem \
             -addext keyUsage=critical,keyCertSign",
        );
        let extension = format!("subjectAltName={names}\n");
        authority.folder.write("names", extension);
        authority.sign("server", 1);
        Some(authority)
    }

    /// Another pair for the same names, `NAME.pem` and `NAME.key`, that ends after so many days; before it begins, if
    /// they are fewer than none.
    pub fn sign(&self, name: &str, days: i32) {
        self.openssl(&format!(
            "req -new -newkey ec -pkeyopt CURVE -nodes -subj /CN=server -keyout {name}.key -out {name}.csr"
        ));
        self.openssl(&format!(
            "x509 -req -in {name}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days {days} -extfile names \
             -out {name}.pem"
        ));
    }

    fn openssl(&self, arguments: &str) {
        let arguments = arguments
            .split(' ')
            .map(|word| if word == "CURVE" { CURVE } else { word });
        let made = Command::new("openssl")
            .args(arguments)
            .current_dir(self.folder.path())
            .output()
            .expect("openssl runs");
        assert!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
    }

    /// The path of one of its files.
    pub fn at(&self, name: &str) -> String {
        self.folder.at(name)
    }
}
