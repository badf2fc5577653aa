//! `cargo xtask tidy`: reads the workspace and prints what breaks a rule, one line each.
//! Holds no rule itself (see `documents`, `imports`, `rooms`, `sources`, `sizes`, `headers`, `steps`, `secrets`) and
//! changes no file.

use crate::{documents, headers, imports, rooms, secrets, sizes, sources, steps};
use std::{
    fs,
    io::{self, Write},
    path::Path,
};

/// Looks at all files and answers what breaks it.
pub(crate) type Rule = fn(&[File]) -> Vec<Violation>;

const RULES: &[Rule] = &[
    imports::arrows,
    rooms::walls,
    rooms::homes,
    sources::single,
    sizes::lines,
    sizes::files,
    sizes::functions,
    headers::first_lines,
    headers::modules,
    headers::leftovers,
    headers::migrations,
    headers::decisions,
    steps::stand,
    documents::named_tests,
    documents::tables,
];

/// Folders that hold nothing of ours.
const FOREIGN_FOLDERS: &[&str] = &[
    ".git",
    ".hypothesis",
    ".mypy_cache",
    ".schemathesis",
    "node_modules",
    "souk-data",
    "target",
];

/// A file that some rule looks at.
#[derive(Debug)]
pub(crate) struct File {
    /// From the workspace's folder, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
    /// Empty unless it is Rust.
    pub(crate) layers: sizes::Layers,
}

impl File {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        let (path, text) = (path.into(), text.into());
        let layers = if is_rust(&path) {
            sizes::layers(&text)
        } else {
            sizes::Layers::default()
        };
        Self { path, text, layers }
    }

    pub(crate) fn is_rust(&self) -> bool {
        is_rust(&self.path)
    }

    pub(crate) fn violation(&self, line: usize, what: impl Into<String>) -> Violation {
        Violation {
            path: self.path.clone(),
            line,
            what: what.into(),
        }
    }
}

/// A broken rule and where.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Violation {
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) what: String,
}

/// Checks the workspace; answers whether no rule is broken.
pub(crate) fn run(root: &Path, out: &mut dyn Write) -> io::Result<bool> {
    let files = read(root)?;
    if files.is_empty() {
        // A check of nothing must not look like a check that passed.
        return Err(io::Error::other(format!(
            "no file of ours in {}",
            root.display()
        )));
    }
    let mut violations = check(&files);
    violations.extend(secrets::absent(&every(root)?));
    violations.sort();
    for Violation { path, line, what } in &violations {
        writeln!(out, "{path}:{line}: {what}")?;
    }
    writeln!(
        out,
        "tidy: {} files, {} violations",
        files.len(),
        violations.len()
    )?;
    Ok(violations.is_empty())
}

fn check(files: &[File]) -> Vec<Violation> {
    let mut violations: Vec<Violation> = RULES.iter().flat_map(|rule| rule(files)).collect();
    violations.sort();
    // The same fault twice on a line is one to mend.
    violations.dedup();
    violations
}

pub(crate) fn read(root: &Path) -> io::Result<Vec<File>> {
    let files = paths(root)?.into_iter().filter(|path| is_watched(path));
    files.map(|path| read_one(root, path)).collect()
}

/// Every file of the workspace, also those that no other rule looks at. What is no text is read as if it were.
fn every(root: &Path) -> io::Result<Vec<File>> {
    let read = |path: String| {
        let bytes = fs::read(root.join(&path)).map_err(|error| named(&path, &error))?;
        Ok(File {
            text: String::from_utf8_lossy(&bytes).into_owned(),
            path,
            layers: sizes::Layers::default(),
        })
    };
    paths(root)?.into_iter().map(read).collect()
}

fn paths(root: &Path) -> io::Result<Vec<String>> {
    let mut paths = Vec::new();
    collect(root, "", &mut paths)?;
    paths.sort();
    Ok(paths)
}

