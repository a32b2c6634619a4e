//! `crieur serve`: the web service, until it is told to stop. SIGHUP has it read its configuration and keys anew; with
//! `--with-schedule` it also does what `crieur run` does, each minute.

mod reload;
mod schedule;

use anyhow::Context;
use serde_json::json;
use tokio::net::TcpListener;

use self::reload::Reload;
use super::office::Office;
use super::{Globals, Outcome, report, retention};
use crate::mail::clock::Clock;
use crate::store::Database;
use crate::web::server::{self, Bounds};
use crate::web::{Current, Service, posting, routes};

/// How often it is written who reads the feeds.
const WRITING: std::time::Duration = std::time::Duration::from_secs(60);

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Where to listen (default: `web.listen`); port 0: any that is free
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<std::net::SocketAddr>,
    /// Also do what `crieur run` does, each minute: build, send what is due, try again
    #[arg(long)]
    pub with_schedule: bool,
}

pub fn run(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(serve(globals, arguments))
}

async fn serve(globals: &Globals, arguments: Args) -> anyhow::Result<Outcome> {
    // From the beginning: until then, a SIGHUP would end it.
    let mut asked = reload::asked()?;
    let office = Office::open(globals).await?;
    office.needs_people()?;
    let Office { config, problems, secrets, store } = office;
    report::problems_in_passing(globals, &problems);
    let listen = arguments.listen.map_or_else(|| config.web.listen.clone(), |address| address.to_string());
    let listener = TcpListener::bind(&listen)
        .await
        .with_context(|| format!("nobody can be served at {listen}: set `web.listen` to an address that is free"))?;
    let address = listener.local_addr()?;
    let url = format!("http://{address}/");
    if globals.json {
        globals.print_json(&json!({ "url": url }))?
    } else {
        globals.print(&url)?
    }
    if config.web.url.is_none() {
        globals.say("no letter can name this service: set `web.url` to the address that readers reach it by");
    }
    let database = Database::of(&config)?;
    let mut reload = Reload::new(globals, &config, database.clone(), arguments.listen.is_some());
    let speaking = globals.clone();
    let log = move |words: &str| speaking.say(crate::store::without_addresses(words));
    let clock = Clock::starting(globals.now);
    let current = Current::new(Service::new(config, secrets, clock, (database.clone(), store), Box::new(log)));
    let service = current.get();
    let open = service.config.newsletters.iter().any(|newsletter| newsletter.subscribe);
    if let Some(missing) = service.posting.missing().filter(|_| open) {
        globals.say(format!("no letter that confirms a subscription can leave: {missing}"));
    }
    drop(service);
    let posted = current.clone();
    let posting = posting::Office::open(move || posted.get());
    let sweeping = tokio::spawn(retention::now_and_then(globals.clone(), database, current.clone(), clock));
    let schedule = arguments.with_schedule.then(|| schedule::start(globals, clock));
    let answering = current.clone();
    let answer = move |request| routes::answer(answering.get(), request);
    let mut stop = std::pin::pin!(told_to_stop()?);
    let (parting, parted) = tokio::sync::oneshot::channel::<()>();
    let serving = tokio::spawn(server::serve(listener, Bounds::of_this_machine(), answer, async {
        let _ = parted.await;
    }));
    let mut minutes = tokio::time::interval(WRITING);
    loop {
        tokio::select! {
            () = &mut stop => break,
            _ = minutes.tick() => {
                let service = current.get();
                tokio::spawn(async move { service.counts.readers.write(&service).await });
            }
            () = asked.next() => reload.read_anew(&current).await,
        }
    }
    drop(parting);
    sweeping.abort();
    let patience = Bounds::of_this_machine().parting;
    // All at once: none of them waits for another one.
    let (served, (), ()) = tokio::join!(serving, posting.close(patience), async {
        if let Some(schedule) = schedule {
            schedule.stop(patience).await;
        }
    });
    served?;
    let service = current.get();
    service.counts.readers.write(&service).await;
    service.stores.close().await;
    globals.detail("stopped");
    Ok(Outcome::Done)
}

/// SIGTERM or SIGINT.
fn told_to_stop() -> std::io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
