//! Discounts: made and changed by admins, and given to orders, for their codes or by themselves. What can be refused is
//! refused before anything is held; whether a limit has room is decided in the commit that writes the order.

use super::{
    Service,
    looked::Looked,
    place::{Asked, Terms, refusal_as_error, scope},
    terms::admin,
};
use crate::domain::{
    pricing::{self, Unpriced},
    promotion::Categories,
};
use contracts::{
    access::Principal,
    catalog::ReserveError,
    orders::{
        DiscountCode, DiscountCounts, DiscountError, DiscountQuery, DiscountView, NewDiscount,
        OrderView, PlaceOrderError, ShippingError,
    },
    request::{Answered, IdempotencyKey, Precondition},
    values::{Counted, Currency, DiscountId, Email, Money, Page, ShippingMethodId, UserId},
};
use platform::{
    db::{Abort, StoreError},
    deadline, digest,
};
use std::sync::Arc;

/// How often prices may change between a look and the reservation before the buyer hears of it.
const TRIES: u32 = 3;

/// What an order should have beside its lines.
pub(super) struct Wanted {
    pub(super) code: Option<DiscountCode>,
    pub(super) method: Option<ShippingMethodId>,
}

impl Service {
    pub(super) async fn make_a_discount(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewDiscount,
    ) -> Result<Answered<DiscountView>, DiscountError> {
        admin(who, DiscountError::Forbidden)?;
        let place = (who, "/api/v1/discounts");
        let making = self
            .making(place, DiscountId::generate(), (key.as_ref(), &wish))
            .map_err(DiscountError::Internal)?;
        let made = self.store.make_discount(making, wish);
        let made = made.await.map_err(refusal);
        self.automatic.forget();
        made
    }

    pub(super) async fn replace_a_discount(
        &self,
        who: &Principal,
        id: DiscountId,
        (sent, wish): (Precondition, NewDiscount),
    ) -> Result<DiscountView, DiscountError> {
        admin(who, DiscountError::Forbidden)?;
        let now = self.clock.now();
        let replaced = self.store.replace_discount(id, sent, wish, now).await;
        self.automatic.forget();
        replaced.map_err(refusal)
    }

    pub(super) async fn find_discount(
        &self,
        who: &Principal,
        id: DiscountId,
    ) -> Result<DiscountView, DiscountError> {
        admin(who, DiscountError::Forbidden)?;
        let found = self.store.discount(id).await;
        let found = found.map_err(|error| DiscountError::Internal(Box::new(error)))?;
        found.ok_or(DiscountError::NotFound)
    }

    pub(super) async fn count_discounts(
        &self,
        who: &Principal,
    ) -> Result<DiscountCounts, DiscountError> {
        admin(who, DiscountError::Forbidden)?;
        let found = self.store.count_discounts(Counted::LOOKED_FOR).await;
        let found = found.map_err(|error| DiscountError::Internal(Box::new(error)))?;
        let [given, ended] = found;
        let is_more = given.saturating_add(ended) > Counted::MAX;
        let counted = |count| Counted { count, is_more };
        Ok(DiscountCounts {
            given: counted(given),
            ended: counted(ended),
        })
    }

    pub(super) async fn list_discounts(
        &self,
        who: &Principal,
        query: DiscountQuery,
    ) -> Result<Page<DiscountView>, DiscountError> {
        admin(who, DiscountError::Forbidden)?;
        self.store.discounts(query).await.map_err(refusal)
    }

    /// Tells one customer's uses apart from another's.
    pub(super) fn customer_key(&self, customer: Option<UserId>, email: Option<&Email>) -> [u8; 32] {
        let name = scope(customer, email);
        digest::hmac_sha256(&self.token_secret, &[b"customer", name.as_bytes()])
    }

    /// The discount of a code, if it is given to this customer now.
    pub(super) async fn given(
        &self,
        code: &DiscountCode,
        customer: Option<UserId>,
        email: Option<&Email>,
    ) -> Result<DiscountView, DiscountError> {
        let customer_key = self.customer_key(customer, email);
        let found = self.store.discount_of(code.clone(), customer_key).await;
        let found = found.map_err(|error| DiscountError::Internal(Box::new(error)))?;
        let not = |reason: &str| DiscountError::NotApplicable {
            reason: reason.to_owned(),
        };
        let (discount, mine) = found.ok_or_else(|| not("there is no such code"))?;
        if discount.automatic {
            return Err(not("this discount is given by itself, without its code"));
        }
        pricing::is_given(&discount, self.clock.now()).map_err(unpriced)?;
        let reached =
            |used: i64, most: Option<u32>| most.is_some_and(|most| used >= i64::from(most));
        if reached(discount.uses.unwrap_or_default(), discount.uses_max)
            || reached(mine, discount.customer_uses_max)
        {
            return Err(DiscountError::Exhausted);
        }
        Ok(discount)
    }

