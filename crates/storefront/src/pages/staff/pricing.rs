//! Things that the API replaces as a whole: discounts, ways of shipping and their zones, tax rates. A form sends what
//! it was made with along with what was typed: only what differs is said otherwise, all the rest goes back as it came.
//! When somebody else was faster, both sides' words are shown (`versus`).

use super::{
    Desk, Done, Fault, Sheet, Who, api, csv,
    discounts::{self, Discounts},
    fields::{Fields, invalid},
    mendable,
    parts::{Block, Field, Form},
    shipping::{self, Ways},
    taxes::{self, Rates},
    versus::{self, Edited},
    zones,
};
use crate::{App, pages::frame::Visit, view, words::say};
use axum::{
    Form as Sent, Router,
    extract::{Path, State},
    http::Method,
    response::Response,
    routing::{get, post},
};
use contracts::{
    problem::{Code, Problem},
    values::{Currency, Money, Page, Version},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A thing as the API shows it; empty where it is yet to be made.
pub(super) type Thing = Map<String, Value>;

/// What the API says of a thing beside what can be set.
const SAID_ONLY: [&str; 5] = ["id", "uses", "version", "created_at", "updated_at"];

/// A kind of thing that is edited here.
pub(super) struct Kind {
    /// Its path in the API.
    pub(super) api: &'static str,
    pub(super) here: &'static str,
    pub(super) name: &'static str,
    pub(super) one: &'static str,
    /// Its fields, with what they are.
    pub(super) shown: fn(&Thing) -> Vec<Field>,
    /// Says in a thing what was typed otherwise.
    pub(super) set: fn(&Typed<'_>, &mut Thing) -> Result<(), Fault>,
    /// Fields that a form has by another name than the API.
    pub(super) renamed: &'static [(&'static str, &'static str)],
}

/// What an order costs beside its lines.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin/discounts", get(discounts::show))
        .route("/admin/discounts.csv", get(csv::file::<discounts::Wish>))
        .route(
            "/admin/discounts/{id}",
            get(one::<Discounts>).post(save::<Discounts>),
        )
        .route("/admin/shipping", get(shipping::show))
        .route("/admin/shipping/{id}", get(one::<Ways>).post(save::<Ways>))
        .route(
            "/admin/shipping/{id}/zones/{place}",
            get(zones::show).post(zones::save),
        )
        .route(
            "/admin/shipping/{id}/zones/{place}/remove",
            post(zones::remove),
        )
        .route("/admin/taxes", get(taxes::show))
        .route("/admin/taxes/{id}", get(one::<Rates>).post(save::<Rates>))
        .route("/admin/taxes/{id}/remove", post(taxes::remove))
}

/// What the address of a list or of one thing may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    pub(super) flash: String,
}

/// Things of a kind, each with a page of its own.
pub(super) trait Priced {
    const KIND: Kind;

    /// The page of one of them, or of one that is yet to be made.
    fn sheet(
        desk: Desk<'_>,
        id: &str,
        refused: Refused<'_>,
    ) -> impl Future<Output = Result<Sheet, Fault>> + Send;

    /// What was typed, as the API calls it.
    fn read(_: Desk<'_>, fields: Fields) -> impl Future<Output = Result<Fields, Fault>> + Send {
        async { Ok(fields) }
    }
}

/// GET of one of them.
pub(super) async fn one<P: Priced>(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async { Ok(P::sheet(desk, &id, None).await?.saved(&wish.flash)) };
    desk.show(Who::Admin, sheet).await
}

/// POST of one of them.
pub(super) async fn save<P: Priced>(
    State(app): State<App>,
    visit: Visit,
    Path(id): Path<String>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    desk.act(Who::Admin, &fields, saved::<P>(desk, &id, &fields))
        .await
}

async fn saved<P: Priced>(desk: Desk<'_>, id: &str, fields: &Fields) -> Result<Done, Fault> {
    let sent = match P::read(desk, fields.clone()).await {
        Ok(fields) => P::KIND.save(desk, id, &fields).await?,
        Err(fault) => Err(mendable(fault)?),
    };
    match sent {
        Ok(done) => Ok(done),
        Err(problem) => {
            let sheet = P::sheet(desk, id, Some((&problem, fields))).await?;
            Ok(Done::Show(Box::new(sheet)))
        }
    }
}

/// What was typed into a form, beside what stands there now.
pub(super) struct Typed<'f> {
    fields: &'f Fields,
    shown: &'f [Field],
    is_new: bool,
}

impl<'f> Typed<'f> {
    pub(super) const fn new(fields: &'f Fields, shown: &'f [Field], is_new: bool) -> Self {
        Self {
            fields,
            shown,
            is_new,
        }
    }

    /// Whether one of these is said otherwise than when the form was made.
    pub(super) fn changes(&self, names: &[&str]) -> bool {
        let differs = |name: &&str| versus::is_changed(self.fields, name);
        self.is_new || names.iter().any(differs)
    }

