//! Listens, and keeps the bounds: of headers, bodies, times and connections.
//!
//! Promises: whoever is slow holds nobody else up. A header must be whole within [`Bounds::header`], which also ends what is
//! idle; an answer that nobody takes ends after [`Bounds::stall`]; where as many are connected as may be, the one that has
//! been waited for longest makes room. SIGTERM: what was asked is answered, within [`Bounds::parting`].
//!
//! BUGS: the bounds are for all together, none is for one address: behind a reverse proxy all come from one.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
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
use tokio::sync::{Notify, mpsc};
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

/// Who is connected, and on whom we wait. Looked through when a place is needed, so that a request costs nobody a lock.
struct Guests {
    most: usize,
    began: Instant,
    all: Mutex<HashMap<u64, Arc<Guest>>>,
}

/// One connection among the others.
#[derive(Default)]
struct Guest {
    /// Since when nothing more was asked, in nanoseconds from the beginning, or from when it came; 0: it is being answered, or told
    /// to go.
    waited_for: AtomicU64,
    /// Wakes it when it must go.
    leave: Notify,
    /// It may end what it asked.
    in_peace: AtomicBool,
}

/// A guest's place, until it is dropped.
struct Place {
    guests: Arc<Guests>,
    number: u64,
    guest: Arc<Guest>,
}

impl Guests {
    fn new(most: usize) -> Guests {
        Guests { most, began: Instant::now(), all: Mutex::default() }
    }

    fn now(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_nanos()).unwrap_or(u64::MAX).max(1)
    }

    /// `None`: all places are taken, and nobody can be asked to leave.
    fn enter(self: &Arc<Guests>, number: u64) -> Option<Place> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= self.most && !send_away(&all) {
            return None;
        }
        let guest = Arc::new(Guest { waited_for: AtomicU64::new(self.now()), ..Guest::default() });
        all.insert(number, guest.clone());
        Some(Place { guests: self.clone(), number, guest })
    }

    fn make_room(&self) {
        send_away(&self.all.lock().unwrap_or_else(PoisonError::into_inner));
    }

    /// Everybody may end what they asked, and nothing more.
    fn part(&self) {
        for guest in self.all.lock().unwrap_or_else(PoisonError::into_inner).values() {
            guest.in_peace.store(true, Ordering::Release);
            guest.leave.notify_one();
        }
    }
}

/// Sends away whoever has been waited for longest. Says whether there is anybody.
fn send_away(all: &HashMap<u64, Arc<Guest>>) -> bool {
    let waited_for = all.values().map(|guest| (guest.waited_for.load(Ordering::Acquire), guest));
    let longest = waited_for.filter(|(since, _)| *since > 0).min_by_key(|(since, _)| *since);
    let Some((_, guest)) = longest else { return false };
    guest.waited_for.store(0, Ordering::Release);
    guest.leave.notify_one();
    true
}

impl Place {
    fn is_waited_for(&self, waited_for: bool) {
        self.guest.waited_for.store(if waited_for { self.guests.now() } else { 0 }, Ordering::Release);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.guests.all.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.number);
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
    let guests = Arc::new(Guests::new(bounds.connections));
    let mut numbers = 0u64..;
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
                guests.make_room();
                sleep(Duration::from_millis(20)).await;
                continue;
            }
        };
        let Some(place) = numbers.next().and_then(|number| guests.enter(number)) else { continue };
        let _ = stream.set_nodelay(true);
        let (answer, here) = (answer.clone(), here.clone());
        tokio::spawn(async move {
            host((stream, peer), bounds, place, answer).await;
            drop(here);
        });
    }
    drop(listener);
    drop(here);
    guests.part();
    let _ = timeout(bounds.parting, gone.recv()).await;
}

/// Sees to one connection until it ends.
async fn host<Answering>(
    (stream, peer): (TcpStream, SocketAddr),
    bounds: Bounds,
    place: Place,
    answer: impl Fn(Request<Incoming>) -> Answering + Send + Sync,
) where
    Answering: Future<Output = Answer> + Send,
{
    let place = &place;
    let service = service_fn(|mut request: Request<Incoming>| {
        place.is_waited_for(false);
        request.extensions_mut().insert(peer);
        let answering = answer(request);
        async move {
            let answered = answering.await;
            place.is_waited_for(true);
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
            biased;
            // What a client did wrong is nobody else's concern.
            _ = connection.as_mut() => return,
            () = place.guest.leave.notified() => {
                if !place.guest.in_peace.load(Ordering::Acquire) {
                    return;
                }
                if !parting {
                    parting = true;
                    connection.as_mut().graceful_shutdown();
                }
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
