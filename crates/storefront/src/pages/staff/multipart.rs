//! A form that carries a file (RFC 7578), read out of the whole body: fields are texts, and there is one file. It never
//! believes a length, and reads no further than the bytes that came.

use super::fields::Fields;

/// Parts of a form.
const PARTS_MAX: usize = 16;
/// The head of a part.
const HEAD_BYTES_MAX: usize = 1_024;

/// What such a form sent.
#[derive(Debug, Default)]
pub(super) struct Upload {
    pub(super) fields: Fields,
    /// The file and the kind that it was said to be of.
    pub(super) file: Option<(String, Vec<u8>)>,
}

/// The mark between parts, as the header names it.
pub(super) fn boundary(content_type: &str) -> Option<&str> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let value = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        let is_it = name.trim().eq_ignore_ascii_case("boundary");
        is_it.then(|| value.trim().trim_matches('"'))
    })?;
    (1..=70).contains(&value.len()).then_some(value)
}

/// Reads a body; nothing if it is no such form.
pub(super) fn read(body: &[u8], boundary: &str) -> Option<Upload> {
    let mark = format!("\r\n--{boundary}");
    let first = format!("--{boundary}");
    let mut rest = body.strip_prefix(first.as_bytes())?;
    let mut upload = Upload::default();
    for _ in 0..PARTS_MAX {
        if rest.starts_with(b"--") {
            return Some(upload);
        }
        rest = rest.strip_prefix(b"\r\n")?;
        let end = find(rest, mark.as_bytes())?;
        let (part, after) = rest.split_at_checked(end)?;
        take(part, &mut upload)?;
        rest = after.get(mark.len()..)?;
    }
    None
}

fn take(part: &[u8], upload: &mut Upload) -> Option<()> {
    let end = find(part, b"\r\n\r\n").filter(|end| *end <= HEAD_BYTES_MAX)?;
    let (head, body) = part.split_at_checked(end)?;
    let body = body.get(4..)?;
    let head = std::str::from_utf8(head).ok()?;
    let line = |name: &str| {
        head.split("\r\n").find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known
                .trim()
                .eq_ignore_ascii_case(name)
                .then(|| value.trim())
        })
    };
    let disposition = line("content-disposition")?;
    let name = parameter(disposition, "name")?;
    if parameter(disposition, "filename").is_some() {
        let kind = line("content-type").unwrap_or_default().to_owned();
        if !body.is_empty() {
            upload.file = Some((kind, body.to_vec()));
        }
        return Some(());
    }
    let text = std::str::from_utf8(body).ok()?;
    upload.fields.0.push((name.to_owned(), text.to_owned()));
    Some(())
}

/// A quoted parameter of a head's line.
fn parameter<'h>(line: &'h str, name: &str) -> Option<&'h str> {
    line.split(';').find_map(|part| {
        let (known, value) = part.split_once('=')?;
        known
            .trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"'))
    })
}

/// Where a text begins. Looks for its first byte, which is rare enough.
fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(parts: &[(&str, &str)]) -> Vec<u8> {
        let mut text = String::new();
        for (head, body) in parts {
            text.push_str(&format!("--xx\r\n{head}\r\n\r\n{body}\r\n"));
        }
        format!("{text}--xx--\r\n").into_bytes()
    }

    #[test]
    fn fields_and_the_file_are_read_as_they_were_sent() {
        let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.png\"\r\nContent-Type: image/png";
        let body = form(&[
            ("Content-Disposition: form-data; name=\"csrf\"", "a.b"),
            ("content-disposition: form-data; name=\"alt\"", ""),
            (file, "\r\n--x\r\nbytes"),
        ]);
        let upload = read(&body, "xx").unwrap();
        assert_eq!(upload.fields.text("csrf"), "a.b");
        let (kind, bytes) = upload.file.unwrap();
        assert_eq!(
            (kind.as_str(), bytes.as_slice()),
            ("image/png", &b"\r\n--x\r\nbytes"[..])
        );
    }

    #[test]
    fn what_is_no_form_is_nothing() {
        let good = form(&[("Content-Disposition: form-data; name=\"a\"", "b")]);
        for (body, mark) in [
            (&b""[..], "xx"),
            (b"--xx", "xx"),
            (b"--xx\r\n\r\n", "xx"),
            (&good[..good.len() - 6], "xx"),
            (&good, "yy"),
        ] {
            assert!(
                read(body, mark).is_none(),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let many: Vec<_> = (0..20)
            .map(|_| ("Content-Disposition: form-data; name=\"a\"", "b"))
            .collect();
        assert!(read(&form(&many), "xx").is_none());
    }

    #[test]
    fn the_mark_is_read_from_the_header() {
        assert_eq!(boundary("multipart/form-data; boundary=xx"), Some("xx"));
        assert_eq!(
            boundary("Multipart/Form-Data; charset=a; Boundary=\"x x\""),
            Some("x x")
        );
        for odd in [
            "",
            "text/plain; boundary=x",
            "multipart/form-data",
            "multipart/form-data; boundary=",
        ] {
            assert_eq!(boundary(odd), None, "{odd}");
        }
    }
}
