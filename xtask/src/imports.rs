//! Which crate may import which, read from the manifests.
//! Adding an arrow to the table is a decision for `docs/adr`, not a way to make a check pass.

use crate::tidy::{File, Violation};

/// One of our crates, and what may stand in its manifest, for its tests too.
struct Crate {
    name: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
    /// What its tests may use as well.
    in_tests: &'static [&'static str],
    /// Other people's crates that it must not use.
    never: &'static [&'static str],
}

const fn ours(
    name: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
) -> Crate {
    Crate {
        name,
        package,
        may_use,
        in_tests: &[],
        never: &[],
    }
}

/// One that tries its stores and buses on real servers.
const fn tried(
    name: &'static str,
    package: &'static str,
    may_use: &'static [&'static str],
) -> Crate {
    Crate {
        in_tests: &["testkit"],
        ..ours(name, package, may_use)
    }
}

const SERVICE_USES: &[&str] = &["contracts", "platform"];

const CRATES: &[Crate] = &[
    Crate {
        name: "contracts",
        package: "souk-contracts",
        may_use: &[],
        in_tests: &[],
        never: &["tokio", "axum", "rusqlite", "reqwest"],
    },
    tried("platform", "souk-platform", &["contracts"]),
    ours("checker", "souk-checker", &["contracts"]),
    tried("identity", "souk-identity", SERVICE_USES),
    tried("catalog", "souk-catalog", SERVICE_USES),
    tried("orders", "souk-orders", SERVICE_USES),
    tried("payments", "souk-payments", SERVICE_USES),
    tried("webhooks", "souk-webhooks", SERVICE_USES),
    tried("gateway", "souk-gateway", SERVICE_USES),
    ours("storefront", "souk-storefront", SERVICE_USES),
    ours(
        "server",
        "souk",
        &[
            "contracts",
            "platform",
            "identity",
            "catalog",
            "orders",
            "payments",
            "webhooks",
            "gateway",
            "storefront",
            "checker",
        ],
    ),
    ours(
        "sim",
        "souk-sim",
        &[
            "contracts",
            "platform",
            "identity",
            "catalog",
            "orders",
            "payments",
            "checker",
        ],
    ),
    ours(
        "testkit",
        "souk-testkit",
        &["contracts", "platform", "server"],
    ),
    ours(
        "tests",
        "system-tests",
        &["testkit", "contracts", "checker", "sim"],
    ),
    ours("fuzz", "souk-fuzz", &["testkit", "contracts", "server"]),
    ours("xtask", "xtask", &[]),
    // A peer of benchmarks, in a workspace of its own.
    ours("axum-peer", "axum-peer", &[]),
];

/// Arrows between crates, from the manifests.
pub(crate) fn arrows(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| is_manifest(&file.path))
        .flat_map(arrows_of)
        .collect()
}

