//! What addresses carry: ids in the path, parameters in the query. A malformed one is 400, never 500.

use super::Fault;
use axum::{
    extract::{FromRequestParts, Path, Query as AxumQuery},
    http::request::Parts,
};
use contracts::problem::{Code, Problem};
use serde::{Deserialize, de::DeserializeOwned};
use std::str::FromStr;

/// The one id in a path.
#[derive(Debug, Clone, Copy)]
pub struct Id<T>(pub T);

impl<S: Send + Sync, T: FromStr> FromRequestParts<S> for Id<T>
where
    Fault: From<T::Err>,
{
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Path(text) = Path::<String>::from_request_parts(parts, state)
            .await
            .map_err(|_| Fault::new(Code::Malformed))?;
        Ok(Self(text.parse::<T>()?))
    }
}

/// An address without parameters: any that comes is refused.
#[derive(Debug, Clone, Copy)]
pub struct NoQuery;

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

impl<S: Send + Sync> FromRequestParts<S> for NoQuery {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        let Query(Nothing {}) = Query::from_request_parts(parts, state).await?;
        Ok(Self)
    }
}

/// The parameters of the query; unknown ones are refused when `T` denies unknown fields.
#[derive(Debug, Clone)]
pub struct Query<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = Fault;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Fault> {
        match AxumQuery::<T>::from_request_parts(parts, state).await {
            Ok(AxumQuery(query)) => Ok(Self(query)),
            Err(rejection) => {
                let text = rejection.body_text();
                let message = text
                    .split_once(": ")
                    .map_or(text.as_str(), |(_, message)| message);
                Err(Problem::new(Code::InvalidParameter).detail(message).into())
            }
        }
    }
}
