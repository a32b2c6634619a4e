//! Listens, and keeps the bounds: of headers, bodies, times and connections.
//!
//! Promises: whoever is slow holds nobody else up. A header must be whole within [`Bounds::header`], which also ends what is
//! idle; an answer that nobody takes ends after [`Bounds::stall`]; where as many are connected as may be, the one that has
//! been waited for longest makes room. SIGTERM: what was asked is answered, within [`Bounds::parting`].
//!
//! BUGS: the bounds are for all together, none is for one address: behind a reverse proxy all come from one.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{Instant, Sleep, sleep, timeout};

use super::answer::Answer;

/// A request's line and header together, in bytes.
const HEADER: usize = 16 * 1024;
/// How many fields a header has.
const FIELDS: usize = 64;

#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// At once.
    pub connections: usize,
    /// From the beginning of the waiting for a header to its end.
    pub header: Duration,
    /// How long a connection may take not one byte of its answer.
    pub stall: Duration,
    /// How long a connection may last.
    pub life: Duration,
    /// How long the last answers may take after SIGTERM.
    pub parting: Duration,
}

impl Bounds {
    /// What this machine lets a process do.
    pub fn of_this_machine() -> Bounds {
        Bounds {
            connections: connections(),
            header: Duration::from_secs(10),
            stall: Duration::from_secs(30),
            life: Duration::from_secs(600),
            parting: Duration::from_secs(25),
        }
    }
}

/// As many as the process may open files, less those for everything else.
fn connections() -> usize {
    let limits = std::fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let files = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let files = files.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    files.unwrap_or(640).saturating_sub(128).clamp(64, 4096)
}

/// Who is connected, and on whom we wait.
#[derive(Default)]
struct Guests {
    count: usize,
    next: u64,
    /// Those that have not asked anything yet, or not anything more, by how long.
    waited_for: BTreeMap<(Instant, u64), Arc<Notify>>,
}

/// Sends away whoever has been waited for longest.
fn make_room(guests: &Mutex<Guests>) {
    let longest = guests.lock().unwrap_or_else(PoisonError::into_inner).waited_for.pop_first();
    if let Some((_, leave)) = longest {
        leave.notify_one();
    }
}

/// One connection among the others.
struct Guest {
    guests: Arc<Mutex<Guests>>,
    number: u64,
    since: Mutex<Option<Instant>>,
    leave: Arc<Notify>,
}

impl Guest {
    /// `None`: all places are taken, and nobody can be asked to leave.
    fn enter(guests: &Arc<Mutex<Guests>>, most: usize) -> Option<Arc<Guest>> {
        let mut all = guests.lock().unwrap_or_else(PoisonError::into_inner);
        if all.count >= most {
            all.waited_for.pop_first()?.1.notify_one();
        }
        all.count += 1;
        all.next += 1;
        let guest =
            Guest { guests: guests.clone(), number: all.next, since: Mutex::new(None), leave: Arc::default() };
        drop(all);
        guest.is_waited_for(true);
        Some(Arc::new(guest))
    }

    fn is_waited_for(&self, waited_for: bool) {
        let mut all = self.guests.lock().unwrap_or_else(PoisonError::into_inner);
        let mut since = self.since.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = since.take() {
            all.waited_for.remove(&(before, self.number));
        }
        if waited_for {
            let now = Instant::now();
            *since = Some(now);
            all.waited_for.insert((now, self.number), self.leave.clone());
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.is_waited_for(false);
        self.guests.lock().unwrap_or_else(PoisonError::into_inner).count -= 1;
    }
}

/// Answers until `stop` is over, then lets those under way end. A request's extensions hold its peer's [`SocketAddr`].
pub async fn serve<Answering>(
    listener: TcpListener,
    bounds: Bounds,
    answer: impl Fn(Request<Incoming>) -> Answering + Clone + Send + Sync + 'static,
    stop: impl Future<Output = ()>,
) where
    Answering: Future<Output = Answer> + Send + 'static,
{
    let guests: Arc<Mutex<Guests>> = Arc::default();
    let (stopping, told) = watch::channel(false);
    // Closed when the last connection has gone.
    let (here, mut gone) = mpsc::channel::<()>(1);
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(_) => {
                // Out of files, say: whoever is waited for makes room.
                make_room(&guests);
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Some(guest) = Guest::enter(&guests, bounds.connections) else { continue };
        let _ = stream.set_nodelay(true);
        let (answer, told, here) = (answer.clone(), told.clone(), here.clone());
        tokio::spawn(async move {
            host((stream, peer), bounds, guest, answer, told).await;
            drop(here);
        });
    }
    drop(listener);
    drop(here);
    let _ = stopping.send(true);
    let _ = timeout(bounds.parting, gone.recv()).await;
}

/// Sees to one connection until it ends.
async fn host<Answering>(
    (stream, peer): (TcpStream, SocketAddr),
    bounds: Bounds,
    guest: Arc<Guest>,
    answer: impl Fn(Request<Incoming>) -> Answering + Send + Sync,
    mut told: watch::Receiver<bool>,
) where
    Answering: Future<Output = Answer> + Send,
{
    let leave = guest.leave.clone();
    let service = service_fn(|mut request: Request<Incoming>| {
        guest.is_waited_for(false);
        request.extensions_mut().insert(peer);
        let answering = answer(request);
        let guest = &guest;
        async move {
            let answered = answering.await;
            guest.is_waited_for(true);
            Ok::<_, std::convert::Infallible>(answered)
        }
    });
    let stream = TokioIo::new(Patient { stream, patience: bounds.stall, stalled: None });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(bounds.header)
        .max_buf_size(HEADER)
        .max_headers(FIELDS)
        .serve_connection(stream, service);
    let mut connection = pin!(connection);
    let mut parting = false;
    let mut life = pin!(sleep(bounds.life));
    loop {
        tokio::select! {
            // What a client did wrong is nobody else's concern.
            _ = connection.as_mut() => return,
            () = leave.notified() => return,
            _ = told.wait_for(|stopping| *stopping), if !parting => {
                parting = true;
                connection.as_mut().graceful_shutdown();
            }
            () = life.as_mut() => {
                if parting {
                    return;
                }
                parting = true;
                connection.as_mut().graceful_shutdown();
                life.as_mut().reset(Instant::now() + bounds.stall);
            }
        }
    }
}

/// A stream that ends when nobody takes what it says.
struct Patient {
    stream: TcpStream,
    patience: Duration,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl Patient {
    fn watch<T>(&mut self, context: &mut Context<'_>, written: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        ready!(self.stalled.get_or_insert_with(|| Box::pin(sleep(patience))).as_mut().poll(context));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl AsyncRead for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        parts: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, parts);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
