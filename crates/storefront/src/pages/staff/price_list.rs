//! What a variant costs in further currencies: written down one by one by whoever sells it, and never made by a rate.
//! Prices are part of the product's document, so that whoever changes them names its version, and is shown both sides'
//! words when somebody else was faster. Where the shop sells in one currency, nothing of this is seen.

use super::{
    Desk, Done, Fault, Sheet, Who, api,
    fields::{Fields, invalid},
    mendable,
    parts::{Block, Cell, Field, Form, Table, columns},
    product::{mine, read},
    sentence_of,
    versus::{self, Edited},
};
use crate::words::say;
use crate::{
    App,
    pages::{currency::sold_in, frame::Visit},
    view,
};
use axum::{
    Form as Sent,
    extract::{Path, State},
    http::Method,
    response::Response,
};
use contracts::{
    catalog::{ProductStatus, ProductView, VariantView},
    problem::{Code, Problem},
    values::{Currency, Money},
};
use platform::http::Query;
use serde::Deserialize;
use serde_json::json;

const HERE: &str = "/admin/products";

/// What the address may carry.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::pages) struct Wish {
    flash: String,
}

/// A variant in an address.
type Place = (String, String);

/// What the shop sells in beside a product's own currency.
pub(super) async fn further(desk: Desk<'_>, product: &ProductView) -> Vec<Currency> {
    let own = product.price.currency;
    let mut currencies = sold_in(desk.app).await;
    currencies.retain(|one| *one != own);
    currencies
}

/// The table of a product's variants with a column more: what each costs elsewhere, and the way to change it.
pub(super) fn beside(mut table: Table, product: &ProductView, further: &[Currency]) -> Table {
    if further.is_empty() {
        return table;
    }
    table.columns.extend(columns(&["In other currencies"]));
    for (row, variant) in table.rows.iter_mut().zip(&product.variants) {
        let sold = variant.prices.iter();
        let sold = sold.filter(|price| further.contains(&price.currency));
        let sold: Vec<String> = sold.map(|price| view::money(*price)).collect();
        let words = if sold.is_empty() {
            say("no price").to_owned()
        } else {
            sold.join(", ")
        };
        row.push(Cell::link(words, address(product, variant)));
    }
    table
}

fn address(product: &ProductView, variant: &VariantView) -> String {
    format!("{HERE}/{}/variants/{}/prices", product.id, variant.id)
}

/// A variant and what it may be sold in.
struct Listed {
    product: ProductView,
    variant: VariantView,
    further: Vec<Currency>,
}

/// There are prices to write down where the shop sells in several currencies, and of what is not archived.
async fn found(desk: Desk<'_>, (id, variant): &Place) -> Result<Listed, Fault> {
    let none = || Fault::new(Code::NotFound);
    let product = mine(desk, read(id)?).await?;
    let further = further(desk, &product).await;
    let mut variants = product.variants.iter();
    let variant = variants.find(|one| one.id.to_string() == *variant).cloned();
    if further.is_empty() || product.status == ProductStatus::Archived {
        return Err(none());
    }
    Ok(Listed {
        variant: variant.ok_or_else(none)?,
        product,
        further,
    })
}

impl Listed {
    fn address(&self) -> String {
        address(&self.product, &self.variant)
    }

    fn name(&self) -> String {
        let name = &self.product.name;
        match self.variant.title.as_str() {
            "" => name.clone(),
            title => format!("{name}: {title}"),
        }
    }

    fn price(&self, currency: Currency) -> Option<Money> {
        let mut prices = self.variant.prices.iter().copied();
        prices.find(|price| price.currency == currency)
    }

    /// A field for each currency.
    fn fields(&self) -> Vec<Field> {
        let field = |currency: &Currency| {
            let price = self.price(*currency).map(|price| price.decimal());
            let label = say!("Price in {}", currency);
            Field::new(
                "text",
                &field_of(*currency),
                &label,
                price.unwrap_or_default(),
            )
            .hint("As 12.50; empty where it is not sold in this currency")
        };
        self.further.iter().map(field).collect()
    }

    /// All prices as the form leaves them: what it does not change stays.
    fn wanted(&self, fields: &Fields) -> Result<Vec<Money>, Fault> {
        let mut prices = Vec::new();
        for currency in &self.further {
            let name = field_of(*currency);
            if !versus::is_changed(fields, &name) {
                prices.extend(self.price(*currency));
            } else if let Some(text) = fields.given(&name) {
                let price = Money::parse_decimal(text, *currency);
                prices.push(price.map_err(|error| invalid(&name, &error.0))?);
            }
        }
        Ok(prices)
    }

    /// Prices that stand there and that nobody can pay: the API takes none in a currency that the shop gave up.
    fn given_up(&self) -> Vec<String> {
        let prices = self.variant.prices.iter();
        let gone = prices.filter(|price| !self.further.contains(&price.currency));
        gone.map(|price| view::money(*price)).collect()
    }
}

