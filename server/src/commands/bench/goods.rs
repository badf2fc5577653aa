//! A catalog that is made up: the same for the same number of products, of words that sound like some. A few words are
//! in very many products and most are in few, as in any language. Holds no product but by its number.

use contracts::{
    BoxError,
    catalog::ImportProduct,
    values::{Currency, Money},
};
use serde_json::{Map, json};

const SYLLABLES: [&str; 40] = [
    "ba", "ka", "ma", "ra", "sa", "ta", "na", "la", "do", "ko", "mo", "ro", "so", "to", "no", "lo",
    "be", "ke", "me", "re", "se", "te", "ne", "le", "bi", "ki", "mi", "ri", "si", "ti", "ni", "li",
    "bun", "kun", "mun", "run", "sun", "tun", "nur", "lur",
];
/// Words there are.
const WORDS: u32 = 30_000;
const WORDS_WIDE: u64 = 30_000;
const CATEGORIES: u32 = 120;
const DESCRIPTION_WORDS: u32 = 30;
const COLOURS: [&str; 8] = [
    "red", "green", "blue", "black", "white", "grey", "brown", "pink",
];

/// The catalog, by the number of its products.
pub(super) struct Goods {
    count: u32,
    currency: Currency,
}

impl Goods {
    pub(super) fn new(count: u32) -> Result<Self, BoxError> {
        Ok(Self {
            count,
            currency: "USD".parse()?,
        })
    }

    pub(super) const fn count(&self) -> u32 {
        self.count
    }

    pub(super) fn product(&self, number: u32) -> ImportProduct {
        let mut attributes = Map::new();
        let colour = usize::try_from(number % 8)
            .ok()
            .and_then(|n| COLOURS.get(n));
        attributes.insert("colour".to_owned(), json!(colour));
        attributes.insert("grams".to_owned(), json!(number % 50));
        ImportProduct {
            publish_at: None,
            unpublish_at: None,
            related: None,
            slug: None,
            prices: Vec::new(),
            sku: format!("S{number}"),
            name: self.name(number).join(" "),
            description: described(number).join(" "),
            category_path: vec![format!("Shelf {}", number % CATEGORIES)],
            price: Money::new(i64::from(mixed(number, 3) % 100_000), self.currency),
            stock: number % 3,
            image_url: None,
            status: None,
            attributes,
            options: Vec::new(),
            variants: Vec::new(),
        }
    }

    fn name(&self, number: u32) -> Vec<String> {
        let own = rare(number);
        let words = 2_u32.saturating_add(number % 3);
        (0..words)
            .map(|at| word(drawn(number, at)))
            .chain([own])
            .collect()
    }

    /// A frequent and a less frequent word of that product's.
    pub(super) fn words_of(&self, number: u32) -> Vec<String> {
        let number = number.checked_rem(self.count).unwrap_or(0);
        let mut words: Vec<String> = self.name(number).into_iter().take(2).collect();
        words.reverse();
        words
    }

    /// A word that few have, and what may be typed instead: two of its letters change places.
    pub(super) fn mistyped(&self, number: u32) -> Option<(String, String)> {
        let number = mixed(number, 77).checked_rem(self.count)?;
        let right = rare(number);
        let mut letters: Vec<char> = right.chars().collect();
        letters.swap(2, 3);
        let wrong: String = letters.into_iter().collect();
        (wrong != right).then_some((right, wrong))
    }

    /// Products in which each of the words begins a word.
    pub(super) fn with_all(&self, words: &[String]) -> u64 {
        let fits = |number: &u32| {
            let mut all = self.name(*number);
            all.extend(described(*number));
            let has = |word: &String| all.iter().any(|one| one.starts_with(word.as_str()));
            words.iter().all(has)
        };
        (0..self.count)
            .filter(fits)
            .count()
            .try_into()
            .unwrap_or(u64::MAX)
    }
}

fn described(number: u32) -> Vec<String> {
    (100..DESCRIPTION_WORDS.saturating_add(100))
        .map(|at| word(drawn(number, at)))
        .collect()
}

/// A word's number. The product of two draws: small numbers come often, as few words do in any text.
fn drawn(number: u32, at: u32) -> u32 {
    let one = u64::from(mixed(number, at) % WORDS);
    let other = u64::from(mixed(number, at.wrapping_add(1_000)) % WORDS);
    let less = one.saturating_mul(other) / WORDS_WIDE;
    u32::try_from(less.saturating_mul(less) / WORDS_WIDE).unwrap_or(0)
}

/// The word of that number: three syllables at least, each number another.
fn word(number: u32) -> String {
    let mut text = String::new();
    let mut rest = number.saturating_add(1_600);
    while rest > 0 {
        let at = usize::try_from(rest % 40).unwrap_or(0);
        text.push_str(SYLLABLES.get(at).copied().unwrap_or("ba"));
        rest /= 40;
    }
    text
}

/// A word that is this product's and hardly anybody else's.
fn rare(number: u32) -> String {
    word(WORDS.saturating_add(number))
}

/// A number that looks like chance.
fn mixed(number: u32, at: u32) -> u32 {
    let mut mixed = number
        .wrapping_mul(0x9e37_79b9)
        .wrapping_add(at.wrapping_mul(0x85eb_ca6b));
    mixed = (mixed ^ (mixed >> 16)).wrapping_mul(0x7feb_352d);
    mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x846c_a68b);
    mixed ^ (mixed >> 16)
}
