//! `cargo xtask clients`: the clients in other languages, made of docs/openapi.json as somebody makes them who has just
//! cloned this, read as strictly as their languages can, and led the whole way through a real shop. They are made in
//! copies below `target`: nothing of the workspace is touched.

use crate::{
    kept_tools,
    parts::{self, Outcome, Part, Stand},
    security::{shop::Shop, tools},
};
use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const PARTS: &[Part] = &[
    Part {
        name: "typescript",
        what: "made, built with tsc in its strictest, and tried in a shop",
        asks_a_shop: true,
        run: typescript,
    },
    Part {
        name: "python",
        what: "installed by pip, checked by mypy --strict, and tried in a shop",
        asks_a_shop: true,
        run: python,
    },
    Part {
        name: "tools",
        what: "what the tests of `tests/clients` need is kept below target",
        asks_a_shop: false,
        run: kept_tools::part,
    },
];

/// What others make in the clients' folders.
const MADE: &[&str] = &[
    "node_modules",
    "build",
    "dist",
    "rest",
    "__pycache__",
    ".mypy_cache",
];
const DOCUMENT: &str = "docs/openapi.json";

/// Runs the parts that are wished for, or all; answers whether all passed.
pub(crate) fn run(root: &Path, wish: &[&str], out: &mut dyn Write) -> io::Result<bool> {
    parts::run("clients", PARTS, root, wish, out)
}

fn typescript(stand: &Stand, _: &mut dyn Write) -> io::Result<Outcome> {
    let bench = Bench::open(stand, "typescript")?;
    if !bench.run(
        "npm",
        &["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
        "",
    )? {
        return Ok(bench.not_run("node 20 with npm, and what package-lock.json names"));
    }
    let shop = Shop::open(stand, "typescript", &[])?;
    // What `npm install` runs there comes first, and what it packs for others last.
    let words: [&[&str]; 4] = [&["run", "prepare"], &["run", "fresh"], &["test"], &["pack"]];
    for words in words {
        if !bench.run("npm", words, &shop.address)? {
            return Ok(bench.failed(&format!("npm {}", words.join(" "))));
        }
    }
    bench.passed("# pass ")
}

fn python(stand: &Stand, _: &mut dyn Write) -> io::Result<Outcome> {
    let bench = Bench::open(stand, "python")?;
    let has_tools = bench.run("python3", &["-m", "venv", "own"], "")?
        && bench.run(
            "own/bin/pip",
            &["install", "--quiet", "-r", "requirements.txt"],
            "",
        )?
        && bench.run("own/bin/pip", &["install", "--quiet", "."], "")?;
    if !has_tools {
        return Ok(bench.not_run("python3 with venv, and what requirements.txt names"));
    }
    let shop = Shop::open(stand, "python", &[])?;
    let words: [&[&str]; 4] = [
        &["generate.py"],
        &["generate.py", "--check"],
        &[
            "-m",
            "mypy",
            "generate.py",
            "hatch_build.py",
            "src",
            "tests",
        ],
        &[
            "-W",
            "error",
            "-m",
            "unittest",
            "discover",
            "--start-directory",
            "tests",
        ],
    ];
    for words in words {
        if !bench.run("own/bin/python", words, &shop.address)? {
            return Ok(bench.failed(&format!("python {}", words.join(" "))));
        }
    }
    bench.passed("Ran ")
}

/// A copy of a client with the document where it looks for it, and what its tools said.
struct Bench {
    folder: PathBuf,
    log: PathBuf,
}

impl Bench {
    fn open(stand: &Stand, name: &str) -> io::Result<Self> {
        let clone = stand.folder.join(format!("clone-{name}"));
        tools::remove(&clone)?;
        let document = clone.join(DOCUMENT);
        fs::create_dir_all(document.parent().unwrap_or(&clone))?;
        fs::copy(stand.root.join(DOCUMENT), document)?;
        let folder = clone.join("clients").join(name);
        copy(&stand.root.join("clients").join(name), &folder)?;
        let log = stand.folder.join(format!("{name}.log"));
        File::create(&log)?;
        Ok(Self { folder, log })
    }

    /// Runs a tool there, beside the shop at this address; answers whether it was content.
    fn run(&self, program: &str, words: &[&str], shop: &str) -> io::Result<bool> {
        let own = self.folder.join(program);
        let program = if own.is_file() { own } else { program.into() };
        let log = File::options().append(true).open(&self.log)?;
        let status = Command::new(program)
            .args(words)
            .current_dir(&self.folder)
            .env_remove(parts::BINARY)
            .env("SOUK_URL", format!("http://{shop}"))
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .status();
        Ok(status.is_ok_and(|status| status.success()))
    }

    fn not_run(&self, needed: &str) -> Outcome {
        Outcome::NotRun(format!("needs {needed}; all of it: {}", self.log.display()))
    }

    fn failed(&self, at: &str) -> Outcome {
        Outcome::Failed(format!("at {at}; all of it: {}", self.log.display()))
    }

    /// With the tests' own count, which stands after this mark; no test is no success.
    fn passed(&self, mark: &str) -> io::Result<Outcome> {
        let said = fs::read_to_string(&self.log)?;
        let count = count(&said, mark);
        let line = format!("{count} tests; all of it: {}", self.log.display());
        Ok(if count == 0 {
            Outcome::Failed(line)
        } else {
            Outcome::Passed(line)
        })
    }
}

fn count(said: &str, mark: &str) -> u64 {
    let mut lines = said.lines().rev();
    let rest = lines.find_map(|line| line.strip_prefix(mark));
    let count = rest.and_then(|rest| rest.split_whitespace().next());
    count.and_then(|count| count.parse().ok()).unwrap_or(0)
}

/// Copies what is written by people.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if MADE.iter().any(|made| name == *made) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &to.join(name))?;
        } else {
            fs::copy(entry.path(), to.join(name))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tests_count_is_read_from_the_tools_own_words() {
        assert_eq!(count("# tests 13\n# pass 13\n# fail 0\n", "# pass "), 13);
        assert_eq!(count("....\nRan 15 tests in 1.676s\n\nOK\n", "Ran "), 15);
        assert_eq!(count("nothing", "Ran "), 0);
    }
}
