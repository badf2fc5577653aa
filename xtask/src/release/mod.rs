//! `cargo xtask release VERSION`: everything of a release in one folder, `target/release-VERSION`: the static binary,
//! its pages for `man`, the words for shells, the list of all parts, their licences, and the sums of all that. It looks
//! first, and makes nothing unless all is as it should be. `--dry-run` looks, and makes what needs no build. It
//! publishes nothing: somebody signs the sums and carries the folder where it shall be.

mod crates;
mod licences;
mod sbom;

use crate::ci;
use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

const TARGET: &str = "x86_64-unknown-linux-musl";
/// The variable by which a test tells the shop when to die. A binary that has the word was built with debug assertions.
const OF_TESTS: &[u8] = b"SOUK_FAIL_POINT";
/// What `souk completion` knows, with the names under which shells look for it.
const SHELLS: [(&str, &str); 3] = [
    ("bash", "souk.bash"),
    ("zsh", "_souk"),
    ("fish", "souk.fish"),
];

/// Makes a release, or only looks; answers whether all is as it should be.
pub(crate) fn run(root: &Path, wish: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    let (version, dry) = match wish {
        [version] if !version.starts_with('-') => (*version, false),
        [version, "--dry-run"] | ["--dry-run", version] => (*version, true),
        _ => {
            return Err(io::Error::other(
                "usage: cargo xtask release VERSION [--dry-run]",
            ));
        }
    };
    let manifest = fs::read_to_string(root.join("Cargo.toml"))?;
    let changes = fs::read_to_string(root.join("CHANGELOG.md"))?;
    let parts = crates::of_the_shop(root, TARGET)?;
    let mut wrong = wrong(version, &manifest, &changes, dry);
    wrong.extend(
        parts
            .iter()
            .filter(|part| !licences::is_allowed(&part.licence))
            .map(|part| {
                format!(
                    "{} is under \"{}\", which is not among the licences that are allowed",
                    part.id(),
                    part.licence
                )
            }),
    );
    if !dry {
        wrong.extend(changed(root)?);
    }
    if !wrong.is_empty() {
        for what in &wrong {
            writeln!(out, "release: {what}")?;
        }
        return Ok(false);
    }
    writeln!(
        out,
        "release: {version}: {} parts, all under licences that are allowed",
        parts.len()
    )?;
    let folder = root.join("target").join(format!("release-{version}"));
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    fs::write(
        folder.join("souk.cdx.json"),
        sbom::document(version, TARGET, &parts),
    )?;
    fs::write(folder.join("LICENCES.txt"), told(&parts))?;
    fs::copy(root.join("LICENSE"), folder.join("LICENSE"))?;
    if !dry {
        let binary = built(root)?;
        furnish(&binary, &folder, version)?;
    }
    sums(&folder)?;
    writeln!(out, "release: {}", folder.display())?;
    Ok(true)
}

/// What keeps this version from being released, as far as files tell.
fn wrong(version: &str, manifest: &str, changes: &str, dry: bool) -> Vec<String> {
    let mut wrong = Vec::new();
    let numbers: Vec<&str> = version.split('.').collect();
    let is_number = |text: &&str| {
        let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        plain && (text.len() == 1 || !text.starts_with('0'))
    };
    if numbers.len() != 3 || !numbers.iter().all(is_number) {
        wrong.push(format!("{version} is no version such as 1.2.3"));
    }
    let of_workspace = manifest
        .lines()
        .skip_while(|line| *line != "[workspace.package]")
        .find_map(|line| line.strip_prefix("version = \"")?.strip_suffix('"'));
    if of_workspace != Some(version) {
        wrong.push(format!(
            "Cargo.toml says {}, not {version}",
            of_workspace.unwrap_or("nothing")
        ));
    }
    // Fail points are where these assertions are.
    if manifest.contains("debug-assertions") {
        wrong.push("Cargo.toml says something of debug-assertions: a release has none".to_owned());
    }
    // What is not released yet stands at the top; on the day it gets its number and the date.
    let title = if dry {
        "Unreleased".to_owned()
    } else {
        format!("{version} - ")
    };
    match section(changes, &title) {
        None => wrong.push(format!("CHANGELOG.md has no section \"{title}\"")),
        Some(text) if !text.lines().any(|line| line.starts_with("- ")) => {
            wrong.push(format!("CHANGELOG.md says nothing below \"{title}\""));
        }
        Some(_) => {}
    }
    wrong
}

/// What stands below a title that begins like this.
fn section<'t>(text: &'t str, title: &str) -> Option<&'t str> {
    let start = text.find(&format!("\n## {title}"))?;
    let below = text.get(start..)?.trim_start();
    let end = below.find("\n## ").unwrap_or(below.len());
    below.get(..end)
}

/// A release is made of what is committed.
fn changed(root: &Path) -> io::Result<Option<String>> {
    let status = Command::new("git")
        .args(["status", "--porcelain"])
        .current_dir(root)
        .output()?;
    let is_clean = status.status.success() && status.stdout.is_empty();
    Ok((!is_clean).then(|| "there are changes that are not committed".to_owned()))
}

/// Every part and its licence, a line each.
fn told(parts: &[crates::Part]) -> String {
    let lines = parts
        .iter()
        .map(|part| format!("{} {}: {}\n", part.name, part.version, part.licence));
    let head = "What is in the binary or makes it, and under which licence its authors gave it (SPDX).\n\n";
    head.to_owned() + &lines.collect::<String>()
}