    /// What was typed; or what stands there, where the form has no such field.
    pub(super) fn text(&self, name: &str) -> &str {
        if self.fields.has(name) {
            return self.fields.text(name);
        }
        let mut shown = self.shown.iter();
        let shown = shown.find(|field| field.name == name);
        shown.map_or("", |field| field.value.as_str())
    }

    pub(super) fn given(&self, name: &str) -> Option<&str> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    pub(super) fn is_ticked(&self, name: &str) -> bool {
        self.fields.is_ticked(name)
    }

    /// A whole number, or none.
    pub(super) fn number(&self, name: &str) -> Result<Value, Fault> {
        let Some(text) = self.given(name) else {
            return Ok(Value::Null);
        };
        let number = text.parse::<u64>();
        number
            .map(Value::from)
            .map_err(|_| invalid(name, "is no whole number"))
    }

    /// An amount in this currency, or none.
    pub(super) fn money(&self, name: &str, currency: &str) -> Result<Value, Fault> {
        let Some(said) = self.given(name) else {
            return Ok(Value::Null);
        };
        let currency: Currency = currency
            .to_ascii_uppercase()
            .parse()
            .map_err(|_| invalid("currency", "is needed for an amount: three letters"))?;
        let money = Money::parse_decimal(said, currency);
        Ok(json!(money.map_err(|error| invalid(name, &error.0))?))
    }

    /// The lines of an area that say something.
    pub(super) fn lines(&self, name: &str) -> Vec<&str> {
        let lines = self.text(name).lines().map(str::trim);
        lines.filter(|line| !line.is_empty()).collect()
    }
}

impl Kind {
    pub(super) fn link(&self) -> Block {
        Block::Links(vec![(self.one.to_owned(), format!("{}/new", self.here))])
    }

    /// One of them as the API shows it; an empty one for a form of something new.
    pub(super) async fn find(&self, desk: Desk<'_>, id: &str) -> Result<Thing, Fault> {
        if id == "new" {
            return Ok(Map::new());
        }
        let none = || Fault::new(Code::NotFound);
        let found = if self.api == "discounts" {
            let path = format!("{}/{}", self.api, view::encoded(id));
            desk.ask().get::<Value>(&api(&path, &[])).await?
        } else {
            let all: Page<Value> = desk.ask().get(&api(self.api, &[])).await?;
            let mut all = all.data.into_iter();
            all.find(|one| one["id"] == id).ok_or_else(none)?
        };
        let Value::Object(found) = found else {
            return Err(none());
        };
        Ok(found)
    }

    /// What people call one of them.
    pub(super) fn title(&self, found: &Thing) -> String {
        match text(found, "code") + &text(found, "name") {
            empty if empty.is_empty() => say(self.one).to_owned(),
            _ if found.contains_key("code") => text(found, "code"),
            name => name,
        }
    }

    /// Its form.
    pub(super) fn form(&self, (found, here): (&Thing, &str), refused: Refused<'_>) -> Form {
        let button = if found.is_empty() { "Make it" } else { "Save" };
        let form = Form::new("edit", here, button)
            .with((self.shown)(found))
            .hiding("version", text(found, "version"));
        let form = if found.is_empty() {
            form
        } else {
            versus::knowing(form)
        };
        match refused {
            Some((problem, sent)) => form.refused(&self.in_form(problem), sent),
            None => form,
        }
    }

    /// A problem about the fields as the form calls them.
    fn in_form(&self, problem: &Problem) -> Problem {
        let mut problem = problem.clone();
        for error in &mut problem.errors {
            let renamed = self.renamed.iter().find(|(api, _)| *api == error.field);
            if let Some((_, form)) = renamed {
                (*form).clone_into(&mut error.field);
            }
        }
        problem
    }

    pub(super) async fn sheet(
        &self,
        desk: Desk<'_>,
        id: &str,
        refused: Refused<'_>,
    ) -> Result<Sheet, Fault> {
        let found = self.find(desk, id).await?;
        let here = format!("{}/{id}", self.here);
        let form = self.form((&found, &here), refused);
        Ok(Sheet::new(self.title(&found))
            .below(self.name, self.here)
            .refused(refused.map(|(problem, _)| problem))
            .with([Block::Form(form)]))
    }

    /// Saves what was typed. What may be mended is answered by whoever shows the page.
    async fn save(
        &self,
        desk: Desk<'_>,
        id: &str,
        fields: &Fields,
    ) -> Result<Result<Done, Problem>, Fault> {
        let found = self.find(desk, id).await?;
        match self.send(desk, (id, found), fields).await {
            Ok(()) => Ok(Ok(Done::at(self.here, "saved"))),
            Err(fault) if fault.0.code == Code::VersionConflict && id != "new" => {
                let found = self.find(desk, id).await?;
                Ok(Ok(versus::conflict(self.edited(id, &found), fields)))
            }
            Err(fault) => Ok(Err(mendable(fault)?)),
        }
    }

