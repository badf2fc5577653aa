//! Where pictures are drawn anew: off the async threads, one at a time, behind everything else. Whoever brings one
//! takes a seat before its bytes are read, so that no more of them are in memory than there are seats.

use crate::{
    config::Images,
    domain::picture::{self, Drawing, Drawings, Flaw, Kind},
    store::{Files, NamedFile},
};
use contracts::catalog::ImageError;
use platform::{digest, lane::Lane};
use std::{io, sync::Arc};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// A decoder may need as much memory as all the rest of the shop, so there is one.
const THREADS: usize = 1;

/// The room. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Darkroom {
    config: Images,
    lane: Lane,
    /// One for each picture that is on its way.
    seats: Arc<Semaphore>,
    /// One for each that is drawn.
    turns: Arc<Semaphore>,
    /// One for each KiB that is on its way to somebody.
    way: Arc<Semaphore>,
}

/// The right to bring a picture.
#[derive(Debug)]
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
}

/// A file on its way. Whoever reads it slowly holds its memory, so all of them together have a bound.
#[derive(Debug)]
pub(crate) struct Sent {
    bytes: Vec<u8>,
    _way: OwnedSemaphorePermit,
}

impl AsRef<[u8]> for Sent {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

/// A picture as it was sent.
#[derive(Debug)]
pub(crate) struct Upload<B> {
    pub(crate) kind: Kind,
    pub(crate) file: B,
    pub(crate) seat: Seat,
}

impl Darkroom {
    /// # Errors
    /// When the system gives no thread.
    pub(crate) fn open(config: Images) -> io::Result<Self> {
        let seats = usize::try_from(config.waiting_max).unwrap_or(1);
        let way = usize::try_from(config.sending_kilobytes_max).unwrap_or(1);
        Ok(Self {
            config,
            lane: Lane::open("souk-picture", THREADS, || {})?,
            seats: Arc::new(Semaphore::new(seats.min(Semaphore::MAX_PERMITS))),
            turns: Arc::new(Semaphore::new(THREADS)),
            way: Arc::new(Semaphore::new(way)),
        })
    }

    /// The largest file that is taken.
    pub(crate) fn bytes_max(&self) -> usize {
        usize::try_from(self.config.bytes_max).unwrap_or(usize::MAX)
    }

    /// How many pictures a product may have.
    pub(super) const fn per_product_max(&self) -> u32 {
        self.config.per_product_max
    }

    /// A seat, unless all are taken.
    pub(crate) fn seat(&self) -> Result<Seat, ImageError> {
        let seat = Arc::clone(&self.seats).try_acquire_owned();
        Ok(Seat {
            _permit: seat.map_err(|_| ImageError::Overloaded)?,
        })
    }

    /// Lets a file go, unless too much is on its way.
    pub(super) fn send(&self, bytes: Vec<u8>) -> Result<Sent, ImageError> {
        let kilobytes = u32::try_from(bytes.len().div_ceil(1_024)).unwrap_or(u32::MAX);
        let way = Arc::clone(&self.way).try_acquire_many_owned(kilobytes);
        Ok(Sent {
            bytes,
            _way: way.map_err(|_| ImageError::Overloaded)?,
        })
    }

    /// Draws a picture anew.
    pub(super) async fn draw<B>(&self, upload: Upload<B>) -> Result<Files, ImageError>
    where
        B: AsRef<[u8]> + Send + 'static,
    {
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(|error| ImageError::Internal(error.into()))?;
        let Upload { kind, file, seat } = upload;
        let pixels_max = self.config.pixels_max;
        let drawn = self.lane.run(
            move || picture::redraw(file.as_ref(), kind, pixels_max).map(named),
            move |drawn| {
                // Before anybody is told: the next may come at once.
                drop((seat, turn));
                drawn
            },
        );
        match drawn.await {
            Ok(drawn) => drawn.map_err(refused),
            Err(error) => {
                // A decoder that fell over a file says no more of it than that it cannot be read.
                tracing::warn!(error = %error, "a picture could not be decoded");
                Err(refused(Flaw::Unreadable))
            }
        }
    }
}

fn named(Drawings { large, small }: Drawings) -> Files {
    Files {
        large: file(large),
        small: file(small),
    }
}

/// The name says what is in it, so that what is kept under it never changes.
fn file(drawing: Drawing) -> NamedFile {
    let hash = digest::base64url(&digest::sha256(&[&drawing.bytes]));
    NamedFile {
        name: format!("{hash}{}", drawing.ending),
        width: drawing.width,
        height: drawing.height,
        bytes: drawing.bytes.into(),
    }
}

fn refused(flaw: Flaw) -> ImageError {
    let reason = match flaw {
        Flaw::OtherKind => return ImageError::OtherKind,
        Flaw::TooManyPixels => "has too many pixels",
        Flaw::Unreadable => "is no picture that can be read",
        Flaw::TooMuch => "has more in it than can be kept",
    };
    ImageError::Invalid {
        field: String::new(),
        reason: reason.to_owned(),
    }
}
