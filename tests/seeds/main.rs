//! Clients of the seeds' documents, each written by what its document says and nothing else, against the real
//! binary; and the defects of the seeds' own implementations, shown not to be ours.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

mod accounts;
mod clients;
mod defects;
mod hostile;
mod orders;
mod products;
mod program;
mod sales;
