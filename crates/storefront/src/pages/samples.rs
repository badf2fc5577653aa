//! Things to put on a page under test. Only tests use them.

use super::frame::{Frame, Shelf, Visit};
use askama::Template;
use axum::http::{HeaderMap, HeaderValue, header};
use contracts::{
    catalog::{
        CategoryView, ImageFile, ProductImage, ProductStatus, ProductView, StockView, VariantView,
    },
    identity::UserView,
    orders::{OrderLineView, OrderStatus, OrderView},
    values::{
        CategoryId, Email, ImageId, Money, OrderId, ProductId, Quantity, Timestamp, UserId,
        VariantId, Version,
    },
};

/// 21 Nov 2026, 15:14:56 UTC.
const THEN: Timestamp = Timestamp::from_ms(1_795_274_096_007);

/// A rendered page, checked for what our policy would refuse to run.
pub(super) fn rendered(page: &impl Template) -> String {
    let text = page.render().unwrap();
    for never in [" style=", "<style", " onclick=", "javascript:"] {
        assert!(!text.contains(never), "{never} in {text}");
    }
    assert!(text.trim_end().ends_with("</html>"));
    text
}

/// The frame of the demo shop, for nobody or for somebody with this proof.
pub(super) fn frame(proof: Option<&str>) -> Frame {
    let mut names: Vec<String> = crate::demo::products()
        .into_iter()
        .flat_map(|product| product.category_path)
        .collect();
    names.dedup();
    let category = |name: String| CategoryView {
        id: CategoryId::from_bytes([7; 16]),
        slug: slug(&name),
        name,
        parent: None,
        version: Version::FIRST,
    };
    Frame {
        shop_name: "Souk".to_owned(),
        notice: String::new(),
        stylesheet: "/assets/souk.css".to_owned(),
        script: "/assets/site.js".to_owned(),
        categories: names.into_iter().map(category).map(Shelf::new).collect(),
        currency: None,
        search: String::new(),
        signed_in: proof.map(str::to_owned),
        is_staff: false,
        root: "https://shop.example".to_owned(),
        here: "/".to_owned(),
    }
}

/// A visit that accepts this.
pub(super) fn visit(accept: &'static str) -> Visit {
    Visit {
        principal: None,
        headers: HeaderMap::from_iter([(header::ACCEPT, HeaderValue::from_static(accept))]),
        request_id: "req-1".to_owned(),
        here: "/".to_owned(),
        place: "/".to_owned(),
        client: None,
    }
}

fn slug(name: &str) -> String {
    name.to_lowercase().replace(" & ", "-").replace(' ', "-")
}

fn dollars(minor: i64) -> Money {
    Money::new(minor, "USD".parse().unwrap())
}

pub(super) fn product(name: &str, available: i64) -> ProductView {
    let stock = StockView {
        on_hand: available,
        reserved: 0,
        available,
    };
    let (sku, price) = ("SKU-1".to_owned(), dollars(1450));
    ProductView {
        id: ProductId::from_bytes([3; 16]),
        version: Version::FIRST,
        name: name.to_owned(),
        slug: "green-tea".to_owned(),
        sku: sku.clone(),
        description: "First part.\n\nSecond part.".to_owned(),
        price,
        price_max: None,
        category: Some("tea-coffee".to_owned()),
        status: ProductStatus::Active,
        publish_at: None,
        unpublish_at: None,
        related: Vec::new(),
        image_url: None,
        images: Vec::new(),
        attributes: serde_json::Map::from_iter([("weight_grams".to_owned(), 100.into())]),
        rating: contracts::catalog::RatingView::default(),
        stock,
        options: Vec::new(),
        variants: vec![VariantView {
            id: VariantId::from_bytes([4; 16]),
            sku,
            title: String::new(),
            options: std::collections::BTreeMap::new(),
            price,
            prices: Vec::new(),
            stock,
        }],
        owner_id: UserId::from_bytes([5; 16]),
        created_at: THEN,
        updated_at: THEN,
        stock_version: 0,
    }
}

pub(super) fn image(name: &str, alt: &str) -> ProductImage {
    let file = |ending: &str, width, height| ImageFile {
        url: format!("/images/{name}{ending}.jpg"),
        width,
        height,
    };
    ProductImage {
        id: ImageId::from_bytes([8; 16]),
        alt: alt.to_owned(),
        full: file("-full", 1_600, 1_200),
        thumbnail: file("", 400, 300),
        version: Version::FIRST,
    }
}

/// The demo catalog as the catalog shows it.
pub(super) fn demo_products() -> Vec<ProductView> {
    crate::demo::products()
        .into_iter()
        .map(|line| ProductView {
            slug: line.sku.to_lowercase(),
            price: line.price,
            category: line.category_path.first().map(|shelf| slug(shelf)),
            image_url: line.image_url,
            attributes: line.attributes,
            description: line.description,
            sku: line.sku,
            ..product(&line.name, i64::from(line.stock))
        })
        .collect()
}

pub(super) fn ann() -> UserView {
    UserView {
        id: UserId::from_bytes([1; 16]),
        email: Email::parse("ann@example.com").ok(),
        verified_at: None,
        username: None,
        name: Some("Ann".to_owned()),
        disabled_at: None,
        roles: Vec::new(),
        version: Version::FIRST,
        created_at: THEN,
    }
}

pub(super) fn order(number: i64, status: OrderStatus) -> OrderView {
    let line = OrderLineView {
        product_id: ProductId::from_bytes([3; 16]),
        variant_id: VariantId::from_bytes([4; 16]),
        sku: "SKU-1".to_owned(),
        name: "Green tea".to_owned(),
        quantity: Quantity::try_from(2).unwrap(),
        unit_price: dollars(1450),
        line_total: dollars(2900),
        tax: None,
    };
    OrderView {
        id: OrderId::from_bytes([6; 16]),
        number,
        version: Version::FIRST,
        status,
        customer_id: Some(ann().id),
        items: vec![line],
        parts: Vec::new(),
        shipping_address: None,
        total: dollars(2900),
        payment_due_at: THEN,
        tracking: None,
        created_at: THEN,
        updated_at: THEN,
        order_token: None,
    }
}