/// The static binary, made as the image's is.
fn built(root: &Path) -> io::Result<PathBuf> {
    if let Some(named) = std::env::var_os(crate::deploy::STATIC_BINARY) {
        return Ok(PathBuf::from(named));
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
    if !ci::cargo(root, &words).status()?.success() {
        return Err(io::Error::other(format!(
            "no static binary: `rustup target add {TARGET}`, package musl-tools"
        )));
    }
    Ok(root.join("target").join(TARGET).join("release/souk"))
}

/// The binary, and what it says of itself. One that is of another version is none.
fn furnish(binary: &Path, folder: &Path, version: &str) -> io::Result<()> {
    let said = |words: &[&str]| {
        let output = Command::new(binary).args(words).output()?;
        match output.status.success() {
            true => Ok(output.stdout),
            false => Err(io::Error::other(format!("souk {} failed", words.join(" ")))),
        }
    };
    let own = String::from_utf8_lossy(&said(&["--version"])?)
        .trim()
        .to_owned();
    if own != format!("souk {version}") {
        return Err(io::Error::other(format!("the binary is \"{own}\"")));
    }
    if can_be_told_to_die(&fs::read(binary)?) {
        return Err(io::Error::other(
            "the binary can be told to die: it was built with debug assertions",
        ));
    }
    fs::copy(binary, folder.join(format!("souk-{version}-{TARGET}")))?;
    let pages = folder.join("man1");
    fs::create_dir_all(&pages)?;
    said(&["man", "--to", &pages.to_string_lossy()])?;
    for (shell, name) in SHELLS {
        fs::write(folder.join(name), said(&["completion", shell])?)?;
    }
    Ok(())
}

/// Whether tests could tell this binary when to die.
fn can_be_told_to_die(binary: &[u8]) -> bool {
    binary
        .windows(OF_TESTS.len())
        .any(|bytes| bytes == OF_TESTS)
}

/// `SHA256SUMS`, which `sha256sum --check` reads.
fn sums(folder: &Path) -> io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let (path, inside) = (entry?.path(), PathBuf::from);
        let name = path.file_name().map_or_else(PathBuf::new, inside);
        if !path.is_dir() {
            names.push(name);
            continue;
        }
        for page in fs::read_dir(&path)? {
            names.push(name.join(page?.file_name()));
        }
    }
    names.sort();
    let output = Command::new("sha256sum")
        .args(&names)
        .current_dir(folder)
        .output()?;
    if !output.status.success() {
        return Err(io::Error::other("sha256sum failed"));
    }
    fs::write(folder.join("SHA256SUMS"), output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MANIFEST: &str = "[workspace]\n\n[workspace.package]\nversion = \"1.2.3\"\n";
    const CHANGES: &str = "# Changelog\n\n## Unreleased\n\n## 1.2.3 - 2026-12-01\n\n- A line.\n\n## 1.2.2\n\n- Old.\n";

    #[test]
    fn a_version_is_released_that_the_manifest_and_the_changelog_know() {
        assert_eq!(
            wrong("1.2.3", MANIFEST, CHANGES, false),
            Vec::<String>::new()
        );
        let two = wrong("1.2.4", MANIFEST, CHANGES, false);
        assert_eq!(two.len(), 2, "{two:?}");
        for version in ["1.2", "v1.2.3", "1.2.3-rc1", "1.02.3", ""] {
            let wrong = wrong(version, MANIFEST, CHANGES, false);
            assert!(wrong[0].contains("is no version"), "{version}");
        }
    }

    #[test]
    fn what_can_be_told_to_die_is_not_released() {
        let manifest = format!("{MANIFEST}\n[profile.release]\ndebug-assertions = true\n");
        let one = wrong("1.2.3", &manifest, CHANGES, false);
        assert_eq!(one.len(), 1, "{one:?}");
        assert!(can_be_told_to_die(b"\x7fELF..SOUK_FAIL_POINT.."));
        assert!(!can_be_told_to_die(b"\x7fELF..SOUK_SHOP_URL.."));
    }

    #[test]
    fn a_release_that_says_nothing_of_itself_is_none() {
        let empty = wrong("1.2.3", MANIFEST, CHANGES, true);
        assert_eq!(empty, ["CHANGELOG.md says nothing below \"Unreleased\""]);
        let none = wrong("1.2.3", MANIFEST, "# Changelog\n", false);
        assert_eq!(none, ["CHANGELOG.md has no section \"1.2.3 - \""]);
    }

    /// As it stands: the version, the changelog, the licences of all parts, the list of them, and sums that hold.
    #[test]
    fn this_shop_could_be_released() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let version = env!("CARGO_PKG_VERSION");
        let mut out = Vec::new();
        let fine = run(&root, &[version, "--dry-run"], &mut out).unwrap();
        assert!(fine, "{}", String::from_utf8_lossy(&out));
        let folder = root.join("target").join(format!("release-{version}"));
        let list = fs::read_to_string(folder.join("souk.cdx.json")).unwrap();
        assert!(list.contains("\"pkg:cargo/tokio@"), "{list}");
        let check = Command::new("sha256sum")
            .args(["--check", "--quiet", "SHA256SUMS"])
            .current_dir(&folder)
            .status();
        assert!(check.unwrap().success());
    }
}
