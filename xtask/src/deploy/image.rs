//! The image without Docker: the static binary is built as the Dockerfile builds it, put into a folder with nothing but
//! the certificates, and run there with that folder as its root, read-only, as nobody, without any capability.

use super::monitoring::free_address;
use crate::{
    ci,
    parts::{Outcome, Stand},
    security::tools,
};
use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Names a static binary that is there already.
pub(crate) const BINARY: &str = "SOUK_STATIC_BINARY";
const TARGET: &str = "x86_64-unknown-linux-musl";
/// A name that only the root file system knows: a static binary must find names without a library's help.
const NAME: &str = "souk.internal";
/// What the image may have, in bytes, everything together.
const BYTES_MAX: u64 = 100_000_000;
/// As the Dockerfile has it.
const NOBODY: &str = "65532:65532";
/// Runs in a namespace of its own: makes the folder $1 its root, read-only, with $2 (in memory) as /data and /tmp, and
/// becomes nobody there.
const ENTER: &str = r#"set -e
root=$1; shift
mount --bind "$root" "$root"
mount -t tmpfs -o mode=0700,uid=65532,gid=65532,nosuid,nodev,noexec tmpfs "$root/data"
mount -t tmpfs -o mode=1777,nosuid,nodev,noexec tmpfs "$root/tmp"
mount -o remount,ro,bind "$root"
if touch "$root/written" 2>/dev/null; then echo "the root can be written to"; exit 1; fi
caps=-all,+sys_chroot,+setuid,+setgid
exec setpriv --no-new-privs --bounding-set=$caps -- chroot --userspec=65532:65532 "$root" "$@"
"#;

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    if !fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0) {
        return Ok(Outcome::NotRun(
            "it takes root to change the root of a process".to_owned(),
        ));
    }
    let binary = match binary(stand)? {
        Ok(binary) => binary,
        Err(why) => return Ok(Outcome::NotRun(why)),
    };
    if has_interpreter(&fs::read(&binary)?) {
        return Ok(Outcome::Failed(format!(
            "{} needs libraries",
            binary.display()
        )));
    }
    let root = stand.folder.join("root");
    let bytes = furnish(&binary, &root)?;
    writeln!(out, "  {bytes} bytes, all in all")?;
    if bytes > BYTES_MAX {
        return Ok(Outcome::Failed(format!(
            "{bytes} bytes are more than {BYTES_MAX}"
        )));
    }
    let address = free_address()?;
    let begun = Instant::now();
    let mut shop = Inside::open(&root, &address)?;
    let ready = shop.is_ready(&address)?;
    let took_ms = begun.elapsed().as_millis();
    let memory = shop.memory();
    let user = shop.user();
    drop(shop);
    Ok(match (ready, user.as_deref()) {
        (true, Some("65532")) => Outcome::Passed(format!(
            "{bytes} bytes; ready after {took_ms} ms as nobody in a read-only root, asked by its own health command; \
             {memory}"
        )),
        (true, user) => Outcome::Failed(format!("it runs as {user:?}")),
        (false, _) => Outcome::Failed("it did not become ready".to_owned()),
    })
}

/// The binary that was named, or one built as the Dockerfile does it.
fn binary(stand: &Stand) -> io::Result<Result<PathBuf, String>> {
    if let Some(named) = env::var_os(BINARY) {
        return Ok(Ok(PathBuf::from(named)));
    }
    if let Err(why) = tools::debian("musl-gcc", "musl-tools") {
        return Ok(Err(why));
    }
    let words = [
        "build",
        "--locked",
        "--release",
        "--target",
        TARGET,
        "--bin",
        "souk",
    ];
    let mut build = ci::cargo(&stand.root, &words);
    Ok(match build.status()?.success() {
        true => Ok(stand.root.join("target").join(TARGET).join("release/souk")),
        false => Err(format!(
            "no static binary: `rustup target add {TARGET}`, or name one in {BINARY}"
        )),
    })
}

