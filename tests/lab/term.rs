//! The program in a real pseudo-terminal, with a screen that can be read and awaited.

#[allow(clippy::duplicate_mod)] // A test program may have several parts of the lab that need it.
#[path = "watchers.rs"]
pub mod watchers;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// A test waits this long for what must come; it is no measure of anything.
pub const PATIENCE: Duration = Duration::from_secs(60);

struct Seen {
    parser: vt100::Parser,
    bytes: u64,
    raw: Vec<u8>,
    ended: bool,
    hanging_up: bool,
}

/// A running program on a screen.
pub struct Term {
    master: Option<Box<dyn MasterPty + Send>>,
    writer: Option<Box<dyn Write + Send>>,
    child: Box<dyn Child + Send + Sync>,
    home: PathBuf,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Term {
    /// Starts the program under test with these arguments; its home is `home`.
    pub fn start(args: &[&str], home: &Path, (cols, rows): (u16, u16)) -> Self {
        Self::start_with(args, home, (cols, rows), &[])
    }

    /// The same with more environment.
    pub fn start_with(args: &[&str], home: &Path, (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        Self::run(env!("CARGO_BIN_EXE_mailtop"), args, home, (cols, rows), env)
    }

    /// Starts any program.
    pub fn run(program: &str, args: &[&str], home: &Path, (cols, rows): (u16, u16), env: &[(&str, &str)]) -> Self {
        let pair = native_pty_system()
            .openpty(PtySize {
                rows,
                cols,
                pixel_width: 0,
                pixel_height: 0,
            })
            .unwrap();
        let mut cmd = CommandBuilder::new(program);
        cmd.args(args);
        for (k, _) in std::env::vars_os() {
            if k.to_string_lossy().starts_with("XDG_") {
                cmd.env_remove(k);
            }
        }
        cmd.env("HOME", home);
        cmd.env("TERM", "xterm-256color");
        cmd.env("TZ", "UTC");
        cmd.env_remove("NO_COLOR");
        cmd.cwd(home);
        for (k, v) in env {
            cmd.env(k, v);
        }
        let child = pair.slave.spawn_command(cmd).unwrap();
        drop(pair.slave);
        let seen = Arc::new((
            Mutex::new(Seen {
                parser: vt100::Parser::new(rows.try_into().unwrap(), cols.try_into().unwrap(), 0),
                bytes: 0,
                raw: Vec::new(),
                ended: false,
                hanging_up: false,
            }),
            Condvar::new(),
        ));
        let mut reader = pair.master.try_clone_reader().unwrap();
        let writer = pair.master.take_writer().unwrap();
        let theirs = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buf = vec![0u8; 65_536];
            loop {
                let n = reader.read(&mut buf).unwrap_or(0);
                let mut s = theirs.0.lock().unwrap();
                if n == 0 {
                    s.ended = true;
                } else {
                    s.parser.process(&buf[..n]);
                    s.bytes += n as u64;
                    s.raw.extend_from_slice(&buf[..n]);
                }
                theirs.1.notify_all();
                if n == 0 || s.hanging_up {
                    break;
                }
            }
        });
        Self {
            master: Some(pair.master),
            writer: Some(writer),
            child,
            home: home.to_owned(),
            seen,
        }
    }

    /// Types.
    pub fn send(&mut self, keys: &str) {
        let w = self.writer.as_mut().unwrap();
        w.write_all(keys.as_bytes()).unwrap();
        w.flush().unwrap();
    }

    /// The screen now.
    pub fn screen(&self) -> String {
        self.seen.0.lock().unwrap().parser.screen().contents()
    }

    /// Every byte that was sent to the terminal so far.
    pub fn raw(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().raw.clone()
    }

    /// How many bytes that is.
    pub fn bytes(&self) -> u64 {
        self.seen.0.lock().unwrap().bytes
    }

    /// Waits until the screen satisfies `good`; panics with the screen when it never does.
    pub fn wait(&self, what: &str, good: impl Fn(&str) -> bool) -> String {
        let until = Instant::now() + PATIENCE;
        let mut s = self.seen.0.lock().unwrap();
        loop {
            let text = s.parser.screen().contents();
            if good(&text) {
                return text;
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || s.ended {
                drop(s); // A lock that is held by a panic would make the reader panic too.
                panic!("waited for {what}; the screen is:\n{text}");
            }
            s = self.seen.1.wait_timeout(s, left).unwrap().0;
        }
    }

    /// Waits until the screen holds `text`.
    pub fn wait_for(&self, text: &str) -> String {
        self.wait(text, |s| s.contains(text))
    }

    /// Waits for the program's end and gives its exit status.
    pub fn wait_end(&mut self) -> u32 {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.exit_code();
            }
            assert!(
                Instant::now() < until,
                "it does not end; the screen is:\n{}",
                self.screen()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its pid.
    pub fn pid(&self) -> u32 {
        self.child.process_id().unwrap()
    }

    /// Makes the window another size.
    pub fn resize(&self, cols: u16, rows: u16) {
        self.seen
            .0
            .lock()
            .unwrap()
            .parser
            .screen_mut()
            .set_size(rows.try_into().unwrap(), cols.try_into().unwrap());
        let size = PtySize {
            rows,
            cols,
            pixel_width: 0,
            pixel_height: 0,
        };
        self.master.as_ref().unwrap().resize(size).unwrap();
    }

    /// Closes the terminal under the program: the last of our ends goes with the next thing that the program says.
    pub fn hang_up(&mut self) {
        self.seen.0.lock().unwrap().hanging_up = true;
        self.writer = None;
        self.master = None;
    }

    /// `kill -9`.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        let _ = self.child.wait();
    }
}

impl Drop for Term {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        watchers::end(&self.home);
    }
}
