//! Values that a field of a kind cannot have, as JSON.

use super::writes::Kind;

type Values = &'static [&'static str];

const OBJECTS: Values = &[
    r#"{"$ne":null}"#,
    r#"{"$gt":""}"#,
    r#"{"$regex":".*"}"#,
    "{}",
];
const LISTS: Values = &["[]", r#"["x"]"#, "[[[]]]"];
const TRUTHS: Values = &["true"];
const NULL: Values = &["null"];
const TEXTS: Values = &[r#""""#, r#""x""#, r#""1""#, r#""1e3""#, r#""\u0000""#];
const BROKEN_TEXTS: Values = &[r#""\ud800""#, r#""\udc00\ud800""#];
const CONTROLS: Values = &[r#""a\u0000b""#, r#""\u0007""#];
const MARKUP: Values = &[r#""a\u0000b""#, r#""' OR 1=1 --""#, r#""\"<b>""#];
const FRACTIONS: Values = &["1.5", "0.1", "-0.5"];

#[rustfmt::skip] // words, not a column
const NUMBERS: Values = &[
    "1", "-1", "0.5", "1e400", "-1e400", "9223372036854775808", "99999999999999999999999",
];
#[rustfmt::skip]
const HUGE: Values = &[
    "9223372036854775808", "-9223372036854775809", "18446744073709551616", "99999999999999999999999", "1e400", "1e30",
];
#[rustfmt::skip]
const NO_EMAILS: Values = &[
    r#""""#, r#""x""#, r#""@""#, r#""a@""#, r#""a b@c.d""#, r#""a\u0000@c.d""#, r#""a@b..c""#, r#""a\r\nb@c.d""#,
];
const NO_USERNAMES: Values = &[r#""""#, r#""a@b""#, r#""a\u0000b""#, r#""<b>""#, r#""a'b""#];
#[rustfmt::skip]
const NO_IDS: Values = &[
    r#""prd""#, r#""ord_""#, r#""var_""#, r#""cat_01h455vb4pex5vsknk084sn02q""#, r#""prd_01H455VB4PEX5VSKNK084SN02Q""#,
    r#""ord_8zzzzzzzzzzzzzzzzzzzzzzzzz""#, r#"" var_01h455vb4pex5vsknk084sn02q""#,
    r#""prd_01h455vb4pex5vsknk084sn02q\u0000""#,
];
#[rustfmt::skip]
const NO_MONEY: Values = &[
    r#"{"amount":1}"#, r#"{"amount":"1","currency":"USD"}"#, r#"{"amount":1,"currency":"XXX"}"#,
    r#"{"amount":1,"currency":"usd"}"#, r#"{"amount":1.5,"currency":"USD"}"#,
    r#"{"amount":9223372036854775808,"currency":"USD"}"#, r#"{"amount":1,"amount":1,"currency":"USD"}"#,
];
#[rustfmt::skip]
const NO_PRICES: Values = &[
    "-1", "-0.01", "1.999", "1e3", "1e400", r#""""#, r#""x""#, r#""1.""#, r#"".5""#, r#""1,5""#, r#""-1""#, r#""0x1""#,
    r#""1e3""#, r#""١""#, "9223372036854775808", "99999999999999999999999", r#""99999999999999999999999""#,
    r#"{"amount":-1,"currency":"USD"}"#, r#"{"amount":9223372036854775807,"currency":"USD"}"#,
];
#[rustfmt::skip]
const NO_ATTRIBUTES: Values = &[
    r#"{"a":{}}"#, r#"{"a":{"$ne":1}}"#, r#"{"a":[[]]}"#, r#"{"a":[{}]}"#, r#"{"a":"\u0000"}"#, r#"{"":1}"#,
    r#"{"$ne":{"$gt":1}}"#,
];
const NO_WORDS: Values = &["[1]", "[null]", r#"["king"]"#, r#"[["customer"]]"#];
const OTHER_WORDS: Values = &[r#""ADMIN""#, r#""Active""#];

/// Values of each kind that no field of this kind takes.
const fn wrong(kind: Kind) -> &'static [Values] {
    match kind {
        Kind::Text => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS, CONTROLS],
        Kind::Secret => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS],
        Kind::Plain => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS, MARKUP],
        Kind::Email => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS, NO_EMAILS],
        Kind::Username => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS, NO_USERNAMES],
        Kind::Id => &[OBJECTS, LISTS, NUMBERS, TRUTHS, BROKEN_TEXTS, TEXTS, NO_IDS],
        Kind::Quantity => &[
            OBJECTS,
            LISTS,
            TEXTS,
            TRUTHS,
            NULL,
            FRACTIONS,
            HUGE,
            &["0", "-1", "1000001", "2147483648", "4294967297"],
        ],
        Kind::Units => &[
            OBJECTS,
            LISTS,
            TEXTS,
            TRUTHS,
            FRACTIONS,
            HUGE,
            &["-1", "1000000000001", "9223372036854775807"],
        ],
        Kind::Delta => &[
            OBJECTS,
            LISTS,
            TEXTS,
            TRUTHS,
            FRACTIONS,
            HUGE,
            &["0", "1000000001", "-1000000001", "-9223372036854775808"],
        ],
        Kind::Version => &[OBJECTS, LISTS, TEXTS, TRUTHS, FRACTIONS, HUGE, &["0", "-1"]],
        Kind::Money => &[OBJECTS, LISTS, TRUTHS, NO_MONEY],
        Kind::Price => &[OBJECTS, LISTS, TRUTHS, NO_MONEY, NO_PRICES],
        Kind::Truth => &[OBJECTS, LISTS, NUMBERS, TEXTS, NULL],
        Kind::Choice => &[OBJECTS, LISTS, NUMBERS, TEXTS, TRUTHS, OTHER_WORDS],
        Kind::Words => &[OBJECTS, NUMBERS, TEXTS, TRUTHS, NULL, NO_WORDS],
        Kind::Objects => &[OBJECTS, LISTS, NUMBERS, TEXTS, TRUTHS, NULL],
        Kind::Each => &[OBJECTS, NUMBERS, TEXTS, TRUTHS, NULL, &["[]"]],
        Kind::Object => &[OBJECTS, LISTS, NUMBERS, TEXTS, TRUTHS],
        Kind::Selection => &[LISTS, NUMBERS, TEXTS, TRUTHS, &[r#"{"$ne":null}"#]],
        Kind::Attributes => &[LISTS, NUMBERS, TEXTS, TRUTHS, NO_ATTRIBUTES],
    }
}

/// Values that a field of this kind cannot have.
pub(crate) fn wrong_values(kind: Kind) -> Vec<String> {
    let short = wrong(kind)
        .iter()
        .copied()
        .flatten()
        .map(|value| (*value).to_owned());
    let bounded = matches!(
        kind,
        Kind::Text | Kind::Plain | Kind::Email | Kind::Username
    );
    short
        .chain(bounded.then(|| format!("\"{}\"", "x".repeat(20_001))))
        .collect()
}
