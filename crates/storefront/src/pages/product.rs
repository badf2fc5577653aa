//! One product, the same for everybody: what is put into a cart goes through the cart's page.

use super::{
    currency, found,
    frame::{self, Frame, Framed, Shelf, Visit, html},
    goods::Card,
    home::{Picture, back},
    problems::{self, Missing},
};
use crate::{App, view, words::say};
use askama::Template;
use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::{IntoResponse, Redirect, Response},
};
use contracts::{
    catalog::{EditError, ProductOption, ProductRef, ProductStatus, ProductView, VariantView},
    values::Currency,
};
use platform::http::Fault;

/// How much of a description search engines are given.
const SUMMARY_CHARACTERS_MAX: usize = 155;

struct Variant {
    id: String,
    title: String,
    sku: String,
    sold_out: bool,
    price: String,
    availability: String,
}

impl Variant {
    fn new(variant: &VariantView) -> Self {
        Self {
            id: variant.id.to_string(),
            title: variant.title.clone(),
            sku: variant.sku.clone(),
            sold_out: variant.stock.available <= 0,
            price: view::money(variant.price),
            availability: view::availability(variant.stock),
        }
    }
}

struct Crumb {
    name: String,
    href: String,
}

#[derive(Template)]
#[template(path = "product.html")]
struct ProductPage {
    frame: Frame,
    card: Card,
    pictures: Vec<(String, Picture)>,
    summary: String,
    /// Where it is, the one address of it.
    canonical: String,
    /// The picture that stands for it elsewhere, as a whole address.
    shown_elsewhere: String,
    /// The same for machines.
    data: String,
    /// What buyers think, in short.
    said: String,
    crumbs: Vec<Crumb>,
    draft: bool,
    /// When it goes on sale, if that is known.
    from: String,
    related: Vec<Card>,
    availability: String,
    paragraphs: Vec<String>,
    /// What a variant is chosen by, in words; empty for a plain product.
    chosen_by: String,
    variants: Vec<Variant>,
    attributes: Vec<(String, String)>,
    sku: String,
    back: String,
    back_words: String,
}

/// GET `/p/{slug}`.
pub(super) async fn show(
    State(app): State<App>,
    visit: Visit,
    Path(slug): Path<String>,
) -> Response {
    let which = ProductRef::Slug(slug.clone());
    match app.catalog.product(visit.principal.as_ref(), which).await {
        // It has moved: whoever keeps the old address is told the new one.
        Ok(product) if product.slug != slug => {
            Redirect::permanent(&format!("/p/{}", product.slug)).into_response()
        }
        Ok(product) => match page(&app, &visit, product).await {
            Ok(response) => response,
            Err(fault) => problems::refuse(&app, &visit, fault).await,
        },
        Err(EditError::Archived { name }) => {
            let what = Missing {
                status: StatusCode::GONE,
                title: "No longer sold",
                detail: say!("{} has left the shop for good.", name),
                suggestion: String::new(),
            };
            problems::missing(&app, &visit, what).await
        }
        Err(EditError::NotFound) => {
            let what = Missing {
                status: StatusCode::NOT_FOUND,
                title: "There is no such product",
                detail: say("It may have moved or left the shop. Perhaps a search finds it.")
                    .to_owned(),
                suggestion: slug.replace('-', " ").chars().take(200).collect(),
            };
            problems::missing(&app, &visit, what).await
        }
        Err(error) => problems::refuse(&app, &visit, Fault::from(error)).await,
    }
}

async fn page(app: &App, visit: &Visit, product: ProductView) -> Result<Response, Fault> {
    let Framed { frame, cookies, .. } = frame::plain(app, visit).await?;
    let currency = currency::chosen(app, visit).await;
    let product = shown_in(currency, product);
    let is_sold = currency.is_none_or(|currency| product.price.currency == currency);
    let related = related(app, &product, currency).await;
    let mut page = compose(frame, product, related);
    if let (Some(currency), false) = (currency, is_sold) {
        page.availability = say!("Not sold in {}", currency);
    }
    Ok(html(
        StatusCode::OK,
        &page,
        cookies,
        visit.principal.is_some(),
    ))
}

