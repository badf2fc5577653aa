//! A page of the report: what was measured, on what, with which settings, in tables and pictures. Written as Markdown
//! by the command; nobody edits it.

use super::{client::pause, plan::Plan};
use crate::parts::{Stand, bare};
use std::{
    fs,
    io::{self, Write},
    path::PathBuf,
    time::Duration,
};

/// More than so many hundredths of the processors' time, before or after: something else was at work.
const BUSY_MAX: u64 = 10;
const LOOK: Duration = Duration::from_secs(1);

pub(super) struct Page {
    folder: PathBuf,
    name: &'static str,
    title: &'static str,
    /// Hundredths of the processors' time that others took before anything began.
    busy_before: u64,
    settings: Vec<String>,
    body: String,
    pictures: u32,
}

impl Page {
    /// Looks at the machine first, while nothing of ours is at work.
    pub(super) fn new(stand: &Stand, name: &'static str, title: &'static str) -> io::Result<Self> {
        let plan = Plan::wished();
        let unless_named = match plan.quick {
            true => stand.folder.join("report"),
            false => stand.root.join("docs/performance"),
        };
        let folder = plan.to.clone().unwrap_or(unless_named);
        fs::create_dir_all(&folder)?;
        Ok(Self {
            folder,
            name,
            title,
            busy_before: busy()?,
            settings: Vec::new(),
            body: String::new(),
            pictures: 0,
        })
    }

    /// How something was set, or which version it has.
    pub(super) fn setting(&mut self, text: impl Into<String>) {
        self.settings.push(text.into());
    }

    pub(super) fn paragraph(&mut self, text: &str) {
        self.body.push_str(text);
        self.body.push_str("\n\n");
    }

    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let head: Vec<String> = head.iter().map(|cell| (*cell).to_owned()).collect();
        let rule: Vec<String> = head.iter().map(|_| "---".to_owned()).collect();
        self.body.push_str(&line(&head));
        self.body.push_str(&line(&rule));
        rows.iter().for_each(|row| self.body.push_str(&line(row)));
        self.body.push('\n');
    }

    pub(super) fn picture(&mut self, title: &str, svg: &str) -> io::Result<()> {
        self.pictures = self.pictures.saturating_add(1);
        let file = format!("{}-{}.svg", self.name, self.pictures);
        fs::write(self.folder.join(&file), svg)?;
        self.paragraph(&format!("![{title}]({file})"));
        Ok(())
    }

    /// Writes it, and the list of all pages beside it. Nothing of ours may be at work any more.
    pub(super) fn write(self, stand: &Stand, result: &str, out: &mut dyn Write) -> io::Result<()> {
        let busy = (self.busy_before, busy()?);
        let plan = Plan::wished();
        let option = if plan.quick { " --quick" } else { "" };
        let mut text = format!(
            "# {}\n\n<!-- Made by a command; what is written here by hand is lost. -->\n\nResult: {result}\n\n",
            self.title
        );
        text.push_str(&format!(
            "`cargo xtask bench {}{option}`: {} rounds, alternating, {} s a run unless it says otherwise. A figure is \
             the middle one of the rounds; in brackets the least and the most. A ratio is of the same round.\n\n",
            self.name, plan.rounds, plan.seconds
        ));
        text.push_str(&self.body);
        text.push_str("## How it was measured\n\n");
        for setting in machine(stand)?.iter().chain(&self.settings) {
            text.push_str(&format!("- {setting}\n"));
        }
        text.push_str(&format!("- {}\n", neighbours(busy)));
        let path = self.folder.join(format!("{}.md", self.name));
        fs::write(&path, text)?;
        write_list(&self.folder)?;
        writeln!(out, "  {}", path.display())
    }
}

/// Whether the machine was ours alone.
fn neighbours((before, after): (u64, u64)) -> String {
    let is_alone = before <= BUSY_MAX && after <= BUSY_MAX;
    let word = match is_alone {
        true => "nothing else was at work",
        false => {
            "**measured beside other work**: figures are lower and lie further apart than they need be"
        }
    };
    format!(
        "{word}; others took {before} % of the processors in the second before and {after} % in the one after"
    )
}

