//! Pages of a shelf by their numbers: addresses that stay, for programs that read a shop from end to end and come
//! again, and for people who remember where they were. Behind the last number a list goes on from page to page. No row
//! is counted through for it: the catalog says where pages begin, and each is read from there.

use super::no_such_page;
use crate::App;
use contracts::{
    catalog::{NUMBERED_PAGES_MAX, ProductQuery, ProductView},
    problem::{Code, Problem},
    values::{Cursor, Page, PageSize},
};
use platform::http::Fault;

/// Numbers on either side of the one that is shown.
const BESIDE: usize = 2;

/// A page of a list, and where it stands among those that have a number.
pub(super) struct Listed {
    pub(super) products: Page<ProductView>,
    /// Which it is; none where pages have no numbers, and on one that was reached by a cursor.
    pub(super) number: Option<usize>,
    /// How many have a number.
    pub(super) pages: usize,
}

/// Which page of a shelf is asked for; none if a cursor says where it begins.
pub(super) fn asked(page: &str, cursor: &str) -> Result<Option<usize>, Problem> {
    match (page, cursor) {
        ("", "") => Ok(Some(1)),
        ("", _) => Ok(None),
        (page, "") => {
            let number = page.parse::<usize>().ok();
            let number = number.filter(|number| (1..=NUMBERED_PAGES_MAX).contains(number));
            number
                .map(Some)
                .ok_or_else(|| no_such_page(Code::InvalidParameter))
        }
        // It cannot begin at two places.
        (_, _) => Err(no_such_page(Code::InvalidParameter)),
    }
}

/// The page with this number, or the one that the query's cursor begins. How many pages follow the first one is not
/// known yet: most people look at that, and nobody walks to where all others begin for it.
pub(super) async fn listed(
    app: &App,
    query: ProductQuery,
    number: Option<usize>,
) -> Result<Listed, Fault> {
    let starts = match number {
        None | Some(1) => Vec::new(),
        Some(_) => app.catalog.page_starts(query.clone()).await?,
    };
    let cursor = match number.and_then(|number| number.checked_sub(2)) {
        None => query.cursor,
        // Of a list that became shorter, a later page is gone: no empty one stands in its place.
        Some(start) => {
            let start = starts.get(start).cloned();
            Some(start.ok_or_else(|| no_such_page(Code::NotFound))?)
        }
    };
    let products = app.catalog.products(None, ProductQuery { cursor, ..query });
    Ok(Listed {
        products: products.await?,
        number,
        pages: starts.len().saturating_add(1),
    })
}

impl Listed {
    /// How many pages a list has follows from how many products are in it. Without that, its first page goes on without
    /// numbers.
    pub(super) fn counted(&mut self, total: u64, rows: PageSize) {
        if self.number == Some(1) {
            self.pages = pages_of(total, rows);
        }
    }
}

/// How many pages of so many rows have a number: one at least.
fn pages_of(total: u64, rows: PageSize) -> usize {
    let pages = total.div_ceil(u64::from(rows.get().max(1)));
    usize::try_from(pages)
        .unwrap_or(NUMBERED_PAGES_MAX)
        .clamp(1, NUMBERED_PAGES_MAX)
}

/// A number to go to.
pub(super) struct Number {
    pub(super) number: usize,
    pub(super) href: String,
    pub(super) is_current: bool,
    /// Whether there are others between it and the one before.
    pub(super) skips: bool,
}

/// Where else there is to go; addresses are empty where there is nothing.
pub(super) struct Pager {
    pub(super) first: String,
    pub(super) previous: String,
    pub(super) numbers: Vec<Number>,
    pub(super) next: String,
}

impl Pager {
    /// Of a page that was reached by a cursor or not; `here` is the list's address with one thing more.
    pub(super) fn of(
        listed: &Listed,
        by_cursor: bool,
        here: impl Fn(&'static str, &str) -> String,
    ) -> Self {
        let numbered = |number: usize| match number {
            // The first page has one address, not two.
            0 | 1 => here("page", ""),
            _ => here("page", &number.to_string()),
        };
        let number = listed.number.unwrap_or(1);
        let follows = listed.products.next_cursor.as_ref().map(Cursor::as_str);
        Self {
            first: if by_cursor {
                here("cursor", "")
            } else {
                String::new()
            },
            previous: if number > 1 {
                numbered(number.saturating_sub(1))
            } else {
                String::new()
            },
            numbers: numbers(listed, numbered),
            next: match (listed.number, follows) {
                (Some(number), _) if number < listed.pages => numbered(number.saturating_add(1)),
                (_, Some(cursor)) => here("cursor", cursor),
                (_, None) => String::new(),
            },
        }
    }

    /// Whether there is nowhere to go.
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.numbers.is_empty() && self.next.is_empty()
    }
}

