//! Typed ids: a prefix and 26 characters of Crockford base32 over 16 bytes (`TypeID` 0.3).
//! An id of one kind never parses as another; storage keeps the 16 bytes only.

use super::schema::plain_schema;
use serde::{Deserialize, Serialize, Serializer};
use std::{borrow::Cow, fmt, str::FromStr};
use uuid::Uuid;

const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const ENCODED_LENGTH: usize = 26;

/// A text that is no id of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("malformed id: expected {prefix}_ and 26 characters")]
pub struct IdError {
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
}

fn encode(bytes: [u8; 16]) -> [u8; ENCODED_LENGTH] {
    let mut value = u128::from_be_bytes(bytes);
    let mut text = [b'0'; ENCODED_LENGTH];
    for place in text.iter_mut().rev() {
        let digit = usize::try_from(value & 31).unwrap_or(0);
        *place = ALPHABET.get(digit).copied().unwrap_or(b'0');
        value >>= 5;
    }
    text
}

fn decode(text: &str) -> Option<[u8; 16]> {
    if text.len() != ENCODED_LENGTH || text.as_bytes().first().is_none_or(|first| *first > b'7') {
        return None;
    }
    let mut value: u128 = 0;
    for byte in text.bytes() {
        let digit = ALPHABET.iter().position(|known| *known == byte)?;
        value = (value << 5) | u128::try_from(digit).ok()?;
    }
    Some(value.to_be_bytes())
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
        #[serde(try_from = "Cow<'_, str>")]
        pub struct $name([u8; 16]);

        impl $name {
            /// The kind's prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A new time-ordered id (`UUIDv7`, RFC 9562).
            #[must_use]
            pub fn generate() -> Self {
                Self(Uuid::now_v7().into_bytes())
            }

            /// An id from bytes that were chosen or stored before.
            #[must_use]
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The 16 bytes that storage keeps.
            #[must_use]
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode(self.0)).unwrap_or_default())
            }
        }

        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(decode)
                    .map(Self)
                    .ok_or(IdError { prefix: $prefix })
            }
        }

        impl TryFrom<Cow<'_, str>> for $name {
            type Error = IdError;
            fn try_from(text: Cow<'_, str>) -> Result<Self, IdError> {
                text.parse()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.to_string()
            }
        }

        plain_schema!(
            $name,
            String,
            pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"))),
            examples([concat!($prefix, "_01h455vb4pex5vsknk084sn02q")])
        );
    )*};
}

ids! {
    /// A product.
    ProductId = "prd";
    /// A variant of a product: what is stocked and sold.
    VariantId = "var";
    /// A category.
    CategoryId = "cat";
    /// A cart.
    CartId = "crt";
    /// A review of a product.
    ReviewId = "rvw";
    /// A picture of a product.
    ImageId = "img";
    /// A record of an earlier order.
    EarlierOrderId = "eor";
    /// An address that a customer keeps.
    KeptAddressId = "adr";
    /// A discount.
    DiscountId = "dsc";
    /// A way of shipping.
    ShippingMethodId = "shm";
    /// A tax rate.
    TaxRateId = "txr";
    /// An order.
    OrderId = "ord";
    /// A payment.
    PaymentId = "pay";
    /// A refund.
    RefundId = "rfd";
    /// A user.
    UserId = "usr";
    /// A session: one sign-in and all tokens that came of it.
    SessionId = "ses";
    /// A mail.
    MailId = "mail";
    /// An API key.
    ApiKeyId = "key";
    /// An event.
    EventId = "evt";
    /// A security event.
    SecurityEventId = "sev";
    /// What was sent of an order at a time.
    ShipmentId = "shp";
    /// What comes back of an order.
    ReturnId = "ret";
    /// A note about an order.
    NoteId = "note";
    /// A webhook: somebody's address that hears of events.
    WebhookId = "whk";
    /// A delivery of an event to a webhook.
    DeliveryId = "dlv";
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read_back(bytes: [u8; 16]) {
            let id = OrderId::from_bytes(bytes);
            prop_assert_eq!(id.to_string().parse::<OrderId>(), Ok(id));
        }

        #[test]
        fn no_text_makes_parsing_fall_over(text in ".{0,40}") {
            let _ = text.parse::<OrderId>();
        }
    }

    #[test]
    fn an_id_of_another_kind_is_refused() {
        let product = ProductId::generate().to_string();
        assert_eq!(product.parse::<OrderId>(), Err(IdError { prefix: "ord" }));
        assert!(
            "ord_8zzzzzzzzzzzzzzzzzzzzzzzzz".parse::<OrderId>().is_err(),
            "over 128 bits"
        );
        assert!(
            "ord_01H455VB4PEX5VSKNK084SN02Q".parse::<OrderId>().is_err(),
            "upper case"
        );
    }

    #[test]
    fn the_specification_s_own_example_agrees() {
        let uuid: Uuid = "01890a5d-ac96-774b-bcce-b302099a8057".parse().unwrap();
        let id = UserId::from_bytes(uuid.into_bytes());
        assert_eq!(id.to_string(), "usr_01h455vb4pex5vsknk084sn02q");
    }
}