    /// Places an order with what is wanted beside its lines, and with what is given by itself. They must cost what they
    /// were seen to cost, or what they cost a moment ago, so that the total that was compared is the one that is
    /// written.
    pub(super) async fn place_wanted(
        &self,
        asked: Asked,
        wanted: &Wanted,
        seen: Option<Money>,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        if wanted.method.is_none() && self.config.shipping_required {
            return Err(PlaceOrderError::Shipping(ShippingError::Required));
        }
        // Whoever came too late hears so before anything is begun.
        if deadline::has_passed() {
            return Err(PlaceOrderError::Overloaded);
        }
        if let Some(currency) = asked.currency
            && !self
                .sells_in(currency)
                .await
                .map_err(PlaceOrderError::Internal)?
        {
            return self.not_sold_in(currency, &asked).await;
        }
        let automatic = self.automatic_now().await.map_err(internal)?;
        let is_plain = wanted.code.is_none() && wanted.method.is_none() && !self.taxes();
        if is_plain && automatic.is_empty() {
            let expected_total = asked.expected_total.clone();
            let expected_total = expected_total.or_else(|| seen.map(Into::into));
            let asked = Asked {
                expected_total,
                ..asked
            };
            return self.place_asked(asked).await;
        }
        if let Some(standing) = self.standing(&asked).await? {
            return Ok(standing);
        }
        let looked = self.looked_at(&asked).await?;
        let terms = match self.terms(&asked, wanted, automatic, &looked).await {
            Ok(terms) => terms,
            // A twin may have been written since, and have used up what there was.
            Err(error) => return self.standing(&asked).await?.ok_or(error),
        };
        self.place_on(asked, terms, (seen, looked)).await
    }

    /// What was placed while the shop sold in a currency stays placed.
    async fn not_sold_in(
        &self,
        currency: Currency,
        asked: &Asked,
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let lines = (0..asked.lines.len()).collect();
        let refused = ReserveError::NotPriced { currency, lines };
        let standing = self.standing(asked).await?;
        standing.ok_or(PlaceOrderError::Stock(refused))
    }

    async fn looked_at(&self, asked: &Asked) -> Result<Looked, PlaceOrderError> {
        let looked = self.look(asked.lines.clone(), asked.currency).await;
        looked.map_err(PlaceOrderError::Internal)
    }

    async fn terms(
        &self,
        asked: &Asked,
        wanted: &Wanted,
        automatic: Vec<Arc<DiscountView>>,
        looked: &Looked,
    ) -> Result<Terms, PlaceOrderError> {
        let (customer, email) = (asked.customer_id, asked.guest_email.as_ref());
        let customer_key = self.customer_key(customer, email);
        let automatic = self.with_room(automatic, customer_key).await;
        let coded = match &wanted.code {
            Some(code) => {
                let given = self.given(code, customer, email).await;
                Some(given.map_err(PlaceOrderError::Discount)?)
            }
            None => None,
        };
        let shipping = match wanted.method {
            Some(id) => {
                let address = asked.address.as_ref();
                let method = self.method_for(id, address, looked).await;
                Some(method.map_err(PlaceOrderError::Shipping)?)
            }
            None => None,
        };
        let taxes = self.tax_terms(asked.address.as_ref(), looked).await;
        Ok(Terms {
            automatic: automatic.map_err(internal)?,
            coded,
            customer_key,
            shipping,
            categories: Categories::new(),
            taxes: taxes.map_err(PlaceOrderError::Internal)?,
            asserted_total: asked.expected_total.clone(),
        })
    }

    async fn place_on(
        &self,
        asked: Asked,
        mut terms: Terms,
        (seen, mut looked): (Option<Money>, Looked),
    ) -> Result<Answered<OrderView>, PlaceOrderError> {
        let mut refused = PlaceOrderError::Stock(ReserveError::TotalOutOfRange);
        for _ in 0..TRIES {
            let goods = looked.goods();
            if let Some(goods) = &goods {
                let total = terms.best(goods)?;
                if terms.contradicted_by(total) {
                    return Err(PlaceOrderError::Stock(ReserveError::PriceChanged { total }));
                }
                terms.categories = goods.categories();
            }
            let expected = seen.or_else(|| goods.map(|goods| goods.subtotal));
            let wish = Asked {
                expected_total: expected.map(Into::into),
                terms: terms.clone(),
                ..asked.clone()
            };
            match self.place_asked(wish).await {
                // The catalog compares what the lines cost, and buyers are told what all of it does.
                Err(PlaceOrderError::Stock(ReserveError::PriceChanged { total: lines }))
                    if expected.is_some() =>
                {
                    looked = self.looked_at(&asked).await?;
                    let total = looked
                        .goods()
                        .map_or(Ok(lines), |goods| terms.best(&goods))?;
                    refused = PlaceOrderError::Stock(ReserveError::PriceChanged { total });
                    if seen.is_some() {
                        break;
                    }
                }
                answer => return answer,
            }
        }
        Err(refused)
    }

    /// What stands written was given its discount then.
    async fn standing(
        &self,
        asked: &Asked,
    ) -> Result<Option<Answered<OrderView>>, PlaceOrderError> {
        let found = self.store.find(asked.order_id).await;
        if found.map_err(internal)?.is_none() {
            return Ok(None);
        }
        let placed = self.store.placed(asked.order_id, asked.fingerprint).await;
        let placed = refusal_as_error(placed.map_err(internal)?)?;
        Ok(Some(self.answered(placed, asked.customer_id.is_none())))
    }
}

fn internal(error: StoreError) -> PlaceOrderError {
    PlaceOrderError::Internal(Box::new(error))
}

/// Why a sum could not be made, as buyers hear it.
pub(super) fn unpriced(why: Unpriced) -> DiscountError {
    match why {
        Unpriced::NotApplicable(reason) => DiscountError::NotApplicable { reason },
        Unpriced::OutOfRange | Unpriced::NotShipped(_) => {
            DiscountError::Internal("prices do not add up".into())
        }
    }
}

fn refusal(abort: Abort<DiscountError>) -> DiscountError {
    abort.into_refusal(|| DiscountError::Overloaded, DiscountError::Internal)
}
