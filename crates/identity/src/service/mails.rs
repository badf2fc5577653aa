//! Sends the mails that are owed, at least once each and not for ever: a mail is taken, tried, and then forgotten,
//! put off, or given up. Never logs whom a mail is for.

use super::Service;
use crate::{
    domain::mail::MailKind,
    store::{DueMail, MailTake, NewMail},
};
use contracts::values::{MailId, Timestamp};
use platform::{db::StoreError, digest, mail::Mail, tasks::Tasks};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

/// A notice that did not go within this time says nothing new.
const NOTICE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// The notice that something happened to an account.
pub(super) fn notice(kind: MailKind, at: Timestamp) -> NewMail {
    NewMail {
        id: MailId::generate(),
        kind,
        at,
        expires_at: at.plus_seconds(NOTICE_SECONDS),
    }
}

pub(super) fn start(service: &Arc<Service>, tasks: &Tasks) {
    let post = Arc::clone(service);
    let target = post.post.mailer.target();
    tracing::info!(mail.target = %target, "mails go to {target}");
    tasks.start("identity-mails", |stop| async move {
        let pause = Duration::from_millis(post.post.options.poll_ms);
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
            if let Err(error) = send_due(&post, &stop).await {
                tracing::warn!(error = %error, "mails wait: their queue could not be worked on");
            }
        }
    });
}

async fn send_due(service: &Service, stop: &CancellationToken) -> Result<(), StoreError> {
    let now = service.clock.now();
    // An idle shop writes nothing.
    if !service.store.mails_are_due(now).await? {
        return Ok(());
    }
    let options = &service.post.options;
    // Longer than all of them may take, one after the other.
    let longest = options
        .timeout_ms
        .saturating_mul(u64::from(options.batch_max).saturating_add(1));
    let take = MailTake {
        now,
        until: later(now, longest),
        limit: options.batch_max,
    };
    for mail in service.store.take_mails(take).await? {
        if stop.is_cancelled() {
            break;
        }
        settle(service, mail).await?;
    }
    Ok(())
}

/// One try, and what becomes of the mail.
async fn settle(service: &Service, due: DueMail) -> Result<(), StoreError> {
    let (id, tries, expires_at) = (due.id, due.tries, due.expires_at);
    let Some(mail) = write(service, due) else {
        // Nobody to write to any more.
        return service.store.forget_mail(id).await;
    };
    let Err(error) = service.post.mailer.send(&mail).await else {
        tracing::info!(mail.id = %id, "mail {id} went");
        return service.store.forget_mail(id).await;
    };
    let now = service.clock.now();
    let options = &service.post.options;
    if tries >= options.tries_max || expires_at <= now {
        tracing::error!(mail.id = %id, mail.tries = tries, error = %error, "mail {id} was given up");
        return service.store.forget_mail(id).await;
    }
    tracing::warn!(mail.id = %id, mail.tries = tries, error = %error, "mail {id} did not go and waits");
    let until = later(now, options.wait_ms(tries));
    service.store.put_off_mail(id, until).await
}

fn write(service: &Service, due: DueMail) -> Option<Mail> {
    let token = digest::base64url(&service.issuer.link_token(due.id));
    Some(Mail {
        id: due.id.to_string(),
        to: due.email?,
        subject: due.kind.subject().into(),
        text: due.kind.text(&service.post.public_url, &token),
        html: None,
    })
}

fn later(now: Timestamp, ms: u64) -> Timestamp {
    let ms = i64::try_from(ms).unwrap_or(i64::MAX);
    Timestamp::from_ms(now.as_ms().saturating_add(ms))
}
