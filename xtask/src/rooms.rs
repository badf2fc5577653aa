//! Which room of a service may enter which, and where the database and the HTTP crates are at home,
//! read from the names in the code. It follows no macro and no re-export.

use crate::{
    sizes::{is_word, line_of, words},
    tidy::{File, Violation},
};

/// Crates under `crates/` that have rooms.
const SERVICES: &[&str] = &["identity", "catalog", "orders", "payments", "webhooks"];

/// A room of a service: a folder (or file) under its `src`.
struct Room {
    name: &'static str,
    /// Names that must not be in its code, grouped imports included.
    never: &'static [&'static str],
    /// Rooms of the same service that it must not enter.
    closed: &'static [&'static str],
}

const ROOMS: &[Room] = &[
    Room {
        name: "domain",
        never: &["rusqlite", "axum", "tokio", "SystemTime"],
        closed: &["store", "service", "http"],
    },
    Room {
        name: "service",
        never: &["rusqlite", "axum"],
        closed: &[],
    },
    Room {
        name: "store",
        never: &["axum"],
        closed: &["http", "service"],
    },
    Room {
        name: "http",
        never: &["rusqlite"],
        closed: &["store"],
    },
];

/// Where a crate is at home outside the rooms of services. A `*` at the end stands for any ending.
const HOMES: &[(&str, &[&str])] = &[
    (
        "axum",
        &[
            "crates/platform/src/http",
            "crates/platform/src/balance",
            "crates/platform/src/call",
            "crates/gateway",
            "crates/storefront",
            "crates/sim",
            "server",
            // A peer of benchmarks, in a workspace of its own.
            "bench/peers/axum",
        ],
    ),
    (
        "rusqlite",
        &[
            "crates/platform/src/db",
            "crates/platform/src/outbox*",
            // The bare loop that the shop is measured against; it opens no file of a shop.
            "server/src/commands/bench/bare",
            // Reads what callbacks are signed with, as no client could.
            "fuzz/src/shop*",
        ],
    ),
    ("tokio_postgres", &["crates/platform/src/db/postgres"]),
    ("deadpool_postgres", &["crates/platform/src/db/postgres"]),
];

/// Arrows between the rooms of a service.
pub(crate) fn walls(files: &[File]) -> Vec<Violation> {
    let guarded = files
        .iter()
        .filter_map(|file| room_of(&file.path).map(|room| (file, room)));
    guarded
        .flat_map(|(file, room)| walls_of(file, room))
        .collect()
}

fn walls_of(file: &File, room: &Room) -> Vec<Violation> {
    let code = &file.layers.code;
    let named = room.never.iter().flat_map(|name| {
        words(code, name)
            .map(move |offset| (offset, format!("{} must not mention `{name}`", room.name)))
    });
    let entered = entered(code, depth(&file.path))
        .into_iter()
        .filter(|(_, other)| room.closed.contains(&other.as_str()))
        .map(|(offset, other)| {
            (
                offset,
                format!("{} must not enter `crate::{other}`", room.name),
            )
        });
    named
        .chain(entered)
        .map(|(offset, what)| file.violation(line_of(code, offset), what))
        .collect()
}

/// The room a file is in: `crates/orders/src/domain/...` or `crates/orders/src/domain.rs`.
fn room_of(path: &str) -> Option<&'static Room> {
    let (service, inner) = path.strip_prefix("crates/")?.split_once("/src/")?;
    let room = inner.split('/').next()?;
    let name = room.strip_suffix(".rs").unwrap_or(room);
    SERVICES
        .contains(&service)
        .then(|| ROOMS.iter().find(|room| room.name == name))?
}

/// How many `super::` lead from a file to the root of its crate.
fn depth(path: &str) -> usize {
    let inner = path.split_once("/src/").map_or(path, |(_, inner)| inner);
    inner.trim_end_matches("/mod.rs").split('/').count()
}

