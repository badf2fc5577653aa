//! Whoever has come and does not say what they want. A few from one address are waited for, as slow networks deserve
//! it, and browsers that come before they are needed; thousands are somebody who keeps the door busy, and cost a look
//! each time one of them says a little more.

use super::places::Places;
use std::{future::Future, net::IpAddr, time::Duration};
use tokio::time::timeout;

/// How long nobody is called hesitant.
const GRACE: Duration = Duration::from_secs(1);

/// The places of those who hesitate, by address.
#[derive(Debug, Clone)]
pub(super) struct Hesitant(Places);

impl Hesitant {
    /// So many may hesitate from one address.
    pub(super) fn new(most: u32) -> Self {
        Self(Places::new(most))
    }

    /// Ends when somebody from this address hesitates, and too many others from there do; `asked` ends when they have
    /// said what they want.
    pub(super) async fn too_many(&self, address: IpAddr, asked: impl Future) {
        tokio::pin!(asked);
        if timeout(GRACE, asked.as_mut()).await.is_err() {
            let Some(_place) = self.0.take(address) else {
                return;
            };
            asked.await;
        }
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::future::{join_all, pending};
    use tokio::time::sleep;

    const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    /// Whether each was told to go within so many seconds.
    async fn told(hesitant: &Hesitant, asking_after: &[u64], seconds: u64) -> Vec<bool> {
        let each = asking_after.iter().map(|after| async move {
            let asked = sleep(Duration::from_secs(*after));
            let told = hesitant.too_many(ADDRESS, asked);
            timeout(Duration::from_secs(seconds), told).await.is_ok()
        });
        join_all(each).await
    }

    #[tokio::test(start_paused = true)]
    async fn a_few_are_waited_for_and_no_more() {
        let hesitant = Hesitant::new(2);
        assert_eq!(
            told(&hesitant, &[9, 9, 9, 9], 3).await,
            [false, false, true, true]
        );
        assert_eq!(
            told(&hesitant, &[9, 9], 3).await,
            [false, false],
            "their places are free again"
        );
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_says_what_they_want_is_never_too_many() {
        let hesitant = Hesitant::new(1);
        assert_eq!(told(&hesitant, &[0; 100], 60).await, [false; 100]);
        // Their place is another's as soon as they have said it.
        let (slow, next) = tokio::join!(told(&hesitant, &[2], 60), async {
            sleep(Duration::from_secs(2)).await;
            told(&hesitant, &[9], 3).await
        });
        assert_eq!((slow, next), (vec![false], vec![false]));
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_do_not_wait_for_each_other() {
        let hesitant = Hesitant::new(1);
        let other = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
        let here = hesitant.too_many(ADDRESS, pending::<()>());
        let there = hesitant.too_many(other, pending::<()>());
        let long = Duration::from_secs(9);
        let both = tokio::join!(timeout(long, here), timeout(long, there));
        assert!(both.0.is_err() && both.1.is_err());
    }
}
