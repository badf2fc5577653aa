//! What a user may do: a set that always holds `customer`, so that who sells or runs the shop can also buy.

use contracts::{access::Role, values::ValueError};

/// Roles, each once, in their order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Roles(Vec<Role>);

impl Roles {
    /// These, and `customer`.
    pub(crate) fn of(wanted: &[Role]) -> Self {
        let mut roles = vec![Role::Customer];
        roles.extend_from_slice(wanted);
        roles.sort_unstable();
        roles.dedup();
        Self(roles)
    }

    /// These and one more.
    pub(crate) fn with(&self, role: Role) -> Self {
        let mut wanted = self.0.clone();
        wanted.push(role);
        Self::of(&wanted)
    }

    pub(crate) fn has(&self, role: Role) -> bool {
        self.0.contains(&role)
    }

    pub(crate) fn as_slice(&self) -> &[Role] {
        &self.0
    }

    /// The text that storage keeps.
    pub(crate) fn as_text(&self) -> String {
        let words: Vec<_> = self.0.iter().map(|role| role.as_str()).collect();
        words.join(",")
    }

    /// Reads what storage kept.
    pub(crate) fn from_text(text: &str) -> Result<Self, ValueError> {
        let roles: Result<Vec<Role>, _> = text.split(',').map(str::parse).collect();
        Ok(Self::of(&roles?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn everybody_stays_a_customer_and_roles_come_once() {
        assert_eq!(Roles::of(&[]).as_text(), "customer");
        let twice = Roles::of(&[Role::Admin, Role::Merchant, Role::Admin]);
        assert_eq!(twice.as_text(), "customer,merchant,admin");
        assert_eq!(Roles::of(&[]).with(Role::Admin).as_text(), "customer,admin");
        assert!(Roles::from_text("root").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(picks in proptest::collection::vec(0_usize..3, 0..8)) {
            let all = [Role::Customer, Role::Merchant, Role::Admin];
            let wanted: Vec<_> = picks.into_iter().map(|pick| all[pick]).collect();
            let roles = Roles::of(&wanted);
            prop_assert_eq!(Roles::from_text(&roles.as_text()).unwrap(), roles);
        }
    }
}
