//! What a form sent, as texts by name. Which names it may have is decided where they are read.

use contracts::problem::Problem;
use platform::http::Fault;
use serde::Deserialize;

/// The fields of a form, in their order.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub(super) struct Fields(pub(super) Vec<(String, String)>);

impl Fields {
    /// The first of this name; empty if there is none.
    pub(super) fn text(&self, name: &str) -> &str {
        let mut found = self.0.iter().filter(|(known, _)| known == name);
        found.next().map_or("", |(_, value)| value.trim())
    }

    /// Whether there is one of this name at all, even an empty one.
    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(known, _)| known == name)
    }

    /// The same, if it says anything.
    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// All of this name.
    pub(super) fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        let of_it = self.0.iter().filter(move |(known, _)| known == name);
        of_it.map(|(_, value)| value.as_str())
    }

    /// Those whose name begins so, with the rest of it.
    pub(super) fn below<'f>(&'f self, root: &'f str) -> impl Iterator<Item = (&'f str, &'f str)> {
        self.0
            .iter()
            .filter_map(move |(name, value)| Some((name.strip_prefix(root)?, value.trim())))
    }

    /// A whole number of zero or more, if anything was given.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Fault> {
        let read = |text: &str| {
            let number = text.parse::<u64>();
            number.map_err(|_| invalid(name, "is no whole number"))
        };
        self.given(name).map(read).transpose()
    }

    /// Whether a box is ticked.
    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.given(name).is_some()
    }

    /// Refuses what cannot be undone and was not confirmed.
    pub(super) fn confirmed(&self) -> Result<(), Fault> {
        if self.is_ticked("confirm") {
            Ok(())
        } else {
            Err(invalid("confirm", "must be ticked: it cannot be undone"))
        }
    }
}

/// A field that breaks a rule.
pub(super) fn invalid(name: &str, reason: &str) -> Fault {
    Fault(Problem::invalid(&format!("/{name}"), reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_read_by_name_and_numbers_are_whole() {
        let pairs = [("a", " 1 "), ("a", "2"), ("line.3", "4"), ("b", "x")];
        let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let fields = Fields(pairs.to_vec());
        assert_eq!(fields.text("a"), "1");
        assert_eq!(fields.all("a").collect::<Vec<_>>(), [" 1 ", "2"]);
        assert_eq!(fields.below("line.").collect::<Vec<_>>(), [("3", "4")]);
        assert_eq!(fields.number("a").unwrap(), Some(1));
        assert!(fields.number("b").is_err() && fields.number("c").unwrap().is_none());
        assert!(fields.confirmed().is_err());
    }
}
