//! A webhook: whom it belongs to is the shop, what it is told its types say, and whether it hears its status.

use super::signature::SECRET_BYTES;
use contracts::{
    values::{Timestamp, Version, WebhookId},
    webhooks::{EventType, WebhookStatus, WebhookView},
};

/// A webhook as it is kept.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    pub(crate) id: WebhookId,
    pub(crate) url: String,
    pub(crate) types: Vec<EventType>,
    pub(crate) description: String,
    pub(crate) status: WebhookStatus,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) secret: [u8; SECRET_BYTES],
    /// The secret of before, and until when it is good.
    pub(crate) former: Option<([u8; SECRET_BYTES], Timestamp)>,
    /// All events up to this number are deliveries, or none that it wants.
    pub(crate) told: i64,
    pub(crate) failing_since: Option<Timestamp>,
    pub(crate) version: Version,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

impl std::fmt::Debug for Endpoint {
    /// Without its secrets, and without its address, where some may stand.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Endpoint")
            .field("id", &self.id)
            .field("status", &self.status)
            .field("told", &self.told)
            .finish_non_exhaustive()
    }
}

/// What somebody changes. What is `None` stays.
#[derive(Clone, Default)]
pub(crate) struct Edit {
    pub(crate) url: Option<String>,
    pub(crate) types: Option<Vec<EventType>>,
    pub(crate) description: Option<String>,
    pub(crate) status: Option<WebhookStatus>,
    /// Another secret, and until when the one of before is good.
    pub(crate) secret: Option<([u8; SECRET_BYTES], Timestamp)>,
}

/// How an exchange ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was answered with 2xx.
    Taken(u16),
    /// It was not: the status, if there was one, and what went wrong.
    Refused(Option<u16>, String),
}

impl Outcome {
    pub(crate) const fn is_taken(&self) -> bool {
        matches!(self, Self::Taken(_))
    }

    /// Whoever answers 410 wants to hear nothing any more.
    const fn is_gone(&self) -> bool {
        matches!(self, Self::Refused(Some(410), _))
    }
}

impl Endpoint {
    pub(crate) fn wants(&self, kind: EventType) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }

    pub(crate) const fn hears(&self) -> bool {
        matches!(self.status, WebhookStatus::Enabled)
    }

    /// The same after somebody changed it.
    pub(crate) fn edited(mut self, edit: &Edit, now: Timestamp) -> Self {
        if let Some(url) = &edit.url {
            self.url.clone_from(url);
        }
        if let Some(types) = &edit.types {
            self.types.clone_from(types);
        }
        if let Some(description) = &edit.description {
            self.description.clone_from(description);
        }
        if let Some(status) = edit.status {
            self.status = status;
            self.disabled_reason = None;
            // It has its whole time to answer again.
            self.failing_since = None;
        }
        if let Some((secret, former_until)) = edit.secret {
            self.former = (former_until > now).then_some((self.secret, former_until));
            self.secret = secret;
        }
        self.version = self.version.next();
        self.updated_at = now;
        self
    }

    /// The same after these exchanges. One that was taken ends a time of failing; one that was not begins it; a time
    /// that is too long ends the webhook's hearing.
    pub(crate) fn after(
        mut self,
        outcomes: &[Outcome],
        now: Timestamp,
        give_up_after_ms: i64,
    ) -> Self {
        if outcomes.iter().any(Outcome::is_taken) {
            self.failing_since = None;
            return self;
        }
        let Some(last) = outcomes.last() else {
            return self;
        };
        let since = *self.failing_since.get_or_insert(now);
        let failing_ms = now.as_ms().saturating_sub(since.as_ms());
        let Outcome::Refused(_, why) = last else {
            return self;
        };
        let reason = if outcomes.iter().any(Outcome::is_gone) {
            Some("it answered 410: it wants to hear nothing any more".to_owned())
        } else if failing_ms >= give_up_after_ms {
            Some(format!("nothing could be delivered since {since}: {why}"))
        } else {
            None
        };
        if let Some(reason) = reason {
            self.status = WebhookStatus::Disabled;
            self.disabled_reason = Some(reason);
            // What somebody has read of it is out of date.
            self.version = self.version.next();
            self.updated_at = now;
        }
        self
    }

    pub(crate) fn view(&self, now: Timestamp) -> WebhookView {
        let former = self.former.as_ref().map(|(_, until)| *until);
        WebhookView {
            id: self.id,
            version: self.version,
            url: self.url.clone(),
            types: self.types.clone(),
            description: self.description.clone(),
            status: self.status,
            disabled_reason: self.disabled_reason.clone(),
            failing_since: self.failing_since,
            former_secret_until: former.filter(|until| *until > now),
            told_sequence: self.told,
            created_at: self.created_at,
            updated_at: self.updated_at,
            deliveries: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_MS: i64 = 86_400_000;

    fn endpoint() -> Endpoint {
        let at = Timestamp::from_ms(0);
        Endpoint {
            id: WebhookId::generate(),
            url: "https://receiver.example/".to_owned(),
            types: Vec::new(),
            description: String::new(),
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            secret: [1; 32],
            former: None,
            told: 0,
            failing_since: None,
            version: Version::FIRST,
            created_at: at,
            updated_at: at,
        }
    }

    fn failed(status: u16) -> Outcome {
        Outcome::Refused(Some(status), "it answered".to_owned())
    }

    #[test]
    fn three_days_of_failing_end_it_and_one_success_begins_anew() {
        let at = |days: i64| Timestamp::from_ms(days * DAY_MS);
        let failing = endpoint().after(&[failed(500)], at(0), 3 * DAY_MS);
        assert_eq!(failing.failing_since, Some(at(0)));
        let still = failing.after(&[failed(500)], at(2), 3 * DAY_MS);
        assert!(still.hears());
        let over = still.clone().after(&[failed(500)], at(3), 3 * DAY_MS);
        assert!(!over.hears() && over.disabled_reason.is_some());
        assert_eq!(over.version.get(), 2);
        let well = still.after(&[failed(500), Outcome::Taken(200)], at(3), 3 * DAY_MS);
        assert_eq!(well.failing_since, None);
        let enabled = Edit {
            status: Some(WebhookStatus::Enabled),
            ..Edit::default()
        };
        let again = over.edited(&enabled, at(4));
        assert!(again.hears() && again.failing_since.is_none());
    }

    #[test]
    fn whoever_has_gone_for_good_is_believed_at_once() {
        let gone = endpoint().after(&[failed(410)], Timestamp::from_ms(1), 3 * DAY_MS);
        assert!(!gone.hears());
    }
}
