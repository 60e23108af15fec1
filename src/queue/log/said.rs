//! What Postfix's programs say about queue files, as far as it changes what is in the queue. Pure: the text of one line and
//! its program in, one [`Said`] out. Wordings are those of Postfix 3.7's log; qmgr(8), cleanup(8), postsuper(1), pickup(8).
//! Addresses come from outside and stand in the middle of a line: they are skipped with their quotes, never searched.

/// A queue file's name, short or long. Postfix makes them of digits, capitals and consonants, at most 23 of them.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) struct Id([u8; 24]);

impl Id {
    fn parse(word: &[u8]) -> Option<Self> {
        let fits =
            |b: &u8| b.is_ascii_digit() || b.is_ascii_uppercase() || (b.is_ascii_lowercase() && !b"aeiou".contains(b));
        if !(5..=24).contains(&word.len()) || word == b"NOQUEUE" || !word.iter().all(fits) {
            return None;
        }
        let mut id = [0; 24];
        id[..word.len()].copy_from_slice(word);
        Some(Self(id))
    }
    /// The name that a text begins with.
    fn leading(text: &[u8]) -> Option<Self> {
        let end = text
            .iter()
            .position(|b| !b.is_ascii_alphanumeric())
            .unwrap_or(text.len());
        Self::parse(&text[..end])
    }
}

/// What a line says.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Said {
    /// smtpd opened a file.
    Opened(Id),
    /// pickup opened a file for what a local program or `postsuper -r` put into maildrop.
    PickedUp(Id, Origin),
    /// cleanup has read the header: the file comes to be.
    Entered(Id),
    /// The file will not stay: rejected, discarded on the way in, too large.
    Refused(Id),
    /// The client of this smtpd process went away in the middle of a message.
    ClientLost,
    /// The client of this smtpd process has ended.
    ClientDone,
    /// The next file of this smtpd process will be put on hold.
    NextHeld,
    /// The next file of this smtpd process will be thrown away on the way in.
    NextRefused,
    /// cleanup or smtpd puts the file on hold.
    HoldComing(Id),
    /// qmgr works on it.
    Active(Id),
    /// A recipient was worked off for good.
    Delivery(Id, Outcome),
    /// Waited too long, or an operator expired it.
    Expired(Id),
    /// qmgr removed the file: all is done.
    Removed(Id),
    /// The file cannot be read and was put aside.
    Corrupt(Id),
    /// An operator deleted it.
    Deleted(Id),
    /// An operator put it on hold.
    Held(Id),
    /// An operator released it.
    Released(Id),
    /// An operator moved it to maildrop, from where it comes back under another name.
    Requeued(Id),
}

/// Where a file in maildrop came from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Origin {
    /// A local program.
    Local,
    /// The queue itself.
    Requeued,
}

/// What became of one recipient.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Outcome {
    /// Has it.
    Sent,
    /// Another hop has it, or an alias was followed: under this name, which may be of this same queue.
    SentAs(Id),
    /// The discard transport has it, or it was a probe of an address: nobody has it.
    Thrown,
    /// Refused for good.
    Bounced,
}

impl Said {
    /// What a program of this instance says.
    pub(super) fn of(program: &[u8], text: &[u8]) -> Option<Self> {
        match program {
            b"smtpd" => smtpd(text),
            b"pickup" => {
                let (id, rest) = about(text)?;
                rest.strip_prefix(b"uid=")?;
                // Since Postfix 2.3 a requeued file is picked up with the name that it had.
                let requeued = after_address(skip_to(rest, b" from=<")?).starts_with(b" orig_id=");
                Some(Self::PickedUp(
                    id,
                    if requeued { Origin::Requeued } else { Origin::Local },
                ))
            }
            b"cleanup" => cleanup(text),
            b"qmgr" | b"oqmgr" | b"nqmgr" => qmgr(text),
            b"postsuper" => {
                let (id, rest) = about(text)?;
                match rest {
                    b"removed" => Some(Self::Deleted(id)),
                    b"placed on hold" => Some(Self::Held(id)),
                    b"released from hold" => Some(Self::Released(id)),
                    b"requeued" => Some(Self::Requeued(id)),
                    _ => None,
                }
            }
            _ => Self::delivery(program, text),
        }
    }

    /// What a delivery agent says of a recipient.
    pub(super) fn delivery(program: &[u8], text: &[u8]) -> Option<Self> {
        let (id, rest) = about(text)?;
        let rest = after_address(rest.strip_prefix(b"to=<")?);
        let rest = match rest.strip_prefix(b", orig_to=<") {
            Some(r) => after_address(r),
            None => rest,
        };
        // What the other side said comes behind the status.
        let status = skip_to(rest, b", status=")?;
        let is = |word: &[u8]| {
            status
                .strip_prefix(word)
                .filter(|r| r.starts_with(b" (") || r.is_empty())
        };
        let outcome = if let Some(said) = is(b"sent") {
            if program == b"discard" || (program == b"local" && said.starts_with(b" (discarded")) {
                Outcome::Thrown
            } else {
                (skip_to(said, b"queued as ").or_else(|| said.strip_prefix(b" (forwarded as ")))
                    .and_then(Id::leading)
                    .map_or(Outcome::Sent, Outcome::SentAs)
            }
        } else if is(b"bounced").is_some() {
            Outcome::Bounced
        } else if is(b"deliverable").or(is(b"undeliverable")).is_some() {
            Outcome::Thrown
        } else {
            return None;
        };
        Some(Self::Delivery(id, outcome))
    }
}

