//! A stream whose reader may be slow, but not for ever: while something waits to be sent, so much of it has to be taken
//! in each stretch of time, or sending fails. Reading is bounded elsewhere, by the time that a request may take.

use std::{
    future::Future,
    io,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Instant, Sleep, sleep},
};

/// What is asked of whoever reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// The stretch of time over which it is counted.
    pub window: Duration,
    /// What has to be taken of what waits, in bytes a second.
    pub bytes_per_second_min: u32,
}

impl Pace {
    /// The least that has to be taken in one stretch. Who reads nothing is never fast enough.
    fn bytes_min(self) -> u64 {
        let bytes = self
            .window
            .as_millis()
            .saturating_mul(self.bytes_per_second_min.into());
        u64::try_from(bytes.div_euclid(1_000))
            .unwrap_or(u64::MAX)
            .max(1)
    }
}

/// A stream, and the stretch that is under way.
pub(super) struct Patient<S> {
    stream: S,
    pace: Pace,
    waiting: Option<Waiting>,
}

struct Waiting {
    end: Pin<Box<Sleep>>,
    taken: u64,
}

impl<S> Patient<S> {
    pub(super) const fn new(stream: S, pace: Pace) -> Self {
        Self {
            stream,
            pace,
            waiting: None,
        }
    }

    /// Counts what was taken. What could not be sent is waited for, until a stretch ends in which too little was.
    fn bounded(
        &mut self,
        sent: Poll<io::Result<usize>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<usize>> {
        match sent {
            Poll::Ready(Ok(bytes)) => {
                if let Some(waiting) = &mut self.waiting {
                    let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
                    waiting.taken = waiting.taken.saturating_add(bytes);
                }
                sent
            }
            Poll::Ready(Err(_)) => sent,
            Poll::Pending => self.wait(context),
        }
    }

    fn wait(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let pace = self.pace;
        let waiting = self.waiting.get_or_insert_with(|| Waiting {
            end: Box::pin(sleep(pace.window)),
            taken: 0,
        });
        while waiting.end.as_mut().poll(context).is_ready() {
            if waiting.taken < pace.bytes_min() {
                return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
            }
            waiting.taken = 0;
            let now = Instant::now();
            waiting
                .end
                .as_mut()
                .reset(now.checked_add(pace.window).unwrap_or(now));
        }
        Poll::Pending
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.bounded(sent, context)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let sent = Pin::new(&mut self.stream).poll_flush(context);
        if matches!(sent, Poll::Ready(Ok(()))) {
            // All of it was taken: nobody is waited for.
            self.waiting = None;
        }
        self.bounded(sent.map_ok(|()| 0), context).map_ok(drop)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let sent = Pin::new(&mut self.stream).poll_write_vectored(context, pieces);
        self.bounded(sent, context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    const PACE: Pace = Pace {
        window: Duration::from_secs(30),
        bytes_per_second_min: 1,
    };

    /// What became of sending so much to a reader who takes so many bytes every ten seconds.
    async fn sent_to(bytes: usize, taken: usize) -> io::Result<()> {
        let (near, mut far) = duplex(8);
        let mut near = Patient::new(near, PACE);
        let reading = async {
            let mut piece = vec![0; taken];
            loop {
                sleep(Duration::from_secs(10)).await;
                if taken > 0 && far.read_exact(&mut piece).await.is_err() {
                    return;
                }
            }
        };
        let sending = async {
            near.write_all(&vec![1; bytes]).await?;
            near.flush().await
        };
        tokio::select! {
            sent = sending => sent,
            () = reading => Ok(()),
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_reads_too_slowly_is_given_up_and_a_slow_reader_is_not() {
        assert!(sent_to(1_000, 16).await.is_ok(), "slow, and yet reading");
        for taken in [0, 1, 4] {
            let given_up = sent_to(1_000, taken).await.unwrap_err();
            assert_eq!(given_up.kind(), io::ErrorKind::TimedOut, "{taken}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_taken_all_may_rest_as_long_as_they_like() {
        let (near, mut far) = duplex(8);
        let mut near = Patient::new(near, PACE);
        for _ in 0..3 {
            let mut piece = [0; 16];
            let sending = async {
                near.write_all(&[1; 16]).await?;
                near.flush().await
            };
            let (sent, read) = tokio::join!(sending, far.read_exact(&mut piece));
            assert!(sent.is_ok() && read.is_ok());
            tokio::time::advance(Duration::from_secs(600)).await;
        }
    }
}
