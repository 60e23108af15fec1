//! `mailtop demo-ctl SOCKET VERB HOST`, hidden: what the demo's config runs in place of a mail system's commands. It starts
//! once for every look, so it is synchronous and small.

use std::io::{self, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use crate::demo::control::{Frame, Verb};

/// The longest silence before it gives up, so that it cannot outlive a watcher for long.
const PATIENCE: Duration = Duration::from_secs(60);
/// `EX_TEMPFAIL`: the world is not there, or went away.
const NO_WORLD: u8 = 75;

/// Asks a running demo world.
#[derive(Clone, Debug, clap::Args)]
pub struct Args {
    /// The world's socket.
    pub socket: PathBuf,
    /// What to ask.
    #[arg(value_enum)]
    pub verb: Verb,
    /// Of which host.
    pub host: String,
    /// For the log: from where on; its end when empty.
    #[arg(default_value = "")]
    pub cursor: String,
}

/// Asks, copies the answer, and exits as the world says.
pub fn run(args: &Args) -> ExitCode {
    let (mut out, mut err) = (io::stdout().lock(), io::stderr().lock());
    let what = format!("{} {}", args.host, args.cursor);
    match ask(&args.socket, args.verb, &what, &mut out, &mut err) {
        Ok(status) => ExitCode::from(u8::try_from(status).unwrap_or(NO_WORLD)),
        Err(e) if e.kind() == ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(e) => {
            let socket = args.socket.display();
            let _ = writeln!(err, "mailtop demo-ctl: no answer from the demo world at {socket}: {e}");
            ExitCode::from(NO_WORLD)
        }
    }
}

/// Asks the world of a host (and, for its log, a cursor after it), and copies what it says; its exit status.
///
/// # Errors
/// When there is no world at `socket`, when it goes away before the end of its answer, or when a copy cannot be written.
pub fn ask(socket: &Path, verb: Verb, host: &str, out: &mut impl Write, err: &mut impl Write) -> io::Result<u32> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    // A broken pipe means the reader of our output has gone; a world that went away is something else.
    stream
        .write_all(format!("{} {host}\n", verb.word()).as_bytes())
        .map_err(|e| io::Error::new(ErrorKind::NotConnected, e))?;
    loop {
        match Frame::read(&mut stream)? {
            Frame::Out(bytes) => out.write_all(&bytes)?,
            Frame::Err(bytes) => err.write_all(&bytes)?,
            Frame::End(status) => return out.flush().map(|()| status),
        }
    }
}
