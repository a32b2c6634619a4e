//! One side of the conversation: commands out, replies in, each in its time.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio_rustls::rustls::ClientConfig;

use super::reply::{Cut, Replies};
use crate::mail::outcome::Reply;
use crate::mail::wire::Wire;

/// A stream and what was read of it.
pub(super) struct Talk {
    wire: Wire,
    replies: Replies,
}

impl Talk {
    pub fn new(wire: Wire) -> Talk {
        Talk { wire, replies: Replies::default() }
    }

    /// The same conversation inside TLS. What was said before is forgotten, and what came too early is refused: it would
    /// be taken for an answer that was given inside TLS (RFC 3207, section 6).
    pub async fn secure(self, host: &str, config: Arc<ClientConfig>) -> io::Result<Talk> {
        if self.replies.has_more() {
            return Err(io::Error::other("something came in the clear behind the answer to STARTTLS"));
        }
        Ok(Talk::new(self.wire.secure(host, config).await?))
    }

    pub fn is_secure(&self) -> bool {
        self.wire.is_secure()
    }

    pub fn local(&self) -> SocketAddr {
        self.wire.local()
    }

    pub fn peer(&self) -> SocketAddr {
        self.wire.peer()
    }

    /// Writes both parts at once.
    pub async fn write(&mut self, first: &[u8], second: &[u8], limit: Duration) -> Result<(), Cut> {
        match tokio::time::timeout(limit, self.wire.write(first, second)).await {
            Err(_) => Err(Cut::Silent(limit)),
            Ok(Err(error)) => Err(Cut::Ended(format!("the connection broke: {error}"))),
            Ok(Ok(())) => Ok(()),
        }
    }

    /// How much of the last write can have left.
    pub fn written(&self) -> usize {
        self.wire.written()
    }

    pub async fn reply(&mut self, limit: Duration) -> Result<Reply, Cut> {
        self.replies.next(&mut self.wire, limit).await
    }

    /// One command, and the reply to it.
    pub async fn ask(&mut self, command: &str, limit: Duration) -> Result<Reply, Cut> {
        self.write(command.as_bytes(), b"\r\n", limit).await?;
        self.reply(limit).await
    }

    /// What has come although nothing was asked: `None` is silence, as it should be.
    pub async fn unasked(&mut self) -> Option<Result<Reply, Cut>> {
        self.replies.unasked(&mut self.wire).await
    }

    /// Ends the stream as it stands.
    pub async fn end(&mut self) {
        let _ = tokio::time::timeout(Duration::from_secs(5), self.wire.end()).await;
    }
}
