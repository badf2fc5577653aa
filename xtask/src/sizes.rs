//! How long things may be, and the scanner that tells code from comments and texts.
//! Not a parser: it knows quotes, comments and brackets, which is all that lengths and names need.

use crate::tidy::{File, Violation};

const LINE_CHARS_MAX: usize = 120;
const FILE_LINES_MAX: usize = 500;
/// Lines that hold code, from `fn` to the closing brace; blank lines and comments are free.
const FUNCTION_LINES_MAX: usize = 70;

pub(crate) fn lines(files: &[File]) -> Vec<Violation> {
    let in_file = |file: &File| -> Vec<Violation> {
        (1..)
            .zip(file.text.lines())
            .map(|(number, line)| (number, line.chars().count()))
            .filter(|(_, length)| *length > LINE_CHARS_MAX)
            .map(|(number, length)| {
                file.violation(
                    number,
                    format!("line of {length} characters (max {LINE_CHARS_MAX})"),
                )
            })
            .collect()
    };
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(in_file)
        .collect()
}

pub(crate) fn files(files: &[File]) -> Vec<Violation> {
    files
        .iter()
        .filter(|file| file.is_rust())
        .map(|file| (file, file.text.lines().count()))
        .filter(|(_, length)| *length > FILE_LINES_MAX)
        .map(|(file, length)| {
            file.violation(
                length,
                format!("file of {length} lines (max {FILE_LINES_MAX})"),
            )
        })
        .collect()
}

pub(crate) fn functions(files: &[File]) -> Vec<Violation> {
    let in_file = |file: &File| -> Vec<Violation> {
        functions_of(&file.layers.code)
            .into_iter()
            .filter(|function| function.lines > FUNCTION_LINES_MAX)
            .map(|Function { name, line, lines }| {
                let what =
                    format!("fn {name} has {lines} lines of code (max {FUNCTION_LINES_MAX})");
                file.violation(line, what)
            })
            .collect()
    };
    files
        .iter()
        .filter(|file| file.is_rust())
        .flat_map(in_file)
        .collect()
}

#[derive(Debug, PartialEq, Eq)]
struct Function {
    name: String,
    line: usize,
    lines: usize,
}

/// Every function with a body, nested ones too; a nested one also counts for the one around it.
fn functions_of(code: &str) -> Vec<Function> {
    words(code, "fn")
        .filter_map(|offset| {
            let function = code.get(offset..)?;
            // A name must follow: `fn(u32) -> u32` is a type.
            let signature = function.strip_prefix("fn")?.trim_start();
            let name: String = signature
                .chars()
                .take_while(|c| is_word(*c) || *c == '$')
                .collect();
            let body = function.get(..end_of_body(function)?)?;
            let lines = body.lines().filter(|line| !line.trim().is_empty()).count();
            (!name.is_empty()).then(|| Function {
                name,
                line: line_of(code, offset),
                lines,
            })
        })
        .collect()
}

/// The length up to the brace that closes the body; none for a declaration that ends with `;`.
fn end_of_body(function: &str) -> Option<usize> {
    // Brackets before the body may hold a `;` (`[u8; 4]`) or a brace (`({ N })`): not at depth 0.
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for (offset, letter) in function.char_indices() {
        match letter {
            '(' | '[' if braces == 0 => brackets = brackets.saturating_add(1),
            ')' | ']' if braces == 0 => brackets = brackets.checked_sub(1)?,
            ';' if braces == 0 && brackets == 0 => return None,
            '{' if brackets == 0 => braces = braces.saturating_add(1),
            '}' if brackets == 0 => {
                braces = braces.checked_sub(1)?;
                if braces == 0 {
                    return Some(offset.saturating_add(1));
                }
            }
            _ => {}
        }
    }
    None
}

/// A Rust text taken apart. Both layers have the text's lines; what belongs to the other is blank.
#[derive(Debug, Default)]
pub(crate) struct Layers {
    /// What the compiler runs; texts and characters are there as underscores, line for line.
    pub(crate) code: String,
    /// Comments of all kinds.
    pub(crate) prose: String,
}