fn read_one(root: &Path, path: String) -> io::Result<File> {
    let text = fs::read_to_string(root.join(&path)).map_err(|error| named(&path, &error))?;
    Ok(File::new(path, text))
}

fn named(path: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{path}: {error}"))
}

/// Adds the path of every file below `folder` that may be ours.
fn collect(folder: &Path, prefix: &str, paths: &mut Vec<String>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type()?;
        if kind.is_dir() {
            if !FOREIGN_FOLDERS.contains(&name.as_str()) {
                collect(&entry.path(), &format!("{path}/"), paths)?;
            }
        } else if kind.is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_watched(path: &str) -> bool {
    is_rust(path)
        || imports::is_manifest(path)
        || headers::is_migration(path)
        || headers::is_decision(path)
        || steps::is_list(path)
        || documents::is_document(path)
}

fn is_rust(path: &str) -> bool {
    Path::new(path)
        .extension()
        .is_some_and(|extension| extension == "rs")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A folder that goes when the test ends.
    struct Tree(PathBuf);

    impl Tree {
        fn with(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("xtask-{name}-{}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }

        fn tidy(&self) -> (bool, String) {
            let mut out = Vec::new();
            let passed = run(&self.0, &mut out).unwrap();
            (passed, String::from_utf8(out).unwrap())
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            fs::remove_dir_all(&self.0).unwrap();
        }
    }

    #[test]
    fn a_clean_tree_passes_and_is_counted() {
        let tree = Tree::with(
            "clean",
            &[
                ("Cargo.toml", "[workspace]\n"),
                (
                    "crates/orders/Cargo.toml",
                    "[package]\nname = \"souk-orders\"\n",
                ),
                ("crates/orders/src/lib.rs", "//! Orders.\n"),
                (
                    "crates/orders/migrations/sqlite/0001_orders.sql",
                    "SELECT 1;\n",
                ),
                ("docs/adr/0001-sqlite.md", "# SQLite\n"),
                ("README.md", "no rule counts it\n"),
            ],
        );
        assert_eq!(
            tree.tidy(),
            (true, "tidy: 5 files, 0 violations\n".to_owned())
        );
    }

    #[test]
    fn a_key_is_found_in_any_file() {
        let key = format!("token: ghp_{}\n", "7".repeat(36));
        let tree = Tree::with(
            "key",
            &[("src/lib.rs", "//! Ours.\n"), (".ci/run.yaml", &key)],
        );
        let (passed, text) = tree.tidy();
        assert!(!passed && text.starts_with(".ci/run.yaml:1: "), "{text}");
    }

    #[test]
    fn an_empty_tree_does_not_pass() {
        let tree = Tree::with("empty", &[("README.md", "not looked at\n")]);
        assert!(run(&tree.0, &mut Vec::new()).is_err());
    }

    #[test]
    fn violations_are_printed_by_place_and_fail_the_run() {
        let tree = Tree::with(
            "broken",
            &[
                ("b/src/lib.rs", "fn f() { todo!() }\n"),
                ("a/src/lib.rs", "fn a() {}\n"),
            ],
        );
        let (passed, text) = tree.tidy();
        assert!(!passed);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 4, "{text}");
        assert!(lines[0].starts_with("a/src/lib.rs:1: "), "{text}");
        assert!(lines[2].starts_with("b/src/lib.rs:1: "), "{text}");
        assert_eq!(lines[3], "tidy: 2 files, 3 violations");
    }

    #[test]
    fn what_is_not_ours_is_not_read() {
        let tree = Tree::with(
            "foreign",
            &[
                ("target/debug/build/out.rs", "no header"),
                (".git/x.rs", "no header"),
                ("souk-data/x.rs", "no header"),
                ("src/lib.rs", "//! Ours."),
            ],
        );
        assert_eq!(
            tree.tidy(),
            (true, "tidy: 1 files, 0 violations\n".to_owned())
        );
    }
}
