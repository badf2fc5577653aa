//! How goods of other shops are taxed, as the class that they have here: nothing is said of what is taxed as most is.

use contracts::catalog::{TAX_CLASS, TaxClass};
use serde_json::{Map, Value};

/// As WooCommerce says it of a product. Classes that a shop there made for itself have no twin here.
pub(super) fn by_status(status: Option<&str>, class: Option<&str>) -> Result<TaxClass, String> {
    match (status, class) {
        // Where only its shipping is taxed, the thing itself is not.
        (Some("none" | "shipping"), _) | (_, Some("zero-rate")) => Ok(TaxClass::Zero),
        (_, Some("reduced-rate")) => Ok(TaxClass::Reduced),
        (_, None | Some("standard" | "parent")) => Ok(TaxClass::Standard),
        (_, Some(class)) => Err(format!(
            "tax class {class} is none of standard, reduced-rate and zero-rate: write the one that it is taxed like"
        )),
    }
}

/// As Shopify says it: whether there is a tax.
pub(super) fn by_word(taxable: Option<&str>) -> TaxClass {
    match taxable {
        Some(word) if word.eq_ignore_ascii_case("false") => TaxClass::Zero,
        Some(_) | None => TaxClass::Standard,
    }
}

/// Keeps the class with the product.
pub(super) fn note(attributes: &mut Map<String, Value>, class: TaxClass) {
    if class != TaxClass::Standard {
        attributes.insert(TAX_CLASS.to_owned(), Value::from(class.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goods_are_taxed_here_as_they_were_there() {
        for (status, class, expected) in [
            (None, None, TaxClass::Standard),
            (Some("taxable"), Some("parent"), TaxClass::Standard),
            (Some("taxable"), Some("reduced-rate"), TaxClass::Reduced),
            (Some("taxable"), Some("zero-rate"), TaxClass::Zero),
            (Some("none"), Some("reduced-rate"), TaxClass::Zero),
            (Some("shipping"), None, TaxClass::Zero),
        ] {
            assert_eq!(
                by_status(status, class),
                Ok(expected),
                "{status:?} {class:?}"
            );
        }
        let why = by_status(Some("taxable"), Some("books")).unwrap_err();
        assert!(why.starts_with("tax class books"), "{why}");
        for (word, expected) in [
            (None, TaxClass::Standard),
            (Some("true"), TaxClass::Standard),
            (Some("TRUE"), TaxClass::Standard),
            (Some("FALSE"), TaxClass::Zero),
        ] {
            assert_eq!(by_word(word), expected);
        }
    }
}