/// What else there is to see. What is not on sale now is left out, and so is what cannot be read: the page is about
/// another product.
async fn related(app: &App, product: &ProductView, currency: Option<Currency>) -> Vec<Card> {
    let others = product.related.iter().filter(|id| **id != product.id);
    let read = others.map(|id| app.catalog.product(None, ProductRef::Id(*id)));
    let read = futures_util::future::join_all(read).await;
    let read = read.into_iter().flatten();
    read.map(|other| Card::new(&shown_in(currency, other)))
        .collect()
}

fn shown_in(currency: Option<Currency>, product: ProductView) -> ProductView {
    match currency {
        Some(currency) => product.in_currency(currency),
        None => product,
    }
}

fn compose(frame: Frame, product: ProductView, related: Vec<Card>) -> ProductPage {
    let crumbs = crumbs(&frame.categories, product.category.as_deref());
    let mut shelves = frame.categories.iter();
    let (back, back_words) =
        back(shelves.find(|shelf| Some(&shelf.slug) == product.category.as_ref()));
    let mut card = Card::new(&product);
    let mut images = product.images.iter();
    if let Some(first) = images.next() {
        card.picture = Some(Picture::of(first, &first.full));
    }
    let mut pictures: Vec<_> = images
        .map(|image| (image.full.url.clone(), Picture::of(image, &image.thumbnail)))
        .collect();
    // The shop's own come first, and others only where it has none.
    if product.images.is_empty() {
        let further = product.pictures_elsewhere().skip(1);
        pictures.extend(further.map(|address| (address.to_owned(), Picture::elsewhere(address))));
    }
    let picture = card.picture.as_ref();
    ProductPage {
        canonical: format!("{}{}", frame.root, card.href),
        shown_elsewhere: picture.map_or_else(String::new, |picture| {
            found::absolute(&frame.root, &picture.address)
        }),
        data: found::product_data(&frame.root, &product),
        said: said(&product),
        card,
        pictures,
        summary: view::beginning(&product.description, SUMMARY_CHARACTERS_MAX),
        crumbs,
        draft: product.status == ProductStatus::Draft,
        from: product
            .publish_at
            .map_or_else(String::new, |from| view::moment(from).exact),
        related,
        availability: view::availability(product.stock),
        paragraphs: paragraphs(&product.description),
        chosen_by: chosen_by(&product.options),
        variants: product.variants.iter().map(Variant::new).collect(),
        attributes: view::attributes(&product.attributes),
        sku: product.sku,
        back,
        back_words,
        frame,
    }
}

fn said(product: &ProductView) -> String {
    match (product.rating.average, product.rating.count) {
        (Some(average), 1) => say!("{} of 5 stars, by one buyer", view::decimal(average)),
        (Some(average), count) => {
            say!("{} of 5 stars, by {} buyers", view::decimal(average), count)
        }
        (None, _) => say("What buyers say").to_owned(),
    }
}

fn chosen_by(options: &[ProductOption]) -> String {
    let names: Vec<&str> = options.iter().map(|option| option.name.as_str()).collect();
    names.join(" / ")
}

/// The product's category, below those above it.
fn crumbs(shelves: &[Shelf], category: Option<&str>) -> Vec<Crumb> {
    let found = shelves
        .iter()
        .find(|shelf| Some(shelf.slug.as_str()) == category);
    found
        .map(|shelf| Crumb {
            name: shelf.name.clone(),
            href: shelf.href.clone(),
        })
        .into_iter()
        .collect()
}

