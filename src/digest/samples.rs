//! Values for the tests of this part of the program.

use chrono::Duration;

use crate::config::*;

pub fn newsletter() -> Newsletter {
    Newsletter {
        name: "referents".into(),
        file: "config/newsletters/referents.yaml".into(),
        title: "La lettre d’essai".into(),
        from: Mailbox { name: Some("Équipe d’essai".into()), address: "lettre@example.org".into() },
        reply_to: None,
        list_id: None,
        to: Audience::Recipients,
        leave: Leave::Mailto("leave@example.org".into()),
        schedule: Schedule::Manual,
        missed: Missed::Send,
        missed_after: Duration::hours(6),
        backlog: Backlog::Announce,
        select: Select::default(),
        max_items: 12,
        surge: 15,
        approve: Approve::No,
        first_number: 1,
        subject: "{{newsletter.title}} n° {{edition.number}} : {{edition.headline}}".into(),
        theme: "plain".into(),
        images: Images::Hosted,
        wait_for_pages: None,
        on_uncertain: OnUncertain::Resend,
        reason: None,
        postal_address: None,
    }
}
