//! Pages for those who run the shop, below `/admin`: who may see them, and what surrounds them. Each asks the API for
//! what it shows and does (`ask`); none has a rule of its own.

mod all_returns;
mod audit;
mod backups;
mod categories;
mod chart;
mod csv;
mod customers;
mod developers;
mod discounts;
mod done;
mod fields;
mod history;
mod home;
mod hooks;
mod inventory;
mod measured;
mod money;
mod multipart;
mod order;
mod order_forms;
mod orders;
mod parts;
mod payment;
mod payments;
mod pictures;
mod price_list;
mod pricing;
mod product;
mod product_fields;
mod products;
mod requests;
mod returns;
mod reviews;
mod settings;
mod shipping;
mod steps;
mod system;
mod taxes;
mod trail;
mod variants;
mod versus;
mod zones;

use super::{
    ask::Ask,
    forms,
    frame::{self, Frame, Framed, Visit, html, see_other},
    problems,
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    Router,
    http::StatusCode,
    response::Response,
    routing::{get, post},
};
use contracts::{
    access::Principal,
    problem::{Code, Problem},
    values::UserId,
};
use done::{Done, again, answered, gone, mendable};
use fields::Fields;
use parts::{Block, Cell, Tab};
use platform::{digest, http::Fault};
use std::future::Future;

pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/admin", get(home::show))
        .route("/admin/orders", get(orders::show))
        .route("/admin/orders.csv", get(csv::file::<orders::Wish>))
        .route("/admin/orders/ship", post(orders::ship))
        .route("/admin/orders/{id}", get(order::show))
        .route("/admin/orders/{id}/ship", post(order::ship))
        .route("/admin/orders/{id}/deliver", post(order::deliver))
        .route("/admin/orders/{id}/cancel", post(order::cancel))
        .route("/admin/orders/{id}/refund", post(order::refund))
        .route("/admin/orders/{id}/note", post(order::note))
        .merge(returns::routes())
        .route("/admin/returns", get(all_returns::show))
        .route("/admin/returns.csv", get(csv::file::<all_returns::Wish>))
        .merge(goods())
        .merge(people())
        .merge(machines())
}

/// What is sold, and for how much.
fn goods() -> Router<App> {
    Router::new()
        .route("/admin/products", get(products::show))
        .route("/admin/products.csv", get(csv::file::<products::Wish>))
        .route(
            "/admin/products/new",
            get(products::fresh).post(products::make),
        )
        .route(
            "/admin/products/{id}",
            get(product::show).post(product::save),
        )
        .route("/admin/products/{id}/archive", post(product::archive))
        .route("/admin/products/{id}/pictures", post(pictures::add))
        .route(
            "/admin/products/{id}/pictures/{picture}/remove",
            post(pictures::remove),
        )
        .merge(variant_routes())
        .route("/admin/inventory", get(inventory::show))
        .route("/admin/inventory.csv", get(csv::file::<inventory::Wish>))
        .route("/admin/inventory/step", post(steps::step))
        .route("/admin/inventory/{id}", get(inventory::one))
        .route("/admin/inventory/{id}/adjust", post(inventory::adjust))
        .merge(categories::routes())
        .merge(reviews::routes())
        .merge(history::routes())
        .merge(pricing::routes())
}

/// What a product is sold as.
fn variant_routes() -> Router<App> {
    Router::new()
        .route("/admin/products/{id}/options", post(variants::set_options))
        .route("/admin/products/{id}/variants", post(variants::add))
        .route(
            "/admin/products/{id}/variants/{variant}",
            get(variants::show).post(variants::save),
        )
        .route(
            "/admin/products/{id}/variants/{variant}/remove",
            post(variants::remove),
        )
        .route(
            "/admin/products/{id}/variants/{variant}/prices",
            get(price_list::show).post(price_list::save),
        )
}

/// Who buys, and how they pay.
fn people() -> Router<App> {
    Router::new()
        .route("/admin/customers", get(customers::show))
        .route("/admin/customers.csv", get(csv::file::<customers::Wish>))
        .route("/admin/customers/{id}", get(customers::one))
        .route("/admin/customers/{id}/{verb}", post(customers::act))
        .route("/admin/payments", get(money::show))
        .route("/admin/payments.csv", get(csv::file::<money::Wish>))
        .route("/admin/payments/{id}", get(payment::show))
        .route("/admin/payments/{id}/void", post(payment::void))
        .route("/admin/payments/{id}/retry", post(money::retry))
}

