//! The values every service shares: each is checked once, when it is made. No rules of any one service.

mod counted;
mod country;
mod email;
mod id;
mod money;
mod page;
mod quantity;
mod raw;
pub(crate) mod schema;
mod text;
mod time;
mod version;

pub use counted::Counted;
pub use country::Country;
pub use email::{Email, Username};
pub use id::{
    ApiKeyId, CartId, CategoryId, DeliveryId, DiscountId, EarlierOrderId, EventId, IdError,
    ImageId, KeptAddressId, MailId, NoteId, OrderId, PaymentId, ProductId, RefundId, ReturnId,
    ReviewId, SecurityEventId, SessionId, ShipmentId, ShippingMethodId, TaxRateId, UserId,
    VariantId, WebhookId,
};
pub use money::{Currency, Money, MoneyError, MoneyInput};
pub use page::{Cursor, Page, PageSize};
pub use quantity::Quantity;
pub use raw::RawId;
pub use text::{ValueError, bounded_text, fold, one_line};
pub use time::Timestamp;
pub use version::Version;

use serde::{Deserialize, Deserializer};

/// For fields of a merge patch (RFC 7396): tells `null` (`Some(None)`) from absent (`None`, by `default`).
///
/// # Errors
/// When the value is not of the field's type.
pub fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}
