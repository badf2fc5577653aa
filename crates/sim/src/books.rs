//! Reads the books at the end of a run, through the services' audits and what an admin may see.

use crate::{bus::Deliveries, people, process::Services, record::Good};
use checker::{Charge, OrderRow, Provider, State};
use contracts::{
    BoxError,
    catalog::ProductRef,
    orders::Reader,
    payments::{PaymentAudit, PaymentStatus},
};

/// More rows than any run makes.
const ROWS_MAX: u32 = 100_000;

pub(crate) async fn read(
    services: &Services,
    goods: &[Good],
    deliveries: &Deliveries,
) -> Result<(State, Provider), BoxError> {
    let admin = people::admin();
    let reader = Reader::user(admin.clone());
    let mut state = State {
        at: Some(services.clock.now()),
        stock: services.catalog.audit_stock(None, ROWS_MAX).await?,
        reservations: services.catalog.audit_reservations(None, ROWS_MAX).await?,
        payments: services.payments.audit(None, ROWS_MAX).await?,
        deliveries: deliveries.lock().expect("the deliveries").clone(),
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
    for good in goods {
        let which = ProductRef::Id(good.product);
        let product = services.catalog.product(Some(&admin), which).await?;
        state.products.push((good.product, product.version));
    }
    let charges = state.payments.iter().map(charge).collect();
    Ok((state, Provider { charges }))
}

/// What the provider says of the charge of a payment.
fn charge(row: &PaymentAudit) -> Charge {
    let net = row.provider_net_minor.unwrap_or(0);
    let refunded = row.status == PaymentStatus::Refunded && net == 0;
    let captured = if refunded { row.amount.minor } else { net };
    Charge {
        key: row.id.to_string(),
        amount: row.amount,
        captured_minor: captured,
        refunded_minor: captured.saturating_sub(net),
    }
}
