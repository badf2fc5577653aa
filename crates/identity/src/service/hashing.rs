//! The lane in which passwords are hashed: off the async threads, few at a time, behind everything else, with a bounded
//! queue, so that a flood of logins takes little from others (ADR 49). Never logs what it hashes.

use crate::config::Config;
use argon2::{Algorithm, Argon2, Params, PasswordHasher, PasswordVerifier, Version};
use contracts::BoxError;
use platform::{digest, lane::Lane};
use secrecy::{ExposeSecret, SecretString};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Why nothing was hashed.
#[derive(Debug)]
pub(super) enum HashError {
    /// Too many wait already.
    Overloaded,
    Failed(BoxError),
}

/// Hashes passwords. Clones share the lane.
#[derive(Clone)]
pub(super) struct Hasher {
    argon2: Argon2<'static>,
    /// One for each that works or waits.
    seats: Arc<Semaphore>,
    /// One for each that works.
    permits: Arc<Semaphore>,
    /// As many threads.
    lane: Lane,
}

/// The right to hash now. It ends with the work, not with whoever waits for it.
pub(super) struct Turn {
    argon2: Argon2<'static>,
    lane: Lane,
    seat: OwnedSemaphorePermit,
    permit: OwnedSemaphorePermit,
}

impl Hasher {
    pub(super) fn new(config: &Config) -> Result<Self, BoxError> {
        let params = Params::new(config.argon2_memory_kib, config.argon2_passes, 1, None)
            .map_err(|error| format!("identity.argon2_memory_kib, argon2_passes: {error}"))?;
        let permits = match usize::try_from(config.hash_permits)? {
            0 => std::thread::available_parallelism()
                .map_or(1, |cores| cores.get().saturating_sub(1).max(1)),
            given => given.min(1_024),
        };
        let waiting_max = usize::try_from(config.hash_queue_max)?.min(1_000_000);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            seats: Arc::new(Semaphore::new(permits.saturating_add(waiting_max))),
            permits: Arc::new(Semaphore::new(permits)),
            lane: Lane::open("souk-hash", permits)?,
        })
    }

    /// Waits for a turn, unless too many wait already.
    pub(super) async fn turn(&self) -> Result<Turn, HashError> {
        let seat = Arc::clone(&self.seats)
            .try_acquire_owned()
            .map_err(|_| HashError::Overloaded)?;
        let permit = Arc::clone(&self.permits).acquire_owned().await;
        Ok(Turn {
            argon2: self.argon2.clone(),
            lane: self.lane.clone(),
            seat,
            permit: permit.map_err(|error| HashError::Failed(error.into()))?,
        })
    }

    /// The hash of a new password, with its salt and parameters (PHC string).
    pub(super) async fn hash(&self, password: SecretString) -> Result<SecretString, HashError> {
        let turn = self.turn().await?;
        turn.run(move |argon2| {
            let hash = argon2
                .hash_password(password.expose_secret().as_bytes())
                .map_err(|error| format!("argon2: {error}"))?;
            Ok(SecretString::from(hash.to_string()))
        })
        .await
    }

    /// The hash of a password that nobody has: names without an account are checked against it, at the same
    /// cost.
    pub(super) async fn dummy(&self) -> Result<SecretString, BoxError> {
        let nobodys = SecretString::from(digest::base64url(&digest::random::<32>()?));
        self.hash(nobodys)
            .await
            .map_err(|error| format!("{error:?}").into())
    }
}

impl Turn {
    /// Does the work on one of the lane's threads.
    pub(super) async fn run<T, W>(self, work: W) -> Result<T, HashError>
    where
        T: Send + 'static,
        W: FnOnce(&Argon2<'static>) -> Result<T, BoxError> + Send + 'static,
    {
        let Self {
            argon2,
            lane,
            seat,
            permit,
        } = self;
        let running = lane.run(move || {
            let done = work(&argon2);
            // Before anybody is told: the next may come at once. A thread is free then, or about to be; the lane keeps
            // room for as many as it has threads.
            drop((seat, permit));
            done
        });
        running
            .await
            .map_err(HashError::Failed)?
            .map_err(HashError::Failed)
    }
}

/// Whether a password is the one that was hashed; the parameters are the hash's own.
pub(super) fn fits(
    argon2: &Argon2<'static>,
    password: &SecretString,
    hash: &SecretString,
) -> Result<bool, BoxError> {
    let bytes = password.expose_secret().as_bytes();
    match argon2.verify_password(bytes, hash.expose_secret()) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(error) => Err(format!("argon2: {error}").into()),
    }
}
