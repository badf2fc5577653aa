//! Numbers of cards, which must not come here: they are known by their form and their last digit. It says whether there
//! is one, and never which.

/// The lengths that cards' numbers have (ISO/IEC 7812-1).
const DIGITS: std::ops::RangeInclusive<usize> = 13..=19;

/// Whether a card's number stands somewhere in the text, also written in groups.
pub fn holds_card_number(text: &str) -> bool {
    let mut digits: Vec<u32> = Vec::new();
    for letter in text.chars() {
        match letter.to_digit(10) {
            Some(digit) => digits.push(digit),
            None if matches!(letter, ' ' | '-' | '.' | '\u{a0}') => {}
            None if is_number(&digits) => return true,
            None => digits.clear(),
        }
    }
    is_number(&digits)
}

/// Whether the last digit is the one that follows from the others (Luhn).
fn is_number(digits: &[u32]) -> bool {
    let from_the_right = digits.iter().rev().enumerate();
    let sum = from_the_right.fold(0_u32, |sum, (place, digit)| {
        let counted = if place.is_multiple_of(2) {
            *digit
        } else {
            let twice = digit.saturating_mul(2);
            if twice > 9 {
                twice.saturating_sub(9)
            } else {
                twice
            }
        };
        sum.saturating_add(counted)
    });
    DIGITS.contains(&digits.len()) && sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_test_cards_are_known_however_they_are_written() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4000-0025-0000-3155",
            "378282246310005",
            "6011111111111117",
            "4222222222222",
            "pm_4242424242424242",
            "my card: 5555.5555.5555.4444, thanks",
        ] {
            assert!(holds_card_number(number), "{number}");
        }
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for text in [
            "",
            "tok_ok",
            "pm_card_visa",
            "pm_1MqLiJLkdIwHu7ixUEgbFdYF",
            "4242424242424241",
            "424242424242",
            "42424242424242424242",
            "123456789012",
        ] {
            assert!(!holds_card_number(text), "{text}");
        }
    }
}