/// What is connected to the shop, and the shop as a machine.
fn machines() -> Router<App> {
    Router::new()
        .route("/admin/developers", get(developers::show))
        .route("/admin/developers/keys", post(developers::make_key))
        .route(
            "/admin/developers/keys/{id}/revoke",
            post(developers::revoke),
        )
        .route(
            "/admin/developers/dead/{id}/redrive",
            post(developers::redrive),
        )
        .route("/admin/developers/events", get(developers::events))
        .route("/admin/developers/requests", get(requests::show))
        .route("/admin/developers/webhooks", post(hooks::make))
        .route("/admin/developers/webhooks/{id}", get(hooks::show))
        .route("/admin/developers/webhooks/{id}/{verb}", post(hooks::act))
        .route(
            "/admin/developers/webhooks/{id}/deliveries/{delivery}/again",
            post(hooks::again),
        )
        .route("/admin/audit", get(audit::show))
        .route("/admin/audit.csv", get(csv::file::<audit::Wish>))
        .route("/admin/settings", get(settings::show))
        .route("/admin/system", get(system::show))
        .route("/admin/system/backup", post(backups::make))
}

/// Rows of a list.
const ROWS: &str = "25";

/// Whom a page is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    /// Whoever runs the shop.
    Admin,
    /// Also those who sell, for what is their own.
    Seller,
}

/// The pages, by what they are called, and whether those who only sell see them.
const PAGES: [(&str, &str, Who); 16] = [
    ("Home", "/admin", Who::Seller),
    ("Orders", "/admin/orders", Who::Admin),
    ("Returns", "/admin/returns", Who::Admin),
    ("Products", "/admin/products", Who::Seller),
    ("Categories", "/admin/categories", Who::Admin),
    ("Reviews", "/admin/reviews", Who::Admin),
    ("Inventory", "/admin/inventory", Who::Seller),
    ("Customers", "/admin/customers", Who::Admin),
    ("Discounts", "/admin/discounts", Who::Admin),
    ("Shipping", "/admin/shipping", Who::Admin),
    ("Taxes", "/admin/taxes", Who::Admin),
    ("Payments", "/admin/payments", Who::Admin),
    ("Developers", "/admin/developers", Who::Admin),
    ("Audit log", "/admin/audit", Who::Admin),
    ("Settings", "/admin/settings", Who::Admin),
    ("System", "/admin/system", Who::Admin),
];

/// What a page says above everything else.
#[derive(Default)]
struct Said {
    flash: String,
    alert: String,
}

#[derive(Template)]
#[template(path = "staff.html")]
struct StaffPage {
    frame: Frame,
    proof: String,
    key: String,
    nav: Vec<Tab>,
    title: String,
    /// Where the page above this one is: its name and address.
    above: Option<(&'static str, &'static str)>,
    badge: Option<(String, &'static str)>,
    said: Said,
    main: Vec<Block>,
    side: Vec<Block>,
}

/// A page as its handler makes it.
#[derive(Default)]
struct Sheet {
    title: String,
    above: Option<(&'static str, &'static str)>,
    badge: Option<(String, &'static str)>,
    said: Said,
    main: Vec<Block>,
    side: Vec<Block>,
    /// What it is answered with; 200 when absent.
    status: Option<StatusCode>,
}

impl Sheet {
    fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            ..Self::default()
        }
    }

    fn below(mut self, name: &'static str, href: &'static str) -> Self {
        self.above = Some((name, href));
        self
    }

    fn says(mut self, flash: &str) -> Self {
        say(flash).clone_into(&mut self.said.flash);
        self
    }

    /// Says that something was saved, if the address says so.
    fn saved(self, flash: &str) -> Self {
        let flashes = [
            ("saved", "Saved."),
            ("same", "Nothing was to be saved: it is all as it was."),
            ("removed", "It is taken away."),
        ];
        self.says(&sentence_of(flash, &flashes))
    }

    /// Says what was refused, and is answered with it.
    fn refused(mut self, problem: Option<&Problem>) -> Self {
        if let Some(problem) = problem {
            self.said.alert = problems::sentence(&problem.detail);
            self.status = StatusCode::from_u16(problem.code.status()).ok();
        }
        self
    }

    fn with(mut self, blocks: impl IntoIterator<Item = Block>) -> Self {
        self.main.extend(blocks);
        self
    }

    fn beside(mut self, blocks: impl IntoIterator<Item = Block>) -> Self {
        self.side.extend(blocks);
        self
    }
}

/// A desk: the shop and whoever sits at it.
#[derive(Clone, Copy)]
struct Desk<'a> {
    app: &'a App,
    visit: &'a Visit,
}

impl<'a> Desk<'a> {
    const fn new(app: &'a App, visit: &'a Visit) -> Self {
        Self { app, visit }
    }

