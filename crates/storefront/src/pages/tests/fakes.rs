//! Stand-ins for the three services: as much of a shop as the pages ask for. No page may need more.

use crate::App;
use async_trait::async_trait;
use axum::http::HeaderValue;
use contracts::{
    BoxError,
    access::{Principal, Role},
    catalog::*,
    identity::*,
    orders::*,
    request::{Answered, IdempotencyKey, Precondition},
    values::*,
};
use platform::http::cookies::{Cookies, Name};
use std::sync::Arc;

const NEVER: &str = "no page asks for this";

/// A shop with these products and orders. Password `right` is right, everybody is Ann.
#[derive(Default, Clone)]
pub(super) struct Shop {
    pub(super) products: Vec<ProductView>,
    pub(super) next: Option<Cursor>,
    pub(super) orders: Vec<OrderView>,
}

impl Shop {
    pub(super) fn app(self) -> App {
        let shop = Arc::new(self);
        let cookies = Cookies::for_public_url("https://shop.example");
        App {
            catalog: shop.clone(),
            identity: shop.clone(),
            orders: shop,
            shop_name: "Souk".to_owned(),
            cookies,
        }
    }
}

pub(super) fn ann() -> Principal {
    Principal {
        user_id: UserId::from_bytes([1; 16]),
        session_id: SessionId::from_bytes([2; 16]),
        roles: vec![Role::Customer],
    }
}

pub(super) fn product(name: &str, available: i64) -> ProductView {
    let price = Money::new(1450, "USD".parse().unwrap());
    let stock = StockView { on_hand: available, reserved: 0, available };
    let sku = "SKU-1".to_owned();
    ProductView {
        id: ProductId::from_bytes([3; 16]),
        version: Version::FIRST,
        name: name.to_owned(),
        slug: "green-tea".to_owned(),
        sku: sku.clone(),
        description: "One.\n\nTwo <b>bold</b>.".to_owned(),
        price,
        category: Some("tea-coffee".to_owned()),
        status: ProductStatus::Active,
        image_url: None,
        attributes: serde_json::Map::from_iter([("weight_grams".to_owned(), 100.into())]),
        stock,
        variants: vec![VariantView { id: VariantId::from_bytes([4; 16]), sku, price, stock }],
        owner_id: UserId::from_bytes([5; 16]),
        created_at: Timestamp::from_ms(0),
        updated_at: Timestamp::from_ms(0),
        stock_version: 0,
    }
}

/// The demo catalog as the catalog would show it.
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

fn slug(name: &str) -> String {
    name.to_lowercase().replace(" & ", "-").replace(' ', "-")
}

pub(super) fn order(number: i64, status: OrderStatus) -> OrderView {
    let total = Money::new(2900, "USD".parse().unwrap());
    OrderView {
        id: OrderId::from_bytes([6; 16]),
        number,
        version: Version::FIRST,
        status,
        customer_id: Some(ann().user_id),
        items: vec![OrderLineView {
            product_id: ProductId::from_bytes([3; 16]),
            variant_id: VariantId::from_bytes([4; 16]),
            sku: "SKU-1".to_owned(),
            name: "Green tea".to_owned(),
            quantity: Quantity::try_from(2).unwrap(),
            unit_price: Money::new(1450, "USD".parse().unwrap()),
            line_total: total,
        }],
        total,
        payment_due_at: Timestamp::from_ms(0),
        tracking: None,
        created_at: Timestamp::from_ms(1_795_274_096_007),
        updated_at: Timestamp::from_ms(1_795_274_096_007),
        order_token: None,
    }
}

fn ann_s_profile() -> UserView {
    UserView {
        id: ann().user_id,
        email: Email::parse("ann@example.com").ok(),
        username: None,
        name: Some("Ann".to_owned()),
        roles: vec![Role::Customer],
        version: Version::FIRST,
        created_at: Timestamp::from_ms(1_795_274_096_007),
    }
}

fn session() -> SignedIn {
    SignedIn {
        user: ann_s_profile(),
        access_token: "a".to_owned().into(),
        expires_in: 900,
        refresh_token: "r".to_owned().into(),
    }
}