impl Layers {
    fn push(&mut self, kind: Kind, letter: char) {
        let blank = if letter.is_whitespace() { letter } else { ' ' };
        let masked = if letter.is_whitespace() { letter } else { '_' };
        let (code, prose) = match kind {
            Kind::Code => (letter, blank),
            Kind::Comment => (blank, letter),
            Kind::Text => (masked, blank),
        };
        self.code.push(code);
        self.prose.push(prose);
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Code,
    Comment,
    Text,
}

pub(crate) fn layers(text: &str) -> Layers {
    let mut layers = Layers::default();
    let mut rest = text;
    let mut previous = ' ';
    while !rest.is_empty() {
        let (kind, length) = first_piece(rest, previous);
        let (piece, after) = rest.split_at_checked(length).unwrap_or((rest, ""));
        for letter in piece.chars() {
            layers.push(kind, letter);
            previous = letter;
        }
        rest = after;
    }
    layers
}

/// What the text begins with, and for how many bytes.
fn first_piece(text: &str, previous: char) -> (Kind, usize) {
    if text.starts_with("//") {
        return (Kind::Comment, text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return (Kind::Comment, block_comment(text));
    }
    let literal = match text.chars().next() {
        Some('"') => Some(quoted(text, '"')),
        Some('\'') => character(text),
        // `for"` ends with an r as well: a prefix stands at the beginning of a word.
        Some('r' | 'b' | 'c') if !is_word(previous) => raw_text(text),
        _ => None,
    };
    match literal {
        Some(length) => (Kind::Text, length),
        None => (
            Kind::Code,
            text.chars().next().map_or(text.len(), char::len_utf8),
        ),
    }
}

/// Block comments nest.
fn block_comment(text: &str) -> usize {
    let mut depth = 0_usize;
    let mut letters = text.char_indices();
    while let Some((offset, _)) = letters.next() {
        let rest = text.get(offset..).unwrap_or("");
        if rest.starts_with("/*") {
            depth = depth.saturating_add(1);
        } else if rest.starts_with("*/") {
            depth = depth.saturating_sub(1);
        } else {
            continue;
        }
        letters.next();
        if depth == 0 {
            return offset.saturating_add(2);
        }
    }
    text.len()
}

/// A text in quotes in which a backslash guards the next character.
fn quoted(text: &str, quote: char) -> usize {
    let mut guarded = false;
    for (offset, letter) in text.char_indices().skip(1) {
        if !guarded && letter == quote {
            return offset.saturating_add(1);
        }
        guarded = !guarded && letter == '\\';
    }
    text.len()
}

/// `'a'` or `'\n'`; none for a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut letters = text.chars().skip(1);
    let first = letters.next()?;
    let is_character = first == '\\' || letters.next() == Some('\'');
    is_character.then(|| quoted(text, '\''))
}

/// `r"..."`, `br#"..."#` and their like; none for a raw name (`r#type`) or any other word.
fn raw_text(text: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| {
        text.strip_prefix(prefix)
            .is_some_and(|rest| rest.trim_start_matches('#').starts_with('"'))
    })?;
    let after = text.strip_prefix(prefix)?;
    let guards: String = after.chars().take_while(|letter| *letter == '#').collect();
    let opening = prefix.len().saturating_add(guards.len()).saturating_add(1);
    let closing = format!("\"{guards}");
    let length = text.get(opening..)?.find(&closing)?;
    Some(opening.saturating_add(length).saturating_add(closing.len()))
}

/// Where a word stands on its own.
pub(crate) fn words<'a>(text: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    text.match_indices(word)
        .map(|(offset, _)| offset)
        .filter(move |offset| {
            let before = text
                .get(..*offset)
                .and_then(|before| before.chars().next_back());
            let after = text
                .get(offset.saturating_add(word.len())..)
                .and_then(|rest| rest.chars().next());
            !before.is_some_and(is_word) && !after.is_some_and(is_word)
        })
}

