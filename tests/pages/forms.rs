//! Forms as a page has them, sent as they came or with some fields said otherwise: what a browser does.

use crate::browser::Browser;
use testkit::Answer;

/// The hidden and shown fields of the form with this action, as the page has them.
pub(crate) fn form(page: &Answer, action: &str) -> Vec<(String, String)> {
    let start = format!("action=\"{action}\" method=\"post\"");
    let (_, rest) = page.text.split_once(&start).expect("the form");
    let (body, _) = rest.split_once("</form>").expect("its end");
    let mut fields = Vec::new();
    for tag in body.split("<input ").skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag");
        let of = |name: &str| {
            let (_, rest) = tag.split_once(&format!("{name}=\""))?;
            rest.split('"').next().map(unescaped)
        };
        let is_off = tag.contains("type=\"checkbox\"") && !tag.contains(" checked");
        let is_other = tag.contains("type=\"radio\"") && !tag.contains(" checked");
        if let (Some(name), false) = (of("name"), is_off || is_other) {
            fields.push((name, of("value").unwrap_or_default()));
        }
    }
    for tag in body.split("<textarea ").skip(1) {
        let (head, rest) = tag.split_once('>').expect("a tag");
        let (_, name) = head.split_once("name=\"").expect("a name");
        let name = name.split('"').next().expect("its end").to_owned();
        let (text, _) = rest.split_once("</textarea>").expect("its end");
        fields.push((name, unescaped(text)));
    }
    for tag in body.split("<select ").skip(1) {
        let (_, name) = tag.split_once("name=\"").expect("a name");
        let name = name.split('"').next().expect("its end").to_owned();
        let (options, _) = tag.split_once("</select>").expect("its end");
        let mut chosen = options.split("<option value=\"").skip(1);
        let chosen = chosen.find(|option| option.contains(" selected>"));
        let value = chosen.and_then(|option| option.split('"').next());
        fields.push((name, unescaped(value.unwrap_or_default())));
    }
    fields
}

fn unescaped(text: &str) -> String {
    let quotes = text.replace("&#34;", "\"").replace("&#39;", "'");
    quotes
        .replace("&#38;", "&")
        .replace("&#60;", "<")
        .replace("&#62;", ">")
}

/// Sends a form as it came, with these fields said otherwise.
pub(crate) async fn send(
    browser: &mut Browser,
    (page, action): (&Answer, &str),
    otherwise: &[(&str, &str)],
) -> Answer {
    let mut fields = form(page, action);
    for (name, value) in otherwise {
        match fields.iter_mut().find(|(known, _)| known == name) {
            Some(field) => (*value).clone_into(&mut field.1),
            None => fields.push(((*name).to_owned(), (*value).to_owned())),
        }
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    browser.submit(action, &fields).await
}
