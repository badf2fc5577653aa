//! The lane in which passwords are hashed: off the async threads, few at a time, behind everything else, with a bounded
//! queue, so that a flood of logins takes little from others (ADR 49). Never logs what it hashes.

use crate::config::Config;
use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Output, ParamsString, PasswordHash, Salt},
};
use contracts::BoxError;
use platform::{digest, lane::Lane};
use secrecy::{ExposeSecret, SecretString};
use std::{cell::RefCell, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of a salt (RFC 9106, 3.1).
const SALT_BYTES: usize = 16;

thread_local! {
    /// What hashes are made in, kept from one to the next. Memory that is asked for and given back each time makes
    /// the whole process wait at its map, behind a thread that lets everybody go first.
    static MEMORY: RefCell<Vec<Block>> = const { RefCell::new(Vec::new()) };
}

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
            lane: Lane::open("souk-hash", permits, || {
                MEMORY.with_borrow_mut(|memory| *memory = Vec::new());
            })?,
        })
    }

    /// Whether nobody more may wait now. A caller that knows it needs no lookup to be refused.
    pub(super) fn is_full(&self) -> bool {
        self.seats.available_permits() == 0
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
        let salt = digest::random::<SALT_BYTES>().map_err(HashError::Failed)?;
        turn.run(
            move |argon2| made(argon2, &password, &salt),
            |hash| hash.map(SecretString::from),
        )
        .await
    }

    /// The hash of a password that nobody has: names without an account are checked against it, at the same cost. It
    /// is drawn and not made, for a start waits for it: whether any password has it, nobody will find out.
    pub(super) fn dummy(&self) -> Result<SecretString, BoxError> {
        let (salt, drawn) = (digest::random::<SALT_BYTES>()?, digest::random::<32>()?);
        let hash = Output::new(&drawn).map_err(unusable)?;
        Ok(written(&self.argon2, &salt, hash)?.into())
    }
}

impl Turn {
    /// Does the work behind everything else, and then what follows from it.
    pub(super) async fn run<T, U, W, F>(self, work: W, then: F) -> Result<U, HashError>
    where
        T: Send + 'static,
        U: Send + 'static,
        W: FnOnce(&Argon2<'static>) -> T + Send + 'static,
        F: FnOnce(T) -> Result<U, BoxError> + Send + 'static,
    {
        let Self {
            argon2,
            lane,
            seat,
            permit,
        } = self;
        let running = lane.run(
            move || work(&argon2),
            move |done| {
                let told = then(done);
                // Before anybody is told: the next may come at once. A thread is free then, or about to be; the lane
                // keeps room for as many as it has threads.
                drop((seat, permit));
                told
            },
        );
        running
            .await
            .map_err(HashError::Failed)?
            .map_err(HashError::Failed)
    }
}

/// A new hash, as text that says how it was made (PHC string).
fn made(
    argon2: &Argon2<'static>,
    password: &SecretString,
    salt: &[u8],
) -> Result<String, BoxError> {
    let hash = output(argon2, password, salt, Params::DEFAULT_OUTPUT_LEN)?;
    written(argon2, salt, hash)
}

fn written(argon2: &Argon2<'static>, salt: &[u8], hash: Output) -> Result<String, BoxError> {
    let params = argon2.params();
    let made = PasswordHash {
        algorithm: Algorithm::Argon2id.ident(),
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(params).map_err(unusable)?,
        salt: Some(Salt::new(salt).map_err(unusable)?),
        hash: Some(hash),
    };
    Ok(made.to_string())
}

/// Whether a password is the one that was hashed; the parameters are the hash's own.
pub(super) fn fits(password: &SecretString, hash: &SecretString) -> Result<bool, BoxError> {
    let kept = PasswordHash::new(hash.expose_secret()).map_err(unusable)?;
    let (Some(salt), Some(expected)) = (&kept.salt, &kept.hash) else {
        return Err("argon2: a hash without its salt or its end".into());
    };
    let algorithm = Algorithm::try_from(kept.algorithm.as_str()).map_err(unusable)?;
    let version = kept.version.map_or(Ok(Version::V0x13), Version::try_from);
    let params = Params::try_from(&kept).map_err(unusable)?;
    let argon2 = Argon2::new(algorithm, version.map_err(unusable)?, params);
    let found = output(&argon2, password, salt, expected.len())?;
    // Both are of this library's type, which compares in constant time.
    Ok(found == *expected)
}

fn output(
    argon2: &Argon2<'_>,
    password: &SecretString,
    salt: &[u8],
    length: usize,
) -> Result<Output, BoxError> {
    let mut buffer = [0; Output::MAX_LENGTH];
    let out = buffer.get_mut(..length).ok_or("argon2: too long a hash")?;
    let bytes = password.expose_secret().as_bytes();
    MEMORY
        .with_borrow_mut(|memory| {
            let blocks = argon2.params().block_count();
            if memory.len() < blocks {
                memory.resize(blocks, Block::new());
            }
            let memory = memory.get_mut(..blocks).unwrap_or_default();
            argon2.hash_password_into_with_memory(bytes, salt, out, memory)
        })
        .map_err(unusable)?;
    Output::new(out).map_err(unusable)
}

fn unusable(error: impl std::fmt::Display) -> BoxError {
    format!("argon2: {error}").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordHasher, PasswordVerifier};