pub(crate) fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// The line, from 1, that an offset is in.
pub(crate) fn line_of(text: &str, offset: usize) -> usize {
    text.get(..offset).unwrap_or(text).split('\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> String {
        layers(text).code
    }

    fn measured(text: &str) -> Vec<(String, usize, usize)> {
        functions_of(&code(text))
            .into_iter()
            .map(|f| (f.name, f.line, f.lines))
            .collect()
    }

    fn rust(text: String) -> [File; 1] {
        [File::new("crates/orders/src/lib.rs", text)]
    }

    #[test]
    fn a_long_line_is_found_in_characters_not_bytes() {
        let fits = "é".repeat(LINE_CHARS_MAX);
        assert_eq!(lines(&rust(format!("//! x\n{fits}\n"))), []);
        let found = lines(&rust(format!("//! x\n{fits}é\n")));
        assert_eq!(found[0].line, 2);
        assert_eq!(found[0].what, "line of 121 characters (max 120)");
    }

    #[test]
    fn a_long_file_is_found() {
        assert_eq!(files(&rust("//!\n".repeat(FILE_LINES_MAX))), []);
        let found = files(&rust("//!\n".repeat(501)));
        assert_eq!(found[0].what, "file of 501 lines (max 500)");
    }

    #[test]
    fn a_long_function_is_found() {
        let of = |lines: usize| rust(format!("fn f() {{\n{}}}\n", "    g();\n".repeat(lines)));
        assert_eq!(functions(&of(68)), []);
        let found = functions(&of(69));
        assert_eq!(found[0].line, 1);
        assert_eq!(found[0].what, "fn f has 71 lines of code (max 70)");
    }

    #[test]
    fn only_rust_is_measured() {
        let long = [File::new("docs/adr/0001-x.md", "x".repeat(200))];
        assert_eq!(lines(&long), []);
    }

    #[test]
    fn a_function_is_counted_from_its_name_to_its_brace() {
        let text = "//! x\n#[test]\npub async fn a<'a>(\n    x: [u8; 4],\n) -> R\nwhere\n    T: X,\n{\n}\nfn b() {}\n";
        assert_eq!(
            measured(text),
            [("a".to_owned(), 3, 7), ("b".to_owned(), 10, 1)]
        );
    }

    #[test]
    fn blank_lines_and_comments_are_free_and_texts_are_not() {
        let text = "fn a() {\n\n    // why\n    /* why\n       not */\n    sql(\"SELECT 1\n      FROM t\");\n}\n";
        assert_eq!(measured(text), [("a".to_owned(), 1, 4)]);
    }

    #[test]
    fn nested_functions_count_twice_and_declarations_not_at_all() {
        let text = "trait T { fn d(&self) -> [u8; 2]; }\ntype F = fn(u32) -> u32;\nfn a() {\n    fn b() {\n    }\n}\n";
        assert_eq!(
            measured(text),
            [("a".to_owned(), 3, 4), ("b".to_owned(), 4, 2)]
        );
    }

    #[test]
    fn braces_in_texts_characters_and_comments_do_not_count() {
        let bodies = [
            r#"let x = "}";"#,
            r#"let x = "\"}";"#,
            r#"let x = "\\"; let y = "}";"#,
            "let x = '}';",
            r"let x = '\''; let y = '}';",
            "let x = b'}';",
            r###"let x = r#"}"}"#;"###,
            r##"let x = br"}\";"##,
            r##"let x = c"}";"##,
            "// }",
            "/* } /* } */ } */",
            "let x: &'static str = f::<'_>('a');",
            "let r#type = 1;",
            "'outer: loop { break 'outer; }",
        ];
        for body in bodies {
            let text = format!("fn a<'a>() {{\n    {body}\n    last();\n}}\nfn b() {{}}\n");
            let found = measured(&text);
            assert_eq!(found.len(), 2, "{body}");
            assert_eq!(found[1], ("b".to_owned(), 5, 1), "{body}");
        }
    }

    #[test]
    fn the_layers_keep_every_line_and_split_what_is_on_it() {
        let text = "let a = \"x // y\"; // z \"\n/* b\nc */ d\n";
        let Layers { code, prose } = layers(text);
        assert_eq!(code, "let a = __ __ __;       \n    \n     d\n");
        assert_eq!(prose, "                  // z \"\n/* b\nc */  \n");
    }

    #[test]
    fn what_never_ends_reaches_to_the_end() {
        for text in ["\"abc", "/* abc", "'\\", "r#\"abc", "// é", "'"] {
            assert_eq!(code(text).chars().count(), text.chars().count(), "{text}");
        }
    }

    #[test]
    fn a_word_stands_on_its_own() {
        assert_eq!(
            words("axum utoipa_axum axum::x axums", "axum").collect::<Vec<_>>(),
            [0, 17]
        );
    }
}
