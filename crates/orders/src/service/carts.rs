//! Carts: opened, filled, merged at sign-in, and bought by the one way that makes orders. What a cart shows is asked of
//! the catalog each time; nothing is held for it.

use super::{
    Service,
    discounts::Wanted,
    looked::Looked,
    place::{Asked, Terms, buyer, scope},
};
use crate::{
    domain::{
        cart::{self, Bounds, Cart, Choice, Line, NewCart, Owner, SetLine},
        wish,
    },
    metrics::METRICS,
};
use contracts::{
    catalog::{ItemRef, OfferView, ReserveError, ReserveLine},
    orders::{
        Buyer, CartError, CartHolder, CartLineChange, CartLineView, CartStatus, CartView,
        DiscountCode, OrderView, PlaceOrder, PlaceOrderError, SetCartItem,
    },
    request::Answered,
    values::{CartId, Currency, Money, OrderId, Quantity, ShippingMethodId, UserId},
};
use platform::{db::Abort, digest};

/// Tries to buy a cart: one more after an order of this version was given up.
const TRIES: u32 = 2;

impl Service {
    fn cart_bounds(&self) -> Bounds {
        Bounds {
            lines_max: usize::try_from(self.config.cart_lines_max).unwrap_or(usize::MAX),
            keep_seconds: i64::from(self.config.cart_keep_seconds),
        }
    }

    fn new_cart(&self, owner: Owner) -> NewCart {
        let at = self.clock.now();
        NewCart {
            id: CartId::generate(),
            owner,
            most: self.config.carts_per_address_max,
            at,
            expires_at: at.plus_seconds(i64::from(self.config.cart_keep_seconds)),
        }
    }

    pub(super) async fn open_a_cart(
        &self,
        who: &CartHolder,
        address: &str,
    ) -> Result<Answered<CartView>, CartError> {
        let (owner, token) = match &who.principal {
            Some(principal) => (Owner::User(principal.user_id), None),
            None => {
                let token = digest::random::<32>().map_err(CartError::Internal)?;
                let token = digest::base64url(&token);
                let owner = Owner::Guest {
                    token_hash: digest::sha256(&[token.as_bytes()]),
                    address_key: digest::hmac_sha256(
                        &self.token_secret,
                        &[b"cart", address.as_bytes()],
                    ),
                };
                (owner, Some(token))
            }
        };
        let (cart, fresh) = self
            .store
            .open_cart(self.new_cart(owner))
            .await
            .map_err(refusal)?;
        let mut view = self.shown_cart(cart).await?;
        view.cart_token = token;
        Ok(Answered {
            value: view,
            replayed: !fresh,
        })
    }

    /// The cart that a user has open, as it is shown.
    pub(super) async fn cart_of(&self, user: UserId) -> Result<Option<CartView>, CartError> {
        let found = self.store.open_cart_of(user).await;
        let found = found.map_err(|error| CartError::Internal(Box::new(error)))?;
        match found {
            Some(cart) => Ok(Some(self.shown_cart(cart).await?)),
            None => Ok(None),
        }
    }

    /// A cart that this one may use. Whose it is not learns that it is there from nothing.
    pub(super) async fn held_cart(&self, who: &CartHolder, id: CartId) -> Result<Cart, CartError> {
        if who.principal.is_none() && who.cart_token.is_none() {
            return Err(CartError::Unauthenticated);
        }
        let found = self.store.cart(id).await;
        let found = found.map_err(|error| CartError::Internal(Box::new(error)))?;
        let holds = |cart: &Cart| {
            let by_token = match (&who.cart_token, &cart.token_hash) {
                (Some(token), Some(hash)) => {
                    digest::equal(&digest::sha256(&[token.as_bytes()]), hash)
                }
                (Some(_) | None, Some(_) | None) => false,
            };
            let by_user = who
                .principal
                .as_ref()
                .is_some_and(|one| cart.customer_id == Some(one.user_id));
            by_token || by_user
        };
        found.filter(holds).ok_or(CartError::NotFound)
    }

    pub(super) async fn find_cart(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        self.shown_cart(cart).await
    }

