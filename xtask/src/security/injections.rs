//! sqlmap at level 2 against every parameter and every field of the document: whether anything that is sent reaches a
//! database as a part of its language.

use super::{Outcome, Stand, http::ask, secrets, shop, shop::Shop, tools};
use std::{
    fs::File,
    io::{self, Write},
    path::Path,
    process::Command,
};

const NAME: &str = "injections";
const VERSION: &str = "1.10.10";
/// What sqlmap itself says of its own doubts, having looked at them again.
const DOUBT: &str = "false positive or unexploitable";

pub(super) fn run(stand: &Stand, out: &mut dyn Write) -> io::Result<Outcome> {
    let program = match tools::python(stand, "sqlmap", "sqlmap", VERSION)? {
        Ok(program) => program,
        Err(missing) => return Ok(Outcome::NotRun(missing)),
    };
    let shop = Shop::open(stand, NAME, &[])?;
    let admin = shop.admin(stand, NAME)?;
    let other = shop.register("other@souk.example")?;
    let planted = secrets::plant(&shop, &[&admin, &other])?;
    let folder = shop::folder(stand, NAME);
    let document = ask(&shop.address, "GET", "/openapi.json", &[], "")?;
    std::fs::write(folder.join("openapi.json"), document.body)?;
    let values = [
        format!("product={}", planted.product),
        format!("product_id={}", planted.product),
        format!("variant_id={}", planted.variant),
        format!("order_id={}", planted.order),
        format!("id={}", planted.order),
        "name=sandbox".to_owned(),
        "q=tea".to_owned(),
        "status=active".to_owned(),
        "category=tea".to_owned(),
        "method=tok_ok".to_owned(),
    ];
    let (mut looked_at, mut found) = (0_usize, Vec::new());
    for which in ["all", "cursors"] {
        let targets = folder.join(format!("{which}.json"));
        let python = program.with_file_name("python3");
        let made = Command::new(python)
            .arg(stand.root.join("tests/security/targets.py"))
            .arg(which)
            .arg(folder.join("openapi.json"))
            .arg(&targets)
            .args(&values)
            .status()?;
        if !made.success() {
            return Ok(Outcome::Failed("targets.py did not end well".to_owned()));
        }
        let token = admin.text("access_token");
        let said = sqlmap(&program, &shop.address, &targets, token)?;
        let results = std::fs::read_to_string(targets.with_extension("csv")).unwrap_or_default();
        let count = parameters(&said);
        writeln!(out, "{which}: {count} parameters and fields")?;
        looked_at = count.saturating_add(looked_at);
        found.extend(injectable(&results));
    }
    for line in &found {
        writeln!(out, "{line}")?;
    }
    let line = format!(
        "{looked_at} parameters and fields at level 2, {} can be injected into; all of it: {}",
        found.len(),
        folder.display()
    );
    Ok(if found.is_empty() && looked_at >= PARAMETERS_MIN {
        Outcome::Passed(line)
    } else {
        Outcome::Failed(line)
    })
}

/// Fewer than the document has long since: then sqlmap did not get far.
const PARAMETERS_MIN: usize = 100;

/// Runs it without any question; what it said.
fn sqlmap(program: &Path, address: &str, targets: &Path, token: &str) -> io::Result<String> {
    let log = targets.with_extension("log");
    Command::new(program)
        .arg(format!("--openapi={}", targets.display()))
        .arg(format!("--openapi-base=http://{address}"))
        .args(["--level", "2", "--risk", "1", "--batch", "--flush-session"])
        .args(["--disable-coloring", "--ignore-code=*", "-H"])
        .arg(format!("Authorization: Bearer {token}"))
        .arg(format!(
            "--results-file={}",
            targets.with_extension("csv").display()
        ))
        .arg(format!(
            "--output-dir={}",
            targets.with_extension("out").display()
        ))
        .stdin(std::process::Stdio::null())
        .stdout(File::create(&log)?)
        .status()?;
    let said = std::fs::read(&log)?;
    Ok(String::from_utf8_lossy(&said).into_owned())
}

/// How many it has looked at from all sides.
fn parameters(said: &str) -> usize {
    let looked_at = |line: &&str| {
        line.contains("does not seem to be injectable") || line.contains("false positive or")
    };
    said.lines().filter(looked_at).count()
}

/// What it holds to be injectable, other than its own doubts.
fn injectable(results: &str) -> Vec<String> {
    let lines = results
        .lines()
        .skip(1)
        .filter(|line| !line.trim().is_empty());
    lines
        .filter(|line| !line.contains(DOUBT))
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sqlmap_doubts_itself_is_no_finding() {
        let results = "Target URL,Place,Parameter,Technique(s),Note(s)\n\
                       http://a/b,GET,q,B,false positive or unexploitable\n\nhttp://a/b,GET,id,BT,\n";
        assert_eq!(injectable(results), ["http://a/b,GET,id,BT,"]);
        assert!(injectable("").is_empty());
    }
}
