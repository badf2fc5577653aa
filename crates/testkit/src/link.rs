//! A way between two parts of a cluster that can be broken: what is sent to one address arrives at another, late, not
//! yet, or not any more. It knows bytes only, and never makes, changes or reorders any.

use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::watch,
    task::JoinSet,
};

/// What is read at a time.
const PIECE: usize = 16 * 1_024;
/// Bytes that still pass when a connection is broken off in the middle of something.
const LAST_BYTES: usize = 7;

/// How a way is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weather {
    /// Everything passes.
    Clear,
    /// Every piece comes so much later.
    Slow(Duration),
    /// Nothing passes, and nobody is told, as when a cable is pulled. What was sent arrives when all is clear again, if
    /// both ends still wait for it.
    Silent,
    /// What is asked arrives, the answers do not: the effect is there, and nobody hears of it.
    Deaf,
    /// Connections are broken off in the middle of what they carry, and new ones at once.
    Broken,
}

/// A way. When it goes, so does whatever is on it.
#[derive(Debug)]
pub struct Link {
    address: SocketAddr,
    weather: watch::Sender<Weather>,
    // Ends what it holds when it goes.
    _work: JoinSet<()>,
}

impl Link {
    /// A way to this address.
    pub async fn to(target: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (weather, seen) = watch::channel(Weather::Clear);
        let mut work = JoinSet::new();
        work.spawn(accept(listener, target, seen));
        Self {
            address,
            weather,
            _work: work,
        }
    }

    /// Where it begins.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on it is like this.
    pub fn turn(&self, weather: Weather) {
        self.weather.send_replace(weather);
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, weather: watch::Receiver<Weather>) {
    let mut carriers = JoinSet::new();
    loop {
        while carriers.try_join_next().is_some() {}
        let Ok((near, _)) = listener.accept().await else {
            // Out of descriptors, most likely: whoever asks is told nothing for a moment.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        carriers.spawn(carry(near, target, weather.clone()));
    }
}

/// Which way a piece goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Bound {
    There,
    Back,
}

async fn carry(near: TcpStream, target: SocketAddr, mut weather: watch::Receiver<Weather>) {
    // A cable that is pulled lets no connection be made either; whoever tries hears nothing.
    if wait(&mut weather, Bound::There).await.is_none() {
        break_off(&near);
        return;
    }
    let Ok(far) = TcpStream::connect(target).await else {
        break_off(&near);
        return;
    };
    drop((near.set_nodelay(true), far.set_nodelay(true)));
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    let there = pump(near_read, far_write, weather.clone(), Bound::There);
    let back = pump(far_read, near_write, weather, Bound::Back);
    // Whichever way breaks takes the other with it; an end that is only closed does not.
    drop(tokio::try_join!(there, back));
}

/// The way is broken.
struct Broken;

/// Carries pieces one way, each when the weather lets it.
async fn pump(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut weather: watch::Receiver<Weather>,
    bound: Bound,
) -> Result<(), Broken> {
    let mut piece = vec![0; PIECE];
    loop {
        let read = tokio::select! {
            read = from.read(&mut piece) => read.map_err(|_| Broken)?,
            () = is_broken(&mut weather) => return Err(Broken),
        };
        if read == 0 {
            drop(to.shutdown().await);
            return Ok(());
        }
        let bytes = piece.get(..read).unwrap_or_default();
        let Some(delay) = wait(&mut weather, bound).await else {
            drop(to.write_all(bytes.get(..LAST_BYTES).unwrap_or(bytes)).await);
            break_off(to.as_ref());
            return Err(Broken);
        };
        tokio::time::sleep(delay).await;
        to.write_all(bytes).await.map_err(|_| Broken)?;
    }
}

async fn is_broken(weather: &mut watch::Receiver<Weather>) {
    let broken = weather.wait_for(|weather| *weather == Weather::Broken);
    drop(broken.await);
}

/// Waits until a piece may pass, and says how much later it comes; none if the way is broken, or gone.
async fn wait(weather: &mut watch::Receiver<Weather>, bound: Bound) -> Option<Duration> {
    let passes = |weather: &Weather| match weather {
        Weather::Clear | Weather::Slow(_) | Weather::Broken => true,
        Weather::Silent => false,
        Weather::Deaf => bound == Bound::There,
    };
    let weather = *weather.wait_for(passes).await.ok()?;
    match weather {
        Weather::Slow(delay) => Some(delay),
        Weather::Broken => None,
        Weather::Clear | Weather::Silent | Weather::Deaf => Some(Duration::ZERO),
    }
}

/// The other end is told at once, not asked to wait for what may come.
fn break_off(stream: &TcpStream) {
    drop(stream.set_zero_linger());
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::timeout;

    const SOON: Duration = Duration::from_secs(20);
    const A_MOMENT: Duration = Duration::from_millis(100);

    /// Somebody who says everything again.
    async fn echo() -> (SocketAddr, JoinSet<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let serving = async move {
            let mut open = JoinSet::new();
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                open.spawn(async move {
                    let (mut from, mut to) = stream.split();
                    drop(tokio::io::copy(&mut from, &mut to).await);
                });
            }
        };
        let mut work = JoinSet::new();
        work.spawn(serving);
        (address, work)
    }