fn arrows_of(file: &File) -> Vec<Violation> {
    // The workspace's own manifest has no package and imports nothing.
    let Some((line, package)) = package_name(&file.text) else {
        return Vec::new();
    };
    let Some(from) = CRATES.iter().find(|ours| ours.package == package) else {
        return vec![file.violation(
            line,
            format!("`{package}` is not in xtask's table of who may import whom"),
        )];
    };
    let refused = |dependency: &Dependency| {
        let to = CRATES
            .iter()
            .find(|c| c.name == dependency.name || c.package == dependency.name);
        match to {
            Some(to) => {
                let in_tests =
                    dependency.section == "dev-dependencies" && from.in_tests.contains(&to.name);
                !in_tests && !from.may_use.contains(&to.name)
            }
            None => from.never.contains(&dependency.name.as_str()),
        }
    };
    dependencies(&file.text)
        .iter()
        .filter(|dependency| refused(dependency))
        .map(
            |Dependency {
                 line,
                 name,
                 section,
             }| {
                file.violation(
                    *line,
                    format!("{} must not import {name} ({section})", from.name),
                )
            },
        )
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Dependency {
    line: usize,
    name: String,
    section: &'static str,
}

/// The line and text of `name` under `[package]`.
fn package_name(manifest: &str) -> Option<(usize, String)> {
    let (line, value) = (1..)
        .zip(manifest.lines())
        .skip_while(|(_, line)| line.trim() != "[package]")
        .skip(1)
        .take_while(|(_, line)| !line.starts_with('['))
        .find_map(|(number, line)| {
            let (key, value) = line.split_once('=')?;
            (key.trim() == "name").then_some((number, value))
        })?;
    Some((line, unquoted(value)))
}

/// Every dependency by the name it is called and, where it is renamed, by its package too.
fn dependencies(manifest: &str) -> Vec<Dependency> {
    let mut found = Vec::new();
    let mut place = Place::Elsewhere;
    for (number, line) in (1..).zip(manifest.lines().map(str::trim)) {
        let mut add = |name: String, section| {
            found.push(Dependency {
                line: number,
                name,
                section,
            })
        };
        if let Some(header) = line
            .strip_prefix('[')
            .and_then(|rest| rest.split(']').next())
        {
            place = place_of(header);
            if let Place::Named(section, name) = &place {
                add(name.clone(), section);
            }
            continue;
        }
        let Some((key, value)) = line.split_once('=').filter(|_| !line.starts_with('#')) else {
            continue;
        };
        match &place {
            Place::Elsewhere => {}
            Place::Named(section, _) if key.trim() == "package" => add(unquoted(value), section),
            Place::Named(..) => {}
            Place::List(section) => {
                add(unquoted(key.split('.').next().unwrap_or(key)), section);
                if let Some((_, package)) = value.split_once("package") {
                    add(unquoted(package.trim_start_matches([' ', '='])), section);
                }
            }
        }
    }
    found
}

/// The part of a manifest that a line is in.
enum Place {
    /// `[dependencies]`: a dependency a line.
    List(&'static str),
    /// `[dependencies.axum]`: one dependency, its settings below.
    Named(&'static str, String),
    Elsewhere,
}

fn place_of(header: &str) -> Place {
    if header.starts_with("workspace") {
        return Place::Elsewhere;
    }
    // The longer names first: all three end alike.
    for section in ["dev-dependencies", "build-dependencies", "dependencies"] {
        if header.ends_with(section) {
            return Place::List(section);
        }
        if let Some((_, name)) = header.split_once(&format!("{section}.")) {
            return Place::Named(section, unquoted(name));
        }
    }
    Place::Elsewhere
}

/// The text up to its closing quote, or the bare word.
fn unquoted(value: &str) -> String {
    let value = value.trim();
    match value.strip_prefix(['"', '\'']) {
        Some(rest) => rest.split(['"', '\'']).next().unwrap_or(rest).to_owned(),
        None => value.to_owned(),
    }
}

pub(crate) fn is_manifest(path: &str) -> bool {
    path == "Cargo.toml" || path.ends_with("/Cargo.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(package: &str, rest: &str) -> Vec<String> {
        let text = format!("[package]\nname = \"{package}\"\nversion.workspace = true\n\n{rest}");
        let file = File::new("crates/x/Cargo.toml", text);
        arrows(&[file])
            .into_iter()
            .map(|v| format!("{}: {}", v.line, v.what))
            .collect()
    }

    #[test]
    fn every_crate_may_use_what_the_table_grants() {
        for from in CRATES {
            let lines: Vec<String> = from
                .may_use
                .iter()
                .map(|to| format!("{to}.workspace = true\n"))
                .collect();
            assert_eq!(
                manifest(from.package, &format!("[dependencies]\n{}", lines.concat())),
                [""; 0]
            );
        }
    }

    #[test]
    fn every_arrow_that_the_table_lacks_is_found() {
        for from in CRATES {
            for to in CRATES.iter().filter(|to| !from.may_use.contains(&to.name)) {
                let found = manifest(
                    from.package,
                    &format!("[dependencies]\n{}.workspace = true\n", to.name),
                );
                assert_eq!(
                    found,
                    [format!(
                        "6: {} must not import {} (dependencies)",
                        from.name, to.name
                    )]
                );
            }
        }
    }

    #[test]
    fn the_table_has_no_circle() {
        for (place, from) in CRATES.iter().enumerate() {
            let earlier: Vec<&str> = CRATES
                .iter()
                .take(place)
                .map(|earlier| earlier.name)
                .collect();
            assert!(
                from.may_use.iter().all(|to| earlier.contains(to)),
                "{}",
                from.name
            );
        }
    }

    #[test]
    fn a_service_s_tests_may_not_use_another_service() {
        let found = manifest(
            "souk-orders",
            "[dependencies]\n\n[dev-dependencies]\ncatalog.workspace = true\n",
        );
        assert_eq!(
            found,
            ["8: orders must not import catalog (dev-dependencies)"]
        );
    }

    #[test]
    fn a_service_may_use_the_testkit_in_its_tests_only() {
        let uses = |section| {
            manifest(
                "souk-orders",
                &format!("[{section}]\ntestkit.workspace = true\n"),
            )
        };
        assert_eq!(uses("dev-dependencies"), [""; 0]);
        assert_eq!(
            uses("dependencies"),
            ["6: orders must not import testkit (dependencies)"]
        );
    }

    #[test]
    fn an_arrow_is_found_however_it_is_written() {
        for text in [
            "[dependencies]\nsouk-catalog = { path = \"../catalog\" }\n",
            "[dependencies]\nshelf = { path = \"../catalog\", package = \"souk-catalog\" }\n",
            "[dependencies]\n\"catalog\" = { workspace = true }\n",
            "[dependencies.catalog]\nworkspace = true\n",
            "[dependencies.shelf]\npackage = \"souk-catalog\"\n",
            "[build-dependencies]\ncatalog.workspace = true\n",
            "[target.'cfg(unix)'.dependencies]\ncatalog.workspace = true\n",
            "[target.'cfg(unix)'.dev-dependencies.catalog]\nworkspace = true\n",
        ] {
            assert_eq!(manifest("souk-orders", text).len(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_no_dependency_is_no_arrow() {
        for text in [
            "[features]\ncatalog = []\n",
            "[dependencies]\n# catalog.workspace = true\n",
            "[dependencies]\nserde = { version = \"1\", features = [\n    \"derive\",\n] }\n",
            "[workspace.dependencies]\ncatalog = { path = \"crates/catalog\" }\n",
        ] {
            assert_eq!(manifest("souk-orders", text), [""; 0], "{text}");
        }
    }

    #[test]
    fn contracts_stay_free_of_what_runs_things() {
        for name in ["tokio", "axum", "rusqlite", "reqwest"] {
            let found = manifest(
                "souk-contracts",
                &format!("[dependencies]\n{name}.workspace = true\n"),
            );
            assert_eq!(
                found,
                [format!(
                    "6: contracts must not import {name} (dependencies)"
                )]
            );
        }
        assert_eq!(
            manifest("souk-contracts", "[dependencies]\nserde.workspace = true\n"),
            [""; 0]
        );
    }

    #[test]
    fn a_crate_that_the_table_lacks_is_found() {
        assert_eq!(
            manifest("souk-extra", ""),
            ["2: `souk-extra` is not in xtask's table of who may import whom"]
        );
    }
}
