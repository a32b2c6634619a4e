use super::*;
use crate::digest::samples;
use crate::status::Letter;
use crate::status::Source;
use crate::store::daily;
use crate::store::editions::Counts;
use crate::store::readers::Reader;
use crate::store::replies::Replies;

fn edition(number: i64, state: State, counts: Counts) -> Edition {
    let composed = "2026-11-27T15:00:00Z".parse().unwrap();
    Edition {
        id: number,
        newsletter: "news".to_string(),
        number,
        state,
        reason: (state == State::Held).then(|| "<b>why</b>".to_string()),
        items: Vec::new(),
        composed,
        send_at: None,
        previewed: None,
        counts,
    }
}

fn empty() -> Rows {
    let mut config = samples::config();
    config.site.language = "en".to_string();
    Rows::empty(&config, "2026-11-27T15:40:00Z".parse().unwrap())
}

fn full(words: &str) -> Rows {
    let counts = Counts {
        eligible: 100,
        accepted: 60,
        refused: 2,
        suppressed: 1,
        uncertain: 1,
        pending: 36,
        deferred: 6,
        ..Counts::default()
    };
    let day = daily::day("2026-11-27T15:40:00Z".parse().unwrap());
    Rows {
        site: words.to_string(),
        letters: vec![Letter { name: "news".to_string(), title: words.to_string(), has_people: true }],
        feeds: vec![Source {
            name: "all".to_string(),
            title: words.to_string(),
            paths: vec!["feed.xml".to_string()],
        }],
        editions: vec![edition(1, State::Held, counts.clone()), edition(2, State::Sending, counts)],
        daily: vec![daily::Daily { newsletter: "news".to_string(), day: day - 3, joined: 9, gone: 2 }],
        subscribed: vec![("news".to_string(), 7)],
        replies: vec![Replies { domain: words.to_string(), people: 9, accepted: 9, ..Replies::default() }],
        suppressed: vec![(words.to_string(), 3)],
        readers: vec![Reader {
            feed: "feed.xml".to_string(),
            day,
            reader: words.to_string(),
            source: String::new(),
            subscribers: 4,
            fetches: 1,
            is_known: false,
        }],
        ..empty()
    }
}

#[test]
fn what_is_shown_shows_as_text() {
    let evil = "<script>alert(1)</script>\"'&";
    let page = page(&full(evil), Moves::Never);
    for text in [&page.content, &page.as_file(evil)] {
        assert!(!text.contains("<script") && !text.contains("<b>why") && !text.contains("\"'"), "{text}");
        assert!(text.matches("&lt;script&gt;").count() > 10, "{text}");
        assert!(!text.contains("style=") && !text.contains("{{"), "{text}");
    }
}

#[test]
fn the_same_rows_give_the_same_page_and_every_part_is_on_it() {
    let rows = full("Monthly");
    let shown = page(&rows, Moves::ByItself);
    assert_eq!(shown, page(&rows, Moves::ByItself));
    for part in [
        "Monthly no. 1 is held.",
        "crieur resume news 1",
        "Monthly no. 2: whether 1 letter left is not known.",
        "no. 2: 60 accepted, 2 refused, 1 suppressed, 1 uncertain, 6 deferred, 30 waiting",
        "<b>7</b> subscribers",
        "<span class=\"up\">+9</span> <span class=\"down\">−2</span> in 30 days",
        "9 joined, 2 left. From 0 subscribers to 7.",
        "Monthly: 9 accepted",
        "No letter goes to 3 addresses any more: Monthly (3).",
        "4 subscribers reported by reading services, 0 fetches by other programs in seven days.",
        "27\u{a0}Nov\u{a0}2026 at 16:40 (Europe/Paris)",
    ] {
        assert!(shown.content.contains(part), "{part}: {}", shown.content);
    }
}

#[test]
fn with_nothing_to_show_it_says_so_and_draws_nothing() {
    let page = page(&empty(), Moves::ByItself);
    assert_eq!(page.refresh, None);
    assert_eq!(page.content.matches("class=\"nothing\"").count(), 4, "{}", page.content);
    assert!(!page.content.contains("<figure") && !page.content.contains("role=\"img\""));
}

#[test]
fn it_moves_quickly_while_letters_leave_slowly_while_they_wait_and_not_at_all_otherwise() {
    let now = empty().now;
    let of = |state, pending, deferred, minutes| {
        let due = Some(now + TimeDelta::minutes(minutes));
        let counts = Counts { eligible: 50, pending, deferred, due, ..Counts::default() };
        page(&Rows { editions: vec![edition(1, state, counts)], ..empty() }, Moves::ByItself).refresh
    };
    assert_eq!(of(State::Sending, 20, 0, -1), Some(QUICK));
    assert_eq!(of(State::Sending, 20, 20, 0), Some(QUICK));
    assert_eq!(of(State::Sending, 20, 20, 30), Some(SLOW));
    assert_eq!(of(State::Sending, 20, 19, 30), Some(QUICK));
    assert_eq!(of(State::Sending, 0, 0, 0), None);
    assert_eq!(of(State::Held, 20, 0, -1), None);
    assert_eq!(of(State::Composed, 20, 0, -1), None);
    assert_eq!(of(State::Done, 0, 0, -1), None);
}

#[test]
fn whoever_reads_it_can_stop_it_and_a_file_never_moves() {
    let rows = full("Monthly");
    let (by_itself, stopped, never) =
        (page(&rows, Moves::ByItself), page(&rows, Moves::Stopped), page(&rows, Moves::Never));
    assert_eq!((by_itself.refresh, stopped.refresh, never.refresh), (Some(QUICK), None, None));
    assert!(by_itself.content.contains("<a href=\"?still\">Stop reloading</a>"));
    assert!(stopped.content.contains("<a href=\"?\">Reload by itself</a>"));
    assert!(!never.content.contains("<a ") && never.content.contains("A letter is being delivered."));
}
