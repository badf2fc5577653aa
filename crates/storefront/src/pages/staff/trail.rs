//! The way back through a list that the API reads in one direction. The cursors that led to a page go along in the
//! addresses of those behind it, a bounded number of them: whoever went further still has the first page.

/// Cursors that an address carries.
const STEPS_MAX: usize = 10;
/// Stands between cursors, and in front of a way that begins at the first page; no cursor has it in it.
const MARK: char = '~';

/// A way, as an address has it. One that is missing begins nobody knows where.
struct Trail<'t> {
    is_whole: bool,
    steps: Vec<&'t str>,
}

impl<'t> Trail<'t> {
    fn read(trail: &'t str) -> Self {
        let rest = trail.strip_prefix(MARK);
        let steps = rest.unwrap_or(trail).split(MARK);
        Self {
            is_whole: rest.is_some(),
            steps: steps.filter(|step| !step.is_empty()).collect(),
        }
    }

    fn write(&self) -> String {
        let mut text = String::new();
        for (place, step) in self.steps.iter().enumerate() {
            if self.is_whole || place > 0 {
                text.push(MARK);
            }
            text.push_str(step);
        }
        if self.is_whole && self.steps.is_empty() {
            text.push(MARK);
        }
        text
    }
}

/// The way to the page behind the one that begins at this cursor; empty for the first.
pub(super) fn onwards(asked: &str, trail: &str) -> String {
    if asked.is_empty() {
        return MARK.to_string();
    }
    let mut way = Trail::read(trail);
    way.steps.push(asked);
    let over = way.steps.len().saturating_sub(STEPS_MAX);
    if over > 0 {
        way.steps.drain(..over);
        way.is_whole = false;
    }
    way.write()
}

/// The page before the one that begins at this cursor, as its own cursor and the way to it; none where nobody knows.
pub(super) fn back(asked: &str, trail: &str) -> Option<(String, String)> {
    if asked.is_empty() {
        return None;
    }
    let mut way = Trail::read(trail);
    match way.steps.pop() {
        Some(step) => Some((step.to_owned(), way.write())),
        None => way.is_whole.then(|| (String::new(), String::new())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The way to a page, from the first on.
    fn way(pages: usize) -> (String, String) {
        let mut place = (String::new(), String::new());
        for page in 1..pages {
            place = (format!("c.{page}"), onwards(&place.0, &place.1));
        }
        place
    }

    #[test]
    fn whoever_went_some_pages_comes_back_by_the_same_ones() {
        let mut place = way(5);
        let mut seen = vec![place.0.clone()];
        while let Some(before) = back(&place.0, &place.1) {
            seen.push(before.0.clone());
            place = before;
        }
        assert_eq!(seen, ["c.4", "c.3", "c.2", "c.1", ""]);
        assert_eq!(way(2).1, "~");
    }

    #[test]
    fn a_way_is_bounded_and_where_it_is_lost_nobody_is_led_astray() {
        let (asked, trail) = way(30);
        assert_eq!(trail.matches(MARK).count(), STEPS_MAX - 1);
        let (mut place, mut steps) = ((asked, trail), Vec::new());
        while let Some(before) = back(&place.0, &place.1) {
            steps.push(before.0.clone());
            place = before;
        }
        assert_eq!(steps.len(), STEPS_MAX);
        assert_eq!(steps.last().map(String::as_str), Some("c.19"));
        // Somebody's own address, with a cursor and no way to it.
        assert_eq!(back("c.7", ""), None);
        assert_eq!(onwards("c.7", ""), "c.7");
        assert_eq!(back("", "~c.1"), None, "nothing is before the first page");
    }
}