    fn ask(self) -> Ask<'a> {
        Ask {
            api: &self.app.api,
            visit: self.visit,
        }
    }

    fn is_admin(self) -> bool {
        self.visit
            .principal
            .as_ref()
            .is_some_and(contracts::access::Principal::is_admin)
    }

    /// Whoever sits here, once the door has let them in.
    fn who(self) -> Result<&'a Principal, Fault> {
        let sits = self.visit.principal.as_ref();
        sits.ok_or_else(|| Fault::new(Code::Unauthenticated))
    }

    /// Whether what this one sells is for whoever sits here to change.
    fn may_change(self, owner: UserId) -> bool {
        let sits = self.visit.principal.as_ref();
        self.is_admin() || sits.is_some_and(|principal| principal.user_id == owner)
    }

    /// The categories, by slug and name. A form without them is better than none.
    async fn categories(self) -> Vec<(String, String)> {
        match self.app.catalog.categories().await {
            Ok(all) => all.into_iter().map(|one| (one.slug, one.name)).collect(),
            Err(error) => {
                tracing::warn!(error = ?error, "a form goes out without its categories");
                Vec::new()
            }
        }
    }

    /// Shows a page to whom it is for. Whoever is nobody is asked to sign in; to others it is closed.
    async fn show(self, who: Who, sheet: impl Future<Output = Result<Sheet, Fault>>) -> Response {
        if let Some(refusal) = self.refusal(who).await {
            return refusal;
        }
        let shown = match sheet.await {
            Ok(sheet) => self.page(sheet).await,
            Err(fault) => Err(fault),
        };
        match shown {
            Ok(response) => response,
            Err(fault) => problems::refuse(self.app, self.visit, fault).await,
        }
    }

    /// Does what a form asks for, if it is one of ours, and goes on to an address; or shows why not.
    async fn act(
        self,
        who: Who,
        fields: &Fields,
        done: impl Future<Output = Result<Done, Fault>>,
    ) -> Response {
        if let Some(refusal) = self.refusal(who).await {
            return refusal;
        }
        let csrf = fields.text("csrf");
        if !forms::trusted(self.app.cookies, &self.visit.headers, csrf) {
            let fault = Fault::new(Code::CsrfFailed);
            return problems::refuse(self.app, self.visit, fault).await;
        }
        let shown = match done.await {
            Ok(Done::GoTo(address)) => Ok(see_other(&address, Vec::new())),
            Ok(Done::Show(sheet)) => self.page(*sheet).await,
            Err(fault) => Err(fault),
        };
        match shown {
            Ok(response) => response,
            Err(fault) => problems::refuse(self.app, self.visit, fault).await,
        }
    }

    async fn refusal(self, who: Who) -> Option<Response> {
        let Some(principal) = &self.visit.principal else {
            let next = view::address("/sign-in", &[("next", &self.visit.here)]);
            return Some(see_other(&next, Vec::new()));
        };
        let may = match who {
            Who::Admin => principal.is_admin(),
            Who::Seller => principal.may_sell(),
        };
        if may {
            return None;
        }
        let fault = Fault::new(Code::Forbidden);
        Some(problems::refuse(self.app, self.visit, fault).await)
    }

    async fn page(self, sheet: Sheet) -> Result<Response, Fault> {
        let Framed {
            frame,
            proof,
            cookies,
        } = frame::with_form(self.app, self.visit).await?;
        let key = digest::random::<16>().map_err(forms::unlucky)?;
        let page = StaffPage {
            frame,
            proof,
            key: digest::base64url(&key),
            nav: self.nav(),
            title: sheet.title,
            above: sheet.above,
            badge: sheet.badge,
            said: sheet.said,
            main: sheet.main,
            side: sheet.side,
        };
        let status = sheet.status.unwrap_or(StatusCode::OK);
        Ok(html(status, &page, cookies, true))
    }

    fn nav(self) -> Vec<Tab> {
        let here = self.visit.here.split('?').next().unwrap_or_default();
        let open = PAGES
            .iter()
            .filter(|(.., who)| *who == Who::Seller || self.is_admin());
        open.map(|(title, href, _)| Tab {
            title: (*title).to_owned(),
            href: (*href).to_owned(),
            count: String::new(),
            is_current: here == *href
                || (*href != "/admin" && here.starts_with(&format!("{href}/"))),
        })
        .collect()
    }

    /// What somebody is called, or what is left of them.
    async fn name_of(self, id: UserId) -> String {
        match self.app.identity.user(id).await {
            Ok(user) => {
                let email = user.email.as_ref().map(|email| email.as_str().to_owned());
                let username = user.username.as_ref().map(|name| name.as_str().to_owned());
                let name = user.name.filter(|name| !name.is_empty());
                name.or(email)
                    .or(username)
                    .unwrap_or_else(|| id.to_string())
            }
            // Whoever has gone has no name any more.
            Err(_) => say("somebody who has gone").to_owned(),
        }
    }

    /// Who did something, as timelines and ledgers write it down.
    async fn actor(self, label: &str) -> String {
        match label.parse::<UserId>() {
            Ok(id) => self.name_of(id).await,
            Err(_) if label == "system" => say("the shop").to_owned(),
            Err(_) => label.to_owned(),
        }
    }
}

/// An address of the API with parameters.
fn api(path: &str, parameters: &[(&str, &str)]) -> String {
    view::address(&format!("/api/v1/{path}"), parameters)
}

/// A word of the flash in an address, and what it says.
fn sentence_of(word: &str, sentences: &[(&str, &str)]) -> String {
    let found = sentences.iter().find(|(known, _)| *known == word);
    found.map_or_else(String::new, |(_, sentence)| (*sentence).to_owned())
}