/// What a currency's field is called.
fn field_of(currency: Currency) -> String {
    format!("prices/{currency}")
}

/// The API names a price by its place among those that were sent; here it is known by its currency.
fn by_currency(mut problem: Problem, sent: &[Money]) -> Problem {
    for error in &mut problem.errors {
        let place = error.field.strip_prefix("/prices/");
        let place = place.and_then(|place| place.parse::<usize>().ok());
        if let Some(price) = place.and_then(|place| sent.get(place)) {
            error.field = format!("/{}", field_of(price.currency));
        }
    }
    problem
}

/// GET `/admin/products/{id}/variants/{variant}/prices`.
pub(in crate::pages) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Query(wish): Query<Wish>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let sheet = async {
        let listed = found(desk, &place).await?;
        let flashes = [
            ("saved", "Saved."),
            ("same", "Nothing was to be saved: it is all as it was."),
        ];
        Ok(sheet(&listed, None).says(&sentence_of(&wish.flash, &flashes)))
    };
    desk.show(Who::Seller, sheet).await
}

fn sheet(listed: &Listed, refused: Option<(&Problem, &Fields)>) -> Sheet {
    let form = Form::new("prices", listed.address(), "Save")
        .with(listed.fields())
        .hiding("version", listed.product.version.get());
    let mut form = versus::knowing(form);
    if let Some((problem, sent)) = refused {
        form = form.refused(problem, sent);
    }
    let mut words = vec![say!(
        "It costs {}. What it costs in other currencies is written down here: nothing is converted.",
        view::money(listed.variant.price)
    )];
    let given_up = listed.given_up();
    if !given_up.is_empty() {
        words.push(say!(
            "It is sold for {} no more, since the shop gave that currency up: saving a change lets go of it.",
            given_up.join(", ")
        ));
    }
    Sheet::new(say!("{}: in other currencies", listed.name()))
        .below("Products", HERE)
        .refused(refused.map(|(problem, _)| problem))
        .with([Block::Text(String::new(), words), Block::Form(form)])
        .beside([Block::Links(vec![(
            say!("Back to {}", listed.product.name),
            format!("{HERE}/{}", listed.product.id),
        )])])
}

/// POST `/admin/products/{id}/variants/{variant}/prices`.
pub(in crate::pages) async fn save(
    State(app): State<App>,
    visit: Visit,
    Path(place): Path<Place>,
    Sent(fields): Sent<Fields>,
) -> Response {
    let desk = Desk::new(&app, &visit);
    let fields = versus::settled(fields);
    desk.act(Who::Seller, &fields, saved(desk, &place, &fields))
        .await
}

async fn saved(desk: Desk<'_>, place: &Place, fields: &Fields) -> Result<Done, Fault> {
    let listed = found(desk, place).await?;
    let here = listed.address();
    let is_same = |currency: &Currency| !versus::is_changed(fields, &field_of(*currency));
    if listed.further.iter().all(is_same) {
        return Ok(Done::at(&here, "same"));
    }
    match sent(desk, &listed, fields).await {
        Ok(()) => Ok(Done::at(&here, "saved")),
        Err(fault) if fault.0.code == Code::VersionConflict => {
            // Read again: what was read above may have been before the other one's change.
            let listed = found(desk, place).await?;
            let edited = Edited {
                name: listed.name(),
                above: ("Products", HERE),
                decide: here.clone(),
                here,
                version: listed.product.version,
                beside: Vec::new(),
                now: versus::now(&listed.fields()),
            };
            Ok(versus::conflict(edited, fields))
        }
        Err(fault) => {
            let problem = mendable(fault)?;
            Ok(Done::Show(Box::new(sheet(
                &listed,
                Some((&problem, fields)),
            ))))
        }
    }
}

/// Sends all prices under the version that the form was made of.
async fn sent(desk: Desk<'_>, listed: &Listed, fields: &Fields) -> Result<(), Fault> {
    let prices = listed.wanted(fields)?;
    let version = fields.number("version")?;
    let version = version.ok_or_else(|| invalid("version", "is missing"))?;
    let body = json!({"prices": prices, "version": version});
    let path = format!(
        "products/{}/variants/{}",
        listed.product.id, listed.variant.id
    );
    let path = api(&path, &[]);
    let sent = desk.ask().send(Method::PATCH, &path, (&body, "")).await;
    sent.map(drop)
        .map_err(|fault| Fault(by_currency(fault.0, &prices)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn what_is_wrong_with_a_price_is_said_beside_its_currency() {
        let sent = [money(1, "EUR"), money(-1, "JPY")];
        let told = by_currency(Problem::invalid("/prices/1", "must not be negative"), &sent);
        assert_eq!(told.errors[0].field, "/prices/JPY");
        for field in ["/prices/2", "/prices", "/version"] {
            let told = by_currency(Problem::invalid(field, "is wrong"), &sent);
            assert_eq!(told.errors[0].field, field);
        }
    }
}
