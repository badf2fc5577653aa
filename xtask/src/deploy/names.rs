//! What the things that we ship say of one another: every alert has its page and every page its alert, every setting is
//! one of the shop, every dashboard asks for metrics that there are. Tests only, without a download or a server.

#[cfg(test)]
mod tests {
    use crate::deploy::reference;
    use std::{
        collections::BTreeSet,
        fs,
        path::{Path, PathBuf},
    };

    fn root() -> PathBuf {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        package.parent().unwrap().to_owned()
    }

    fn read(path: &str) -> String {
        fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// All files below a folder.
    fn files(folder: &str) -> Vec<PathBuf> {
        let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    found.push(path);
                }
            }
        }
        found.sort();
        found
    }

    const RULES: [&str; 2] = [
        "deploy/monitoring/prometheus/rules/invariants.yaml",
        "deploy/monitoring/prometheus/rules/objectives.yaml",
    ];

    /// The values after a key, over all lines of all rules.
    fn values(key: &str) -> Vec<String> {
        let text: String = RULES.iter().map(|path| read(path)).collect();
        let lines = text.lines().filter_map(|line| {
            let line = line.trim().trim_start_matches("- ");
            Some(
                line.strip_prefix(key)?
                    .strip_prefix(": ")?
                    .trim()
                    .to_owned(),
            )
        });
        lines.collect()
    }

    #[test]
    fn every_alert_has_a_page_that_names_it_and_every_page_an_alert() {
        let (alerts, pages) = (values("alert"), values("runbook"));
        assert_eq!(alerts.len(), pages.len(), "an alert without a page");
        for (alert, page) in alerts.iter().zip(&pages) {
            let text = read(page);
            assert!(text.contains(alert.as_str()), "{page} does not say {alert}");
        }
        let known: BTreeSet<String> = pages.into_iter().collect();
        for path in files("docs/runbooks") {
            let name = format!(
                "docs/runbooks/{}",
                path.file_name().unwrap().to_str().unwrap()
            );
            assert!(
                name.ends_with("README.md") || known.contains(&name),
                "{name} has no alert"
            );
        }
        for severity in values("severity") {
            assert!(
                ["page", "ticket"].contains(&severity.as_str()),
                "{severity}"
            );
        }
    }

    #[test]
    fn every_alert_is_in_a_test_of_rules_that_expects_it() {
        let tests: String = ["invariants", "objectives"]
            .map(|name| read(&format!("deploy/monitoring/prometheus/tests/{name}.yaml")))
            .concat();
        for alert in values("alert") {
            let fires = tests
                .lines()
                .any(|line| line.trim() == format!("alertname: {alert}"));
            assert!(fires, "no test lets {alert} fire");
        }
    }

    /// Words that begin so, as far as letters, digits and lines go.
    fn words(text: &str, start: &str) -> BTreeSet<String> {
        let is_part = |letter: char| letter.is_ascii_alphanumeric() || letter == '_';
        let all = text.split(|letter: char| !is_part(letter));
        all.filter(|word| word.starts_with(start))
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn rules_dashboards_and_alarms_ask_for_metrics_that_there_are() {
        let known = reference::names(&root()).unwrap();
        let mut asked = BTreeSet::new();
        for path in files("deploy/monitoring")
            .into_iter()
            .chain(files("deploy/ecs"))
        {
            let text = fs::read_to_string(path).unwrap();
            asked.extend(words(&text, "souk_"));
            asked.extend(words(&text, "process_"));
        }
        // A word of ours that is no metric.
        asked.remove("process_start");
        for name in asked {
            let is_known = known.contains_key(&name)
                || ["_bucket", "_sum", "_count"].iter().any(|ending| {
                    name.strip_suffix(ending)
                        .is_some_and(|name| known.contains_key(name))
                });
            assert!(is_known, "nobody counts {name}");
        }
    }

    /// Every key of the defaults, as it is called in the environment.
    fn settings() -> BTreeSet<String> {
        let mut found = BTreeSet::new();
        for path in ["crates", "server"].into_iter().flat_map(files) {
            if path.extension().is_none_or(|ending| ending != "toml")
                || path.ends_with("Cargo.toml")
            {
                continue;
            }
            let (mut section, text) = (String::new(), fs::read_to_string(path).unwrap());
            for line in text.lines().map(str::trim) {
                if let Some(name) = line
                    .strip_prefix('[')
                    .and_then(|line| line.strip_suffix(']'))
                {
                    section = format!("{}__", name.replace('.', "__"));
                } else if let Some((key, _)) =
                    line.split_once(" = ").filter(|_| !line.starts_with('#'))
                {
                    found.insert(format!("SOUK_{section}{key}").to_uppercase());
                }
            }
        }
        found
    }

    /// Names that our files of composition use themselves, or that other programs of ours read.
    const NO_SETTINGS: &[&str] = &[
        "SOUK_IMAGE",
        "SOUK_PUBLIC_URL",
        "SOUK_TRUSTED_PROXIES",
        "SOUK_DEMO",
        "SOUK_NATS_NAME",
        "SOUK_NATS_PASSWORD",
        "SOUK_TERRAFORM_PLUGINS",
        "SOUK_STATIC_BINARY",
    ];

    #[test]
    fn every_setting_that_we_ship_or_tell_of_is_one_of_the_shop() {
        let known = settings();
        assert!(
            known.contains("SOUK_HTTP__OPS_LISTEN") && known.contains("SOUK_DB"),
            "{known:?}"
        );
        let told = ["deploy", "docs/deploy", "docs/runbooks"]
            .into_iter()
            .flat_map(files);
        for path in told {
            let text = fs::read_to_string(&path).unwrap();
            for name in words(&text, "SOUK_") {
                let plain = name.strip_suffix("_FILE").unwrap_or(&name);
                let begins_one = |known: &String| name.ends_with('_') && known.starts_with(&name);
                let is_known = known.contains(&name)
                    || known.contains(plain)
                    || known.iter().any(begins_one)
                    || NO_SETTINGS.contains(&name.as_str())
                    || name.contains("__ACME__");
                assert!(is_known, "{}: {name} is no setting", path.display());
            }
        }
    }

    #[test]
    fn every_page_that_deploy_and_its_pages_name_is_there() {
        for path in files("deploy").into_iter().chain(files("docs/deploy")) {
            let text = fs::read_to_string(&path).unwrap();
            let is_part = |letter: char| letter.is_ascii_alphanumeric() || "/-_.".contains(letter);
            let named = text.split(|letter: char| !is_part(letter));
            for name in named.filter(|name| name.starts_with("docs/") && name.ends_with(".md")) {
                assert!(
                    root().join(name).is_file(),
                    "{}: there is no {name}",
                    path.display()
                );
            }
        }
    }
}