    fn edited(&self, id: &str, found: &Thing) -> Edited {
        let here = format!("{}/{id}", self.here);
        Edited {
            name: self.title(found),
            above: (self.name, self.here),
            here: here.clone(),
            decide: here,
            version: version(found),
            beside: Vec::new(),
            now: versus::now(&(self.shown)(found)),
        }
    }

    async fn send(
        &self,
        desk: Desk<'_>,
        (id, found): (&str, Thing),
        fields: &Fields,
    ) -> Result<(), Fault> {
        let shown = (self.shown)(&found);
        let typed = Typed::new(fields, &shown, id == "new");
        let mut body = found;
        (self.set)(&typed, &mut body)?;
        put(desk, (self, id), body, fields).await
    }
}

/// A form that was refused: why, and what it said.
pub(super) type Refused<'f> = Option<(&'f Problem, &'f Fields)>;

/// Sends a thing as it should be, in place of the version that the form was made of.
pub(super) async fn put(
    desk: Desk<'_>,
    (kind, id): (&Kind, &str),
    mut body: Thing,
    fields: &Fields,
) -> Result<(), Fault> {
    body.retain(|name, _| !SAID_ONLY.contains(&name.as_str()));
    let (method, path) = if id == "new" {
        (Method::POST, kind.api.to_owned())
    } else {
        body.insert("version".to_owned(), json!(fields.number("version")?));
        (Method::PUT, format!("{}/{}", kind.api, view::encoded(id)))
    };
    let body = Value::Object(body);
    let path = api(&path, &[]);
    let sent = desk.ask().send(method, &path, (&body, ""));
    sent.await.map(drop)
}

/// The version that was found.
pub(super) fn version(found: &Thing) -> Version {
    let version = found.get("version").cloned().unwrap_or_default();
    serde_json::from_value(version).unwrap_or(Version::FIRST)
}

/// A member as text; empty if there is none.
pub(super) fn text(found: &Thing, name: &str) -> String {
    match found.get(name) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        Some(_) | None => String::new(),
    }
}

/// An amount as people write it; empty if there is none.
pub(super) fn decimal(found: &Thing, name: &str) -> String {
    money_of(found, name).map_or_else(String::new, |money| money.decimal())
}

fn money_of(found: &Thing, name: &str) -> Option<Money> {
    serde_json::from_value(found.get(name)?.clone()).ok()
}

/// The currency of the first of these amounts.
pub(super) fn currency_of(found: &Thing, names: &[&str]) -> String {
    let mut all = names.iter().filter_map(|name| money_of(found, name));
    all.next()
        .map_or_else(String::new, |money| money.currency.code().to_owned())
}

/// Whether it is given, can be chosen: as long as nobody said otherwise.
pub(super) fn is_active(found: &Thing) -> bool {
    found.get("active").and_then(Value::as_bool).unwrap_or(true)
}

/// What is below a member.
pub(super) fn inner<'t>(found: &'t Thing, name: &str) -> Option<&'t Thing> {
    found.get(name).and_then(Value::as_object)
}

/// Parts of a hundredth as people write percents, where so many digits are behind the point.
pub(super) fn percent(parts: u32, digits: u32) -> String {
    let one = 10_u32.saturating_pow(digits);
    let whole = parts.checked_div(one).unwrap_or(0);
    let part = parts.checked_rem(one).unwrap_or(0);
    let width = usize::try_from(digits).unwrap_or(0);
    match part {
        0 => whole.to_string(),
        part => format!("{whole}.{part:0width$}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// The other way.
pub(super) fn parts_of(text: &str, digits: u32) -> Option<u32> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let width = usize::try_from(digits).ok()?;
    let padded = format!("{part:0<width$}");
    let is_plain = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if padded.len() > width || whole.is_empty() || !is_plain(whole) || !is_plain(&padded) {
        return None;
    }
    let one = 10_u32.checked_pow(digits)?;
    let whole = whole.parse::<u32>().ok()?.checked_mul(one)?;
    whole.checked_add(padded.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percents_are_written_as_people_write_them() {
        for (number, words) in [(1_000, "10"), (1_250, "12.5"), (5, "0.05"), (10_000, "100")] {
            assert_eq!(percent(number, 2), words);
            assert_eq!(parts_of(words, 2), Some(number));
        }
        assert_eq!(percent(88_750, 4), "8.875");
        assert_eq!(parts_of("8.875", 4), Some(88_750));
        for odd in ["", "x", "1.234", "-1", "1,5", ".5", "99999999999"] {
            assert_eq!(parts_of(odd, 2), None, "{odd}");
        }
    }
}
