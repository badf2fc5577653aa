//! A shop of very many orders beside one of few, in turns, so that whatever the machine does meanwhile hits both. The
//! tenths of one long run lie a minute apart, and a busy machine may be half as quick by then.

use super::{
    Prepared, check,
    load::{Load, Placed},
    prepare,
    report::{self, Line},
    run,
};
use crate::{args::BenchArgs, commands::replay::own_shop, console::say, ops, shop::Shop};
use contracts::BoxError;

/// Orders in either shop, each turn; and those that the small shop begins with, so that its log is written over, as a
/// shop's is.
const TURN: u32 = 20_000;
/// Turns; an odd number, so that one of them is the middle one.
const TURNS: u32 = 7;

pub(super) async fn aged(plan: &BenchArgs) -> Result<(), BoxError> {
    let mut large = Aging::open("large", plan).await?;
    large.fill(plan.orders).await?;
    let mut small = Aging::open("small", plan).await?;
    small.fill(small.turn).await?;
    let (mut of_large, mut of_small) = (Vec::new(), Vec::new());
    for turn in 0..TURNS {
        // Neither is always first.
        if turn % 2 == 0 {
            of_small.push(small.turn().await?);
            of_large.push(large.turn().await?);
        } else {
            of_large.push(large.turn().await?);
            of_small.push(small.turn().await?);
        }
    }
    say(report::large_beside_small(&of_large, &of_small));
    large.close().await?;
    small.close().await
}

/// A shop, with what was acknowledged in it so far.
struct Aging {
    name: &'static str,
    clients: u32,
    /// Orders a turn.
    turn: u32,
    shop: Shop,
    prepared: Prepared,
    acknowledged: Placed,
    next: u32,
}

impl Aging {
    async fn open(name: &'static str, plan: &BenchArgs) -> Result<Self, BoxError> {
        let shop = own_shop(None).await?;
        let turn = plan.orders.clamp(1, TURN);
        let orders = turn.saturating_mul(TURNS).saturating_add(plan.orders);
        let prepared =
            prepare::goods(&shop, plan.products, orders.saturating_add(1).into()).await?;
        Ok(Self {
            name,
            clients: plan.clients,
            turn,
            shop,
            prepared,
            acknowledged: Placed::default(),
            next: 0,
        })
    }

    fn load(&self) -> Load<'_> {
        Load {
            address: self.shop.address,
            token: &self.prepared.token,
            products: &self.prepared.products,
            clients: self.clients,
            name: self.name,
        }
    }

    /// Places the first orders; in a long run every tenth is told.
    async fn fill(&mut self, orders: u32) -> Result<(), BoxError> {
        let mut placed = Placed::default();
        run(&self.load(), orders, &mut placed).await?;
        self.acknowledged.add(&placed);
        self.next = orders;
        Ok(())
    }

    async fn turn(&mut self) -> Result<Line, BoxError> {
        let to = self.next.saturating_add(self.turn);
        let counted = ops::counted()?;
        let load = self.load();
        let ran = load.run(self.next..to).await?;
        let line = Line::new(&load, &ran, ops::counted()?.since(&counted));
        say(line.told());
        self.acknowledged.add(&ran.placed);
        self.next = to;
        Ok(line)
    }

    async fn close(self) -> Result<(), BoxError> {
        let outcome = check(&self.shop.services, &self.prepared, &self.acknowledged).await;
        self.shop.close().await;
        outcome
    }
}
