//! An order's papers: the invoice, for whoever sees the order, once it was paid; and the slip of a parcel, for whoever
//! sends it. They are made anew each time, of what is kept.

use super::{Service, internal};
use crate::domain::{
    paper::pdf,
    papers::{Billed, explained, invoice, slip},
};
use contracts::{
    orders::{OrderError, Reader},
    values::OrderId,
};

/// A paper as it is handed out.
pub(crate) struct Paper {
    /// What the file is called, without its kind.
    pub(crate) name: String,
    pub(crate) pdf: Vec<u8>,
}

impl Service {
    /// The invoice of an order that was paid, by the order's own number.
    pub(crate) async fn invoice(&self, who: &Reader, id: OrderId) -> Result<Paper, OrderError> {
        self.find_for(who, id).await?;
        let paid_at = self.store.paid_at(id).await.map_err(internal)?;
        let paid_at = paid_at.ok_or(OrderError::NotFound)?;
        let order = self.view(id).await?;
        let timeline = self.store.timeline(id).await.map_err(internal)?;
        let lines = invoice(&Billed {
            order: &order,
            paid_at,
            timeline: &timeline,
            seller: &self.config.papers.seller,
        });
        let lines = explained(lines, self.page(id).as_deref());
        Ok(Paper {
            name: format!("invoice-{}", order.number),
            pdf: pdf(&format!("Invoice {}", order.number), &lines),
        })
    }

    /// The slip of a parcel; of the last one, if none is named.
    pub(crate) async fn packing_slip(
        &self,
        who: &Reader,
        id: OrderId,
        parcel: Option<u32>,
    ) -> Result<Paper, OrderError> {
        let (_, access) = self.find_for(who, id).await?;
        if !(access.shop || access.seller) {
            return Err(OrderError::Forbidden);
        }
        let order = self.view(id).await?;
        let parcels = self.store.shipments(id).await.map_err(internal)?;
        let found = match parcel {
            Some(number) => parcels.iter().find(|one| one.number == number),
            None => parcels.last(),
        };
        let parcel = found.ok_or(OrderError::NotFound)?;
        let lines = slip(&order, parcel, &self.config.papers.seller);
        let lines = explained(lines, self.page(id).as_deref());
        Ok(Paper {
            name: format!("packing-slip-{}-{}", order.number, parcel.number),
            pdf: pdf(&format!("Packing slip {}", order.number), &lines),
        })
    }
}