fn smtpd(text: &[u8]) -> Option<Said> {
    if text.starts_with(b"disconnect from ") {
        return Some(Said::ClientDone);
    }
    for cut in [
        &b"lost connection after "[..],
        b"timeout after ",
        b"too many errors after ",
    ] {
        if let Some(at) = text.strip_prefix(cut) {
            // With a count of bytes: content had begun, and cleanup may have spoken of it, or will.
            let content = at.starts_with(b"DATA (") || at.starts_with(b"BDAT (");
            return content.then_some(Said::ClientLost);
        }
    }
    if let Some(warned) = text.strip_prefix(b"warning: ") {
        return given_up(warned);
    }
    if let Some(rest) = text.strip_prefix(b"NOQUEUE: ") {
        return match rest {
            r if r.starts_with(b"hold: ") => Some(Said::NextHeld),
            r if r.starts_with(b"discard: ") => Some(Said::NextRefused),
            _ => None,
        };
    }
    let (id, rest) = about(text)?;
    let verb = rest.strip_prefix(b"milter-").unwrap_or(rest);
    match verb {
        v if v.starts_with(b"client=") => Some(Said::Opened(id)),
        v if v.starts_with(b"hold: ") => Some(Said::HoldComing(id)),
        v if v.starts_with(b"discard: ") => Some(Said::Refused(id)),
        // A recipient that is rejected leaves the others.
        v if v.starts_with(b"reject: END-OF-MESSAGE") || v.starts_with(b"reject: DATA") => Some(Said::Refused(id)),
        _ => None,
    }
}

/// What smtpd or cleanup warns of when it gives a file up. Where smtpd finds out first, cleanup may not say it.
fn given_up(warned: &[u8]) -> Option<Said> {
    let (id, rest) = about(warned)?;
    let words: [&[u8]; 4] = [
        b"queue file size limit exceeded",
        b"message rejected: ",
        b"message not accepted",
        b"write queue file: ",
    ];
    let is = words.iter().any(|w| rest.starts_with(w)) || rest.ends_with(b"message not accepted, try again later");
    is.then_some(Said::Refused(id))
}

fn cleanup(text: &[u8]) -> Option<Said> {
    if let Some(warned) = text.strip_prefix(b"warning: ") {
        return given_up(warned);
    }
    let (id, rest) = about(text)?;
    let verb = rest.strip_prefix(b"milter-").unwrap_or(rest);
    match verb {
        v if v.starts_with(b"message-id=") => Some(Said::Entered(id)),
        v if v.starts_with(b"hold: ") => Some(Said::HoldComing(id)),
        v if v.starts_with(b"discard: ") || v.starts_with(b"removed (") => Some(Said::Refused(id)),
        v if v.starts_with(b"reject: ") && !v.starts_with(b"reject: RCPT ") => Some(Said::Refused(id)),
        _ => None,
    }
}

fn qmgr(text: &[u8]) -> Option<Said> {
    if let Some(file) = text.strip_prefix(b"warning: saving corrupt file \"") {
        return Id::leading(file).map(Said::Corrupt);
    }
    let (id, rest) = about(text)?;
    if rest == b"removed" {
        return Some(Said::Removed(id));
    }
    if let Some(from) = rest.strip_prefix(b"from=<") {
        let rest = after_address(from);
        let expired = rest.starts_with(b", status=expired") || rest.starts_with(b", status=force-expired");
        let active = rest.starts_with(b", size=") && rest.ends_with(b"(queue active)");
        return match (expired, active) {
            (true, _) => Some(Said::Expired(id)),
            (_, true) => Some(Said::Active(id)),
            _ => None,
        };
    }
    // qmgr bounces by itself where a recipient leads nowhere.
    Said::delivery(b"qmgr", text)
}

/// `ID: rest`.
fn about(text: &[u8]) -> Option<(Id, &[u8])> {
    let end = memchr::memchr(b':', text.get(..text.len().min(25))?)?;
    Some((Id::parse(&text[..end])?, text[end..].strip_prefix(b": ")?))
}

/// What follows an address, from behind its `<` to behind its `>`: a `>` in quotes is part of it.
fn after_address(text: &[u8]) -> &[u8] {
    let (mut quoted, mut escaped) = (false, false);
    for (i, b) in text.iter().enumerate() {
        match b {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'>' if !quoted => return &text[i + 1..],
            _ => {}
        }
    }
    &[]
}

/// What follows the first `mark`.
fn skip_to<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(text, mark).map(|at| &text[at + mark.len()..])
}

#[cfg(test)]
mod tests;