/// The pages of a folder with their results, as they are now.
fn write_list(folder: &std::path::Path) -> io::Result<()> {
    let mut lines = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name == "README.md" || !name.ends_with(".md") {
            continue;
        }
        let text = fs::read_to_string(folder.join(&name))?;
        lines.push(listed(&name, &text));
    }
    lines.sort();
    let text = format!(
        "# What `make bench` measured\n\n<!-- Made by a command; what is written here by hand is lost. -->\n\n\
         Each page names its machine, versions and settings. Why things are as they are stands in\n\
         [performance](../performance.md).\n\n{}",
        lines.concat()
    );
    fs::write(folder.join("README.md"), text)
}

fn listed(name: &str, text: &str) -> String {
    let find = |mark: &str| text.lines().find_map(|line| line.strip_prefix(mark));
    let (title, result) = (find("# ").unwrap_or(name), find("Result: ").unwrap_or(""));
    format!("- [{title}]({name}): {result}\n")
}

/// What it was measured on.
fn machine(stand: &Stand) -> io::Result<Vec<String>> {
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors
        .lines()
        .find_map(|line| line.strip_prefix("model name"))
        .map_or("unknown", |rest| rest.trim_start_matches(['\t', ' ', ':']));
    let count = std::thread::available_parallelism()?;
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kib = memory.split_whitespace().nth(1).unwrap_or_default();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let mut lines = vec![format!(
        "{}; {count} processors ({model}), {kib} KiB of memory, Linux {}",
        said("date", &["-u", "+%F %H:%M UTC"]),
        kernel.trim()
    )];
    if stand.binary.is_file() {
        let binary = stand.binary.display().to_string();
        lines.push(format!(
            "{} of commit {}",
            said(&binary, &["--version"]),
            said(
                "git",
                &[
                    "-C",
                    &stand.root.display().to_string(),
                    "rev-parse",
                    "--short",
                    "HEAD"
                ]
            ),
        ));
    }
    Ok(lines)
}

/// The first line that a program says of itself, wherever it says it.
pub(super) fn said(program: &str, words: &[&str]) -> String {
    let output = bare(program).args(words).output();
    let said = output.map(|output| [output.stdout, output.stderr].concat());
    let said = String::from_utf8_lossy(&said.unwrap_or_default()).into_owned();
    said.lines().next().unwrap_or_default().trim().to_owned()
}

/// Hundredths of the processors' time that is used, over a second.
fn busy() -> io::Result<u64> {
    let (idle, all) = ticks(&fs::read_to_string("/proc/stat")?);
    pause(LOOK);
    let (idle_then, all_then) = ticks(&fs::read_to_string("/proc/stat")?);
    let all = all_then.saturating_sub(all);
    let used = all.saturating_sub(idle_then.saturating_sub(idle));
    let hundredths = used.saturating_mul(100).checked_div(all);
    Ok(hundredths.unwrap_or_default())
}

/// Idle and all, of the first line of `/proc/stat` (proc(5)).
fn ticks(stat: &str) -> (u64, u64) {
    let line = stat.lines().next().unwrap_or_default();
    let fields = line.split_whitespace().skip(1);
    let fields: Vec<u64> = fields.filter_map(|field| field.parse().ok()).collect();
    let idle = fields.iter().skip(3).take(2).sum();
    (idle, fields.iter().take(8).sum())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_listed_by_its_title_and_its_result() {
        let text = "# Reads\n\nResult: 0.81 of nginx\n\nmore";
        assert_eq!(
            listed("reads.md", text),
            "- [Reads](reads.md): 0.81 of nginx\n"
        );
    }

    #[test]
    fn idle_time_is_told_from_all_time() {
        assert_eq!(ticks("cpu  10 0 5 80 5 0 0 0 0 0\ncpu0 1"), (85, 100));
        assert!(neighbours((0, 3)).starts_with("nothing else"));
        assert!(neighbours((0, 40)).starts_with("**measured beside"));
    }
}
