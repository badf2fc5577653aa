//! The pages over plain HTTP, without a browser's help: what they show, what they keep to themselves, and what
//! their forms let happen. Whatever a page changes is looked at through the API afterwards.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

#[path = "pages/browser.rs"]
mod browser;
#[path = "pages/doors.rs"]
mod doors;
#[path = "pages/files.rs"]
mod files;
#[path = "pages/guards.rs"]
mod guards;
#[path = "pages/shelves.rs"]
mod shelves;
