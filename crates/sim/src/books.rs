//! Reads the books at the end of a run, through the services' audits and what an admin may see.

use crate::{bus::Deliveries, cast, process::Services, record::Good};
use checker::{OrderRow, Provider, RefundRow, State};
use contracts::{
    BoxError,
    catalog::ProductRef,
    orders::{DiscountQuery, Reader},
};

/// More rows than any run makes.
const ROWS_MAX: u32 = 100_000;

pub(crate) async fn read(
    services: &Services,
    goods: &[Good],
    deliveries: &Deliveries,
) -> Result<(State, Provider), BoxError> {
    let admin = cast::admin();
    let reader = Reader::user(admin.clone());
    let mut state = State {
        at: Some(services.clock.now()),
        stock: services.catalog.audit_stock(None, ROWS_MAX).await?,
        reservations: services.catalog.audit_reservations(None, ROWS_MAX).await?,
        payments: services.payments.audit(None, ROWS_MAX).await?,
        ledger: services.payments.audit_ledger().await?,
        discounts: services
            .orders
            .discounts(&admin, DiscountQuery::default())
            .await?
            .data,
        miscounted: services.orders.audit_discounts().await?,
        untold_returns: services.orders.audit_events().await?.untold_returns,
        deliveries: Some(deliveries.lock().expect("the deliveries").clone()),
        ..State::default()
    };
    for audit in services.orders.audit(None, ROWS_MAX).await? {
        let view = services.orders.order(&reader, audit.id).await?;
        let timeline = services.orders.timeline(&reader, audit.id).await?;
        state.orders.push(OrderRow {
            audit,
            view,
            timeline,
        });
    }
    for audit in services.payments.audit_refunds(None, ROWS_MAX).await? {
        let views = services.payments.refunds(&reader, audit.payment_id).await?;
        let view = views.into_iter().find(|view| view.id == audit.id);
        let items = view.map(|view| view.items).unwrap_or_default();
        state.refunds.push(RefundRow { audit, items });
    }
    for good in goods {
        let which = ProductRef::Id(good.product);
        let product = services.catalog.product(Some(&admin), which).await?;
        state.products.push((good.product, product.version));
    }
    let charges = services.payments.audit_charges(0, ROWS_MAX).await?;
    Ok((state, Provider { charges }))
}
