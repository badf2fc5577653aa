//! Deleting one's account: the password once more, and a code where one is asked for, then personal data is erased
//! and every token ends, in one commit with the event that lets the others erase theirs. The id stays, so that history
//! stays.

use super::{Service, codes, proof, security::told};
use contracts::{
    access::Principal,
    identity::{DeleteAccount, LoginError, SecurityEventKind},
};

pub(super) async fn delete_account(
    service: &Service,
    who: &Principal,
    wish: DeleteAccount,
) -> Result<(), LoginError> {
    let found = service.store.credentials_of(who.user_id).await;
    let found = found.map_err(|error| LoginError::Internal(error.into()))?;
    codes::came(found.as_ref(), wish.code.as_ref())?;
    let account = proof::account_of_user(who.user_id);
    let refused = service.event(SecurityEventKind::PasswordRefused);
    let refused = refused.by(who).of(who.user_id);
    let proving = proof::prove(service, account, found, wish.password, refused);
    let proven = codes::prove(service, proving.await?, wish.code.as_ref()).await?;
    let used = codes::told_of(&proven);
    let (store, endings, id) = (
        service.store.clone(),
        service.endings.clone(),
        proven.user_id,
    );
    let event = service.event(SecurityEventKind::AccountDeleted);
    let event = event.by(who).of(id);
    let deleted = service.finish(async move {
        let epoch = store
            .delete(proven, event.clone())
            .await
            .map_err(|abort| abort.into_refusal(|| LoginError::Overloaded, LoginError::Internal))?;
        endings.end_user_before(id, epoch, event.at);
        told(&event);
        Ok(())
    });
    let deleted = deleted.await.map_err(LoginError::Internal)?;
    codes::counted(service, id, used, deleted)
}
