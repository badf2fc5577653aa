//! What programs asked for last with their keys, for whoever connects one: the last thousand at this process, and
//! nothing of what was in them. It is lost when the process ends; logs are what lasts.

use super::counted::name_of;
use crate::trail;
use axum::http::{Method, StatusCode};
use contracts::{
    house::Asked,
    values::{ApiKeyId, Timestamp},
};
use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
};
use tokio::time::Instant;

/// How many are kept.
const KEPT_MAX: usize = 1_000;
/// How much of a path is kept, in characters.
const PATH_MAX: usize = 200;

/// One that was answered.
struct Answered {
    asking: Asking,
    status: u16,
    took_ms: u64,
    request_id: String,
}

static LAST: Mutex<VecDeque<Answered>> = Mutex::new(VecDeque::new());

/// A request with a key that is at work.
pub struct Asking {
    came: Instant,
    method: &'static str,
    path: String,
    key: ApiKeyId,
}

impl Asking {
    /// One that came just now.
    #[must_use]
    pub fn new(method: &Method, path: &str, key: ApiKeyId) -> Self {
        Self {
            came: Instant::now(),
            method: name_of(method),
            path: path.chars().take(PATH_MAX).collect(),
            key,
        }
    }

    /// It was answered.
    pub fn answered(self, status: StatusCode) {
        let took = self.came.elapsed().as_millis();
        let answered = Answered {
            asking: self,
            status: status.as_u16(),
            took_ms: u64::try_from(took).unwrap_or(u64::MAX),
            request_id: trail::request_id().unwrap_or_default(),
        };
        let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= KEPT_MAX {
            last.pop_front();
        }
        last.push_back(answered);
    }
}

/// What was asked last, newest first, as it looks at this moment.
#[must_use]
pub fn last(now: Timestamp) -> Vec<Asked> {
    let last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let told = |answered: &Answered| {
        let asking = &answered.asking;
        let ago = i64::try_from(asking.came.elapsed().as_millis()).unwrap_or(i64::MAX);
        Asked {
            at: Timestamp::from_ms(now.as_ms().saturating_sub(ago)),
            method: asking.method,
            path: asking.path.clone(),
            status: answered.status,
            took_ms: answered.took_ms,
            key: asking.key,
            request_id: answered.request_id.clone(),
        }
    };
    last.iter().rev().map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_thousand_are_kept_with_the_beginning_of_their_paths() {
        let key = ApiKeyId::from_bytes([7; 16]);
        for number in 0..KEPT_MAX + 5 {
            let path = format!("/{number}{}", "x".repeat(400));
            Asking::new(&Method::GET, &path, key).answered(StatusCode::OK);
        }
        let now = Timestamp::from_ms(1_766_330_096_007);
        let mine: Vec<Asked> = last(now).into_iter().filter(|one| one.key == key).collect();
        assert_eq!(mine.len(), KEPT_MAX);
        assert!(mine[0].path.starts_with("/1004x") && mine[0].path.len() == PATH_MAX);
        assert_eq!((mine[0].method, mine[0].status), ("GET", 200));
        assert!(mine[0].at <= now && mine[999].at <= mine[0].at);
    }
}
