//! The pages over plain HTTP, without a browser's help: what they show, what they keep to themselves, and what
//! their forms let happen. Whatever a page changes is looked at through the API afterwards.
#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop"
)]

mod addresses;
mod books;
mod browser;
mod bucket;
mod buying;
mod cards;
mod changed;
mod crossed;
mod currencies;
mod doors;
mod files;
mod forms;
mod guards;
mod languages;
mod letters;
mod mails;
mod marks;
mod news;
mod numbers;
mod opened;
mod own;
mod price_lists;
mod provider_codes;
mod provider_owner;
mod providers;
mod security;
mod shelves;
mod staff;
mod staff_categories;
mod staff_files;
mod staff_history;
mod staff_lists;
mod staff_orders;
mod staff_payment;
mod staff_people;
mod staff_pricing;
mod staff_products;
mod staff_returns;
mod staff_reviews;
mod staff_stock;
mod staff_system;
mod staff_tabs;
mod staff_variants;
mod table;
