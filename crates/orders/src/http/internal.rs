//! Orders for the other services: each call of `calls`, and the method that answers it.

use crate::calls::{self, NAME};
use axum::Router;
use contracts::{orders::Orders, wire::Cause};
use platform::http::internal::Answering;
use std::sync::Arc;

type Table = Answering<dyn Orders>;

/// The calls as routes, for a port that only our own nodes reach.
pub fn internal_routes(service: Arc<dyn Orders>) -> Router {
    payments(discounts(carts(people(Answering::of(NAME, service)))))
        .on(calls::AUDIT, async |orders, (after, limit)| {
            orders.audit(after, limit).await.map_err(Cause::from)
        })
        .on(calls::AUDIT_EVENTS, async |orders, ()| {
            orders.audit_events().await.map_err(Cause::from)
        })
        .on(calls::AUDIT_DISCOUNTS, async |orders, ()| {
            orders.audit_discounts().await.map_err(Cause::from)
        })
        .routes()
}

fn people(table: Table) -> Table {
    table
        .on(calls::HAS_BOUGHT, async |orders, (user, product)| {
            orders.has_bought(user, product).await.map_err(Cause::from)
        })
        .on(calls::PLACE, async |orders, (who, key, wish)| {
            orders.place(who.into(), key, wish).await
        })
        .on(calls::ORDER, async |orders, (who, id)| {
            orders.order(&who.into(), id).await
        })
        .on(calls::ORDER_WHEN_PAID, async |orders, (who, id)| {
            orders.order_when_paid(&who.into(), id).await
        })
        .on(calls::ORDERS, async |orders, (who, query)| {
            orders.orders(&who.into(), query).await
        })
        .on(calls::TIMELINE, async |orders, (who, id)| {
            orders.timeline(&who.into(), id).await
        })
        .on(calls::EARLIER_ORDERS, async |orders, (who, query)| {
            orders.earlier_orders(&who.into(), query).await
        })
        .on(calls::KEPT_ADDRESSES, async |orders, user| {
            orders.kept_addresses(user).await
        })
        .on(calls::BESIDE, async |orders, (who, id)| {
            orders.beside(&who.into(), id).await
        })
        .on(calls::ADVANCE, async |orders, (who, id, step)| {
            orders.advance(&who.into(), id, step).await
        })
}

fn carts(table: Table) -> Table {
    table
        .on(calls::OPEN_CART, async |orders, (who, address)| {
            orders.open_cart(&who.into(), address).await
        })
        .on(calls::OWN_CART, async |orders, user| {
            orders.own_cart(user).await
        })
        .on(calls::CART_FIGURES, async |orders, ()| {
            orders.cart_figures().await
        })
        .on(calls::CART, async |orders, (who, id)| {
            orders.cart(&who.into(), id).await
        })
        .on(calls::SET_CART_ITEM, async |orders, (who, id, wish)| {
            orders.set_cart_item(&who.into(), id, wish).await
        })
        .on(calls::MERGE_CART, async |orders, (who, id)| {
            orders.merge_cart(&who.into(), id).await
        })
        .on(calls::CHECK_OUT, async |orders, (who, id, wish)| {
            orders.check_out(&who.into(), id, wish).await
        })
}

fn discounts(table: Table) -> Table {
    table
        .on(
            calls::SET_CART_CURRENCY,
            async |orders, (who, id, currency)| {
                orders.set_cart_currency(&who.into(), id, currency).await
            },
        )
        .on(
            calls::SET_CART_SHIPPING,
            async |orders, (who, id, method)| {
                orders.set_cart_shipping(&who.into(), id, method).await
            },
        )
        .on(
            calls::SET_CART_ADDRESS,
            async |orders, (who, id, address)| {
                orders.set_cart_address(&who.into(), id, address).await
            },
        )
        .on(calls::CART_SHIPPING_METHODS, async |orders, (who, id)| {
            orders.cart_shipping_methods(&who.into(), id).await
        })
        .on(calls::SHIPPING_METHODS, async |orders, all| {
            orders.shipping_methods(all).await
        })
        .on(calls::SET_CART_DISCOUNT, async |orders, (who, id, code)| {
            orders.set_cart_discount(&who.into(), id, code).await
        })
        .on(calls::MAKE_DISCOUNT, async |orders, (who, key, wish)| {
            orders.make_discount(&who.into(), key, wish).await
        })
        .on(
            calls::REPLACE_DISCOUNT,
            async |orders, (who, id, sent, wish)| {
                orders.replace_discount(&who.into(), id, sent, wish).await
            },
        )
        .on(calls::DISCOUNT, async |orders, (who, id)| {
            orders.discount(&who.into(), id).await
        })
        .on(calls::DISCOUNT_COUNTS, async |orders, who| {
            orders.discount_counts(&who.into()).await
        })
        .on(calls::DISCOUNTS, async |orders, (who, query)| {
            orders.discounts(&who.into(), query).await
        })
}

fn payments(table: Table) -> Table {
    table
        .on(calls::BEGIN_PAYMENTS, async |orders, batch| {
            orders.begin_payments(batch).await
        })
        .on(calls::SETTLE_ALL, async |orders, batch| {
            orders.settle_all(batch).await
        })
        .on(calls::NOTE_REFUND, async |orders, note| {
            orders.note_refund(note).await
        })
}
