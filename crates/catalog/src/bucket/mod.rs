//! A bucket of an S3-compatible store, where pictures' files may be instead of in the database. There is an object for
//! each file of each time that a picture was sent, so that what goes takes nothing from anybody else. What the database
//! keeps then is its key. It repeats nothing, and decides nothing about pictures.

mod signature;

use crate::{
    config::Images,
    store::{Files, NamedFile},
};
use contracts::{BoxError, Outage, catalog::ImageError, values::ImageId};
use platform::{
    clock::Clock,
    digest,
    outward::{self, Address, HeaderValue, Outward, OutwardError, Question, StatusCode, header},
};
use secrecy::{ExposeSecret, SecretString};
use signature::{Signed, Signer};

/// What the database has instead of a file that is in the bucket begins so; no picture does.
const MARK: &[u8] = b"s3:";
/// What `catalog.images.store` says of a bucket.
pub(crate) const SCHEME: &str = "s3://";
/// The largest file that is drawn: the database would keep no larger one.
const FILE_BYTES_MAX: u32 = 4 * 1_024 * 1_024;
/// What a file is said to be: browsers hear of its type from us.
const KIND: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// The bucket. Clones share the bound on exchanges.
#[derive(Clone)]
pub(crate) struct Bucket {
    outward: Outward,
    endpoint: String,
    bucket: String,
    prefix: String,
    region: String,
    key_id: String,
    secret: SecretString,
    clock: Clock,
}

impl std::fmt::Debug for Bucket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.endpoint, self.bucket)
    }
}

impl Bucket {
    /// The bucket that the settings name, if they do; nobody is asked yet.
    pub(crate) fn open(
        config: &Images,
        outward: &outward::Options,
        clock: Clock,
    ) -> Result<Option<Self>, BoxError> {
        let Some(place) = config.store.strip_prefix(SCHEME) else {
            return Ok(None);
        };
        let (bucket, prefix) = place.split_once('/').unwrap_or((place, ""));
        let outward = outward::Options {
            timeout_ms: config.s3.timeout_ms,
            head_timeout_ms: config.s3.timeout_ms,
            in_flight_max: config.s3.in_flight_max,
            body_bytes_max: FILE_BYTES_MAX,
            ..outward.clone()
        };
        let secret = config.s3.secret_access_key.given();
        Ok(Some(Self {
            outward: Outward::new(outward)?,
            endpoint: config.s3.endpoint.trim_end_matches('/').to_owned(),
            bucket: bucket.to_owned(),
            prefix: prefix.trim_matches('/').to_owned(),
            region: config.s3.region.clone(),
            key_id: config.s3.access_key_id.clone(),
            secret: secret.ok_or("catalog.images.s3.secret_access_key: there is none")?,
            clock,
        }))
    }

    /// Puts the files of a picture in. What is given back has their keys in the place of their bytes.
    pub(crate) async fn keep(&self, id: ImageId, files: Files) -> Result<Files, ImageError> {
        let upload = digest::random::<12>().map_err(failed)?;
        let mut folder = format!("{id}/{}", digest::base64url(&upload));
        if !self.prefix.is_empty() {
            folder = format!("{}/{folder}", self.prefix);
        }
        let is_one = files.small.name == files.large.name;
        let large = self.put(&folder, files.large).await?;
        let small = if is_one {
            Ok(large.clone())
        } else {
            self.put(&folder, files.small).await
        };
        match small {
            Ok(small) => Ok(Files { large, small }),
            Err(error) => {
                self.forget(&[large.bytes.to_vec()]).await;
                Err(error)
            }
        }
    }

    async fn put(&self, folder: &str, file: NamedFile) -> Result<NamedFile, ImageError> {
        let key = format!("{folder}/{}", file.name);
        let bytes = file.bytes.to_vec();
        let ask = |address| Question::put(address, KIND, bytes.clone());
        let (status, _) = self.ask(("PUT", &key), &file.bytes, ask).await?;
        if !status.is_success() {
            return Err(unwilling("PUT", status));
        }
        Ok(NamedFile {
            bytes: [MARK, key.as_bytes()].concat().into(),
            ..file
        })
    }

    /// The file whose key the database has.
    pub(crate) async fn fetch(&self, key: &str) -> Result<Vec<u8>, ImageError> {
        match self.ask(("GET", key), b"", Question::get).await? {
            (StatusCode::OK, bytes) => Ok(bytes),
            (StatusCode::NOT_FOUND, _) => Err(ImageError::NotFound),
            (status, _) => Err(unwilling("GET", status)),
        }
    }

    /// Lets files go that nobody is shown. What stays by a fault takes room and nothing else.
    pub(crate) async fn forget(&self, kept: &[Vec<u8>]) {
        for key in kept.iter().filter_map(|kept| key_of(kept)) {
            let gone = self.ask(("DELETE", key), b"", Question::delete).await;
            let why = match gone {
                Ok((StatusCode::NOT_FOUND, _)) => continue,
                Ok((status, _)) if status.is_success() => continue,
                Ok((status, _)) => unwilling("DELETE", status),
                Err(error) => error,
            };
            tracing::warn!(object.key = key, error = ?why, "a file stays in the bucket");
        }
    }

    async fn ask(
        &self,
        (method, key): (&str, &str),
        body: &[u8],
        question: impl FnOnce(Address) -> Question,
    ) -> Result<(StatusCode, Vec<u8>), ImageError> {
        let path = format!("/{}/{key}", self.bucket);
        let address = Address::parse(&format!("{}{path}", self.endpoint)).map_err(failed)?;
        let signer = Signer {
            key_id: &self.key_id,
            secret: self.secret.expose_secret(),
            region: &self.region,
        };
        let request = Signed {
            method,
            host: &address.host_and_port().map_err(failed)?,
            path: &path,
            query: "",
        };
        let fields = signer.sign(&request, body, self.clock.now());
        let value = |text: &str| HeaderValue::from_str(text).map_err(failed);
        let mut proof = value(&fields.authorization)?;
        proof.set_sensitive(true);
        let question = question(address)
            .with(header::AUTHORIZATION, proof)
            .with(
                header::HeaderName::from_static("x-amz-content-sha256"),
                value(&fields.content_sha256)?,
            )
            .with(
                header::HeaderName::from_static("x-amz-date"),
                value(&fields.date)?,
            );
        match self.outward.ask(question).await {
            Ok(answer) => Ok((answer.status, answer.body.to_vec())),
            Err(OutwardError::Overloaded) => Err(ImageError::Overloaded),
            Err(error @ OutwardError::Refused(_)) => Err(failed(error)),
            Err(error) => {
                tracing::warn!(error = ?error, "the bucket of pictures does not answer");
                Err(away())
            }
        }
    }
}

/// The key of a file that is in the bucket, if what the database has is one.
pub(crate) fn key_of(kept: &[u8]) -> Option<&str> {
    let key = kept.strip_prefix(MARK)?;
    std::str::from_utf8(key).ok()
}

fn failed(error: impl Into<BoxError>) -> ImageError {
    ImageError::Internal(error.into())
}

/// Somebody should try again later.
fn away() -> ImageError {
    failed(Outage::Unreachable)
}

/// A store that is not well says so; whatever else it says is about us.
fn unwilling(what: &str, status: StatusCode) -> ImageError {
    if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS {
        tracing::warn!(%status, request = what, "the bucket of pictures is not well");
        return away();
    }
    failed(format!("the bucket answered {status} to {what}"))
}