    fn small() -> Argon2<'static> {
        let params = Params::new(64, 2, 1, None).unwrap();
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
    }

    #[test]
    fn hashes_are_those_of_the_library_either_way() {
        let argon2 = small();
        let password = SecretString::from("correct horse");
        let salt = [7; SALT_BYTES];
        let made = made(&argon2, &password, &salt).unwrap();
        let library = argon2
            .hash_password_with_salt(b"correct horse", &salt)
            .unwrap();
        assert_eq!(made, library.to_string());
        assert!(
            argon2
                .verify_password(b"correct horse", made.as_str())
                .is_ok()
        );
        let made = SecretString::from(made);
        assert!(fits(&password, &made).unwrap());
        assert!(!fits(&"wrong horse".into(), &made).unwrap());
        assert!(fits(&password, &"$argon2id$v=19$m=64".into()).is_err());
    }

    #[test]
    fn what_nobody_has_costs_what_a_password_costs_and_fits_none() {
        let argon2 = small();
        let hasher = Hasher {
            argon2: argon2.clone(),
            seats: Arc::new(Semaphore::new(1)),
            permits: Arc::new(Semaphore::new(1)),
            lane: Lane::open("souk-hash-test", 1, || ()).unwrap(),
        };
        let dummy = hasher.dummy().unwrap();
        let password = SecretString::from("correct horse");
        let made = made(&argon2, &password, &[7; SALT_BYTES]).unwrap();
        let shape = |hash: &str| {
            let parts: Vec<&str> = hash.split('$').collect();
            let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
            (parts[..4].join("$"), lengths)
        };
        assert_eq!(shape(dummy.expose_secret()), shape(&made));
        assert!(!fits(&password, &dummy).unwrap());
        assert_ne!(
            dummy.expose_secret(),
            hasher.dummy().unwrap().expose_secret()
        );
    }

    #[test]
    fn a_hash_that_needs_less_memory_than_the_one_before_is_the_same() {
        let other = Params::new(32, 1, 1, None).unwrap();
        let other = Argon2::new(Algorithm::Argon2id, Version::V0x13, other);
        let password = SecretString::from("correct horse");
        let before = made(&other, &password, &[1; SALT_BYTES]).unwrap();
        made(&small(), &password, &[2; SALT_BYTES]).unwrap();
        assert_eq!(made(&other, &password, &[1; SALT_BYTES]).unwrap(), before);
    }
}
