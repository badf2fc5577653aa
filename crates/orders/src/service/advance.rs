//! Moving an order on: cancel, ship, deliver. Who may is decided before whether it is possible.

use super::Service;
use crate::domain::order::Happening;
use contracts::{
    catalog::ReservationState,
    orders::{OrderError, OrderMove, OrderStatus, OrderView, Reader},
    values::{OrderId, one_line},
};
use platform::fault;

impl Service {
    pub(super) async fn advance_order(
        &self,
        who: &Reader,
        id: OrderId,
        step: OrderMove,
    ) -> Result<OrderView, OrderError> {
        let (_, access) = self.find_for(who, id).await?;
        let may = match step {
            OrderMove::Cancel => access.shop || access.buyer,
            OrderMove::Ship { .. } | OrderMove::Deliver => access.shop || access.seller,
        };
        if !may {
            return Err(OrderError::Forbidden);
        }
        let step = checked(step)?;
        let actor = who.actor();
        if matches!(step, OrderMove::Cancel) {
            fault::point("cancel.allowed");
        }
        let (before, after) = match step {
            OrderMove::Ship { tracking } => {
                self.send_rest(id, tracking, &actor).await?;
                return self.view(id).await;
            }
            OrderMove::Cancel => self.call_off(id, &actor).await?,
            OrderMove::Deliver => self.happen(id, Happening::Moved(step), &actor).await?,
        };
        if after.status == OrderStatus::Cancelled {
            fault::point("cancel.ordered");
            let to = match before.status {
                OrderStatus::Pending => ReservationState::Released,
                OrderStatus::Paid
                | OrderStatus::Shipped
                | OrderStatus::Delivered
                | OrderStatus::Cancelled
                | OrderStatus::Refunded => ReservationState::Returned,
            };
            self.give_stock_back(&[id], to, &actor).await;
            fault::point("cancel.stock_back");
        }
        self.view(id).await
    }
}

fn checked(step: OrderMove) -> Result<OrderMove, OrderError> {
    let OrderMove::Ship {
        tracking: Some(number),
    } = step
    else {
        return Ok(step);
    };
    let number = one_line(&number, 1, 100).map_err(|error| OrderError::Invalid {
        field: "/tracking".into(),
        reason: error.0,
    })?;
    Ok(OrderMove::Ship {
        tracking: Some(number),
    })
}