#[async_trait]
impl Catalog for Shop {
    async fn product(&self, _: Option<&Principal>, which: ProductRef) -> Result<ProductView, EditError> {
        let ProductRef::Slug(slug) = which else { panic!("{NEVER}") };
        let found = self.products.iter().find(|product| product.slug == slug);
        found.cloned().ok_or(EditError::NotFound)
    }
    async fn products(&self, _: Option<&Principal>, query: ProductQuery) -> Result<Page<ProductView>, ListError> {
        let wanted = |product: &&ProductView| {
            let words = query.q.as_deref().unwrap_or_default().to_lowercase();
            product.name.to_lowercase().contains(&words)
                && (query.category.is_none() || query.category == product.category)
        };
        let rows = usize::try_from(query.limit.get()).unwrap();
        let data = self.products.iter().filter(wanted).take(rows).cloned().collect();
        Ok(Page { data, next_cursor: self.next.clone() })
    }
    async fn categories(&self) -> Result<Vec<CategoryView>, ListError> {
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
        Ok(names.into_iter().map(category).collect())
    }
    async fn create_product(&self, _: &Principal, _: Option<IdempotencyKey>, _: NewProduct) -> Result<Answered<ProductView>, EditError> {
        panic!("{NEVER}")
    }
    async fn replace_product(&self, _: &Principal, _: ProductId, _: Precondition, _: NewProduct) -> Result<ProductView, EditError> {
        panic!("{NEVER}")
    }
    async fn patch_product(&self, _: &Principal, _: ProductId, _: Precondition, _: PatchProduct) -> Result<ProductView, EditError> {
        panic!("{NEVER}")
    }
    async fn delete_product(&self, _: &Principal, _: ProductId, _: Precondition) -> Result<(), EditError> {
        panic!("{NEVER}")
    }
    async fn import_products(&self, _: UserId, _: Vec<ImportProduct>, _: bool) -> Result<Vec<Result<ImportOutcome, String>>, BoxError> {
        panic!("{NEVER}")
    }
    async fn create_category(&self, _: NewCategory) -> Result<CategoryView, EditError> {
        panic!("{NEVER}")
    }
    async fn adjust_stock(&self, _: &Principal, _: Option<IdempotencyKey>, _: AdjustStock) -> Result<Answered<Vec<InventoryView>>, AdjustError> {
        panic!("{NEVER}")
    }
    async fn inventory(&self, _: &Principal, _: InventoryQuery) -> Result<Page<InventoryView>, ListError> {
        panic!("{NEVER}")
    }
    async fn inventory_of(&self, _: &Principal, _: VariantId) -> Result<InventoryView, AdjustError> {
        panic!("{NEVER}")
    }
    async fn movements(&self, _: &Principal, _: VariantId, _: PageSize, _: Option<Cursor>) -> Result<Page<MovementView>, AdjustError> {
        panic!("{NEVER}")
    }
    async fn reserve_all(&self, _: Vec<Reserve>) -> Vec<Result<Reserved, ReserveError>> {
        panic!("{NEVER}")
    }
    async fn resolve_all(&self, _: Vec<Resolve>) -> Vec<Result<(), ResolveError>> {
        panic!("{NEVER}")
    }
    async fn overdue(&self, _: Timestamp, _: u32) -> Result<Vec<OrderId>, BoxError> {
        panic!("{NEVER}")
    }
    async fn audit_stock(&self, _: Option<VariantId>, _: u32) -> Result<Vec<StockAudit>, BoxError> {
        panic!("{NEVER}")
    }
    async fn audit_reservations(&self, _: Option<OrderId>, _: u32) -> Result<Vec<ReservationAudit>, BoxError> {
        panic!("{NEVER}")
    }
}

#[async_trait]
impl Identity for Shop {
    async fn register(&self, wish: RegisterUser) -> Result<SignedIn, RegisterError> {
        let email = wish.email.ok_or(RegisterError::NameMissing)?;
        if email.key() == "ann@example.com" { Err(RegisterError::EmailTaken) } else { Ok(session()) }
    }
    async fn login(&self, wish: Login) -> Result<SignedIn, LoginError> {
        match wish.username.as_ref().map(Username::key) {
            Some("ann") => Ok(session()),
            Some("hasty") => Err(LoginError::TooManyTries { retry_after_seconds: 300 }),
            Some(_) | None => Err(LoginError::InvalidCredentials),
        }
    }
    async fn logout(&self, _: &Principal) -> Result<(), ProfileError> {
        Ok(())
    }
    async fn me(&self, _: &Principal) -> Result<UserView, ProfileError> {
        Ok(ann_s_profile())
    }
    async fn setup_admin(&self, _: SetupAdmin) -> Result<SignedIn, RegisterError> {
        panic!("{NEVER}")
    }
    async fn refresh(&self, _: secret::Text) -> Result<SignedIn, RefreshError> {
        panic!("{NEVER}")
    }
    async fn end_session_of(&self, _: secret::Text) -> Result<(), RefreshError> {
        Ok(())
    }
    async fn patch_me(&self, _: &Principal, _: Precondition, _: PatchProfile) -> Result<UserView, ProfileError> {
        panic!("{NEVER}")
    }
    async fn delete_account(&self, _: &Principal, _: DeleteAccount) -> Result<(), LoginError> {
        panic!("{NEVER}")
    }
    async fn user(&self, _: UserId) -> Result<UserView, ProfileError> {
        panic!("{NEVER}")
    }
    async fn set_roles(&self, _: UserId, _: Precondition, _: SetRoles) -> Result<UserView, ProfileError> {
        panic!("{NEVER}")
    }
    async fn public_keys(&self) -> serde_json::Value {
        panic!("{NEVER}")
    }
}

#[async_trait]
impl Orders for Shop {
    async fn orders(&self, _: &Principal, _: OrderQuery) -> Result<Page<OrderView>, OrderError> {
        Ok(Page { data: self.orders.clone(), next_cursor: self.next.clone() })
    }
    async fn place(&self, _: Buyer, _: IdempotencyKey, _: PlaceOrder) -> Result<Answered<OrderView>, PlaceOrderError> {
        panic!("{NEVER}")
    }
    async fn order(&self, _: &Reader, _: OrderId) -> Result<OrderView, OrderError> {
        panic!("{NEVER}")
    }
    async fn order_when_paid(&self, _: &Reader, _: OrderId) -> Result<OrderView, OrderError> {
        panic!("{NEVER}")
    }
    async fn timeline(&self, _: &Reader, _: OrderId) -> Result<Vec<OrderEventView>, OrderError> {
        panic!("{NEVER}")
    }
    async fn advance(&self, _: &Reader, _: OrderId, _: OrderMove) -> Result<OrderView, OrderError> {
        panic!("{NEVER}")
    }
    async fn begin_payment(&self, _: OrderId, _: PaymentId) -> Result<Payable, OrderError> {
        panic!("{NEVER}")
    }
    async fn end_payment(&self, _: OrderId, _: PaymentId, _: PaymentEnd) -> Result<OrderView, OrderError> {
        panic!("{NEVER}")
    }
    async fn note_refund(&self, _: OrderId, _: PaymentId) -> Result<(), OrderError> {
        panic!("{NEVER}")
    }
    async fn audit(&self, _: Option<OrderId>, _: u32) -> Result<Vec<OrderAudit>, BoxError> {
        panic!("{NEVER}")
    }
}
