//! What may be done with variants, and what comes of it.

use super::*;
use contracts::values::Currency;
use serde_json::{Value, json};

fn usd() -> Currency {
    "USD".parse().unwrap()
}

fn options(of: Value) -> Vec<ProductOption> {
    checked(serde_json::from_value(of).unwrap()).unwrap()
}

fn sizes() -> Value {
    json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red", "blue"]}])
}

fn wished(size: &str, colour: &str, price: &str) -> Wished {
    let wish = json!({"options": {"Size": size, "Colour": colour}, "price": price});
    Wished::check(serde_json::from_str(&wish.to_string()).unwrap(), usd()).unwrap()
}

fn shirt() -> Lineup {
    let wishes = vec![
        wished("S", "red", "10"),
        wished("m", "Blue", "9"),
        wished("S", "blue", "9"),
    ];
    Lineup::new(options(sizes()), wishes, Money::new(1, usd())).unwrap()
}

fn titles(lineup: &Lineup) -> Vec<String> {
    lineup
        .variants
        .iter()
        .map(|one| variant_title(&one.values))
        .collect()
}

fn set(of: Value) -> Result<Vec<String>, String> {
    let changed = shirt().apply(LineupChange::Options(options(of)));
    changed
        .map(|lineup| titles(&lineup))
        .map_err(|error| error.to_string())
}

#[test]
fn the_cheapest_comes_first_and_stays_there_among_equals() {
    let shirt = shirt();
    assert_eq!(titles(&shirt), ["M / blue", "S / red", "S / blue"]);
    let dear = json!({"price": "20"}).to_string();
    let dear = Altered::check(serde_json::from_str(&dear).unwrap(), usd()).unwrap();
    let id = shirt.variants[0].id;
    let next = shirt.apply(LineupChange::Edit(id, dear)).unwrap();
    assert_eq!(titles(&next), ["S / blue", "M / blue", "S / red"]);
}

#[test]
fn no_two_variants_are_alike() {
    let again = shirt().apply(LineupChange::Add(wished("M", "blue", "9")));
    assert!(matches!(again, Err(EditError::VariantExists { title }) if title == "M / blue"));
    let euro = json!({"options": {"Size": "M", "Colour": "red"}, "price": {"amount": 1, "currency": "EUR"}});
    let euro = Wished::check(serde_json::from_str(&euro.to_string()).unwrap(), usd()).unwrap();
    assert!(shirt().apply(LineupChange::Add(euro)).is_err());
}

#[test]
fn options_are_known_by_name_or_place_and_keep_what_variants_have() {
    let turned = json!([{"name": "colour", "values": ["Blue", "Red"]}, {"name": "Size", "values": ["S", "M"]}]);
    assert_eq!(set(turned).unwrap(), ["Blue / M", "Red / S", "Blue / S"]);
    let renamed = json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Color", "values": ["red", "blue"]}]);
    assert_eq!(set(renamed).unwrap()[0], "M / blue");
    let more = json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red", "blue"]},
                      {"name": "Cut", "values": ["long", "short"]}]);
    assert_eq!(set(more).unwrap()[0], "M / blue / long");
    let fewer =
        json!([{"name": "Size", "values": ["S", "M"]}, {"name": "Colour", "values": ["red"]}]);
    assert_eq!(
        set(fewer).unwrap_err(),
        "/options/1/values must keep blue, which a variant has"
    );
    assert_eq!(
        set(json!([sizes()[0]])).unwrap_err(),
        "another variant is S"
    );
    assert!(set(json!([])).is_err(), "three variants would be one");
}

#[test]
fn the_last_variant_stays() {
    let mut lineup = shirt();
    for left in [2, 1] {
        let id = lineup.variants[0].id;
        lineup = lineup.apply(LineupChange::Withdraw(id)).unwrap();
        assert_eq!(lineup.variants.len(), left);
    }
    let plain = lineup
        .clone()
        .apply(LineupChange::Options(Vec::new()))
        .unwrap();
    assert_eq!(titles(&plain), [""]);
    let id = lineup.variants[0].id;
    let last = lineup.apply(LineupChange::Withdraw(id));
    assert!(matches!(last, Err(EditError::LastVariant)));
}

#[test]
fn each_broken_rule_is_named_by_its_pointer() {
    for (of, pointer) in [
        (
            json!(vec![json!({"name": "a", "values": ["x"]}); 4]),
            "/options",
        ),
        (
            json!(vec![json!({"name": "a", "values": ["x"]}); 2]),
            "/options/1/name",
        ),
        (json!([{"name": " ", "values": ["x"]}]), "/options/0/name"),
        (json!([{"name": "a", "values": []}]), "/options/0/values"),
        (
            json!([{"name": "a", "values": ["x", "X"]}]),
            "/options/0/values",
        ),
        (
            json!([{"name": "a", "values": vec!["x"; 101]}]),
            "/options/0/values",
        ),
    ] {
        let refused = checked(serde_json::from_value(of.clone()).unwrap());
        match refused {
            Err(EditError::Invalid { field, .. }) => assert_eq!(field, pointer, "{of}"),
            other => panic!("{of}: {other:?}"),
        }
    }
    let odd = shirt().apply(LineupChange::Add(wished("XL", "red", "9")));
    assert!(matches!(odd, Err(EditError::Invalid { field, .. }) if field == "/options/Size"));
}
