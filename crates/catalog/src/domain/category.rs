//! A category by the words a seller uses for it. Whether it exists is the store's to say.

use super::{slug, text};
use contracts::{
    catalog::{EditError, NewCategory},
    values::{ValueError, one_line},
};

/// The longest name of a category.
const NAME_CHARS_MAX: usize = 100;
/// Levels that an import may make at once.
const PATH_MAX: usize = 8;

/// A category that is meant, and how it is called if it has to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CategoryName {
    pub(crate) slug: String,
    pub(crate) name: String,
}

impl CategoryName {
    /// The category that a slug or a name means.
    pub(crate) fn parse(given: &str) -> Result<Self, ValueError> {
        let name = one_line(given, 1, NAME_CHARS_MAX)?;
        let slug = slug::of(&name);
        if slug.is_empty() {
            return Err(ValueError::new("must hold letters or digits"));
        }
        Ok(Self { slug, name })
    }

    /// The categories of a path, the topmost first; empty names are skipped.
    pub(crate) fn path(names: &[String]) -> Result<Vec<Self>, ValueError> {
        let path = names
            .iter()
            .filter(|name| !name.trim().is_empty())
            .map(|name| Self::parse(name))
            .collect::<Result<Vec<_>, _>>()?;
        if path.len() > PATH_MAX {
            return Err(ValueError::new(format!(
                "must have at most {PATH_MAX} levels"
            )));
        }
        Ok(path)
    }

    /// The category that an admin makes.
    pub(crate) fn wanted(wish: &NewCategory) -> Result<Self, EditError> {
        let named = Self::parse(&wish.name).map_err(|error| text::invalid("/name", error))?;
        match &wish.slug {
            None => Ok(named),
            Some(given) => Ok(Self {
                slug: slug::check(given).map_err(|error| text::invalid("/slug", error))?,
                name: named.name,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slug_means_itself_and_a_name_its_slug() {
        let tea = CategoryName::parse("green-tea").unwrap();
        assert_eq!(tea.slug, "green-tea");
        let named = CategoryName::parse("Green Tea").unwrap();
        assert_eq!(
            (named.slug.as_str(), named.name.as_str()),
            ("green-tea", "Green Tea")
        );
        assert!(CategoryName::parse("///").is_err());
    }

    #[test]
    fn a_path_is_bounded() {
        let level = |n: usize| vec!["a".to_owned(); n];
        assert_eq!(CategoryName::path(&level(8)).map(|path| path.len()), Ok(8));
        assert!(CategoryName::path(&level(9)).is_err());
        assert_eq!(CategoryName::path(&[" ".to_owned()]), Ok(Vec::new()));
    }
}
