//! The pages over plain HTTP, without a browser's help: what they show, what they keep to themselves, and what
//! their forms let happen. Whatever a page changes is looked at through the API afterwards.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod books;
mod browser;
mod buying;
mod cards;
mod doors;
mod files;
mod guards;
mod mails;
mod own;
mod provider_codes;
mod provider_owner;
mod providers;
mod security;
mod shelves;
mod staff;
mod staff_orders;
mod staff_people;
mod staff_products;
mod table;
