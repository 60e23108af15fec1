//! Watching a mailbox for the letters of one run: opens it, reads what is new and bears a stamp, tells of it, takes its own
//! letters away, and waits for more. It ends when the connection does; where it was is kept, so that the next one goes on there.

use std::convert::Infallible;

use tokio::time::sleep;

use super::mailbox::{Mailbox, Opened, Trouble};
use super::{Mint, Way};
use crate::clock::Clock;
use crate::domain::canary::{Cleans, Found, How, Place, Stamp, State, StrayWhy};
use crate::domain::health::Phase;
use crate::domain::reading::{Miss, Missed};
use crate::domain::{Span, Timestamp};
use crate::probe::class;
use crate::probe::imap;

/// What was learned of the mailbox.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum News {
    /// It is open and being watched.
    Opened(How, Cleans),
    /// A letter of this run came.
    Came {
        /// What its stamp says.
        stamp: Stamp,
        /// In what state.
        state: State,
        /// Where it lies.
        place: Place,
        /// When it was noticed.
        noticed: Timestamp,
    },
    /// Something that looks like a letter.
    Stray(StrayWhy, Place),
    /// All of it was looked at; the look began then.
    Looked(Timestamp),
}

/// Where watching is, from one connection to the next.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Cursor {
    /// Where the next message will lie, once the mailbox was open.
    next: Option<Place>,
    /// Letters that were told of and are still to be taken away.
    read: Vec<u32>,
}

/// How long to wait for news.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Patience {
    /// The longest that is waited for the server to tell: a line that is dead shows only when something is asked.
    pub idle: Span,
    /// How often is asked where it does not tell.
    pub poll: Span,
}

/// Watches until the connection ends, which is what it gives back.
pub async fn watch(
    way: Way<'_>,
    mint: &Mint,
    cursor: &mut Cursor,
    patience: Patience,
    clock: &Clock,
    tell: &mut (dyn FnMut(News) + Send),
) -> Missed {
    match endless(way, mint, cursor, patience, clock, tell).await {
        Ok(never) => match never {},
        Err(missed) => missed,
    }
}

async fn endless(
    way: Way<'_>,
    mint: &Mint,
    cursor: &mut Cursor,
    patience: Patience,
    clock: &Clock,
    tell: &mut (dyn FnMut(News) + Send),
) -> Result<Infallible, Missed> {
    let name = &mint.spec().mailbox;
    let broke = |trouble: Trouble| match trouble {
        Trouble::Said(words) => Missed::new(Miss::BadAnswer, format!("watching {name} at {}", way.door.url()), words),
        Trouble::Broken(b) => way.missed(&class::broken(way.door, Phase::Examine, &b)),
    };
    let session = imap::session(way.means(), way.door, way.secret).await;
    let (stream, capabilities) = session.map_err(|f| way.missed(&f))?;
    let mut mailbox = Mailbox::over(stream, capabilities, way.door.timeout);
    let opened = mailbox.open(name).await.map_err(broke)?;
    let (mut next, mut wanted) = begin(cursor, opened, mint);
    cursor.next = Some(next);
    let how = if mailbox.idles() {
        How::Idle
    } else {
        How::Poll(patience.poll)
    };
    tell(News::Opened(how, opened.cleans));
    loop {
        mailbox.news = false;
        let noticed = clock.now();
        let stamped = mailbox.stamped(next.uid, &wanted).await.map_err(broke)?;
        for uid in stamped {
            let message = mailbox.message(uid).await.map_err(broke)?;
            let place = Place { uid, ..next };
            match message.map_or(Found::Other, |m| mint.class(&m)) {
                Found::Ours { stamp, state } => {
                    cursor.read.push(uid);
                    tell(News::Came {
                        stamp,
                        state,
                        place,
                        noticed,
                    });
                }
                Found::Stray(why) => tell(News::Stray(why, place)),
                Found::Other => {}
            }
            next.uid = uid.saturating_add(1);
            cursor.next = Some(next);
        }
        wanted.clear();
        mailbox.remove(&cursor.read, opened.cleans).await.map_err(broke)?;
        cursor.read.clear();
        tell(News::Looked(noticed));
        if mailbox.news {
            continue;
        }
        match how {
            How::Idle => mailbox.idle(clock.real(patience.idle)).await.map_err(broke)?,
            How::Poll(every) => {
                sleep(clock.real(every)).await;
                mailbox.ask().await.map_err(broke)?;
            }
        }
    }
}

/// Where to begin, and for what words. Nothing of this run lies before the place where the mailbox ended when it was first
/// opened. With another UIDVALIDITY all UIDs are new: then this run's letters are looked for from the beginning.
fn begin(cursor: &mut Cursor, opened: Opened, mint: &Mint) -> (Place, String) {
    match cursor.next {
        None => (opened.next, String::new()),
        Some(known) if known.validity == opened.next.validity => (known, String::new()),
        Some(_) => {
            cursor.read.clear();
            let first = Place { uid: 1, ..opened.next };
            (first, format!("run={}", mint.run().as_str()))
        }
    }
}