fn paragraphs(description: &str) -> Vec<String> {
    description
        .split('\n')
        .map(str::trim)
        .filter(|paragraph| !paragraph.is_empty())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::samples::{frame, image, product, rendered};
    use super::*;

    #[test]
    fn a_product_shows_price_stock_facts_and_its_shelf() {
        let page = rendered(&compose(frame(None), product("Green tea", 3), Vec::new()));
        for part in [
            "$14.50",
            "Only 3 left",
            "<th scope=\"row\">Weight</th><td>100 g</td>",
            "href=\"/c/tea-coffee\">Tea",
            "<p>First part.</p>",
            "More from Tea",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        for field in [
            "name=\"add\" value=\"var_",
            "name=\"quantity\" type=\"number\"",
        ] {
            assert!(page.contains(field), "{field} in {page}");
        }
        assert!(!page.contains("name=\"csrf\""), "the same for everybody");
    }

    #[test]
    fn pictures_have_words_and_their_size_and_the_first_is_the_large_one() {
        let mut tea = product("Green tea", 3);
        tea.image_url = Some("https://elsewhere.example/tea.jpg".to_owned());
        let further = serde_json::json!(["https://elsewhere.example/cup.jpg"]);
        tea.attributes.insert("image_urls".to_owned(), further);
        let page = rendered(&compose(frame(None), tea.clone(), Vec::new()));
        for (part, times) in [
            ("<img src=\"https://elsewhere.example/tea.jpg\"", 1),
            ("<a href=\"https://elsewhere.example/cup.jpg\"><img src", 1),
            // In the page and in what machines read of it; it is no fact of its own.
            ("elsewhere.example/cup.jpg", 3),
        ] {
            assert_eq!(page.matches(part).count(), times, "{part} in {page}");
        }
        tea.images = vec![image("a", "Leaves"), image("b", "A \"cup\"")];
        let page = rendered(&compose(frame(None), tea, Vec::new()));
        for part in [
            "<img src=\"/images/a-full.jpg\" alt=\"Leaves\" width=\"1600\" height=\"1200\" fetchpriority",
            "<a href=\"/images/b-full.jpg\"><img src=\"/images/b.jpg\" alt=\"A &#34;cup&#34;\" width=\"400\"",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(!page.contains("elsewhere.example"), "its own come first");
    }

    #[test]
    fn a_variant_is_chosen_without_any_script_and_none_that_is_sold_out() {
        let mut shirt = product("Shirt", 3);
        shirt.options = serde_json::from_value(serde_json::json!([
            {"name": "Size", "values": ["S", "M"]}, {"name": "<b>Cut", "values": ["long"]}
        ]))
        .unwrap();
        let mut large = shirt.variants[0].clone();
        shirt.variants[0].title = "S / <i>long".to_owned();
        large.title = "M / long".to_owned();
        large.stock.available = 0;
        shirt.variants.push(large);
        shirt.price_max = Some(shirt.price);
        let page = rendered(&compose(frame(None), shirt, Vec::new()));
        for part in [
            "<p class=\"price\">From $14.50</p>",
            "<form class=\"choose\" action=\"/cart\" method=\"get\">",
            "<label for=\"variant\">Size / &#60;b&#62;Cut</label>",
            "\">S / &#60;i&#62;long, $14.50, ",
            "\" disabled>M / long, $14.50, ",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
        assert!(page.contains("name=\"quantity\""), "{page}");
        assert!(
            !page.contains("name=\"add\" value=\"var_"),
            "one must be chosen"
        );
    }

    #[test]
    fn what_is_related_is_shown_and_a_draft_says_when_it_goes_on_sale() {
        let mut tea = product("Green tea", 3);
        tea.status = ProductStatus::Draft;
        tea.publish_at = Some(contracts::values::Timestamp::from_ms(1_795_274_096_007));
        let cup = Card::new(&product("<b>Cup</b>", 0));
        let page = rendered(&compose(frame(None), tea, vec![cup]));
        for part in [
            "only you and admins see this page until 21 Nov 2026, 15:14 UTC</p>",
            "<h2 id=\"related\">Goes well with it</h2>",
            "&#60;b&#62;Cup&#60;/b&#62;",
        ] {
            assert!(page.contains(part), "{part} in {page}");
        }
    }

    #[test]
    fn names_descriptions_and_attributes_are_text_and_never_markup() {
        let mut evil = product("<script>1</script>", 3);
        evil.description = "</p><script>2</script>".to_owned();
        evil.attributes
            .insert("<script>3".to_owned(), "<script>4</script>".into());
        let page = rendered(&compose(frame(None), evil, Vec::new()));
        assert!(
            !page.contains("<script>") && page.contains("&#60;script&#62;4"),
            "{page}"
        );
    }
}