    async fn through(link: &Link) -> TcpStream {
        TcpStream::connect(link.address()).await.unwrap()
    }

    async fn hear(stream: &mut TcpStream) -> String {
        let mut heard = [0; 5];
        let read = timeout(SOON, stream.read_exact(&mut heard)).await;
        read.unwrap().unwrap();
        String::from_utf8_lossy(&heard).into_owned()
    }

    #[tokio::test]
    async fn in_silence_nothing_passes_and_what_was_said_comes_afterwards() {
        let (address, _echo) = echo().await;
        let link = Link::to(address).await;
        let mut before = through(&link).await;
        before.write_all(b"first").await.unwrap();
        assert_eq!(hear(&mut before).await, "first");
        for weather in [Weather::Silent, Weather::Deaf] {
            link.turn(weather);
            let mut during = through(&link).await;
            for stream in [&mut before, &mut during] {
                stream.write_all(b"later").await.unwrap();
                let mut one = [0];
                let heard = timeout(A_MOMENT, stream.peek(&mut one)).await;
                assert!(heard.is_err(), "{weather:?}: something passed");
            }
            link.turn(Weather::Clear);
            assert_eq!(hear(&mut before).await, "later");
            assert_eq!(hear(&mut during).await, "later");
        }
    }

    #[tokio::test]
    async fn a_broken_way_is_broken_for_those_who_are_on_it_and_for_those_who_come() {
        let (address, _echo) = echo().await;
        let link = Link::to(address).await;
        let mut before = through(&link).await;
        before.write_all(b"first").await.unwrap();
        assert_eq!(hear(&mut before).await, "first");
        link.turn(Weather::Broken);
        let mut during = through(&link).await;
        drop(during.write_all(b"hello").await);
        for stream in [&mut before, &mut during] {
            let mut rest = Vec::new();
            let read = timeout(SOON, stream.read_to_end(&mut rest)).await;
            drop(read.expect("it is told"));
            assert!(rest.is_empty(), "{rest:?}");
        }
        link.turn(Weather::Clear);
        let mut after = through(&link).await;
        after.write_all(b"again").await.unwrap();
        assert_eq!(hear(&mut after).await, "again");
    }

    #[tokio::test]
    async fn on_a_slow_way_all_comes_later() {
        let (address, _echo) = echo().await;
        let link = Link::to(address).await;
        link.turn(Weather::Slow(A_MOMENT));
        let began = std::time::Instant::now();
        let mut stream = through(&link).await;
        stream.write_all(b"there").await.unwrap();
        assert_eq!(hear(&mut stream).await, "there");
        assert!(began.elapsed() >= A_MOMENT * 2, "there and back");
    }
}
