//! The stream under an SMTP conversation: TCP with `TCP_NODELAY`, in the clear or inside TLS.
//!
//! Promise: after an error, or a time that ran out, [`Wire::written`] says how many bytes of the last write can have left:
//! none behind them has.

use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

/// A connected stream.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    peer: SocketAddr,
    local: SocketAddr,
    written: usize,
}

#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

impl Wire {
    /// Connects in the clear.
    pub async fn connect(host: &str, port: u16) -> io::Result<Wire> {
        let stream = TcpStream::connect((host, port)).await?;
        // Otherwise a letter's last packet waits for the answer to the one before: 40 ms a letter.
        stream.set_nodelay(true)?;
        let (peer, local) = (stream.peer_addr()?, stream.local_addr()?);
        Ok(Wire { stream: Stream::Clear(stream), peer, local, written: 0 })
    }

    /// Goes inside TLS; `config` says whose word is good enough that this is `host`.
    pub async fn secure(self, host: &str, config: Arc<ClientConfig>) -> io::Result<Wire> {
        let Stream::Clear(stream) = self.stream else { return Ok(self) };
        let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(config).connect(name, stream).await?;
        Ok(Wire { stream: Stream::Tls(Box::new(stream)), ..self })
    }

    pub fn is_secure(&self) -> bool {
        matches!(self.stream, Stream::Tls(_))
    }

    /// Our own end's address.
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Reads what is there, behind what `into` holds; 0 is the stream's end.
    pub async fn read(&mut self, into: &mut Vec<u8>) -> io::Result<usize> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.read_buf(into).await,
            Stream::Tls(stream) => stream.read_buf(into).await,
        }
    }

    /// Writes both, in one system call where the system takes them in one.
    pub async fn write(&mut self, first: &[u8], second: &[u8]) -> io::Result<()> {
        self.written = 0;
        let all = first.len() + second.len();
        while self.written < all {
            let (first, second) = match self.written.checked_sub(first.len()) {
                None => (first.get(self.written..).unwrap_or_default(), second),
                Some(begun) => (&[][..], second.get(begun..).unwrap_or_default()),
            };
            let slices = [IoSlice::new(first), IoSlice::new(second)];
            let count = match &mut self.stream {
                Stream::Clear(stream) => stream.write_vectored(&slices).await?,
                Stream::Tls(stream) => stream.write_vectored(&slices).await?,
            };
            if count == 0 {
                return Err(io::ErrorKind::WriteZero.into());
            }
            self.written += count;
        }
        if let Stream::Tls(stream) = &mut self.stream {
            stream.flush().await?;
        }
        Ok(())
    }

    /// Says that nothing more will come.
    pub async fn end(&mut self) -> io::Result<()> {
        match &mut self.stream {
            Stream::Clear(stream) => stream.shutdown().await,
            Stream::Tls(stream) => stream.shutdown().await,
        }
    }

    /// How much of the last write was taken from us.
    pub fn written(&self) -> usize {
        self.written
    }
}