/// The modules at the root of the crate that the code names, through `crate::` or enough `super::`.
fn entered(code: &str, depth: usize) -> Vec<(usize, String)> {
    let from_crate = words(code, "crate").flat_map(|offset| {
        let start = offset.saturating_add("crate".len());
        after_colons(code, start).map_or_else(Vec::new, |start| heads(code, start))
    });
    let from_super = words(code, "super").flat_map(|offset| {
        let mut start = offset;
        let mut steps = 0_usize;
        while let Some(next) = step_up(code, start) {
            start = next;
            steps = steps.saturating_add(1);
        }
        // Starting at a later `super` of a chain makes it look shorter: it is found at its first.
        if steps >= depth {
            heads(code, start)
        } else {
            Vec::new()
        }
    });
    from_crate.chain(from_super).collect()
}

fn step_up(code: &str, start: usize) -> Option<usize> {
    code.get(start..)?.strip_prefix("super")?;
    after_colons(code, start.saturating_add("super".len()))
}

/// The offset of what follows `::`, if that is next.
fn after_colons(code: &str, start: usize) -> Option<usize> {
    let rest = code
        .get(start..)?
        .trim_start()
        .strip_prefix("::")?
        .trim_start();
    Some(code.len().saturating_sub(rest.len()))
}

/// The first name of a path, or of every path of a group: `a::b` gives a, `{a::b, c::{d}}` a and c.
fn heads(code: &str, start: usize) -> Vec<(usize, String)> {
    let rest = code.get(start..).unwrap_or("");
    let mut found = Vec::new();
    let mut nesting = 0_usize;
    let mut expects_name = true;
    for (offset, letter) in rest.char_indices() {
        if expects_name && is_word(letter) {
            let name = rest
                .get(offset..)
                .unwrap_or("")
                .chars()
                .take_while(|c| is_word(*c))
                .collect();
            found.push((start.saturating_add(offset), name));
            expects_name = false;
        }
        match letter {
            '{' => nesting = nesting.saturating_add(1),
            '}' => nesting = nesting.saturating_sub(1),
            ',' if nesting == 1 => expects_name = true,
            _ => {}
        }
        if nesting == 0 {
            break;
        }
    }
    found
}

/// Crates that are mentioned away from home. Rooms of services have their own table, and test folders may
/// send requests and look into files: the walls are for what ships.
pub(crate) fn homes(files: &[File]) -> Vec<Violation> {
    let free = |file: &File| room_of(&file.path).is_some() || is_test(&file.path);
    let in_file = |file: &File| -> Vec<Violation> {
        let code = &file.layers.code;
        HOMES
            .iter()
            .filter(|(_, homes)| !homes.iter().any(|home| is_within(&file.path, home)))
            .flat_map(|(name, _)| words(code, name).map(move |offset| (offset, name)))
            .map(|(offset, name)| {
                file.violation(
                    line_of(code, offset),
                    format!("`{name}` is not at home here"),
                )
            })
            .collect()
    };
    files
        .iter()
        .filter(|file| !free(file))
        .flat_map(in_file)
        .collect()
}

fn is_test(path: &str) -> bool {
    path.starts_with("tests/") || (path.starts_with("crates/") && path.contains("/tests/"))
}

