//! docs/metrics.md has every metric with its kind and what it means. Here it is held against the sources that declare
//! them, in tests, and against a real scrape.

use std::{collections::BTreeMap, fs, io, path::Path};

const PAGE: &str = "docs/metrics.md";

/// The metrics of the page, as Prometheus shows them, with their kinds.
pub(super) fn names(root: &Path) -> io::Result<BTreeMap<String, String>> {
    let page = fs::read_to_string(root.join(PAGE))?;
    let rows = page.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split(" | ");
        let name = cells.next()?.strip_suffix('`')?;
        Some((name.to_owned(), cells.next()?.to_owned()))
    });
    Ok(rows.collect())
}

/// The metrics of a scrape that the page does not have, or has as another kind.
pub(super) fn strangers(root: &Path, scrape: &str) -> io::Result<Vec<String>> {
    let known = names(root)?;
    let kinds = scrape.lines().filter_map(|line| {
        let (name, kind) = line.strip_prefix("# TYPE ")?.split_once(' ')?;
        let is_known = known.get(name).is_some_and(|known| known == kind);
        (!is_known).then(|| format!("{name} ({kind})"))
    });
    Ok(kinds.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    fn root() -> PathBuf {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        package.parent().unwrap().to_owned()
    }

    /// All that our programs are made of, without tests.
    fn sources() -> String {
        let mut text = String::new();
        let mut folders = vec![root().join("crates"), root().join("server/src")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() && !path.ends_with("tests") && !path.ends_with("target") {
                    folders.push(path);
                } else if path.extension().is_some_and(|ending| ending == "rs") {
                    let source = fs::read_to_string(path).unwrap();
                    text.push_str(source.split("#[cfg(test)]").next().unwrap());
                }
            }
        }
        text
    }

    #[test]
    fn every_metric_that_is_declared_is_in_the_reference_with_its_meaning() {
        let (known, sources) = (names(&root()).unwrap(), sources());
        let page = fs::read_to_string(root().join(PAGE)).unwrap();
        let mut declared = 0;
        for after in sources.split("\"souk_").skip(1) {
            let (name, rest) = after.split_once('"').unwrap();
            let name = format!("souk_{name}");
            // A declaration is a name and then, at once, what it means.
            let Some(help) = rest
                .strip_prefix(',')
                .and_then(|rest| rest.trim_start().strip_prefix('"'))
            else {
                continue;
            };
            let help = help.split('"').next().unwrap().trim_end_matches('.');
            let is_known = [name.clone(), format!("{name}_total")]
                .iter()
                .any(|name| known.contains_key(name));
            assert!(is_known, "{name} is not in {PAGE}");
            assert!(page.contains(help), "{PAGE} does not say of {name}: {help}");
            declared += 1;
        }
        assert!(declared > 40, "only {declared} declarations were found");
    }

    #[test]
    fn every_metric_of_the_reference_is_declared_somewhere() {
        let sources = sources();
        for (name, kind) in names(&root()).unwrap() {
            let name = match kind.as_str() {
                "counter" => name.strip_suffix("_total").unwrap_or(&name).to_owned(),
                _ => name,
            };
            assert!(
                sources.contains(&format!("\"{name}\"")),
                "nobody declares {name}"
            );
        }
    }

    #[test]
    fn a_scrape_is_held_against_the_reference_by_name_and_kind() {
        let lines = [
            "souk_ready gauge",
            "souk_ready_total counter",
            "souk_bus_away counter",
        ];
        let scrape: String = lines.map(|line| format!("# TYPE {line}\n")).concat();
        let strangers = strangers(&root(), &scrape).unwrap();
        assert_eq!(
            strangers,
            ["souk_ready_total (counter)", "souk_bus_away (counter)"]
        );
    }
}
