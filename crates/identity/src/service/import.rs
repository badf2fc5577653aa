//! Bringing accounts along from another shop. They are customers without a password that anybody knows, no mail goes
//! out, and an account that is there stays as it is, whatever the file says of it.

use super::{Service, hashing::HashError, security::told};
use crate::{
    domain::{name::display_name, roles::Roles},
    store::{ImportedUser, NewUser},
};
use contracts::{
    access::Principal,
    identity::{ImportUser, ImportUsers, SecurityEventDetail, SecurityEventKind},
    import::{ImportError, ImportedRow, ROWS_MAX},
    values::{Email, UserId},
};
use platform::{db::StoreError, digest};
use secrecy::SecretString;

/// A row that breaks no rule.
struct Customer {
    email: Email,
    name: Option<String>,
    verified: bool,
}

impl Service {
    /// Opens accounts for customers of another shop, or says what would become of them.
    ///
    /// # Errors
    /// [`ImportError`]; then nothing was written.
    pub async fn import_users(
        &self,
        who: &Principal,
        wish: ImportUsers,
    ) -> Result<Vec<ImportedRow>, ImportError> {
        if wish.rows.is_empty() || wish.rows.len() > ROWS_MAX {
            return Err(ImportError::Rows);
        }
        let rows: Vec<_> = wish.rows.into_iter().map(check).collect();
        // One password that nobody has for all of them: it is forgotten before it is used.
        let chance = digest::random::<32>().map_err(ImportError::Internal)?;
        let password = SecretString::from(digest::base64url(&chance));
        let password_hash = self
            .hasher
            .hash(password)
            .await
            .map_err(|error| match error {
                HashError::Overloaded => ImportError::Overloaded,
                HashError::Failed(error) => ImportError::Internal(error),
            })?;
        let new = rows.iter().filter_map(|row| row.as_ref().ok());
        let users: Vec<ImportedUser> = new
            .map(|customer| self.customer(who, customer, &password_hash))
            .collect();
        let events: Vec<_> = users.iter().map(|one| one.user.event.clone()).collect();
        let ids: Vec<UserId> = users.iter().map(|one| one.user.id).collect();
        let fresh = self.store.import_users(users, !wish.dry_run).await;
        let fresh = fresh.map_err(failure)?;
        let mut judged = ids.iter().zip(&events).zip(&fresh);
        let answer = rows.into_iter().map(|row| {
            if let Err(reason) = row {
                return ImportedRow::refused(reason);
            }
            match judged.next() {
                Some(((id, event), true)) => {
                    if wish.dry_run {
                        return ImportedRow::created(None);
                    }
                    told(event);
                    ImportedRow::created(Some(id.to_string()))
                }
                Some((_, false)) | None => ImportedRow::known(),
            }
        });
        Ok(answer.collect())
    }

    fn customer(
        &self,
        who: &Principal,
        customer: &Customer,
        password_hash: &SecretString,
    ) -> ImportedUser {
        let id = UserId::generate();
        let event = self.event(SecurityEventKind::Registered);
        ImportedUser {
            user: NewUser {
                id,
                email: Some(customer.email.clone()),
                username: None,
                name: customer.name.clone(),
                password_hash: password_hash.clone(),
                roles: Roles::of(&[]),
                at: self.clock.now(),
                event: event.by(who).of(id).because(SecurityEventDetail::ByAdmin),
            },
            verified: customer.verified,
        }
    }
}

fn check(row: ImportUser) -> Result<Customer, String> {
    let email = Email::parse(&row.email).map_err(|error| format!("email {error}"))?;
    let name = row.name.filter(|name| !name.trim().is_empty());
    let name = name.as_deref().map(display_name).transpose();
    Ok(Customer {
        email,
        name: name.map_err(|error| format!("name {error}"))?,
        verified: row.verified,
    })
}

/// Whoever has too much to write says so in the chain of causes.
fn failure(error: StoreError) -> ImportError {
    ImportError::Internal(error.into())
}
