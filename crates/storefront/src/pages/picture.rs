//! A text as a picture that an app reads (QR), drawn as two paths of an SVG. It knows nothing of what the text says.

use qrcodegen::{QrCode, QrCodeEcc};
use std::fmt::Write as _;

/// Light around the marks, as the standard wants it.
const BORDER: i32 = 4;

/// What the template draws.
pub(super) struct Picture {
    pub(super) view_box: String,
    /// The light square.
    pub(super) ground: String,
    /// All dark squares, run by run.
    pub(super) marks: String,
}

/// The picture of a text, unless it is too long for one.
pub(super) fn of(text: &str) -> Option<Picture> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let size = code.size();
    let side = size.saturating_add(BORDER.saturating_mul(2));
    let mut marks = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let length = run(&code, x, y, size);
            if length > 0 {
                write!(marks, "M{x} {y}h{length}v1h-{length}z").ok()?;
            }
            // The square behind a run is light.
            x = x.saturating_add(length).saturating_add(1);
        }
    }
    Some(Picture {
        view_box: format!("-{BORDER} -{BORDER} {side} {side}"),
        ground: format!("M-{BORDER}-{BORDER}h{side}v{side}h-{side}z"),
        marks,
    })
}

/// How many dark squares follow one another.
fn run(code: &QrCode, x: i32, y: i32, size: i32) -> i32 {
    let dark = (x..size).take_while(|x| code.get_module(*x, y)).count();
    i32::try_from(dark).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_dark_square_is_drawn_and_no_other() {
        let text = "otpauth://totp/shop.example:ann?secret=GEZDGNBVGY3TQOJQ";
        let code = QrCode::encode_text(text, QrCodeEcc::Medium).unwrap();
        let mut drawn = std::collections::BTreeSet::new();
        for run in of(text).unwrap().marks.split('M').skip(1) {
            let (x, rest) = run.split_once(' ').unwrap();
            let (y, rest) = rest.split_once('h').unwrap();
            let (length, _) = rest.split_once('v').unwrap();
            let [x, y, length]: [i32; 3] = [x, y, length].map(|number| number.parse().unwrap());
            drawn.extend((x..x.saturating_add(length)).map(|x| (x, y)));
        }
        let size = code.size();
        for (x, y) in (0..size).flat_map(|y| (0..size).map(move |x| (x, y))) {
            assert_eq!(drawn.contains(&(x, y)), code.get_module(x, y), "{x} {y}");
        }
        assert!(of(&"x".repeat(4_000)).is_none(), "too long");
    }
}