    pub(super) async fn set_item(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: SetCartItem,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        cart::check(&cart, wish.sent)?;
        let quantity = match wish.quantity {
            0 => None,
            units => Some(Quantity::try_from(units).map_err(|_| CartError::Invalid {
                field: "/quantity".to_owned(),
                reason: "must be a whole number from 0 to 1000000".to_owned(),
            })?),
        };
        let offers = self.offered(vec![wish.item.clone()], cart.currency).await;
        let offer = offers.map_err(CartError::Internal)?.pop().flatten();
        let line = match (offer, quantity) {
            (Some(offer), _) if !offer.choices.is_empty() => {
                let variants = offer.choices;
                return Err(CartError::VariantRequired { variants });
            }
            (Some(offer), _) if offer.on_sale || quantity.is_none() => SetLine {
                product_id: offer.product_id,
                variant_id: offer.variant_id,
                quantity,
                seen: offer.unit_price,
                sent: wish.sent,
            },
            (None, None) => match line_of(&cart, &wish.item) {
                Some(line) => SetLine {
                    product_id: line.product_id,
                    variant_id: line.variant_id,
                    quantity,
                    seen: line.seen,
                    sent: wish.sent,
                },
                // Nothing is to be taken out.
                None => return self.shown_cart(cart).await,
            },
            (Some(offer), _) if offer.unpriced => {
                let currency = cart.currency.unwrap_or(offer.unit_price.currency);
                return Err(CartError::NotPriced { currency });
            }
            (Some(_), _) | (None, Some(_)) => return Err(CartError::Unavailable),
        };
        let set = self
            .store
            .set_cart_line(id, line, self.cart_bounds(), self.clock.now())
            .await;
        self.shown_cart(set.map_err(refusal)?).await
    }

    pub(super) async fn set_code(
        &self,
        who: &CartHolder,
        id: CartId,
        code: Option<DiscountCode>,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        cart::check(&cart, None)?;
        if let Some(code) = &code {
            let given = self.given(code, cart.customer_id, None).await;
            given.map_err(CartError::Discount)?;
        }
        self.choose(id, Choice::Discount(code)).await
    }

    pub(super) async fn set_currency(
        &self,
        who: &CartHolder,
        id: CartId,
        currency: Option<Currency>,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        cart::check(&cart, None)?;
        if let Some(currency) = currency
            && !self.sells_in(currency).await.map_err(CartError::Internal)?
        {
            return Err(CartError::Invalid {
                field: "/currency".to_owned(),
                reason: "is none that the shop sells in".to_owned(),
            });
        }
        self.choose(id, Choice::Currency(currency)).await
    }

    pub(super) async fn set_method(
        &self,
        who: &CartHolder,
        id: CartId,
        method: Option<ShippingMethodId>,
    ) -> Result<CartView, CartError> {
        let cart = self.held_cart(who, id).await?;
        cart::check(&cart, None)?;
        if let Some(method) = method {
            self.method(method).await.map_err(CartError::Shipping)?;
        }
        self.choose(id, Choice::Shipping(method)).await
    }

    pub(super) async fn choose(&self, id: CartId, choice: Choice) -> Result<CartView, CartError> {
        let (bounds, now) = (self.cart_bounds(), self.clock.now());
        let chosen = self.store.choose_in_cart(id, choice, bounds, now);
        self.shown_cart(chosen.await.map_err(refusal)?).await
    }

    pub(super) async fn merge_into_own(
        &self,
        who: &CartHolder,
        id: CartId,
    ) -> Result<CartView, CartError> {
        let user = who.principal.as_ref().ok_or(CartError::Unauthenticated)?;
        let from = self.held_cart(who, id).await?;
        // One's own cart is where it should be.
        if from.customer_id.is_some() {
            return self.shown_cart(from).await;
        }
        let into = self.new_cart(Owner::User(user.user_id));
        let merged = self.store.merge_cart(id, into, self.cart_bounds()).await;
        self.shown_cart(merged.map_err(refusal)?).await
    }

    pub(super) async fn buy_cart(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let bought = self.buy_held(who, id, &wish).await;
        METRICS.count(bought.as_ref().map(|answered| answered.replayed));
        bought
    }

