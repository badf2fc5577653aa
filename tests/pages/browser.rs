//! A browser without script: it keeps cookies, asks for HTML, fills in forms, and follows nothing by itself.

use reqwest::Method;
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    time::{Duration, Instant},
};
use testkit::{Answer, Client, PASSWORD, Shop};

/// What browsers say they can show.
pub(crate) const HTML: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

/// Longer than what comes by itself takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A shop with the demo catalog, where whoever registers may sell.
pub(crate) async fn open() -> Shop {
    open_with(&[]).await
}

/// The same with these settings on top.
pub(crate) async fn open_with(more: &[(&str, &str)]) -> Shop {
    let role = ("SOUK_IDENTITY__REGISTRATION_ROLE", "merchant");
    let own = [("SOUK_SHOP__DEMO", "true"), role];
    Shop::start_with(&[&own, more].concat()).await
}

/// Somebody's browser.
pub(crate) struct Browser {
    http: Client,
    pub(crate) cookies: BTreeMap<String, String>,
    /// The `Set-Cookie` lines of the last answer.
    pub(crate) set: Vec<String>,
    /// Sent with every request, as `Origin` and the like.
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl Browser {
    pub(crate) fn new(shop: &Shop) -> Self {
        Self {
            http: shop.visitor(),
            cookies: BTreeMap::new(),
            set: Vec::new(),
            headers: vec![("accept", HTML.to_owned())],
        }
    }

    /// A browser in which this person has signed in by the form.
    pub(crate) async fn signed_in(shop: &Shop, name: &str) -> Self {
        let mut browser = Self::new(shop);
        let answer = browser.sign_in(name, PASSWORD, "").await;
        assert_eq!(answer.status, 303, "{}", answer.text);
        browser
    }

    pub(crate) async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, None, &[]).await
    }

    /// The page, as soon as it is as it should be.
    pub(crate) async fn get_until(&mut self, path: &str, fits: impl Fn(&Answer) -> bool) -> Answer {
        let begun = Instant::now();
        loop {
            let page = self.get(path).await;
            if fits(&page) {
                return page;
            }
            assert!(begun.elapsed() < PATIENCE, "{path}: {}", page.text);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// GET with one more header, or another value of one.
    pub(crate) async fn get_with(&mut self, path: &str, header: (&str, &str)) -> Answer {
        self.send(Method::GET, path, None, &[header]).await
    }

    /// Sends a form.
    pub(crate) async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, Some(encoded(fields)), &[])
            .await
    }

    /// Sends a form with other headers.
    pub(crate) async fn submit_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Answer {
        self.send(Method::POST, path, Some(encoded(fields)), headers)
            .await
    }

    /// The proof in the form of a page.
    pub(crate) async fn proof(&mut self, path: &str) -> String {
        let page = self.get(path).await;
        assert_eq!(page.status, 200, "{}", page.text);
        field(&page, "csrf").expect("a form with its proof")
    }

    /// Fills in the sign-in form and sends it.
    pub(crate) async fn sign_in(&mut self, name: &str, password: &str, next: &str) -> Answer {
        let csrf = self.proof("/sign-in").await;
        let fields = [
            ("name", name),
            ("password", password),
            ("next", next),
            ("csrf", &csrf),
        ];
        self.submit("/sign-in", &fields).await
    }

    /// Fills in the registration form and sends it.
    pub(crate) async fn register(&mut self, email: &str, name: &str, password: &str) -> Answer {
        let csrf = self.proof("/register-account").await;
        let fields = [
            ("email", email),
            ("name", name),
            ("password", password),
            ("csrf", &csrf),
        ];
        self.submit("/register-account", &fields).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        form: Option<String>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut request = self.http.request(method, path);
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        let own = own.filter(|(name, _)| headers.iter().all(|(other, _)| other != name));
        for (name, value) in own.chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        if !self.cookies.is_empty() {
            let pairs = self
                .cookies
                .iter()
                .map(|(name, value)| format!("{name}={value}"));
            request = request.header("cookie", pairs.collect::<Vec<_>>().join("; "));
        }
        if let Some(form) = form {
            let kind = "application/x-www-form-urlencoded";
            request = request.header("content-type", kind).body(form);
        }
        let answer = self.http.send(request).await;
        self.keep(&answer);
        answer
    }

    fn keep(&mut self, answer: &Answer) {
        let lines = answer.headers.get_all("set-cookie").iter();
        self.set = lines
            .filter_map(|line| line.to_str().ok())
            .map(str::to_owned)
            .collect();
        for line in &self.set {
            let pair = line.split(';').next().unwrap_or_default();
            let (name, value) = pair.split_once('=').expect("a cookie");
            if value.is_empty() || line.contains("Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
    }
}

/// The value of a form's field, as the page has it.
pub(crate) fn field(page: &Answer, name: &str) -> Option<String> {
    let (_, rest) = page.text.split_once(&format!("name=\"{name}\""))?;
    let (tag, _) = rest.split_once('>')?;
    let (_, value) = tag.split_once("value=\"")?;
    value.split('"').next().map(str::to_owned)
}

/// What stands in an attribute, everywhere where a text begins it.
pub(crate) fn all<'p>(page: &'p Answer, start: &str) -> Vec<&'p str> {
    let found = page.text.split(start).skip(1);
    found.filter_map(|rest| rest.split('"').next()).collect()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    let field = |(name, value): &(&str, &str)| format!("{}={}", escaped(name), escaped(value));
    fields.iter().map(field).collect::<Vec<_>>().join("&")
}

fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() {
            safe.push(char::from(byte));
        } else {
            write!(safe, "%{byte:02X}").expect("a text takes all");
        }
    }
    safe
}
