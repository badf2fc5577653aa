//! Zones of a way of shipping: where it goes, and what it costs there. A zone has a page of its own; it is a part of
//! its way of shipping, which the API replaces as a whole, and goes by the version of that.

use super::{
    Desk, Done, Fault, Sheet, Who, again, answered,
    fields::{Fields, invalid},
    parts::{Block, Field, Form},
    pricing::{Thing, Typed, currency_of, decimal, put, text, version},
    shipping::{KIND, bounds, countries, say_bounds, zones_of},
    versus::{self, Edited},
};
use crate::words::say;
use crate::{App, pages::frame::Visit};
use axum::{
    Form as Sent,
    extract::{Path, State},
    response::Response,
};
use contracts::{
    orders::ShippingZone,
    problem::{Code, Problem},
};
use serde_json::{Value, json};

/// A zone in an address: its way of shipping, and its place or `new`.
type Place = (String, String);

/// A zone as it is now, and the way of shipping that it is a part of.
struct Zone {
    way: Thing,
    /// Its place among the zones; behind the last one when it is new.
    index: usize,
    zone: Thing,
}

impl Zone {
    async fn find(desk: Desk<'_>, (id, place): &Place) -> Result<Self, Fault> {
        let none = || Fault::new(Code::NotFound);
        if id == "new" {
            return Err(none());
        }
        let way = KIND.find(desk, id).await?;
        let zones = zones_of(&way);
        if place == "new" {
            let (index, zone) = (zones.len(), Thing::new());
            return Ok(Self { way, index, zone });
        }
        let index: usize = place.parse().map_err(|_| none())?;
        let zone = zones.get(index).and_then(Value::as_object).cloned();
        let zone = zone.ok_or_else(none)?;
        Ok(Self { way, index, zone })
    }

    fn is_new(&self) -> bool {
        self.zone.is_empty()
    }

    fn shown(&self) -> Vec<Field> {
        let zone: Option<ShippingZone> =
            serde_json::from_value(Value::Object(self.zone.clone())).ok();
        let lists = zone.map(|zone| (countries(&zone), zone.regions.join("\n")));
        let (countries, regions) = lists.unwrap_or_default();
        let mut fields = vec![
            Field::new("text", "countries", "Countries", countries)
                .required()
                .hint("Two letters each, as DE, AT, CH"),
            Field::new(
                "area",
                "regions",
                "Only these regions of the one country",
                regions,
            )
            .hint("One a line; the whole country when empty"),
            Field::new("text", "price", "Price", decimal(&self.zone, "price"))
                .required()
                .hint("In the currency of the way of shipping"),
        ];
        fields.extend(bounds(&self.zone));
        fields
    }

    /// The way of shipping with this zone as it was typed.
    fn said(&self, fields: &Fields) -> Result<Thing, Fault> {
        let shown = self.shown();
        let typed = Typed::new(fields, &shown, self.is_new());
        let currency = currency_of(&self.way, &["price"]);
        let mut zone = self.zone.clone();
        if typed.changes(&["countries"]) {
            let codes = typed.text("countries").split([',', ' ', '\n']);
            let codes = codes.map(str::trim).filter(|code| !code.is_empty());
            let codes: Vec<String> = codes.map(str::to_ascii_uppercase).collect();
            zone.insert("countries".to_owned(), json!(codes));
        }
        if typed.changes(&["regions"]) {
            zone.insert("regions".to_owned(), json!(typed.lines("regions")));
        }
        if typed.changes(&["price"]) {
            let price = typed.money("price", &currency)?;
            if price.is_null() {
                return Err(invalid("price", "is missing"));
            }
            zone.insert("price".to_owned(), price);
        }
        say_bounds(&typed, &mut zone, (&currency, false))?;
        let mut zones = zones_of(&self.way).to_vec();
        match zones.get_mut(self.index) {
            Some(place) => *place = Value::Object(zone),
            None => zones.push(Value::Object(zone)),
        }
        let mut way = self.way.clone();
        way.insert("zones".to_owned(), Value::Array(zones));
        Ok(way)
    }

    /// What the API says of the zone, said of the fields of its page.
    fn in_form(&self, mut problem: Problem) -> Problem {
        let root = format!("/zones/{}", self.index);
        for error in &mut problem.errors {
            if let Some(field) = error.field.strip_prefix(&root) {
                error.field = field.to_owned();
            }
        }
        problem
    }

