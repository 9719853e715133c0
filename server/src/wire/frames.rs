//! A bound on the length of a client's messages, checked before their bytes are collected.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

use super::limits::MESSAGE_BYTES_MAX;

/// A message whose length cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("a message of {length} bytes exceeds the limit of {limit}")]
    TooLong { length: usize, limit: usize },
    #[error("a message says that it has {length} bytes; its length alone has {LENGTH_BYTES}")]
    TooShort { length: usize },
}

/// Bytes of the length, which it counts too.
const LENGTH_BYTES: usize = 4;

/// Where in the stream of messages the next byte is.
#[derive(Debug)]
enum Place {
    /// Within the head: a type byte, except before startup, and four bytes of length.
    Head { bytes: [u8; HEAD], filled: usize },
    /// Within the body, with this many bytes to come.
    Body(usize),
}

const HEAD: usize = 1 + LENGTH_BYTES;

/// Follows the messages in a stream of bytes without keeping them.
#[derive(Debug)]
struct Frames {
    place: Place,
    limit: usize,
}

impl Frames {
    fn new(limit: usize) -> Self {
        Self { place: Place::Head { bytes: [0; HEAD], filled: 0 }, limit }
    }

    fn follow(&mut self, mut bytes: &[u8]) -> Result<(), FrameError> {
        while let Some((first, rest)) = bytes.split_first() {
            match &mut self.place {
                Place::Body(left) => {
                    let step = bytes.len().min(*left);
                    *left -= step;
                    if *left == 0 {
                        self.place = Place::Head { bytes: [0; HEAD], filled: 0 };
                    }
                    bytes = bytes.get(step..).unwrap_or_default();
                }
                Place::Head { bytes: head, filled } => {
                    if let Some(place) = head.get_mut(*filled) {
                        *place = *first;
                    }
                    *filled += 1;
                    bytes = rest;
                    if *filled == HEAD {
                        self.place = self.body()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The place after a whole head.
    fn body(&self) -> Result<Place, FrameError> {
        let Place::Head { bytes: [_, length @ ..], .. } = self.place else {
            return Ok(Place::Body(0));
        };
        let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
        if length > self.limit {
            return Err(FrameError::TooLong { length, limit: self.limit });
        }
        match length.checked_sub(LENGTH_BYTES) {
            None => Err(FrameError::TooShort { length }),
            Some(0) => Ok(Place::Head { bytes: [0; HEAD], filled: 0 }),
            Some(left) => Ok(Place::Body(left)),
        }
    }
}

/// A client's socket, whose messages are bounded once the startup is over.
#[derive(Debug)]
pub(super) struct Bounded {
    stream: TcpStream,
    frames: Option<Frames>,
}

impl Bounded {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, frames: None }
    }

    /// Begins to follow: the startup message, which has its own limit, has been taken, and `ahead`
    /// came behind it.
    ///
    /// # Errors
    /// When a message is too long.
    pub(super) fn follow(&mut self, ahead: &[u8]) -> Result<(), FrameError> {
        let mut frames = Frames::new(MESSAGE_BYTES_MAX);
        frames.follow(ahead)?;
        self.frames = Some(frames);
        Ok(())
    }

    /// Waits until the client has gone away; for ever when it sends more instead.
    pub(super) async fn gone(&self) {
        let mut byte = [0];
        if let Ok(1..) = self.stream.peek(&mut byte).await {
            std::future::pending::<()>().await;
        }
    }
}

impl AsyncRead for Bounded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if let (Poll::Ready(Ok(())), Some(frames)) = (&polled, &mut self.frames) {
            let read = buffer.filled().get(before..).unwrap_or_default();
            if let Err(error) = frames.follow(read) {
                return Poll::Ready(Err(io::Error::new(io::ErrorKind::InvalidData, error)));
            }
        }
        polled
    }
}

impl AsyncWrite for Bounded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::{FrameError, Frames};

    fn message(kind: u8, body: usize) -> Vec<u8> {
        let mut bytes = vec![kind];
        bytes.extend_from_slice(&u32::try_from(body + 4).unwrap().to_be_bytes());
        bytes.resize(5 + body, b'Q');
        bytes
    }

    #[test]
    fn messages_are_followed_in_pieces_of_any_length() {
        let stream: Vec<u8> =
            [0, 1, 90, 0, 0, 96, 3].iter().flat_map(|body| message(b'd', *body)).collect();
        for step in 1..stream.len() {
            let mut frames = Frames::new(100);
            assert!(stream.chunks(step).all(|piece| frames.follow(piece).is_ok()), "{step}");
        }
        let mut too_long = stream.clone();
        too_long.extend(message(b'd', 97));
        for step in 1..too_long.len() {
            let mut frames = Frames::new(100);
            let failed = too_long.chunks(step).find_map(|piece| frames.follow(piece).err());
            assert_eq!(failed, Some(FrameError::TooLong { length: 101, limit: 100 }), "{step}");
        }
    }

    #[test]
    fn a_length_counts_its_own_bytes() {
        for length in 0..4_u8 {
            let mut frames = Frames::new(100);
            let failed = frames.follow(&[b'Q', 0, 0, 0, length]);
            assert_eq!(failed, Err(FrameError::TooShort { length: usize::from(length) }));
        }
    }
}