/// Whether a binary (ELF, 64 bits, little-endian) names a program that must load it: a static one does not.
fn has_interpreter(elf: &[u8]) -> bool {
    const INTERPRETER: u64 = 3;
    let number = |place: usize, length: usize| {
        let bytes = elf.get(place..place.checked_add(length)?)?;
        let value = bytes
            .iter()
            .rev()
            .fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        usize::try_from(value).ok().map(|place| (place, value))
    };
    let (Some((table, _)), Some((size, _)), Some((count, _))) =
        (number(32, 8), number(54, 2), number(56, 2))
    else {
        return true;
    };
    (0..count).any(|index| {
        let place = size
            .checked_mul(index)
            .and_then(|offset| offset.checked_add(table));
        let kind = place.and_then(|place| number(place, 4));
        kind.is_none_or(|(_, kind)| kind == INTERPRETER)
    })
}

/// The root file system, as the last stage of the Dockerfile makes it; answers its size.
fn furnish(binary: &Path, root: &Path) -> io::Result<u64> {
    tools::remove(root)?;
    let certificates = root.join("etc/ssl/certs");
    for folder in [&certificates, &root.join("data"), &root.join("tmp")] {
        fs::create_dir_all(folder)?;
    }
    // As Docker and Kubernetes put it there.
    fs::write(root.join("etc/hosts"), format!("127.0.0.1 {NAME}\n"))?;
    let authorities = "/etc/ssl/certs/ca-certificates.crt";
    let bytes = fs::copy(binary, root.join("souk"))?;
    let more = match Path::new(authorities).is_file() {
        true => fs::copy(authorities, certificates.join("ca-certificates.crt"))?,
        false => 0,
    };
    Ok(bytes.saturating_add(more))
}

/// A shop in a root of its own; it ends with its handle.
struct Inside {
    shop: Child,
    root: PathBuf,
}

impl Inside {
    fn open(root: &Path, address: &str) -> io::Result<Self> {
        let shop = enter(root)
            .args(["/souk", "serve"])
            .env_clear()
            .env("PATH", env::var_os("PATH").unwrap_or_default())
            .env("SOUK_DB", "sqlite:/data")
            .env("SOUK_HTTP__LISTEN", address)
            .env("SSL_CERT_FILE", "/etc/ssl/certs/ca-certificates.crt")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let root = root.to_owned();
        Ok(Self { shop, root })
    }

    /// Asks as Docker would, by the binary itself in the same root, until it is well or half a minute is over.
    fn is_ready(&mut self, address: &str) -> io::Result<bool> {
        let begun = Instant::now();
        let port = address.rsplit(':').next().unwrap_or_default();
        let named = format!("http://{NAME}:{port}");
        while begun.elapsed() < Duration::from_secs(30) {
            if self.shop.try_wait()?.is_some() {
                return Ok(false);
            }
            let mut health = Command::new("chroot");
            health
                .arg(format!("--userspec={NOBODY}"))
                .arg(&self.root)
                .args(["/souk", "health", &named]);
            if health.output()?.status.success() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// A line of what the system says of it.
    fn status(&self, name: &str) -> Option<String> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.shop.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix(name))?;
        Some(line.split_whitespace().collect::<Vec<_>>().join(" "))
    }

    fn memory(&self) -> String {
        let bytes = self.status("VmRSS:").unwrap_or_default();
        let own = self.status("RssAnon:").unwrap_or_default();
        format!("{bytes} in memory, {own} of them its own")
    }

    /// Its effective user.
    fn user(&self) -> Option<String> {
        let users = self.status("Uid:")?;
        users.split(' ').nth(1).map(str::to_owned)
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.shop.kill());
        drop(self.shop.wait());
    }
}

fn enter(root: &Path) -> Command {
    let mut command = Command::new("unshare");
    command
        .args(["--mount", "--ipc", "--uts", "sh", "-c", ENTER, "enter"])
        .arg(root);
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A head with one entry of this kind in its table.
    fn elf(kind: u8) -> Vec<u8> {
        let mut bytes = vec![0_u8; 64 + 56];
        bytes[32] = 64;
        bytes[54] = 56;
        bytes[56] = 1;
        bytes[64] = kind;
        bytes
    }

    #[test]
    fn a_binary_that_names_a_loader_is_not_static_and_what_cannot_be_read_is_not_either() {
        assert!(!has_interpreter(&elf(1)));
        assert!(has_interpreter(&elf(3)));
        assert!(has_interpreter(b"no binary"));
    }
}
