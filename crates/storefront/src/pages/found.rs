//! What machines that look for things are told: which pages there are (sitemaps.org), where to look and where not, and
//! what stands on a page, as data beside it (schema.org). Only what anybody may see is in any of it.

use super::{frame::Visit, problems};
use crate::{App, view};
use axum::{
    extract::State,
    http::header,
    response::{IntoResponse, Response},
};
use contracts::{
    catalog::{ProductQuery, ProductView},
    values::PageSize,
};
use platform::http::Fault;
use serde_json::json;

/// Pages of the list that are read for one map. A larger shop's older products are found by its links.
const LIST_PAGES_MAX: u32 = 20;
/// Products of such a page.
const LIST_ROWS: u32 = 100;

/// GET `/robots.txt`.
pub(super) async fn robots(State(app): State<App>) -> Response {
    // An empty cart is a page like others; each product's link to it is one page too many.
    let text = format!(
        "User-agent: *\nDisallow: /admin\nDisallow: /account\nDisallow: /api/\nDisallow: /cart?\nDisallow: /cart/\n\
         Disallow: /checkout\nDisallow: /order/\nDisallow: /sign-in\n\nSitemap: {}/sitemap.xml\n",
        app.house.public_url.trim_end_matches('/')
    );
    plain("text/plain; charset=utf-8", text)
}

/// GET `/sitemap.xml`.
pub(super) async fn sitemap(State(app): State<App>, visit: Visit) -> Response {
    match written(&app).await {
        Ok(text) => plain("application/xml; charset=utf-8", text),
        Err(fault) => problems::refuse(&app, &visit, fault).await,
    }
}

fn plain(kind: &'static str, text: String) -> Response {
    let fields = [
        (header::CONTENT_TYPE, kind),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    (fields, text).into_response()
}

async fn written(app: &App) -> Result<String, Fault> {
    let mut text = String::from(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">\n",
    );
    let root = app.house.public_url.trim_end_matches('/');
    let mut add = |path: &str, changed: &str| {
        let changed = match changed {
            "" => String::new(),
            day => format!("<lastmod>{day}</lastmod>"),
        };
        // What is in it is percent-encoded already.
        for part in ["<url><loc>", root, path, "</loc>", &changed, "</url>\n"] {
            text.push_str(part);
        }
    };
    add("/", "");
    for category in app.catalog.categories().await? {
        add(&super::frame::shelf_address(&category.slug), "");
    }
    let mut query = ProductQuery {
        limit: PageSize::try_from(LIST_ROWS).unwrap_or_default(),
        ..ProductQuery::default()
    };
    for _ in 0..LIST_PAGES_MAX {
        let page = app.catalog.products(None, query.clone()).await?;
        for product in &page.data {
            let changed = view::moment(product.updated_at).machine;
            let day = changed.get(..10).unwrap_or_default();
            add(&format!("/p/{}", view::encoded(&product.slug)), day);
        }
        let Some(next) = page.next_cursor else {
            break;
        };
        query.cursor = Some(next);
    }
    text.push_str("</urlset>\n");
    Ok(text)
}

/// A product as schema.org has it, for within a page: no text of it ends the element that it stands in.
pub(super) fn product_data(root: &str, product: &ProductView) -> String {
    let address = format!(
        "{}/p/{}",
        root.trim_end_matches('/'),
        view::encoded(&product.slug)
    );
    let in_stock = if product.stock.available > 0 {
        "https://schema.org/InStock"
    } else {
        "https://schema.org/OutOfStock"
    };
    // Its own come first, and others only where it has none.
    let own = product.images.iter().map(|image| image.full.url.clone());
    let mut pictures: Vec<String> = own.collect();
    if pictures.is_empty() {
        pictures.extend(product.pictures_elsewhere().map(str::to_owned));
    }
    let pictures = pictures.iter().map(|address| absolute(root, address));
    let pictures: Vec<String> = pictures.collect();
    let mut data = json!({
        "@context": "https://schema.org",
        "@type": "Product",
        "name": product.name,
        "sku": product.sku,
        "description": product.description,
        "image": pictures,
        "url": address,
        "offers": {
            "@type": "Offer",
            "price": product.price.decimal(),
            "priceCurrency": product.price.currency,
            "availability": in_stock,
            "url": address,
        },
    });
    if let (Some(average), Some(data)) = (product.rating.average, data.as_object_mut()) {
        let rating = json!({
            "@type": "AggregateRating",
            "ratingValue": average,
            "reviewCount": product.rating.count,
        });
        data.insert("aggregateRating".to_owned(), rating);
    }
    // JSON knows these as escapes; HTML knows nothing of them within a script.
    let text = data.to_string();
    let text = text.replace('<', "\\u003c").replace('>', "\\u003e");
    text.replace('&', "\\u0026")
}

/// An address with the shop's own before it, where it has none.
pub(super) fn absolute(root: &str, address: &str) -> String {
    if address.starts_with('/') {
        format!("{}{address}", root.trim_end_matches('/'))
    } else {
        address.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::product;
    use super::*;

    #[test]
    fn a_product_s_data_is_json_and_ends_no_element() {
        let mut tea = product("</script><b>&tea", 0);
        tea.image_url = Some("/media/tea.svg".to_owned());
        let text = product_data("https://shop.example/", &tea);
        assert!(!text.contains('<') && !text.contains('&'), "{text}");
        let data: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(data["name"], "</script><b>&tea");
        assert_eq!(data["offers"]["price"], "14.50");
        assert_eq!(
            data["offers"]["availability"],
            "https://schema.org/OutOfStock"
        );
        assert_eq!(data["image"][0], "https://shop.example/media/tea.svg");
        assert_eq!(data["url"], "https://shop.example/p/green-tea");
    }
}
