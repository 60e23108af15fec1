//! A frame in one piece: what is drawn is collected and sent by one write, as one synchronised update.

use std::io::{self, Write};

/// Synchronised update (mode 2026): a terminal that knows it shows the frame in one go; others ignore it.
pub(super) const BEGIN_FRAME: &[u8] = b"\x1b[?2026h";
pub(super) const END_FRAME: &[u8] = b"\x1b[?2026l";

/// Collects what is written and hands it on only when told to: the inner flushes of the drawing library would tear a
/// frame into pieces.
#[derive(Debug)]
pub struct FrameWriter<W: Write> {
    inner: W,
    frame: Vec<u8>,
}

impl<W: Write> FrameWriter<W> {
    /// Around this.
    pub const fn new(inner: W) -> Self {
        Self {
            inner,
            frame: Vec::new(),
        }
    }
    /// Forgets what was collected.
    pub fn discard(&mut self) {
        self.frame.clear();
    }
    /// Sends what was collected, in one write, as one synchronised update. Nothing collected: nothing sent.
    pub fn send(&mut self) -> io::Result<()> {
        if self.frame.is_empty() {
            return Ok(());
        }
        let mut whole = Vec::with_capacity(self.frame.len() + BEGIN_FRAME.len() + END_FRAME.len());
        whole.extend_from_slice(BEGIN_FRAME);
        whole.append(&mut self.frame);
        whole.extend_from_slice(END_FRAME);
        self.inner.write_all(&whole)?;
        self.inner.flush()
    }
}

impl<W: Write> Write for FrameWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.frame.extend_from_slice(bytes);
        Ok(bytes.len())
    }
    /// Does nothing, by design: see [`FrameWriter::send`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// Keeps every single write.
    #[derive(Clone, Default)]
    struct Writes(Arc<Mutex<Vec<Vec<u8>>>>);
    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().push(bytes.to_vec());
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_frame_is_one_write_whatever_is_flushed_inside_it_and_no_frame_is_none() {
        let writes = Writes::default();
        let mut w = FrameWriter::new(writes.clone());
        w.send().unwrap();
        assert!(writes.0.lock().unwrap().is_empty());
        for piece in ["a", "b", "c"] {
            w.write_all(piece.as_bytes()).unwrap();
            w.flush().unwrap();
        }
        assert!(writes.0.lock().unwrap().is_empty(), "an inner flush sends nothing");
        w.send().unwrap();
        w.send().unwrap();
        assert_eq!(*writes.0.lock().unwrap(), [b"\x1b[?2026habc\x1b[?2026l".to_vec()]);
    }
}
