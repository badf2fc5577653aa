//! Which parts of the shop a process runs. A list of names becomes what is near, what is far, and who must be known.

use contracts::values::ValueError;
use serde::{Deserialize, Serialize};
use std::{fmt, str::FromStr};

/// A part of the shop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The one door.
    Gateway,
    /// The pages.
    Storefront,
    /// Accounts, sessions, tokens.
    Identity,
    /// Products and stock.
    Catalog,
    /// Orders.
    Orders,
    /// Payments.
    Payments,
    /// More hands for the services' work in the background.
    Worker,
}

/// What `all` stands for.
const ALL: [Target; 6] = [
    Target::Gateway,
    Target::Storefront,
    Target::Identity,
    Target::Catalog,
    Target::Orders,
    Target::Payments,
];

/// What keeps something.
pub(crate) const SERVICES: [Target; 4] = [
    Target::Identity,
    Target::Catalog,
    Target::Orders,
    Target::Payments,
];

impl Target {
    /// All of them, as they are listed.
    pub const LIST: [Self; 7] = [
        Self::Gateway,
        Self::Storefront,
        Self::Identity,
        Self::Catalog,
        Self::Orders,
        Self::Payments,
        Self::Worker,
    ];

    /// Its name in lists, in `[peers]` and in the paths of calls.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gateway => "gateway",
            Self::Storefront => "storefront",
            Self::Identity => "identity",
            Self::Catalog => "catalog",
            Self::Orders => "orders",
            Self::Payments => "payments",
            Self::Worker => "worker",
        }
    }

    /// What a node with it does.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Gateway => {
                "the one door: sign-in, limits, and who answers which path; verifies the books"
            }
            Self::Storefront => "the pages",
            Self::Identity => {
                "accounts, sessions, tokens; delivers its events, forgets what is over"
            }
            Self::Catalog => "products and stock; hears of orders that were called off",
            Self::Orders => {
                "orders; delivers their events, ends what nobody paid, forgets deleted users"
            }
            Self::Payments => {
                "payments and refunds; finishes what was left, gives called-off orders' money back"
            }
            Self::Worker => {
                "opens the stores of all four services and does their work in the background, but answers nobody"
            }
        }
    }

    /// Which services it asks.
    pub(crate) const fn needs(self) -> &'static [Self] {
        match self {
            Self::Gateway => &[
                Self::Storefront,
                Self::Identity,
                Self::Catalog,
                Self::Orders,
                Self::Payments,
            ],
            Self::Storefront => &SERVICES,
            Self::Orders => &[Self::Catalog, Self::Payments],
            Self::Payments => &[Self::Catalog, Self::Orders],
            Self::Identity | Self::Catalog | Self::Worker => &[],
        }
    }
}

/// A list of targets, each once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Targets(Vec<Target>);

impl Targets {
    /// Whether it was named.
    #[must_use]
    pub fn has(&self, target: Target) -> bool {
        self.0.contains(&target)
    }

    /// Whether this process opens what the target keeps, or is it.
    pub(crate) fn is_near(&self, target: Target) -> bool {
        let by_worker = SERVICES.contains(&target) && self.has(Target::Worker);
        self.has(target) || by_worker
    }

    /// The services that are near.
    pub(crate) fn services(&self) -> impl Iterator<Item = Target> {
        SERVICES.into_iter().filter(|target| self.is_near(*target))
    }

    /// Whether nothing of the shop is elsewhere.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        ALL.into_iter().all(|target| self.has(target))
    }

    /// Who asks whom over the network: pairs of a target here and one that is elsewhere.
    pub(crate) fn far_needs(&self) -> impl Iterator<Item = (Target, Target)> {
        let pairs = |here: &Target| {
            let here = *here;
            here.needs().iter().map(move |there| (here, *there))
        };
        let far = |(_, there): &(Target, Target)| !self.is_near(*there);
        self.0.iter().flat_map(pairs).filter(far)
    }
}

impl FromStr for Targets {
    type Err = ValueError;
    fn from_str(text: &str) -> Result<Self, ValueError> {
        let mut targets = Vec::new();
        for name in text.split(',').map(str::trim) {
            if name == "all" {
                targets.extend(ALL);
                continue;
            }
            let found = Target::LIST
                .into_iter()
                .find(|target| target.name() == name);
            targets.push(found.ok_or_else(|| {
                let names = Target::LIST.map(Target::name).join(", ");
                ValueError::new(format!(
                    "`{name}` is no target: use all, or a list of {names}"
                ))
            })?);
        }
        targets.sort_unstable();
        targets.dedup();
        Ok(Self(targets))
    }
}

impl fmt::Display for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == ALL {
            return f.write_str("all");
        }
        let names: Vec<&str> = self.0.iter().map(|target| target.name()).collect();
        f.write_str(&names.join(","))
    }
}

impl TryFrom<String> for Targets {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        text.parse()
    }
}

impl From<Targets> for String {
    fn from(targets: Targets) -> Self {
        targets.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn targets(text: &str) -> Targets {
        text.parse().unwrap()
    }

    #[test]
    fn lists_are_read_in_any_order_and_written_in_one() {
        for (text, expected) in [
            ("all", "all"),
            ("orders, gateway,orders", "gateway,orders"),
            ("payments,orders,catalog,identity,storefront,gateway", "all"),
            (
                "all,worker",
                "gateway,storefront,identity,catalog,orders,payments,worker",
            ),
        ] {
            assert_eq!(targets(text).to_string(), expected);
        }
        for text in ["", "cart", "gateway,", "All"] {
            assert!(text.parse::<Targets>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_worker_has_every_service_near_and_is_none_of_them() {
        let worker = targets("worker");
        assert_eq!(worker.services().count(), 4);
        assert!(!worker.has(Target::Orders) && !worker.is_near(Target::Storefront));
        assert_eq!(worker.far_needs().count(), 0);
    }

    #[test]
    fn who_asks_whom_follows_from_the_list() {
        let far = |text: &str| {
            let pairs = targets(text);
            let pairs = pairs
                .far_needs()
                .map(|(here, there)| format!("{}>{}", here.name(), there.name()));
            pairs.collect::<Vec<_>>().join(" ")
        };
        assert_eq!(far("all"), "");
        assert_eq!(far("identity,catalog"), "");
        assert_eq!(far("orders"), "orders>catalog orders>payments");
        assert_eq!(far("orders,payments"), "orders>catalog payments>catalog");
        assert_eq!(far("storefront,identity,catalog,orders,payments"), "");
        assert_eq!(
            far("gateway"),
            "gateway>storefront gateway>identity gateway>catalog gateway>orders gateway>payments"
        );
    }
}
