//! Lines of text as a PDF, page by page: the same lines are the same bytes. One of the fonts that every reader has, in
//! the alphabet of Western Europe (`WinAnsi`); a character beyond that becomes a question mark. It embeds nothing, and
//! knows no clock.

use pdf_writer::{Content, Name, Pdf, Rect, Ref, Str, TextStr};

/// Characters that a line has room for.
pub(crate) const COLUMNS: usize = 101;
/// Lines of a page below its title.
const LINES: usize = 58;
/// A4, in points.
const PAGE: Rect = Rect {
    x1: 0.0,
    y1: 0.0,
    x2: 595.0,
    y2: 842.0,
};
const TITLE_FONT: Name<'static> = Name(b"Title");
const TEXT_FONT: Name<'static> = Name(b"Text");

/// The document of these lines.
pub(crate) fn pdf(title: &str, lines: &[String]) -> Vec<u8> {
    let mut pdf = Pdf::new();
    let mut last = 0_i32;
    let mut next = || {
        last = last.saturating_add(1);
        Ref::new(last)
    };
    let (catalog, tree, info, bold, text) = (next(), next(), next(), next(), next());
    let pages: Vec<&[String]> = match lines {
        [] => vec![lines],
        _ => lines.chunks(LINES).collect(),
    };
    let all = pages.len();
    let mut kids = Vec::with_capacity(all);
    for (place, lines) in (1_usize..).zip(pages) {
        let (page, content) = (next(), next());
        let heading = format!("{title}, page {place} of {all}");
        pdf.stream(content, &written(&heading, lines));
        let mut leaf = pdf.page(page);
        leaf.parent(tree).media_box(PAGE).contents(content);
        let mut resources = leaf.resources();
        let mut fonts = resources.fonts();
        fonts.pair(TITLE_FONT, bold).pair(TEXT_FONT, text);
        kids.push(page);
    }
    let count = i32::try_from(all).unwrap_or(i32::MAX);
    pdf.catalog(catalog).pages(tree);
    pdf.pages(tree).kids(kids).count(count);
    pdf.document_info(info).title(TextStr(title));
    for (id, name) in [(bold, Name(b"Helvetica-Bold")), (text, Name(b"Courier"))] {
        let mut font = pdf.type1_font(id);
        font.base_font(name)
            .encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.finish()
}

fn written(heading: &str, lines: &[String]) -> Vec<u8> {
    let mut content = Content::new();
    content.begin_text();
    content.set_font(TITLE_FONT, 14.0);
    content.next_line(50.0, 785.0);
    content.show(Str(&bytes(heading)));
    content.set_font(TEXT_FONT, 8.0);
    content.set_leading(12.0);
    content.next_line(0.0, -18.0);
    for line in lines {
        content.next_line_using_leading();
        content.show(Str(&bytes(line)));
    }
    content.end_text();
    content.finish().to_vec()
}

fn bytes(text: &str) -> Vec<u8> {
    text.chars().map(byte).collect()
}

/// A character in `WinAnsi`, or a question mark.
fn byte(c: char) -> u8 {
    known(c).unwrap_or(b'?')
}

/// Whether a paper has a letter for each of these characters.
pub(crate) fn shows(text: &str) -> bool {
    text.chars().all(|c| known(c).is_some())
}

fn known(c: char) -> Option<u8> {
    if let Some((_, byte)) = WINDOWS.iter().find(|(known, _)| *known == c) {
        return Some(*byte);
    }
    let byte = u8::try_from(u32::from(c)).ok()?;
    matches!(byte, 0x20..=0x7e | 0xa0..=0xff).then_some(byte)
}

/// What Windows puts where ISO 8859-1 has controls.
const WINDOWS: [(char, u8); 27] = [
    ('€', 0x80),
    ('‚', 0x82),
    ('ƒ', 0x83),
    ('„', 0x84),
    ('…', 0x85),
    ('†', 0x86),
    ('‡', 0x87),
    ('ˆ', 0x88),
    ('‰', 0x89),
    ('Š', 0x8a),
    ('‹', 0x8b),
    ('Œ', 0x8c),
    ('Ž', 0x8e),
    ('‘', 0x91),
    ('’', 0x92),
    ('“', 0x93),
    ('”', 0x94),
    ('•', 0x95),
    ('–', 0x96),
    ('—', 0x97),
    ('˜', 0x98),
    ('™', 0x99),
    ('š', 0x9a),
    ('›', 0x9b),
    ('œ', 0x9c),
    ('ž', 0x9e),
    ('Ÿ', 0x9f),
];

/// A text in pieces of at most so many characters, at least one piece; what cannot be shown in a line is a space.
pub(crate) fn pieces(text: &str, most: usize) -> Vec<String> {
    let plain = |c: char| if c.is_control() { ' ' } else { c };
    let chars: Vec<char> = text.chars().map(plain).collect();
    if chars.is_empty() {
        return vec![String::new()];
    }
    let pieces = chars.chunks(most.max(1));
    pieces.map(|piece| piece.iter().collect()).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// What a document says, page by page, read without any library: each text that is shown, in order.
    pub(crate) fn read(pdf: &[u8]) -> Vec<Vec<String>> {
        let text: String = pdf.iter().map(|byte| char::from(*byte)).collect();
        let pages = text.split("\nstream\n").skip(1);
        let pages = pages.map(|rest| rest.split("endstream").next().unwrap().to_owned());
        pages
            .map(|page| {
                let shown = page.lines().filter_map(|line| line.strip_suffix(" Tj"));
                let plain = |shown: &str| {
                    shown
                        .strip_prefix('(')?
                        .strip_suffix(')')
                        .map(str::to_owned)
                };
                shown.filter_map(plain).collect()
            })
            .collect()
    }

    #[test]
    fn lines_go_over_pages_and_none_is_lost() {
        let lines: Vec<String> = (0..=LINES.saturating_mul(2))
            .map(|line| format!("line {line}"))
            .collect();
        let document = pdf("Invoice 10001", &lines);
        assert!(document.starts_with(b"%PDF-1."));
        let pages = read(&document);
        let titles: Vec<&str> = pages.iter().map(|page| page[0].as_str()).collect();
        let title = |page| format!("Invoice 10001, page {page} of 3");
        assert_eq!(titles, [title(1), title(2), title(3)]);
        let shown: Vec<String> = pages.iter().flat_map(|page| page[1..].to_vec()).collect();
        assert_eq!(shown, lines);
        assert_eq!(pdf("Invoice 10001", &lines), document, "the same again");
        assert_eq!(read(&pdf("Nothing", &[])).len(), 1);
    }

    #[test]
    fn what_no_font_of_all_readers_has_is_a_question_mark() {
        assert_eq!(bytes("Tee für 5 €, 茶"), b"Tee f\xfcr 5 \x80, ?");
        assert_eq!(bytes("\u{7}\u{81}"), b"??");
        assert!(shows("Tee für 5 €?"), "a question mark is one");
        for beyond in ["茶", "Дмитрий", "Ωμέγα", "Łódź", "\u{81}"] {
            assert!(!shows(beyond), "{beyond}");
        }
    }

    #[test]
    fn a_long_text_is_cut_into_lines_without_losing_any_of_it() {
        assert_eq!(pieces("abcde\nf", 3), ["abc", "de ", "f"]);
        assert_eq!(pieces("", 3), [""]);
    }
}
