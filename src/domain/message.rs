//! Single messages of a queue, as a person looks for them: those behind a destination or a reason, and one in detail.

use jiff::Timestamp;

use super::{Span, Text};

/// Which messages are asked for.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Pick {
    /// By what they have in common.
    pub by: PickBy,
    /// Only those that hold this text (case aside) in their ID, sender, a recipient or a reason; all when empty.
    pub text: String,
    /// How many that fit are passed over first: the pages before.
    pub skip: u64,
}

/// What the messages that are asked for have in common.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub enum PickBy {
    /// Nothing: all of the queue.
    #[default]
    All,
    /// A recipient in this domain, as the listing groups it.
    Destination(Text),
    /// A recipient that waits for this reason, as the listing groups it (masked).
    Reason(Text),
    /// This envelope sender.
    Sender(Text),
}

/// One page of messages, as listed.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessagePage {
    /// When they were listed.
    pub at: Timestamp,
    /// What was asked.
    pub pick: Pick,
    /// How many fit, on all pages.
    pub fit: u64,
    /// Those of this page, in the order of the listing.
    pub messages: Vec<MessageInfo>,
    /// Why the listing is partial, when it is.
    pub partial: Option<Text>,
    /// How long it took.
    pub took: Span,
}

/// One message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MessageInfo {
    /// Its queue ID.
    pub id: Text,
    /// The queue that it is in.
    pub queue: Text,
    /// When it arrived.
    pub arrival: Timestamp,
    /// In bytes.
    pub size: u64,
    /// The envelope sender; `<>` for a bounce.
    pub sender: Text,
    /// Its recipients that still wait, the first of them.
    pub recipients: Vec<RecipientInfo>,
    /// How many there are.
    pub recipient_count: u64,
}

/// One recipient of a message.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RecipientInfo {
    /// The address.
    pub address: Text,
    /// Why it still waits, in the words of the last try; `None` when it was not tried yet.
    pub reason: Option<Text>,
}
