//! Chunks of bytes to lines. Only an unfinished line is kept, and only up to a bound: a longer one is thrown away as it
//! comes and counted once. What a line means is not known here.

use memchr::memchr;

/// The longest line that is read: a message with some 80,000 recipients.
pub const MAX_LINE: usize = 16 << 20;

/// A kept buffer larger than this is given back after the long line that needed it.
const KEEP: usize = 1 << 20;

/// One line, without its newline.
#[derive(Debug, PartialEq, Eq)]
pub enum Line<'a> {
    /// All of it.
    Whole(&'a [u8]),
    /// Longer than the bound: its bytes are gone.
    Overlong,
}

/// Cuts a stream of chunks into lines.
#[derive(Debug)]
pub struct Lines {
    carry: Vec<u8>,
    overlong: bool,
    max: usize,
}

impl Default for Lines {
    fn default() -> Self {
        Self::bounded(MAX_LINE)
    }
}

impl Lines {
    /// With a bound of its own, in bytes.
    pub const fn bounded(max: usize) -> Self {
        Self {
            carry: Vec::new(),
            overlong: false,
            max,
        }
    }

    /// Takes the next chunk and hands on every line that it ends.
    pub fn push(&mut self, mut chunk: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some(end) = memchr(b'\n', chunk) {
            let head = &chunk[..end];
            if self.carry.is_empty() && !self.overlong && head.len() <= self.max {
                each(Line::Whole(head));
            } else {
                self.keep(head);
                self.give(&mut each);
            }
            chunk = &chunk[end + 1..];
        }
        self.keep(chunk);
    }

    /// Ends the stream: hands on the last line if it had no newline.
    pub fn finish(&mut self, mut each: impl FnMut(Line<'_>)) {
        if self.overlong || !self.carry.is_empty() {
            self.give(&mut each);
        }
    }

    fn keep(&mut self, part: &[u8]) {
        let len = self.carry.len() + part.len();
        if self.overlong || len > self.max {
            self.overlong = true;
            self.carry = Vec::new();
        } else {
            if len > self.carry.capacity() {
                // Doubling, but never beyond the bound.
                self.carry
                    .reserve_exact(len.max((2 * self.carry.capacity()).min(self.max)) - self.carry.len());
            }
            self.carry.extend_from_slice(part);
        }
    }

    fn give(&mut self, each: &mut impl FnMut(Line<'_>)) {
        each(if self.overlong {
            Line::Overlong
        } else {
            Line::Whole(&self.carry)
        });
        self.overlong = false;
        if self.carry.capacity() > KEEP {
            self.carry = Vec::new();
        } else {
            self.carry.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(chunks: &[&[u8]], max: usize) -> Vec<Option<Vec<u8>>> {
        let mut out = Vec::new();
        let mut each = |l: Line<'_>| {
            out.push(match l {
                Line::Whole(b) => Some(b.to_vec()),
                Line::Overlong => None,
            });
        };
        let mut lines = Lines::bounded(max);
        for c in chunks {
            lines.push(c, &mut each);
        }
        lines.finish(&mut each);
        out
    }

    #[test]
    fn a_line_may_end_in_another_chunk_or_not_at_all() {
        let got = cut(&[b"a\nb", b"", b"c", b"\n\nd"], 10);
        assert_eq!(
            got,
            [
                Some(b"a".to_vec()),
                Some(b"bc".to_vec()),
                Some(vec![]),
                Some(b"d".to_vec())
            ]
        );
    }

    #[test]
    fn an_overlong_line_is_counted_once_and_the_next_line_is_whole() {
        assert_eq!(cut(&[b"1234", b"5", b"678\nok\n"], 4), [None, Some(b"ok".to_vec())]);
        assert_eq!(
            cut(&[b"1234\n12345\nok"], 4),
            [Some(b"1234".to_vec()), None, Some(b"ok".to_vec())]
        );
    }

    #[test]
    fn never_more_than_the_bound_is_kept() {
        let mut lines = Lines::bounded(5_000);
        for _ in 0..1_000 {
            lines.push(&[b'x'; 7], |_| {});
            assert!(lines.carry.capacity() <= 5_000);
        }
    }

    proptest! {
        #[test]
        fn chunking_does_not_change_the_lines(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'x'), any::<u8>()], 0..200), size in 1usize..50, max in 1usize..30) {
            let chunks: Vec<&[u8]> = bytes.chunks(size).collect();
            prop_assert_eq!(cut(&chunks, max), cut(&[&bytes], max));
        }
    }
}
