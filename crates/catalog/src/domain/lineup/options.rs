//! Options and their values, checked by themselves. Two words that differ by their case only are one.

use super::invalid;
use crate::domain::text;
use contracts::{
    catalog::{EditError, ProductOption},
    values::{ValueError, fold, one_line},
};
use std::collections::{BTreeMap, HashSet};

const OPTIONS_MAX: usize = 3;
const VALUES_MAX: usize = 100;
const WORD_CHARS_MAX: usize = 60;

/// Checks options by themselves.
pub(crate) fn checked(options: Vec<ProductOption>) -> Result<Vec<ProductOption>, EditError> {
    if options.len() > OPTIONS_MAX {
        return Err(invalid(
            "/options",
            format!("must be at most {OPTIONS_MAX}"),
        ));
    }
    let mut names = HashSet::new();
    let mut checked = Vec::with_capacity(options.len());
    for (index, option) in options.into_iter().enumerate() {
        let name = word(&option.name)
            .map_err(|error| text::invalid(&format!("/options/{index}/name"), error))?;
        if !names.insert(fold(&name)) {
            return Err(invalid(
                &format!("/options/{index}/name"),
                "must be another",
            ));
        }
        let values = words(option.values)
            .map_err(|error| text::invalid(&format!("/options/{index}/values"), error))?;
        checked.push(ProductOption { name, values });
    }
    Ok(checked)
}

fn word(text: &str) -> Result<String, ValueError> {
    one_line(text, 1, WORD_CHARS_MAX)
}

fn words(values: Vec<String>) -> Result<Vec<String>, ValueError> {
    if values.is_empty() || values.len() > VALUES_MAX {
        return Err(ValueError::new(format!("must be 1 to {VALUES_MAX}")));
    }
    let mut seen = HashSet::new();
    let mut checked = Vec::with_capacity(values.len());
    for value in values {
        let value = word(&value)?;
        if !seen.insert(fold(&value)) {
            return Err(ValueError::new("must name each value once"));
        }
        checked.push(value);
    }
    Ok(checked)
}

pub(super) fn add_value(option: &mut ProductOption, value: &str) {
    if !option.values.iter().any(|known| fold(known) == fold(value)) {
        option.values.push(value.to_owned());
    }
}

/// Values as the options write them.
pub(super) fn spelled(options: &[ProductOption], values: Vec<String>) -> Vec<String> {
    let all = options.iter().zip(values);
    let spelled = all.map(|(option, value)| {
        let mut known = option.values.iter();
        let known = known.find(|known| fold(known) == fold(&value));
        known.cloned().unwrap_or(value)
    });
    spelled.collect()
}

/// One value of each option, as the options write them.
pub(super) fn values(
    options: &[ProductOption],
    mut given: BTreeMap<String, String>,
) -> Result<Vec<String>, EditError> {
    let mut values = Vec::with_capacity(options.len());
    for option in options {
        let at = format!(
            "/options/{}",
            option.name.replace('~', "~0").replace('/', "~1")
        );
        let Some(value) = given.remove(&option.name) else {
            return Err(invalid(&at, "must be said"));
        };
        let known = option
            .values
            .iter()
            .find(|known| fold(known) == fold(value.trim()));
        let Some(known) = known else {
            return Err(invalid(&at, "must be one of the option's values"));
        };
        values.push(known.clone());
    }
    match given.into_keys().next() {
        Some(_) => Err(invalid("/options", "must name options of the product only")),
        None => Ok(values),
    }
}
