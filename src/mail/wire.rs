//! The stream under an SMTP conversation: TCP with `TCP_NODELAY`, in the clear or inside TLS from its first byte.
//!
//! Promise: what a server (or somebody in between) sends behind its answer to STARTTLS is never taken for an answer
//! given inside TLS: from that command on, the stream hands out one byte at a time up to the answer's end, so that
//! whatever follows meets the TLS handshake, which fails on it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use lettre::transport::smtp::client::AsyncTokioStream;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::ServerName;

/// A connected stream, ready for the server's greeting.
#[derive(Debug)]
pub struct Wire {
    stream: Stream,
    address: SocketAddr,
    answer: Answer,
}

#[derive(Debug)]
enum Stream {
    Clear(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// How far the answer to STARTTLS has been read.
#[derive(Debug, PartialEq, Eq)]
enum Answer {
    /// Nobody asked, or all of it was read.
    None,
    /// Asked; the current line so far.
    Line(Vec<u8>),
}

impl Wire {
    /// Connects in the clear.
    pub async fn connect(host: &str, port: u16) -> io::Result<Wire> {
        let stream = TcpStream::connect((host, port)).await?;
        stream.set_nodelay(true)?;
        let address = stream.peer_addr()?;
        Ok(Wire { stream: Stream::Clear(stream), address, answer: Answer::None })
    }

    /// Goes inside TLS before a word is said; the server's certificate must be for `host`, by the system's roots.
    pub async fn secure(self, host: &str) -> io::Result<Wire> {
        let Stream::Clear(stream) = self.stream else { return Ok(self) };
        let provider = Arc::new(ring::default_provider());
        let verifier = rustls_platform_verifier::Verifier::new(Arc::clone(&provider)).map_err(io::Error::other)?;
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth();
        let name = ServerName::try_from(host.to_string()).map_err(io::Error::other)?;
        let stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await?;
        Ok(Wire { stream: Stream::Tls(Box::new(stream)), address: self.address, answer: Answer::None })
    }

    /// Our own end's address, which EHLO names.
    pub fn local_address(&self) -> io::Result<SocketAddr> {
        match &self.stream {
            Stream::Clear(stream) => stream.local_addr(),
            Stream::Tls(stream) => stream.get_ref().0.local_addr(),
        }
    }

    pub fn peer(&self) -> SocketAddr {
        self.address
    }
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for Wire {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Answer::Line(line) = &mut this.answer else { return this.stream.poll_read(context, out) };
        let mut byte = [0; 1];
        let mut one = ReadBuf::new(&mut byte);
        match this.stream.poll_read(context, &mut one) {
            Poll::Ready(Ok(())) => {}
            other => return other,
        }
        out.put_slice(one.filled());
        line.extend_from_slice(one.filled());
        if line.ends_with(b"\n") {
            // `220-` goes on, `220 ` is the last line.
            if line.get(3) == Some(&b'-') { line.clear() } else { this.answer = Answer::None }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = match &mut self.stream {
            Stream::Clear(stream) => Pin::new(stream).poll_write(context, bytes),
            Stream::Tls(stream) => Pin::new(stream).poll_write(context, bytes),
        };
        if bytes == b"STARTTLS\r\n" && matches!(written, Poll::Ready(Ok(_))) {
            self.answer = Answer::Line(Vec::new());
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(stream) => Pin::new(stream).poll_flush(context),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(context),
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Clear(stream) => Pin::new(stream).poll_shutdown(context),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

impl Stream {
    fn poll_read(&mut self, context: &mut Context<'_>, out: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self {
            Stream::Clear(stream) => Pin::new(stream).poll_read(context, out),
            Stream::Tls(stream) => Pin::new(stream).poll_read(context, out),
        }
    }
}
