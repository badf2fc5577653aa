//! A shop without the demo catalog, on the store that a test is about, and whoever runs it: by the API, and at a
//! browser.

use crate::browser::Browser;
use testkit::{Client, Shop};

/// A shop that is open.
pub(crate) struct Open {
    pub(crate) shop: Shop,
    pub(crate) admin: Client,
    pub(crate) browser: Browser,
}

/// Opens it with these settings.
pub(crate) async fn shop(more: &[(&str, &str)]) -> Open {
    let mut settings = vec![("SOUK_SHOP__DEMO", "false")];
    settings.extend(more);
    let mut shop = Shop::start_with(&settings).await;
    let admin = shop.admin().await;
    let browser = Browser::signed_in(&shop, "admin@souk.example").await;
    Open {
        shop,
        admin,
        browser,
    }
}
