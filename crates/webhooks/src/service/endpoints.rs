//! Webhooks as admins make and change them. A secret leaves through here, once.

use super::{Service, failure, refusal};
use crate::{
    domain::{
        endpoint::{Edit, Endpoint},
        signature,
    },
    store::NewEndpoint,
};
use contracts::{
    access::Principal,
    request::{Answered, IdempotencyKey, Precondition},
    values::{Counted, ValueError, Version, WebhookId, bounded_text},
    webhooks::{
        EventType, NewWebhook, PatchWebhook, RotateWebhook, WebhookError, WebhookMade,
        WebhookStatus, WebhookView,
    },
};
use platform::{db::keys::KeyedRequest, digest, outward::Address};

/// The longest description, in characters.
const DESCRIPTION_MAX: usize = 200;
/// The longest time that a secret of before signs as well, in seconds.
const GRACE_SECONDS_MAX: u32 = 7 * 24 * 60 * 60;

impl Service {
    /// Makes a webhook; it hears of what comes from now on.
    pub(crate) async fn make(
        &self,
        who: &Principal,
        key: Option<IdempotencyKey>,
        wish: NewWebhook,
    ) -> Result<Answered<WebhookMade>, WebhookError> {
        let scope = format!("{} POST /api/v1/webhooks", who.user_id);
        let request = key.map(|key| KeyedRequest::new(&scope, &key, &wish));
        let request = request.transpose().map_err(WebhookError::Internal)?;
        let secret = digest::random().map_err(WebhookError::Internal)?;
        let now = self.now();
        let endpoint = Endpoint {
            id: WebhookId::generate(),
            url: self.url(&wish.url)?,
            types: types(wish.types),
            description: description(&wish.description)?,
            status: WebhookStatus::Enabled,
            disabled_reason: None,
            secret,
            former: None,
            told: 0,
            failing_since: None,
            version: Version::FIRST,
            created_at: now,
            updated_at: now,
        };
        let made = self.store.make(NewEndpoint {
            endpoint,
            most: self.config.webhooks_max.into(),
            request,
        });
        let made = made.await.map_err(refusal)?;
        let replayed = made.replayed;
        Ok(made.map(|endpoint| WebhookMade {
            webhook: endpoint.view(now),
            secret: (!replayed).then(|| signature::shown(&endpoint.secret)),
        }))
    }

    pub(crate) async fn list(&self) -> Result<Vec<WebhookView>, WebhookError> {
        let (now, all) = (self.now(), self.store.all().await.map_err(failure)?);
        Ok(all.iter().map(|one| one.view(now)).collect())
    }

    pub(crate) async fn find(&self, id: WebhookId) -> Result<WebhookView, WebhookError> {
        let view = self.found(id).await?.view(self.now());
        let counts = self.store.count_deliveries(id, Counted::MAX).await;
        Ok(WebhookView {
            deliveries: Some(counts.map_err(failure)?),
            ..view
        })
    }

    pub(super) async fn found(&self, id: WebhookId) -> Result<Endpoint, WebhookError> {
        let found = self.store.find(id).await.map_err(failure)?;
        found.ok_or(WebhookError::NotFound)
    }

    pub(crate) async fn patch(
        &self,
        id: WebhookId,
        sent: Precondition,
        wish: PatchWebhook,
    ) -> Result<WebhookView, WebhookError> {
        let url = wish.url.as_deref().map(|url| self.url(url));
        let described = wish.description.map(Option::unwrap_or_default);
        let edit = Edit {
            url: url.transpose()?,
            types: wish.types.map(Option::unwrap_or_default).map(types),
            description: described.as_deref().map(description).transpose()?,
            status: wish.status,
            secret: None,
        };
        self.edit(id, sent, edit)
            .await
            .map(|one| one.view(self.now()))
    }

    async fn edit(
        &self,
        id: WebhookId,
        sent: Precondition,
        edit: Edit,
    ) -> Result<Endpoint, WebhookError> {
        let changed = self.store.change(id, sent, edit, self.now()).await;
        changed.map_err(refusal)
    }

    pub(crate) async fn remove(
        &self,
        id: WebhookId,
        sent: Precondition,
    ) -> Result<(), WebhookError> {
        self.store.remove(id, sent).await.map_err(refusal)
    }

    /// Gives a webhook another secret; the one of before signs as well for a while.
    pub(crate) async fn rotate(
        &self,
        id: WebhookId,
        wish: RotateWebhook,
    ) -> Result<WebhookMade, WebhookError> {
        if wish.grace_seconds > GRACE_SECONDS_MAX {
            return Err(WebhookError::Invalid {
                field: "/grace_seconds".into(),
                reason: format!("must be at most {GRACE_SECONDS_MAX}"),
            });
        }
        let secret = digest::random().map_err(WebhookError::Internal)?;
        let until = self.now().plus_seconds(wish.grace_seconds.into());
        let edit = Edit {
            secret: Some((secret, until)),
            ..Edit::default()
        };
        let changed = self.edit(id, Precondition::LastWriterWins, edit).await?;
        Ok(WebhookMade {
            webhook: changed.view(self.now()),
            secret: Some(signature::shown(&secret)),
        })
    }

    /// What can be judged of an address before its name is asked for. The rest is judged at each exchange.
    fn url(&self, text: &str) -> Result<String, WebhookError> {
        let judged = Address::parse(text).and_then(|address| {
            self.config.outward.admit(&address)?;
            Ok(address)
        });
        let invalid = |reason: String| WebhookError::Invalid {
            field: "/url".into(),
            reason,
        };
        let address = judged.map_err(|refusal| invalid(format!("is not told: {refusal}")))?;
        Ok(address.as_str().to_owned())
    }
}

fn types(mut types: Vec<EventType>) -> Vec<EventType> {
    types.sort_unstable();
    types.dedup();
    types
}

fn description(text: &str) -> Result<String, WebhookError> {
    bounded_text(text, 0, DESCRIPTION_MAX).map_err(|ValueError(reason)| WebhookError::Invalid {
        field: "/description".into(),
        reason,
    })
}