    async fn buy_held(
        &self,
        who: &CartHolder,
        id: CartId,
        wish: &PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        for _ in 0..TRIES {
            let cart = self
                .held_cart(who, id)
                .await
                .map_err(PlaceOrderError::Cart)?;
            match self.buy_once(who, &cart, wish).await {
                // An order of this version was begun with other details, or was given up: it cannot come of the next.
                Err(PlaceOrderError::KeyReused | PlaceOrderError::GivenUp)
                    if cart.status == CartStatus::Open =>
                {
                    let touched = self.store.touch_cart(id, cart.version, self.clock.now());
                    touched
                        .await
                        .map_err(|error| PlaceOrderError::Internal(Box::new(error)))?;
                }
                Err(PlaceOrderError::KeyReused | PlaceOrderError::GivenUp) => {
                    let order_id = cart.order_id;
                    return Err(PlaceOrderError::Cart(CartError::Closed { order_id }));
                }
                Err(PlaceOrderError::Stock(
                    error @ (ReserveError::InsufficientStock { .. }
                    | ReserveError::Unavailable { .. }
                    | ReserveError::NotPriced { .. }
                    | ReserveError::MixedCurrencies
                    | ReserveError::PriceChanged { .. }),
                )) => return Err(self.what_differs(cart, error).await),
                answer => return answer,
            }
        }
        Err(PlaceOrderError::Cart(CartError::ChangedMeanwhile))
    }

    /// The order's id follows from the cart and its version, so that whoever buys the same twice means one order; and
    /// the cart is the order's from the same commit on, so that no other version of it becomes another.
    async fn buy_once(
        &self,
        who: &CartHolder,
        cart: &Cart,
        wish: &PlaceOrder,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        if cart.status == CartStatus::Merged {
            let closed = CartError::Closed { order_id: None };
            return Err(PlaceOrderError::Cart(closed));
        }
        let who = who.principal.clone().map_or(Buyer::Guest, Buyer::User);
        wish::check_cart(&who, wish, &cart.lines)?;
        let (customer_id, guest_email) = buyer(&who, wish);
        let version = cart::bought_version(cart);
        // How it is paid, and what somebody thinks it costs, makes no other order of it.
        let same = PlaceOrder {
            payment: None,
            total: None,
            ..wish.clone()
        };
        let scope = format!(
            "{} version {version}",
            scope(customer_id, guest_email.as_ref())
        );
        let fingerprint = digest::fingerprint(&scope, &same).map_err(PlaceOrderError::Internal)?;
        if let Some(order_id) = cart.order_id {
            let placed = self.store.placed(order_id, fingerprint).await;
            let placed = placed.map_err(|error| PlaceOrderError::Internal(Box::new(error)))?;
            let placed = super::place::refusal_as_error(placed)?;
            return Ok(self.answered(placed, customer_id.is_none()));
        }
        let key = format!("cart {}", cart.id);
        let order_id = OrderId::from_bytes(digest::derived_id(&key, &version.to_string()));
        // In two currencies nobody has seen a price of all of it.
        if wish.total.is_none() && cart::is_mixed(&cart.lines) {
            return Err(PlaceOrderError::Stock(ReserveError::MixedCurrencies));
        }
        let seen = cart::seen_total(&cart.lines);
        let asked = Asked {
            order_id,
            fingerprint,
            lines: cart.lines.iter().map(wanted).collect(),
            currency: cart.currency,
            expected_total: wish.total.clone(),
            customer_id,
            guest_email,
            cart: Some((cart.id, cart.version)),
            address: cart.shipping_address.clone(),
            terms: Terms::default(),
        };
        let beside = Wanted {
            code: cart.discount_code.clone(),
            method: cart.shipping_method,
        };
        // Whoever says a total means the prices of now, and else those that were seen.
        let seen = seen.filter(|_| wish.total.is_none());
        self.place_wanted(asked, &beside, seen).await
    }