fn is_within(path: &str, home: &str) -> bool {
    match home.strip_suffix('*') {
        Some(beginning) => path.starts_with(beginning),
        None => path
            .strip_prefix(home)
            .is_some_and(|rest| rest == ".rs" || rest.starts_with('/')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::Rule;

    fn said(rule: Rule, path: &str, text: &str) -> Vec<String> {
        let found = rule(&[File::new(path, text)]);
        found
            .into_iter()
            .map(|v| format!("{}: {}", v.line, v.what))
            .collect()
    }

    #[test]
    fn each_room_is_kept_out_of_what_is_closed_to_it() {
        for room in ROOMS {
            let path = format!("crates/catalog/src/{}/stock.rs", room.name);
            for name in room.never {
                let found = said(walls, &path, &format!("//! x\nuse {name}::Thing;\n"));
                assert_eq!(
                    found,
                    [format!("2: {} must not mention `{name}`", room.name)]
                );
            }
            for other in room.closed {
                let found = said(
                    walls,
                    &path,
                    &format!("//! x\nuse crate::{other}::Thing;\n"),
                );
                assert_eq!(
                    found,
                    [format!("2: {} must not enter `crate::{other}`", room.name)]
                );
            }
        }
    }

    #[test]
    fn a_room_is_entered_however_the_path_is_written() {
        for text in [
            "use crate::{domain::x, store::Store};",
            "use crate::{\n    domain::{a, b},\n    store,\n};",
            "use crate :: store;",
            "fn f(x: &crate::store::Store) {}",
            "use super::super::store::Store;",
            "use super::super::{domain, store::Store};",
        ] {
            assert_eq!(
                said(walls, "crates/orders/src/domain/order.rs", text).len(),
                1,
                "{text}"
            );
        }
        assert_eq!(
            said(
                walls,
                "crates/orders/src/domain/mod.rs",
                "use super::store::Store;"
            )
            .len(),
            1
        );
        assert_eq!(
            said(
                walls,
                "crates/orders/src/domain.rs",
                "use super::store::Store;"
            )
            .len(),
            1
        );
    }

    #[test]
    fn what_only_looks_like_an_entry_is_fine() {
        for text in [
            "//! No tokio and no crate::store in here.\n",
            "use super::store_level;\n",
            "use crate::{domain::{store, http}};\n",
            "use contracts::{access, values::x}; fn store() { crate::domain::service() }\n",
            "const X: &str = \"axum and crate::store\";\n",
            "pub(crate) fn service() {}\n",
        ] {
            assert_eq!(
                said(walls, "crates/orders/src/domain/order.rs", text),
                [""; 0],
                "{text}"
            );
        }
    }

    #[test]
    fn only_services_have_rooms() {
        assert_eq!(
            said(
                walls,
                "crates/platform/src/http/mod.rs",
                "use crate::store;"
            ),
            [""; 0]
        );
        assert_eq!(
            said(
                walls,
                "crates/orders/src/saga/checkout.rs",
                "use crate::store;"
            ),
            [""; 0]
        );
    }

    #[test]
    fn a_crate_away_from_home_is_found() {
        let check = |path: &str, name: &str| said(homes, path, &format!("//! x\nuse {name}::X;\n"));
        for path in [
            "crates/platform/src/http/mod.rs",
            "crates/gateway/src/lib.rs",
            "server/src/wiring.rs",
        ] {
            assert_eq!(check(path, "axum"), [""; 0], "{path}");
            assert_eq!(
                check(path, "rusqlite"),
                ["2: `rusqlite` is not at home here"],
                "{path}"
            );
        }
        for path in [
            "crates/platform/src/db/sqlite.rs",
            "crates/platform/src/outbox_relay.rs",
        ] {
            assert_eq!(check(path, "rusqlite"), [""; 0], "{path}");
            assert_eq!(
                check(path, "axum"),
                ["2: `axum` is not at home here"],
                "{path}"
            );
        }
        for path in [
            "crates/orders/src/lib.rs",
            "crates/platform/src/httpd.rs",
            "crates/testkit/src/lib.rs",
        ] {
            assert_eq!(check(path, "axum").len(), 1, "{path}");
            assert_eq!(check(path, "rusqlite").len(), 1, "{path}");
        }
        for path in ["crates/orders/tests/it/http.rs", "tests/crash/power.rs"] {
            assert_eq!(check(path, "axum"), [""; 0], "{path}");
            assert_eq!(check(path, "rusqlite"), [""; 0], "{path}");
        }
    }
}