/// The first, the last, and those around the one that is shown.
fn numbers(listed: &Listed, address: impl Fn(usize) -> String) -> Vec<Number> {
    let Some(current) = listed.number.filter(|_| listed.pages > 1) else {
        return Vec::new();
    };
    let near = current.saturating_sub(BESIDE)..=current.saturating_add(BESIDE);
    let shown = (1..=listed.pages)
        .filter(|number| *number == 1 || *number == listed.pages || near.contains(number));
    let mut before = 0;
    shown
        .map(|number| Number {
            number,
            href: address(number),
            is_current: number == current,
            skips: std::mem::replace(&mut before, number) < number.saturating_sub(1),
        })
        .collect()
}

/// The one address of what anybody may find, so that one page is not taken for many; none for what is one order or
/// choice of many.
pub(super) fn canonical(address: &str, number: Option<usize>, is_plain: bool) -> String {
    match number {
        Some(1) | None => address.to_owned(),
        Some(number) if is_plain => format!("{address}?page={number}"),
        Some(_) => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pager(number: Option<usize>, pages: usize, next: Option<&str>) -> Pager {
        let listed = Listed {
            products: Page {
                data: Vec::new(),
                next_cursor: next.map(|next| Cursor::parse(next).unwrap()),
            },
            number,
            pages,
        };
        Pager::of(&listed, number.is_none(), |name, value| {
            crate::view::address("/c/tea", &[("sort", "price"), (name, value)])
        })
    }

    fn said(pager: &Pager) -> String {
        let numbers = pager.numbers.iter().map(|one| {
            let gap = if one.skips { "… " } else { "" };
            let mark = if one.is_current { "*" } else { "" };
            format!("{gap}{}{mark}", one.number)
        });
        numbers.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_page_is_asked_for_by_number_or_by_cursor_or_refused() {
        assert_eq!(asked("", "").unwrap(), Some(1));
        assert_eq!(asked("", "abc").unwrap(), None);
        assert_eq!(asked("1", "").unwrap(), Some(1));
        assert_eq!(asked("100", "").unwrap(), Some(100));
        for odd in [
            "0",
            "101",
            "-1",
            "1.5",
            "two",
            " ",
            "99999999999999999999999",
        ] {
            let refused = asked(odd, "").unwrap_err();
            assert_eq!(refused.code, Code::InvalidParameter, "{odd}");
        }
        assert!(asked("2", "abc").is_err());
    }

    #[test]
    fn a_list_has_as_many_pages_as_its_products_fill() {
        let rows = PageSize::try_from(24).unwrap();
        for (total, pages) in [
            (0, 1),
            (24, 1),
            (25, 2),
            (2_400, 100),
            (2_401, 100),
            (u64::MAX, 100),
        ] {
            assert_eq!(pages_of(total, rows), pages, "{total}");
        }
    }

    #[test]
    fn numbers_stand_around_the_page_that_is_shown() {
        for (number, pages, numbers) in [
            (1, 1, ""),
            (1, 2, "1* 2"),
            (2, 5, "1 2* 3 4 5"),
            (5, 9, "1 … 3 4 5* 6 7 … 9"),
            (100, 100, "1 … 98 99 100*"),
        ] {
            assert_eq!(said(&pager(Some(number), pages, Some("abc"))), numbers);
        }
    }

    #[test]
    fn each_page_leads_to_those_beside_it_and_the_last_number_to_what_has_none() {
        let middle = pager(Some(2), 3, Some("abc"));
        assert_eq!(middle.previous, "/c/tea?sort=price");
        assert_eq!(middle.next, "/c/tea?sort=price&page=3");
        assert_eq!(middle.numbers[0].href, middle.previous);
        let last = pager(Some(3), 3, None);
        assert_eq!(
            (last.previous.as_str(), last.next.as_str()),
            ("/c/tea?sort=price&page=2", "")
        );
        let hundredth = pager(Some(100), 100, Some("abc"));
        assert_eq!(hundredth.next, "/c/tea?sort=price&cursor=abc");
        let beyond = pager(None, 1, Some("def"));
        assert_eq!(beyond.first, "/c/tea?sort=price");
        assert_eq!(beyond.next, "/c/tea?sort=price&cursor=def");
        assert!(beyond.numbers.is_empty() && beyond.previous.is_empty());
        assert!(pager(Some(1), 1, None).is_empty());
    }

    #[test]
    fn a_page_has_one_address_and_a_choice_of_it_none() {
        let shelf = "https://shop.example/c/tea";
        assert_eq!(canonical(shelf, Some(1), false), shelf);
        assert_eq!(canonical(shelf, Some(2), true), format!("{shelf}?page=2"));
        assert_eq!(canonical(shelf, Some(2), false), "");
    }
}
