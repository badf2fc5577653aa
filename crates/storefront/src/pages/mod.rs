//! The pages' addresses, one file a page. What a page may show is decided by the services it asks,
//! never here.

mod account;
mod address;
mod ask;
mod assets;
mod book;
mod books;
mod card;
mod cart;
mod checkout;
mod code;
mod currency;
mod details;
mod external;
mod factor;
mod forgot;
mod forms;
mod found;
mod frame;
mod goods;
mod home;
mod language;
mod line;
mod media;
mod narrow;
mod news;
mod numbers;
mod order;
mod order_steps;
mod picture;
mod problems;
mod product;
mod register;
mod reviews;
#[cfg(test)]
mod samples;
mod security;
mod shelf;
mod shipping;
mod sign_in;
mod sorts;
mod staff;
mod verify;

pub use news::News;

use crate::App;
use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{get, post},
};
use contracts::{
    problem::{Code, Problem},
    values::Cursor,
};

/// The pages, ready to be merged into the door's router.
pub fn routes(app: App) -> Router {
    let speaking = from_fn_with_state(app.clone(), crate::words::in_the_readers_language);
    addresses().layer(speaking).with_state(app)
}

fn addresses() -> Router<App> {
    Router::new()
        .route("/", get(home::show))
        .route("/search", get(home::search))
        .route("/c/{slug}", get(shelf::page))
        .route("/p/{slug}", get(product::show))
        .route("/p/{slug}/reviews", get(reviews::show).post(reviews::write))
        .route("/p/{slug}/reviews/remove", post(reviews::remove))
        .route("/sign-in", get(sign_in::show).post(sign_in::submit))
        .route("/sign-in/code", get(code::show).post(code::submit))
        .route(
            "/register-account",
            get(register::show).post(register::submit),
        )
        .route("/forgot-password", get(forgot::ask).post(forgot::send))
        .route("/reset-password", get(forgot::choose).post(forgot::set))
        .route("/verify-email", get(verify::show).post(verify::submit))
        .route("/language", post(language::choose))
        .route("/sign-out", post(account::sign_out))
        .route("/login/with/{provider}", get(external::begin))
        .route("/login/with/{provider}/callback", get(external::end))
        .route("/account/providers", get(external::show))
        .route("/account/providers/link", post(external::link))
        .route("/account/providers/unlink", post(external::unlink))
        .route("/account", get(account::show))
        .route("/account/details", get(details::show).post(details::save))
        .route("/account/details/verify", post(details::verify))
        .route("/account/addresses", get(book::show).post(book::keep))
        .route("/account/addresses/{id}/forget", post(book::forget))
        .route("/account/delete", post(details::leave))
        .route("/cart", get(cart::show))
        .route("/cart/items", post(line::set))
        .route("/cart/discount", post(cart::discount))
        .route("/cart/shipping", post(shipping::choose))
        .route("/currency", get(currency::show).post(currency::choose))
        .route("/checkout", get(checkout::show).post(checkout::submit))
        .route("/order/{id}", get(order::order))
        .route("/order/{id}/news", get(news::listen))
        .route("/order/{id}/pay", get(card::show).post(checkout::pay_again))
        .route("/paid/{payment}", get(card::back))
        .route("/order/{id}/cancel", post(order_steps::cancel))
        .merge(security())
        .merge(staff::routes())
        .route("/admin/books", get(books::show))
        .route("/robots.txt", get(found::robots))
        .route("/sitemap.xml", get(found::sitemap))
        .route("/assets/souk.css", get(assets::style_sheet))
        .route("/assets/souk.js", get(assets::script))
        .route("/assets/site.js", get(assets::site_script))
        .route("/assets/card.js", get(assets::card_script))
        .route("/media/demo/{file}", get(media::demo_picture))
        .route("/problems/{code}", get(problems::explain))
        .fallback(problems::nowhere)
}

/// What keeps one's own account.
fn security() -> Router<App> {
    Router::new()
        .route("/account/security", get(security::show))
        .route(
            "/account/security/password",
            post(security::change_password),
        )
        .route("/account/security/end-session", post(security::end_session))
        .route(
            "/account/security/end-sessions",
            post(security::end_sessions),
        )
        .route("/account/security/second-factor", post(factor::begin))
        .route(
            "/account/security/second-factor/confirm",
            post(factor::confirm),
        )
        .route("/account/security/second-factor/codes", post(factor::renew))
        .route("/account/security/second-factor/off", post(factor::end))
}

/// Where a page of a list begins, as the address says it.
fn cursor(text: &str) -> Result<Option<Cursor>, Problem> {
    if text.is_empty() {
        return Ok(None);
    }
    let refused = |_| no_such_page(Code::InvalidParameter);
    Cursor::parse(text).map(Some).map_err(refused)
}

/// What whoever asks for a page learns that a list does not have.
fn no_such_page(code: Code) -> Problem {
    Problem::new(code).detail("this list has no such page")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_pages_share_an_address() {
        assert!(addresses().has_routes());
    }

    #[test]
    fn a_cursor_is_read_or_refused_and_none_is_none() {
        assert_eq!(cursor("").unwrap(), None);
        assert!(cursor("abc").unwrap().is_some());
        assert_eq!(cursor("a b").unwrap_err().code, Code::InvalidParameter);
    }
}