    /// What the catalog refused, line by line, as the cart shows it now.
    async fn what_differs(&self, cart: Cart, refused: ReserveError) -> PlaceOrderError {
        let Ok(view) = self.shown_cart(cart).await else {
            return PlaceOrderError::Stock(refused);
        };
        let total = view.total;
        let lines: Vec<CartLineView> = view
            .items
            .into_iter()
            .filter(|line| line.change.is_some())
            .collect();
        // Between the refusal and this look the shelf may have changed again: the refusal is the truth then.
        if lines.is_empty() {
            PlaceOrderError::Stock(refused)
        } else {
            PlaceOrderError::Cart(CartError::Differs { lines, total })
        }
    }

    pub(super) async fn shown_cart(&self, cart: Cart) -> Result<CartView, CartError> {
        Ok(self.looked_cart(cart).await?.0)
    }

    /// A cart as it is shown, and what was looked at for it.
    pub(super) async fn looked_cart(&self, cart: Cart) -> Result<(CartView, Looked), CartError> {
        let lines = cart.lines.iter().map(wanted).collect();
        let looked = self.look(lines, cart.currency).await;
        let looked = looked.map_err(CartError::Internal)?;
        let customer = cart.customer_id;
        let mut view = shown(cart, looked.clone().into_offers());
        self.show_parts(&mut view, &looked, customer).await?;
        Ok((view, looked))
    }
}

fn shown(cart: Cart, offers: impl Iterator<Item = Option<OfferView>>) -> CartView {
    let offers = offers.chain(std::iter::repeat(None));
    let items: Vec<CartLineView> = cart.lines.iter().zip(offers).map(shown_line).collect();
    CartView {
        id: cart.id,
        version: cart.version,
        status: cart.status,
        customer_id: cart.customer_id,
        currency: cart.currency,
        order_id: cart.order_id,
        subtotal: total(&items),
        discount_code: cart.discount_code,
        discount_refused: None,
        shipping_method: cart.shipping_method,
        shipping_refused: None,
        shipping_address: cart.shipping_address,
        parts: Vec::new(),
        total: total(&items),
        items,
        created_at: cart.created_at,
        updated_at: cart.updated_at,
        expires_at: cart.expires_at,
        cart_token: None,
    }
}

fn shown_line((line, offer): (&Line, Option<OfferView>)) -> CartLineView {
    let is_unpriced = offer.as_ref().is_some_and(|offer| offer.unpriced);
    let named = offer.filter(|offer| offer.on_sale || offer.unpriced);
    let offer = named.as_ref().filter(|offer| offer.on_sale);
    let change = match offer {
        None if is_unpriced => Some(CartLineChange::NotPriced),
        None => Some(CartLineChange::Unavailable),
        Some(offer) if offer.available < i64::from(line.quantity.get()) => {
            Some(CartLineChange::InsufficientStock)
        }
        Some(offer) if offer.unit_price != line.seen => Some(CartLineChange::PriceChanged),
        Some(_) => None,
    };
    let unit_price = offer.map(|offer| offer.unit_price);
    CartLineView {
        product_id: line.product_id,
        variant_id: line.variant_id,
        quantity: line.quantity,
        available: offer.map_or(0, |offer| offer.available.max(0)),
        unit_price,
        unit_price_before: line.seen,
        line_total: unit_price.and_then(|price| price.times(line.quantity).ok()),
        change,
        slug: named.as_ref().map(|offer| offer.slug.clone()),
        sku: named.as_ref().map(|offer| offer.sku.clone()),
        name: named.map(|offer| offer.name),
    }
}

fn total(items: &[CartLineView]) -> Option<Money> {
    let mut sums = items.iter().map(|line| line.line_total);
    let first = sums.next()??;
    sums.try_fold(first, |total, sum| total.plus(sum?).ok())
}

fn line_of<'c>(cart: &'c Cart, item: &ItemRef) -> Option<&'c Line> {
    cart.lines.iter().find(|line| match item {
        ItemRef::Product(id) => line.product_id == *id,
        ItemRef::Variant(id) => line.variant_id == *id,
    })
}

pub(super) fn wanted(line: &Line) -> ReserveLine {
    ReserveLine {
        item: ItemRef::Variant(line.variant_id),
        quantity: line.quantity,
    }
}

fn refusal(abort: Abort<CartError>) -> CartError {
    abort.into_refusal(|| CartError::Overloaded, CartError::Internal)
}
