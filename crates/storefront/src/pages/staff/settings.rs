//! How the shop is set: where each thing is changed that has a page, and the settings, a section at a time, to look at.
//! These come from a file and the environment, are read when the process starts, and are not changed by a page; what is
//! secret was masked before it came here.

use super::{
    Desk, Sheet, Who,
    parts::{Block, Cell, Tab, Table, columns},
};
use crate::words::say;
use crate::{App, pages::frame::Visit, view};
use axum::{extract::State, response::Response};
use platform::http::Query;
use serde::Deserialize;

const HERE: &str = "/admin/settings";
/// The section that is shown first.
const FIRST: &str = "shop";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    section: String,
}

/// A section's name, and its settings.
type Section<'s> = (&'s str, Vec<(&'s str, &'s str)>);

/// GET `/admin/settings`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, async { Ok(sheet(desk, &wish)) })
        .await
}

fn sheet(desk: Desk<'_>, wish: &Wish) -> Sheet {
    let settings = desk.app.house.settings.text();
    let sections = read(&settings);
    let is_there = sections.iter().any(|(name, _)| *name == wish.section);
    let current = if is_there { &wish.section } else { FIRST };
    let tab = |(name, _): &Section<'_>| Tab {
        title: if name.is_empty() {
            "in front of all".to_owned()
        } else {
            (*name).to_owned()
        },
        href: view::address(HERE, &[("section", name)]),
        count: String::new(),
        is_current: *name == current,
    };
    let tabs = sections.iter().map(tab).collect();
    let shown = sections.iter().find(|(name, _)| *name == current);
    let facts = shown.map(|(name, settings)| {
        let fact = |(name, value): &(&str, &str)| ((*name).to_owned(), Cell::code(value));
        Block::Facts((*name).to_owned(), settings.iter().map(fact).collect())
    });
    Sheet::new(say("Settings"))
        .with([
            Block::Table("Where what is changed".to_owned(), places(&sections)),
            Block::Text(
                String::new(),
                vec![
                    "This is how this process was set when it started: from the file of settings, SOUK_… in the \
                     environment, and the command line. Change it there, and start the shop again."
                        .to_owned(),
                ],
            ),
            Block::Tabs("Sections", tabs),
        ])
        .with(facts)
}

/// What is changed on a page of its own: what it is, the setting that has a say in it, and the page.
const PAGES: [(&str, &str, &str); 9] = [
    ("Taxes", "orders.tax", "/admin/taxes"),
    ("Shipping", "", "/admin/shipping"),
    ("Discounts", "", "/admin/discounts"),
    ("Categories", "", "/admin/categories"),
    ("Users and what they may do", "", "/admin/customers"),
    ("Sessions of others", "", "/admin/customers"),
    ("Your own security", "", "/account/security"),
    ("API keys and webhooks", "", "/admin/developers"),
    ("Audit log", "", "/admin/audit"),
];
/// What is changed in the file of settings alone.
const SET: [(&str, &str); 3] = [
    ("The shop's name", "shop.name"),
    ("Currency", "catalog.currency"),
    ("Further currencies", "catalog.further_currencies"),
];

/// What people look for here, how it is set, and where it is changed.
fn places(sections: &[Section<'_>]) -> Table {
    let is_set = |key: &str| {
        let (section, name) = key.split_once('.')?;
        let (_, settings) = sections.iter().find(|(known, _)| *known == section)?;
        let (_, value) = settings.iter().find(|(known, _)| *known == name)?;
        Some(Cell::code(value.trim_matches('"')))
    };
    let value = |key: &str| is_set(key).unwrap_or_else(|| Cell::text(""));
    let set = SET.iter().map(|(what, key)| {
        let section = key.split('.').next().unwrap_or_default();
        let href = view::address(HERE, &[("section", section)]);
        let link = Cell::link(say!("{} in the file of settings", key), href);
        vec![Cell::text(say(what)), value(key), link]
    });
    let pages = PAGES.iter().map(|(what, key, href)| {
        let link = Cell::link(say("On its page"), *href);
        vec![Cell::text(say(what)), value(key), link]
    });
    Table {
        caption: "Where what is changed",
        columns: columns(&["What", "As it is set", "Where it is changed"]),
        rows: set.chain(pages).collect(),
        ..Table::default()
    }
}

/// Sections with their settings, out of the text as it is printed.
fn read(text: &str) -> Vec<Section<'_>> {
    let mut sections: Vec<Section<'_>> = vec![("", Vec::new())];
    for line in text.lines() {
        if let Some(name) = line
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'))
        {
            sections.push((name.trim_matches(['[', ']']), Vec::new()));
            continue;
        }
        let Some((name, value)) = line.split_once(" = ") else {
            continue;
        };
        if let Some((_, settings)) = sections.last_mut() {
            settings.push((name, value));
        }
    }
    sections.retain(|(_, settings)| !settings.is_empty());
    sections
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_are_read_with_their_settings() {
        let text = "db = \"sqlite:\"\n\n[shop]\nname = \"Souk = fun\"\ndemo = false\n\n[http]\n\n\
                    [http.tls]\nkey = \"\"\n";
        let sections = read(text);
        let names: Vec<&str> = sections.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["", "shop", "http.tls"]);
        assert_eq!(
            sections[1].1,
            [("name", "\"Souk = fun\""), ("demo", "false")]
        );
    }
}
