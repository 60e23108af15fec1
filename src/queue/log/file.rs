//! A log that is a file: read on from where the last reading ended, across rotation. One shell script opens the file once
//! and prints what is new, so nothing happens to it in between; it finds a file that was moved aside by its inode and reads
//! the rest of it first. That the file still is the one that was read is seen from its own last bytes, which are read
//! again. What was cut in place, or compressed before its rest was read, is lost, and that is said.

use std::time::Duration;

use jiff::Timestamp;

use super::answer::first_line;
use super::feed::Feed;
use crate::domain::Span;

/// Arguments: the file, the most bytes to print, how many bytes of its end to print at first (then no pairs follow), and
/// pairs of inode and offset. Prints a part for each pair whose inode is not the file's any more, and one for the file:
/// `old|now INODE FROM BYTES SIZE`, then so many bytes and a newline; or `gone INODE`, `denied INODE`, `missing`, `closed`
/// (may not be read), and `between` before a part whose file has a further one, not read, between itself and the log.
pub(super) const READ: &str = r#"f=$(readlink -f -- "$1") m=$2 w=$3; shift 3
echo "clock $(date '+%s %z')"
put() {
set -- "$1" "$2" "$3" "$(stat -Lc %s /dev/fd/3)"
[ "$3" != end ] || set -- "$1" "$2" $(($4 > w ? $4 - w : 0)) "$4"
n=$(($4 - $3)); [ $n -le "$m" ] || n=$m; [ $n -ge 0 ] || n=0
echo "$1 $2 $3 $n $4"
[ $n -eq 0 ] || tail -c +$(($3 + 1)) <&3 | head -c $n
m=$((m - n)); echo
}
all() {
k=$1; shift; c=0; [ $# -gt 0 ] || c=end
while [ $# -gt 1 ]; do
if [ "$1" = "$k" ]; then c=$2; else
p=$(find "${f%/*}/" -maxdepth 1 -type f -inum "$1" 2>/dev/null)
if [ -z "$p" ]; then echo "gone $1"; elif [ ! -r "$p" ]; then echo "denied $1"; else
b=${f##*/}
[ -z "$(find "${f%/*}/" -maxdepth 1 -type f -newer "$p" ! -inum "${k:-0}" -size +0 \( -name "$b.[0-9]*" -o -name "$b-[0-9]*" \) 2>/dev/null)" ] || echo between
{ put old "$1" "$2"; } 3<"$p" || echo "gone $1"
fi; fi
shift 2; done
[ -z "$k" ] || put now "$k" "$c"
}
if [ ! -f "$f" ]; then all "" "$@"; echo missing
elif [ ! -r "$f" ]; then echo closed
else { all "$(stat -Lc %i /dev/fd/3)" "$@"; } 3<"$f" || echo missing; fi
echo; echo end; times"#;

/// So many bytes before the offset are read again.
const SEEN_AGAIN: usize = 64;
/// A longer line is passed over, however long it gets.
const LONGEST: usize = 64 << 10;
/// Writers may still have a file open that was moved aside: its end is looked at for so long.
const LINGER: Duration = Duration::from_secs(300);
/// Files followed at once.
const MOST: usize = 4;

/// A part of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Old(Piece<'a>),
    Now(Piece<'a>),
    Gone(u64),
    Between,
    Missing,
    Closed,
}

/// Bytes of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    inode: u64,
    from: u64,
    size: u64,
    bytes: &'a [u8],
}

/// Takes an answer's body apart; `None` when it is not as long as it says.
pub(super) fn parts(mut body: &[u8]) -> Option<Vec<Part<'_>>> {
    let mut parts = Vec::new();
    while !body.is_empty() {
        let (head, rest) = first_line(body)?;
        body = rest;
        let words: Vec<&str> = std::str::from_utf8(head).ok()?.split(' ').collect();
        parts.push(match *words.as_slice() {
            [word @ ("old" | "now"), inode, from, n, size] => {
                let n: usize = n.parse().ok()?;
                let bytes = body.get(..n)?;
                body = body.get(n..)?.strip_prefix(b"\n")?;
                let piece = Piece {
                    inode: inode.parse().ok()?,
                    from: from.parse().ok()?,
                    size: size.parse().ok()?,
                    bytes,
                };
                if word == "old" {
                    Part::Old(piece)
                } else {
                    Part::Now(piece)
                }
            }
            ["gone" | "denied", inode] => Part::Gone(inode.parse().ok()?),
            ["between"] => Part::Between,
            ["missing"] => Part::Missing,
            ["closed"] => Part::Closed,
            _ => return None,
        });
    }
    Some(parts)
}

/// A place in one file.
#[derive(Clone, Debug)]
struct Spot {
    inode: u64,
    offset: u64,
    /// The last bytes before the offset.
    tail: Vec<u8>,
    /// In the middle of a line that is too long.
    skipping: bool,
    /// Since when it is read to its end.
    done: Option<Timestamp>,
    /// The file does not go on where the last reading ended: up to this offset, lines before this moment were read before.
    known: Option<(u64, Timestamp)>,
}

/// What reading on came to.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Went {
    /// The cursor is at the end of what was printed; so many bytes are left.
    On { behind: u64 },
    /// The file is another one: it has to be read again, from its start.
    Again,
    /// There is no such file, and none that was it before.
    Missing,
    /// It may not be read.
    Closed,
}

/// Where the last reading ended: the file that was the log, and those before it that may still grow.
#[derive(Clone, Debug, Default)]
pub(super) struct FileCursor {
    spots: Vec<Spot>,
}

impl FileCursor {
    /// Nothing read yet.
    pub(super) fn is_new(&self) -> bool {
        self.spots.is_empty()
    }

    /// The pairs for the script.
    pub(super) fn args(&self) -> impl Iterator<Item = String> {
        self.spots
            .iter()
            .flat_map(|s| [s.inode.to_string(), (s.offset - s.tail.len() as u64).to_string()])
    }

    /// How many bytes are read again beside what is new.
    pub(super) fn again(&self) -> u64 {
        self.spots.iter().map(|s| s.tail.len() as u64).sum()
    }

    /// Takes what was printed. `before` is the host's time of the last reading; `lost` gets what cannot be had any more.
    pub(super) fn take(
        &mut self,
        parts: &[Part<'_>],
        now: Timestamp,
        before: Option<Timestamp>,
        feed: &mut Feed<'_>,
        lost: &mut Vec<String>,
    ) -> Went {
        let first = self.is_new();
        let (mut behind, mut between, mut gap, mut again) = (0, false, false, false);
        let mut end = None;
        for part in parts {
            match part {
                Part::Between => between = true,
                Part::Gone(inode) => gap |= self.gone(*inode, lost),
                Part::Old(piece) => {
                    let skipped = std::mem::take(&mut between);
                    let Some(spot) = self.spots.iter_mut().find(|s| s.inode == piece.inode) else {
                        continue;
                    };
                    if !spot.goes_on(piece) {
                        gap |= self.gone(piece.inode, lost);
                        continue;
                    }
                    if skipped && spot.done.is_none() {
                        lost.push(
                            "the log was rotated more than once since the last reading; a file between was not read"
                                .into(),
                        );
                    }
                    behind += spot.read(piece, feed, lost);
                    let is_done = piece.from + piece.bytes.len() as u64 == piece.size;
                    spot.done = is_done.then(|| spot.done.unwrap_or(now));
                }
                Part::Now(piece) => {
                    let known = before.map(|b| (piece.size, b));
                    let at = self.spots.iter().position(|s| s.inode == piece.inode);
                    let mut spot = match at {
                        Some(at) => self.spots.remove(at),
                        None => Spot::new(piece, known.filter(|_| gap)),
                    };
                    if first {
                        // It begins in the middle of a line.
                        spot.skipping = piece.from > 0;
                        behind += spot.read(piece, feed, lost);
                    } else if spot.goes_on(piece) {
                        behind += spot.read(piece, feed, lost);
                    } else {
                        lost.push(
                            "the log was cut or replaced in place: what was written to it before that, since the last reading, is lost"
                                .into(),
                        );
                        spot = Spot::new(piece, known);
                        again = piece.size > 0;
                    }
                    spot.done = None;
                    // The file that is the log stands last.
                    self.spots.push(spot);
                }
                Part::Missing => end = Some(Went::Missing),
                Part::Closed => end = Some(Went::Closed),
            }
        }
        self.spots.retain(|s| {
            s.done
                .is_none_or(|done| Span::between(done, now).micros().unsigned_abs() < LINGER.as_micros() as u64)
        });
        let many = self.spots.len().saturating_sub(MOST);
        self.spots.drain(..many);
        match end {
            // Between two moves of a rotation there is no file of that name for a moment.
            Some(Went::Missing) if !self.spots.is_empty() => Went::On { behind },
            Some(end) => end,
            None if again => Went::Again,
            None => Went::On { behind },
        }
    }

    /// A file is not to be had any more. Whether something in it was not read yet.
    fn gone(&mut self, inode: u64, lost: &mut Vec<String>) -> bool {
        let Some(at) = self.spots.iter().position(|s| s.inode == inode) else {
            return false;
        };
        let spot = self.spots.remove(at);
        if spot.done.is_none() {
            lost.push("the log was rotated, and the rest of the old file is not to be had any more".into());
        }
        spot.done.is_none()
    }
}

impl Spot {
    /// The start of a piece's file.
    fn new(piece: &Piece<'_>, known: Option<(u64, Timestamp)>) -> Self {
        Self {
            inode: piece.inode,
            offset: 0,
            tail: Vec::new(),
            skipping: false,
            done: None,
            known,
        }
    }

    /// Whether the piece begins with what was read last, as far as there was room for it.
    fn goes_on(&self, piece: &Piece<'_>) -> bool {
        let room = piece.bytes.len().min(self.tail.len());
        piece.from + self.tail.len() as u64 == self.offset
            && piece.size >= self.offset
            && piece.bytes.get(..room) == self.tail.get(..room)
    }

    /// Feeds the whole lines of a piece and moves on behind them. How many bytes of the file were not printed.
    fn read(&mut self, piece: &Piece<'_>, feed: &mut Feed<'_>, lost: &mut Vec<String>) -> u64 {
        let Some(bytes) = piece.bytes.get(self.tail.len()..) else {
            return piece.size.saturating_sub(self.offset);
        };
        let start = piece.from + self.tail.len() as u64;
        let mut end = memchr::memrchr(b'\n', bytes).map_or(0, |at| at + 1);
        let mut whole = &bytes[..end];
        if self.skipping && end > 0 {
            let begun = memchr::memchr(b'\n', whole).map_or(0, |at| at + 1);
            whole = &whole[begun..];
            self.skipping = false;
        }
        if end == 0 && (self.skipping || bytes.len() > LONGEST) {
            if !self.skipping {
                lost.push("a line is too long to be one of a mail log".into());
            }
            self.skipping = true;
            end = bytes.len();
        }
        let since = self.known.filter(|(until, _)| start < *until).map(|(_, since)| since);
        feed.lines(whole, since);
        self.offset = start + end as u64;
        self.tail.extend_from_slice(&bytes[..end]);
        self.tail.drain(..self.tail.len().saturating_sub(SEEN_AGAIN));
        piece.size.saturating_sub(piece.from + piece.bytes.len() as u64)
    }
}

#[cfg(test)]
mod tests;