    fn title(&self) -> String {
        let zone = if self.is_new() {
            say("a new zone").to_owned()
        } else {
            say!("zone {}", self.index.saturating_add(1))
        };
        format!("{}: {zone}", KIND.title(&self.way))
    }
}

async fn sheet(
    desk: Desk<'_>,
    place: &Place,
    refused: Option<(&str, &Problem, &Fields)>,
) -> Result<Sheet, Fault> {
    let zone = Zone::find(desk, place).await?;
    let way = format!("{}/{}", KIND.here, place.0);
    let here = format!("{way}/zones/{}", place.1);
    let button = if zone.is_new() { "Add it" } else { "Save" };
    let edit = Form::new("edit", here.clone(), button)
        .with(zone.shown())
        .hiding("version", text(&zone.way, "version"));
    let mut forms = vec![if zone.is_new() {
        edit
    } else {
        versus::knowing(edit)
    }];
    if !zone.is_new() {
        let remove = Form::new("remove", format!("{here}/remove"), "Take it away")
            .headed("Go there no more")
            .hiding("version", text(&zone.way, "version"));
        forms.push(remove.confirmed("Orders that went there stay as they are"));
    }
    let forms = forms.into_iter().map(|form| match refused {
        Some((which, problem, sent)) if form.id == which => form.refused(problem, sent),
        Some(_) | None => form,
    });
    Ok(Sheet::new(zone.title())
        .below(KIND.name, KIND.here)
        .refused(refused.map(|(_, problem, _)| problem))
        .with(forms.map(Block::Form))
        .beside([Block::Links(vec![(
            say!("Back to {}", KIND.title(&zone.way)),
            way,
        )])]))
}

/// GET `/admin/shipping/{id}/zones/{place}`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    desk.show(Who::Admin, sheet(desk, &place, None)).await
}

/// POST `/admin/shipping/{id}/zones/{place}`.
pub(in crate::pages) async fn save(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    desk.act(Who::Admin, &fields, saved(desk, &place, &fields))
        .await
}

async fn saved(desk: Desk<'_>, place: &Place, fields: &Fields) -> Result<Done, Fault> {
    let zone = Zone::find(desk, place).await?;
    let way = format!("{}/{}", KIND.here, place.0);
    let sent = match zone.said(fields) {
        Ok(body) => put(desk, (&KIND, &place.0), body, fields).await,
        Err(fault) => Err(fault),
    };
    match sent {
        Ok(()) => Ok(Done::at(&way, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict && !zone.is_new() => {
            let zone = Zone::find(desk, place).await?;
            let here = format!("{way}/zones/{}", place.1);
            let edited = Edited {
                name: zone.title(),
                above: (KIND.name, KIND.here),
                decide: here.clone(),
                here,
                version: version(&zone.way),
                beside: Vec::new(),
                now: versus::now(&zone.shown()),
            };
            Ok(versus::conflict(edited, fields))
        }
        Err(fault) => {
            again(fault, |problem| async move {
                let problem = zone.in_form(problem);
                sheet(desk, place, Some(("edit", &problem, fields))).await
            })
            .await
        }
    }
}

/// POST `/admin/shipping/{id}/zones/{place}/remove`.
pub(in crate::pages) async fn remove(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let (desk, place, fields) = (Desk::new(&app, &visit), &place, &fields);
    let done = async {
        let zone = Zone::find(desk, place).await?;
        let mut way = zone.way.clone();
        let zones = zones_of(&zone.way).iter().enumerate();
        let kept = zones.filter(|(index, _)| *index != zone.index);
        let kept: Vec<Value> = kept.map(|(_, zone)| zone.clone()).collect();
        way.insert("zones".to_owned(), Value::Array(kept));
        let sent = match fields.confirmed() {
            Ok(()) => put(desk, (&KIND, &place.0), way, fields).await,
            Err(fault) => Err(fault),
        };
        let to = Done::at(&format!("{}/{}", KIND.here, place.0), "saved");
        answered(sent, to, |problem| async move {
            sheet(desk, place, Some(("remove", &problem, fields))).await
        })
        .await
    };
    desk.act(Who::Admin, fields, done).await
}
