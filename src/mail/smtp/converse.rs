//! What is said before a body, and what the server answers: one command at a time, all together, or together with the end of
//! the body before. Which answers fit decides whether the server can take them together at all.

use std::time::Duration;

use super::envelope::{Envelope, Step};
use super::reply::Cut;
use super::{Fault, Outcome, Reply, Smtp};

/// How long a server may take over the first commands that are said at once. Longer is no harm: it is asked again, one
/// command at a time and with all patience.
const DOUBT: Duration = Duration::from_secs(60);

/// How an envelope's commands are said.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    OneByOne,
    Together,
    /// Together with the end of the body before.
    Ahead,
}

impl Smtp {
    pub(super) fn write_envelope(&mut self, envelope: &Envelope) {
        for step in steps(self.begun) {
            envelope.write(*step, &self.abilities, &mut self.out);
        }
    }

    /// Reads the answers to an envelope, and says its commands where that is not done yet. Every answer of a group is
    /// read, whatever the first says.
    pub(super) async fn converse(&mut self, envelope: &Envelope, way: Way) -> Result<(), Outcome> {
        let doubted = way != Way::OneByOne && !self.pipelining.is_proven(way == Way::Ahead);
        let limit = if doubted { self.patience.command.min(DOUBT) } else { self.patience.command };
        let steps = steps(std::mem::take(&mut self.begun));
        // The first refusal is the one that counts.
        let mut refused: Option<Outcome> = None;
        let (mut sender_taken, mut recipient_taken, mut body_awaited) = (false, false, false);
        for (number, step) in steps.iter().copied().enumerate() {
            let reply = match way {
                Way::OneByOne => self.say(envelope, step, limit).await,
                Way::Together | Way::Ahead => self.talk.reply(limit).await,
            };
            let reply = match reply {
                Ok(reply) => reply,
                Err(cut) => {
                    self.broken = true;
                    if let Some(outcome) = refused {
                        return Err(outcome);
                    }
                    // Behind a body, some servers close as they please; that tells nothing about pipelining.
                    let closed = way == Way::Ahead && number == 0 && matches!(cut, Cut::Ended(_));
                    return Err(match cut {
                        Cut::Nonsense(words) => self.muddled(way, step, words),
                        cut if doubted && !closed => self.muddled(way, step, cut.words()),
                        cut => step.lost(cut.words()),
                    });
                }
            };
            let expected = if step == Step::Data { reply.code == 354 } else { reply.code < 300 };
            if reply.code == 421 {
                self.broken = true;
                return Err(refused.unwrap_or_else(|| step.refusal(&reply)));
            } else if expected {
                match step {
                    Step::Reset => {}
                    Step::Mail => sender_taken = true,
                    Step::Recipient => recipient_taken = true,
                    Step::Data => body_awaited = true,
                }
            } else if reply.code < 400 || step == Step::Reset {
                return Err(refused.unwrap_or_else(|| self.muddled(way, step, reply.words())));
            } else if doubted && refused.is_none() && (500..=504).contains(&reply.code) {
                // An answer about the commands' form or order: to a server that reads one at a time, these have none.
                return Err(self.muddled(way, step, reply.words()));
            } else {
                refused.get_or_insert_with(|| step.refusal(&reply));
                if way == Way::OneByOne {
                    break;
                }
            }
        }
        if way != Way::OneByOne {
            self.pipelining.prove(false);
            self.pipelining.prove(way == Way::Ahead);
        }
        match refused {
            None => {
                self.offered = true;
                Ok(())
            }
            Some(outcome) => {
                if !body_awaited {
                    self.begun = sender_taken;
                } else if recipient_taken {
                    // It has a recipient and waits for a body: its end would deliver an empty one.
                    self.broken = true;
                } else {
                    self.end_empty().await;
                }
                Err(outcome)
            }
        }
    }

    async fn say(&mut self, envelope: &Envelope, step: Step, limit: Duration) -> Result<Reply, Cut> {
        self.out.clear();
        envelope.write(step, &self.abilities, &mut self.out);
        self.talk.write(&self.out, b"", limit).await?;
        self.talk.reply(limit).await
    }

    /// DATA was taken though nobody is there to get it: a lone dot (RFC 2920, section 3.1), whatever it is answered.
    async fn end_empty(&mut self) {
        match self.talk.ask(".", self.patience.command).await {
            Ok(reply) if reply.code != 421 => {}
            _ => self.broken = true,
        }
    }

    /// What the server says does not fit what it was told. If that was told at once, no body was begun: the letter goes
    /// again, and from now on one command at a time.
    pub(super) fn muddled(&mut self, way: Way, step: Step, words: String) -> Outcome {
        self.broken = true;
        if way == Way::OneByOne {
            return step.lost(words);
        }
        self.pipelining.turn_off();
        Outcome::Untried(Fault::Lost(format!("the server offers PIPELINING and cannot do it: {words}")))
    }
}

fn steps(begun: bool) -> &'static [Step] {
    let all = &[Step::Reset, Step::Mail, Step::Recipient, Step::Data];
    if begun { all } else { &all[1..] }
}
