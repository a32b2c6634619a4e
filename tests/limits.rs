//! Limits that a mail server or a receiving domain sets: kept, and nobody else waits for them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crieur::config::{DomainLimit, Rate};
use crieur::mail::delivery::Ended;

use crate::delivery::{Post, beginning, route, setting, wait};
use crate::support::smtp::{Act, Peer, Step};
use crate::support::stores::{Place, on_both_stores};

fn people() -> Vec<String> {
    (0..24)
        .map(|number| format!("p{number}@{}", if number % 2 == 0 { "slow.example.org" } else { "example.org" }))
        .collect()
}

fn limited(limit: DomainLimit) -> BTreeMap<String, DomainLimit> {
    [("slow.example.org".to_string(), limit)].into()
}

on_both_stores! {
    a_domain_gets_no_more_letters_at_once_than_it_takes_and_the_others_do_not_wait,
    a_domain_with_a_rate_is_kept_to_it_and_the_others_do_not_wait,
    a_connection_is_renewed_after_as_many_letters_as_it_may_carry,
}

fn a_domain_gets_no_more_letters_at_once_than_it_takes_and_the_others_do_not_wait(place: Place) {
    wait(async {
        let mut post = Post::to(&place, people()).await;
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let order = Arc::new(Mutex::new(Vec::new()));
        let (count, peak, seen) = (Arc::clone(&now), Arc::clone(&most), Arc::clone(&order));
        let peer = Peer::start(move |step| {
            if let Step::Body { recipient } = step {
                let slow = recipient.ends_with("@slow.example.org");
                if slow {
                    peak.fetch_max(count.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::sleep(Duration::from_millis(25));
                    count.fetch_sub(1, Ordering::SeqCst);
                }
                seen.lock().expect("a lock").push(slow);
            }
            Act::Usual
        });
        let mut setting = setting(route(peer.port), 4, beginning());
        setting.limits.domains = limited(DomainLimit { connections: Some(1), rate: None });
        assert_eq!(post.deliver(&setting).await, Ended::Tried);
        assert_eq!(post.counts().await.accepted, 24);
        assert_eq!(most.load(Ordering::SeqCst), 1);
        let order = order.lock().expect("a lock");
        let others_done = order.iter().rposition(|slow| !slow).expect("others");
        assert!(order[others_done..].len() > 6, "the others waited: {order:?}");
    });
}

fn a_domain_with_a_rate_is_kept_to_it_and_the_others_do_not_wait(place: Place) {
    wait(async {
        let mut post = Post::to(&place, people()[..12].to_vec()).await;
        let times = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&times);
        let peer = Peer::start(move |step| {
            if let Step::Body { recipient } = step {
                seen.lock().expect("a lock").push((Instant::now(), recipient.ends_with("@slow.example.org")));
            }
            Act::Usual
        });
        let mut setting = setting(route(peer.port), 2, beginning());
        let rate = Rate { count: 10, per: Duration::from_secs(1) };
        setting.limits.domains = limited(DomainLimit { connections: None, rate: Some(rate) });
        post.deliver(&setting).await;
        assert_eq!(post.counts().await.accepted, 12);
        let times = times.lock().expect("a lock");
        let slow: Vec<Instant> = times.iter().filter(|(_, slow)| *slow).map(|(at, _)| *at).collect();
        let others = times.iter().filter(|(_, slow)| !slow).map(|(at, _)| *at).max().expect("others");
        assert!(slow[5] - slow[0] >= Duration::from_millis(450), "{:?}", slow[5] - slow[0]);
        assert!(others < slow[3], "the others waited");
    });
}

fn a_connection_is_renewed_after_as_many_letters_as_it_may_carry(place: Place) {
    wait(async {
        let mut post = Post::new(&place, 10).await;
        let peer = Peer::start(|_| Act::Usual);
        let mut setting = setting(route(peer.port), 1, beginning());
        setting.limits.letters_per_connection = Some(3);
        assert_eq!(post.deliver(&setting).await, Ended::Tried);
        assert_eq!(post.counts().await.accepted, 10);
        assert_eq!(peer.connections(), 4);
    });
}
