//! Whose products somebody may see whole and change. Asks nobody: the principal was proven at the door.

use contracts::{access::Principal, catalog::ProductStatus, values::UserId};

/// Part of the shop that belongs to somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// An admin's: all.
    All,
    /// A user's own products.
    Of(UserId),
    /// A stranger's: nothing.
    Nothing,
}

impl Scope {
    /// The part that is the viewer's.
    pub(crate) fn of(viewer: Option<&Principal>) -> Self {
        match viewer {
            None => Self::Nothing,
            Some(principal) if principal.is_admin() => Self::All,
            Some(principal) => Self::Of(principal.user_id),
        }
    }

    /// Whether this owner's products are in it.
    pub(crate) fn holds(self, owner: UserId) -> bool {
        match self {
            Self::All => true,
            Self::Of(user) => user == owner,
            Self::Nothing => false,
        }
    }

    /// Whether a product can be seen: what is on sale by all, the rest by those who may change it.
    pub(crate) fn sees(self, owner: UserId, status: ProductStatus) -> bool {
        status == ProductStatus::Active || self.holds(owner)
    }
}
