//! Clients of the seeds' documents, each written by what its document says and nothing else, against the real
//! binary; and the defects of the seeds' own implementations, shown not to be ours.
#![expect(clippy::expect_used, reason = "a test that cannot go on should stop")]

#[path = "seeds/accounts.rs"]
mod accounts;
#[path = "seeds/clients.rs"]
mod clients;
#[path = "seeds/defects.rs"]
mod defects;
#[path = "seeds/hostile.rs"]
mod hostile;
#[path = "seeds/orders.rs"]
mod orders;
#[path = "seeds/products.rs"]
mod products;
#[path = "seeds/program.rs"]
mod program;
#[path = "seeds/sales.rs"]
mod sales;
