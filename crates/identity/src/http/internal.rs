//! Identity for the other services: each call of `calls`, and the method that answers it.

use super::App;
use crate::{
    calls::{self, Codes, KeyMade, NAME, Pair, Tokens},
    external,
};
use axum::Router;
use contracts::{identity::Identity, wire::Cause};
use platform::http::internal::Answering;

type Table = Answering<dyn Identity>;

/// The calls as routes, for a port that only our own nodes reach.
pub fn internal_routes(service: App) -> Router {
    let table = external::answering(Answering::of(NAME, service));
    let table = links(own_sessions(sessions(table)));
    api_keys(factors(security(profiles(table))))
        .on(calls::PUBLIC_KEYS, async |identity, ()| {
            identity.public_keys().await.map_err(Cause::from)
        })
        .on(calls::ENDED_SINCE, async |identity, since| {
            identity.ended_since(since).await.map_err(Cause::from)
        })
        .routes()
}

fn sessions(table: Table) -> Table {
    table
        .on(calls::REGISTER, async |identity, wish| {
            identity.register(wish.into()).await.map(Tokens::from)
        })
        .on(calls::SETUP_ADMIN, async |identity, wish| {
            identity.setup_admin(wish.into()).await.map(Tokens::from)
        })
        .on(calls::LOGIN, async |identity, wish| {
            identity.login(wish.into()).await.map(Tokens::from)
        })
        .on(calls::REFRESH, async |identity, token| {
            identity.refresh(token.0).await.map(Tokens::from)
        })
        .on(calls::END_SESSION_OF, async |identity, token| {
            identity.end_session_of(token.0).await
        })
        .on(calls::LOGOUT, async |identity, who| {
            identity.logout(&who.into()).await
        })
}

fn own_sessions(table: Table) -> Table {
    table
        .on(calls::SESSIONS, async |identity, (who, query)| {
            identity.sessions(&who.into(), query).await
        })
        .on(calls::END_OWN_SESSION, async |identity, (who, id)| {
            identity.end_own_session(&who.into(), id).await
        })
        .on(calls::END_OWN_SESSIONS, async |identity, who| {
            identity.end_own_sessions(&who.into()).await
        })
        .on(calls::CHANGE_PASSWORD, async |identity, (who, wish)| {
            identity.change_password(&who.into(), wish.into()).await
        })
}

fn links(table: Table) -> Table {
    table
        .on(calls::FORGOT_PASSWORD, async |identity, wish| {
            identity.forgot_password(wish).await
        })
        .on(calls::RESET_PASSWORD, async |identity, wish| {
            identity.reset_password(wish.into()).await
        })
        .on(calls::ASK_VERIFICATION, async |identity, who| {
            identity.ask_verification(&who.into()).await
        })
        .on(calls::VERIFY_EMAIL, async |identity, wish| {
            identity.verify_email(wish.into()).await
        })
}

fn api_keys(table: Table) -> Table {
    table
        .on(calls::MAKE_API_KEY, async |identity, (who, key, wish)| {
            let made = identity.make_api_key(&who.into(), key, wish.into()).await;
            made.map(|made| made.map(KeyMade::from))
        })
        .on(calls::API_KEYS, async |identity, (who, query)| {
            identity.api_keys(&who.into(), query).await
        })
        .on(calls::API_KEY, async |identity, (who, id)| {
            identity.api_key(&who.into(), id).await
        })
        .on(calls::REVOKE_API_KEY, async |identity, (who, id)| {
            identity.revoke_api_key(&who.into(), id).await
        })
        .on(calls::ROTATE_API_KEY, async |identity, (who, id, wish)| {
            let made = identity.rotate_api_key(&who.into(), id, wish.into()).await;
            made.map(KeyMade::from)
        })
        .on(calls::CHECK_KEY, async |identity, shown| {
            identity.check_key(shown).await.map_err(Cause::from)
        })
}

fn factors(table: Table) -> Table {
    table
        .on(calls::ANSWER_CHALLENGE, async |identity, wish| {
            let answer = identity.answer_challenge(wish.into()).await;
            answer.map(Tokens::from)
        })
        .on(calls::SECOND_FACTOR, async |identity, who| {
            identity.second_factor(&who.into()).await
        })
        .on(calls::BEGIN_SECOND_FACTOR, async |identity, (who, wish)| {
            let who = who.into();
            let answer = identity.begin_second_factor(&who, wish.into()).await;
            answer.map(Pair::from)
        })
        .on(
            calls::CONFIRM_SECOND_FACTOR,
            async |identity, (who, wish)| {
                let who = who.into();
                let answer = identity.confirm_second_factor(&who, wish.into()).await;
                answer.map(Codes::from)
            },
        )
        .on(
            calls::RENEW_RECOVERY_CODES,
            async |identity, (who, wish)| {
                let who = who.into();
                let answer = identity.renew_recovery_codes(&who, wish.into()).await;
                answer.map(Codes::from)
            },
        )
        .on(calls::END_SECOND_FACTOR, async |identity, (who, wish)| {
            identity.end_second_factor(&who.into(), wish.into()).await
        })
        .on(
            calls::TAKE_SECOND_FACTOR_OFF,
            async |identity, (who, id)| identity.take_second_factor_off(&who.into(), id).await,
        )
}

fn security(table: Table) -> Table {
    table
        .on(calls::USERS, async |identity, query| {
            identity.users(query).await
        })
        .on(calls::USER_COUNTS, async |identity, ()| {
            identity.user_counts().await
        })
        .on(
            calls::SET_STATUS,
            async |identity, (who, id, sent, wish)| {
                identity.set_status(&who.into(), id, sent, wish).await
            },
        )
        .on(calls::SEND_PASSWORD_RESET, async |identity, (who, id)| {
            identity.send_password_reset(&who.into(), id).await
        })
        .on(calls::END_SESSIONS_OF, async |identity, (who, id)| {
            identity.end_sessions_of(&who.into(), id).await
        })
        .on(calls::SECURITY_EVENTS, async |identity, query| {
            identity.security_events(query).await
        })
        .on(calls::SECURITY_EVENT_COUNTS, async |identity, kinds| {
            identity.security_event_counts(kinds).await
        })
        .on(
            calls::OWN_SECURITY_EVENTS,
            async |identity, (who, query)| identity.own_security_events(&who.into(), query).await,
        )
}

fn profiles(table: Table) -> Table {
    table
        .on(calls::ME, async |identity, who| {
            identity.me(&who.into()).await
        })
        .on(calls::EXPORT, async |identity, who| {
            identity.export(&who.into()).await
        })
        .on(calls::PATCH_ME, async |identity, (who, sent, patch)| {
            identity.patch_me(&who.into(), sent, patch).await
        })
        .on(calls::DELETE_ACCOUNT, async |identity, (who, wish)| {
            identity.delete_account(&who.into(), wish.into()).await
        })
        .on(calls::USER, async |identity, id| identity.user(id).await)
        .on(calls::SET_ROLES, async |identity, (who, id, sent, wish)| {
            identity.set_roles(&who.into(), id, sent, wish).await
        })
}
