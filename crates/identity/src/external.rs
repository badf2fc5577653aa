//! What crosses between nodes about providers of identities: the calls, who makes them, and who answers. Tickets, codes
//! and passwords have forms that can be written down here and in `calls`, and nowhere else.

use crate::{
    calls::{Sent, Tokens},
    client::Client,
};
use async_trait::async_trait;
use contracts::{
    access::Principal,
    identity::{
        BeginExternal, ChangeExternal, EndExternal, External, ExternalAttempt, ExternalEnd,
        ExternalError, ExternalLink, Identity, ProviderView,
    },
    wire::Who,
};
use platform::{call::Call, http::internal::Answering};
use serde::{Deserialize, Serialize};

/// [`ChangeExternal`] on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Change {
    provider: String,
    password: Sent,
    code: Option<Sent>,
}

impl From<ChangeExternal> for Change {
    fn from(wish: ChangeExternal) -> Self {
        Self {
            provider: wish.provider,
            password: Sent(wish.password),
            code: wish.code.map(Sent),
        }
    }
}

impl From<Change> for ChangeExternal {
    fn from(wish: Change) -> Self {
        Self {
            provider: wish.provider,
            password: wish.password.0,
            code: wish.code.map(|code| code.0),
        }
    }
}

/// [`ExternalAttempt`] on its way.
#[derive(Debug, Serialize, Deserialize)]
struct Attempt {
    location: String,
    ticket: Sent,
    expires_in: i64,
}

impl From<ExternalAttempt> for Attempt {
    fn from(attempt: ExternalAttempt) -> Self {
        Self {
            location: attempt.location,
            ticket: Sent(attempt.ticket),
            expires_in: attempt.expires_in,
        }
    }
}

impl From<Attempt> for ExternalAttempt {
    fn from(attempt: Attempt) -> Self {
        Self {
            location: attempt.location,
            ticket: attempt.ticket.0,
            expires_in: attempt.expires_in,
        }
    }
}

/// [`EndExternal`] on its way.
#[derive(Debug, Serialize, Deserialize)]
struct End {
    provider: String,
    ticket: Sent,
    state: String,
    code: Option<Sent>,
    issuer: Option<String>,
}

impl From<EndExternal> for End {
    fn from(wish: EndExternal) -> Self {
        Self {
            provider: wish.provider,
            ticket: Sent(wish.ticket),
            state: wish.state,
            code: wish.code.map(Sent),
            issuer: wish.issuer,
        }
    }
}

impl From<End> for EndExternal {
    fn from(wish: End) -> Self {
        Self {
            provider: wish.provider,
            ticket: wish.ticket.0,
            state: wish.state,
            code: wish.code.map(|code| code.0),
            issuer: wish.issuer,
        }
    }
}

/// [`ExternalEnd`] on its way.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Ended {
    SignedIn { session: Box<Tokens>, next: String },
    CodeRequired { challenge: String, next: String },
    Linked,
}

impl From<ExternalEnd> for Ended {
    fn from(end: ExternalEnd) -> Self {
        match end {
            ExternalEnd::SignedIn { session, next } => Self::SignedIn {
                session: Box::new((*session).into()),
                next,
            },
            ExternalEnd::CodeRequired { challenge, next } => Self::CodeRequired { challenge, next },
            ExternalEnd::Linked => Self::Linked,
        }
    }
}

impl From<Ended> for ExternalEnd {
    fn from(end: Ended) -> Self {
        match end {
            Ended::SignedIn { session, next } => Self::SignedIn {
                session: Box::new((*session).into()),
                next,
            },
            Ended::CodeRequired { challenge, next } => Self::CodeRequired { challenge, next },
            Ended::Linked => Self::Linked,
        }
    }
}

type Answer<T> = Result<T, ExternalError>;

const PROVIDERS: Call<(), Answer<Vec<ProviderView>>> = Call::read("providers");
// The provider is asked, which may take longer than a try: whoever waits asks again.
const BEGIN: Call<BeginExternal, Answer<Attempt>> = Call::once("begin_external");
// A second try costs a password's hash.
const BEGIN_LINK: Call<(Who, Change), Answer<Attempt>> = Call::once("begin_link");
// A code is good once.
const END: Call<(Option<Who>, End), Answer<Ended>> = Call::once("end_external");
const LINKS: Call<Who, Answer<Vec<ExternalLink>>> = Call::read("external_links");
const UNLINK: Call<(Who, Change), Answer<()>> = Call::once("unlink_external");

#[async_trait]
impl External for Client {
    async fn providers(&self) -> Answer<Vec<ProviderView>> {
        self.peer.ask(PROVIDERS, &()).await
    }

    async fn begin_external(&self, wish: BeginExternal) -> Answer<ExternalAttempt> {
        self.peer.ask(BEGIN, &wish).await.map(Attempt::into)
    }

    async fn begin_link(&self, who: &Principal, wish: ChangeExternal) -> Answer<ExternalAttempt> {
        let arguments = (who.into(), wish.into());
        let attempt = self.peer.ask(BEGIN_LINK, &arguments).await;
        attempt.map(Attempt::into)
    }

    async fn end_external(
        &self,
        who: Option<&Principal>,
        wish: EndExternal,
    ) -> Answer<ExternalEnd> {
        let arguments = (who.map(Who::from), wish.into());
        self.peer.ask(END, &arguments).await.map(Ended::into)
    }

    async fn external_links(&self, who: &Principal) -> Answer<Vec<ExternalLink>> {
        self.peer.ask(LINKS, &who.into()).await
    }

    async fn unlink_external(&self, who: &Principal, wish: ChangeExternal) -> Answer<()> {
        let arguments = (who.into(), wish.into());
        self.peer.ask(UNLINK, &arguments).await
    }
}

/// Answers these calls.
pub(crate) fn answering(table: Answering<dyn Identity>) -> Answering<dyn Identity> {
    table
        .on(PROVIDERS, async |identity, ()| identity.providers().await)
        .on(BEGIN, async |identity, wish| {
            identity.begin_external(wish).await.map(Attempt::from)
        })
        .on(BEGIN_LINK, async |identity, (who, wish)| {
            let attempt = identity.begin_link(&who.into(), wish.into()).await;
            attempt.map(Attempt::from)
        })
        .on(END, async |identity, (who, wish)| {
            let who = who.map(Principal::from);
            let end = identity.end_external(who.as_ref(), wish.into()).await;
            end.map(Ended::from)
        })
        .on(LINKS, async |identity, who| {
            identity.external_links(&who.into()).await
        })
        .on(UNLINK, async |identity, (who, wish)| {
            identity.unlink_external(&who.into(), wish.into()).await
        })
}
