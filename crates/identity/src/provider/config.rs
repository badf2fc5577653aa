//! The tables `[identity.openid.NAME]`: whom people may sign in by. It asks nobody.

use platform::{
    config::Secret,
    outward::{self, Address},
};
use serde::{Deserialize, Serialize};

/// The longest name in addresses.
const NAME_BYTES_MAX: usize = 32;

/// A provider of identities, as the settings describe it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenId {
    /// `iss` of its tokens, and where its description is found.
    pub issuer: String,
    /// What it calls this shop.
    pub client_id: String,
    /// Proves that it is this shop; none for a public client.
    #[serde(default)]
    pub client_secret: Secret,
    /// Its name for people; its name in addresses if none is given.
    #[serde(default)]
    pub title: String,
    /// What it is asked for, `openid` in any case.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
}

fn usual_scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

impl OpenId {
    /// Refuses what cannot work.
    pub(crate) fn check(&self, name: &str) -> Result<(), String> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > NAME_BYTES_MAX || !name.bytes().all(plain) {
            return Err(format!(
                "openid.{name}: a name must be 1 to {NAME_BYTES_MAX} of a-z, 0-9 and -"
            ));
        }
        Address::parse(&self.issuer).map_err(|why| format!("openid.{name}.issuer: {why}"))?;
        if self.issuer.contains('?') {
            return Err(format!("openid.{name}.issuer: no ? may stand in it"));
        }
        if self.client_id.is_empty() {
            return Err(format!("openid.{name}.client_id must not be empty"));
        }
        let is_scope = |scope: &String| {
            let visible = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
            !scope.is_empty() && scope.bytes().all(visible)
        };
        if !self.scopes.iter().all(is_scope) {
            return Err(format!("openid.{name}.scopes: a scope is one word"));
        }
        Ok(())
    }

    /// The same where it is known where the shop may go.
    pub(crate) fn admit(&self, name: &str, outward: &outward::Options) -> Result<(), String> {
        let address = Address::parse(&self.issuer);
        let admitted = address.and_then(|address| outward.admit(&address));
        admitted.map_err(|why| {
            format!("identity.openid.{name}.issuer: {why} ([outward] says where the shop may go)")
        })
    }

    /// The scopes as one text.
    pub(super) fn scope(&self) -> String {
        let others = self.scopes.iter().filter(|scope| *scope != "openid");
        let all = std::iter::once("openid").chain(others.map(String::as_str));
        all.collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn provider(issuer: &str) -> OpenId {
        OpenId {
            issuer: issuer.to_owned(),
            client_id: "shop".to_owned(),
            client_secret: Secret::default(),
            title: String::new(),
            scopes: usual_scopes(),
        }
    }

    #[test]
    fn what_cannot_work_is_named() {
        assert_eq!(provider("https://id.example").check("acme"), Ok(()));
        for (issuer, name) in [
            ("id.example", "acme"),
            ("https://id.example/?x", "acme"),
            ("https://id.example", ""),
            ("https://id.example", "Acme"),
            ("https://id.example", "../acme"),
        ] {
            let refused = provider(issuer).check(name);
            assert!(refused.is_err(), "{issuer} {name}");
        }
        let nobody = OpenId {
            client_id: String::new(),
            ..provider("https://id.example")
        };
        assert!(
            nobody
                .check("acme")
                .unwrap_err()
                .contains("openid.acme.client_id")
        );
    }

    #[test]
    fn openid_is_asked_for_in_any_case() {
        let mut provider = provider("https://id.example");
        assert_eq!(provider.scope(), "openid email profile");
        provider.scopes = vec!["email".to_owned()];
        assert_eq!(provider.scope(), "openid email");
    }
}
