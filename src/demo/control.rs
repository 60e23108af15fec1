//! The Unix socket behind the commands that the demo's config names. `demo-ctl` sends one line, `VERB HOST [CURSOR]`, and gets
//! frames back: a kind (standard output, standard error, end), a length, and so many bytes. So a world that ends in the
//! middle of a listing cannot be taken for a short listing.

use std::fmt::Write;
use std::io::{self, Read};
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::host::Host;
use super::listing::{counts, write_letter};
use super::maillog::write_entry;
use super::scene::Scene;
use super::script::QueueCommand;
use super::sim::{JOB, Letter, Sim, Stage};

/// The most clients at once.
const MAX_CLIENTS: usize = 128;
/// A client that asks nothing or reads nothing for so long is dropped.
const PATIENCE: Duration = Duration::from_secs(30);
/// The most bytes of a request.
const MAX_REQUEST: u64 = 128;
/// The most bytes in one frame.
const MAX_FRAME: usize = 1 << 20;
/// Letters written between two pauses for others.
const LETTERS_A_FRAME: usize = 256;
/// `EX_UNAVAILABLE`: what postqueue exits with when the mail system is down.
const UNAVAILABLE: u32 = 69;

/// What can be asked of the world.
#[derive(Clone, Copy, PartialEq, Eq, Debug, clap::ValueEnum)]
pub enum Verb {
    /// The queue as `postqueue -j` prints it.
    Queue,
    /// `QUEUE COUNT` lines.
    Count,
    /// The mail log since a cursor, and the next cursor.
    Log,
    /// The state of the maintenance job, and detail.
    JobStatus,
    /// Pauses it.
    JobPause,
    /// Resumes it.
    JobResume,
    /// How far it is, in percent.
    JobProgress,
}

impl Verb {
    /// The word on the command line and on the socket.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Count => "count",
            Self::Log => "log",
            Self::JobStatus => "job-status",
            Self::JobPause => "job-pause",
            Self::JobResume => "job-resume",
            Self::JobProgress => "job-progress",
        }
    }
    fn from_word(word: &str) -> Option<Self> {
        [
            Self::Queue,
            Self::Count,
            Self::Log,
            Self::JobStatus,
            Self::JobPause,
            Self::JobResume,
            Self::JobProgress,
        ]
        .into_iter()
        .find(|v| v.word() == word)
    }
}

/// One frame of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Frame {
    /// For standard output.
    Out(Vec<u8>),
    /// For standard error.
    Err(Vec<u8>),
    /// The end, with an exit status.
    End(u32),
}

impl Frame {
    /// Its head and its bytes.
    fn parts(&self) -> ([u8; 5], &[u8]) {
        let (kind, number, bytes): (u8, u32, &[u8]) = match self {
            Self::Out(bytes) => (1, bytes.len() as u32, bytes),
            Self::Err(bytes) => (2, bytes.len() as u32, bytes),
            Self::End(status) => (0, *status, &[]),
        };
        let n = number.to_be_bytes();
        ([kind, n[0], n[1], n[2], n[3]], bytes)
    }

    /// Reads the next one.
    pub fn read(from: &mut impl Read) -> io::Result<Self> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let number = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if head[0] == 0 {
            return Ok(Self::End(number));
        }
        if number as usize > MAX_FRAME || head[0] > 2 {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "not an answer of a demo world",
            ));
        }
        let mut bytes = vec![0; number as usize];
        from.read_exact(&mut bytes)?;
        Ok(if head[0] == 1 {
            Self::Out(bytes)
        } else {
            Self::Err(bytes)
        })
    }
}

/// What the world says to a request.
enum Answer {
    Text(String),
    Fails {
        status: u32,
        words: String,
    },
    Listing {
        seed: u64,
        host: Host,
        letters: Vec<(Stage, Letter)>,
    },
    /// Nothing, for as long as it lasts.
    Silence,
}

/// Answers requests until the world stops.
pub async fn keep_socket(listener: UnixListener, scene: Arc<Scene>, stop: CancellationToken, tasks: TaskTracker) {
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (scene, stop) = (Arc::clone(&scene), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                _ = converse(stream, &scene) => {}
            }
            drop(place);
        });
    }
}

async fn converse(stream: UnixStream, scene: &Scene) -> io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut request = String::new();
    timeout(PATIENCE, (&mut stream).take(MAX_REQUEST).read_line(&mut request)).await??;
    let mut stream = stream.into_inner();
    let answer = loop {
        match answer(scene, request.trim()) {
            Answer::Silence if gone_within(&mut stream, Duration::from_millis(50)).await => return Ok(()),
            Answer::Silence => {}
            answer => break answer,
        }
    };
    let status = match answer {
        Answer::Text(text) => {
            for part in text.as_bytes().chunks(MAX_FRAME) {
                send(&mut stream, &Frame::Out(part.to_vec())).await?;
            }
            0
        }
        Answer::Fails { status, words } => {
            let words = format!("{words}\n").into_bytes();
            send(&mut stream, &Frame::Err(words)).await.map(|()| status)?
        }
        Answer::Listing { seed, host, letters } => {
            for some in letters.chunks(LETTERS_A_FRAME) {
                let mut lines = String::with_capacity(some.len() * 400);
                for (stage, letter) in some {
                    write_letter(&mut lines, seed, host, *stage, letter);
                }
                send(&mut stream, &Frame::Out(lines.into_bytes())).await?;
            }
            0
        }
        Answer::Silence => return Ok(()),
    };
    send(&mut stream, &Frame::End(status)).await
}

/// Whether the client went away in this time.
async fn gone_within(stream: &mut UnixStream, wait: Duration) -> bool {
    let mut byte = [0];
    matches!(timeout(wait, stream.read(&mut byte)).await, Ok(Ok(0) | Err(_)))
}

async fn send(stream: &mut UnixStream, frame: &Frame) -> io::Result<()> {
    let (head, bytes) = frame.parts();
    timeout(PATIENCE, async {
        stream.write_all(&head).await?;
        stream.write_all(bytes).await
    })
    .await?
}

/// What was logged since the cursor, and the next cursor: the number of an entry.
fn log(sim: &Sim, host: Host, cursor: Option<&str>) -> Answer {
    let log = sim.log(host);
    let from = cursor.and_then(|c| c.parse().ok()).unwrap_or(log.end());
    let Ok(entries) = log.since(from) else {
        return Answer::Fails {
            status: 1,
            words: "mailtop demo: the log from there is gone; ask without a cursor".into(),
        };
    };
    let mut text = String::new();
    for entry in entries {
        write_entry(&mut text, sim.script().seed, host, entry);
    }
    // Writing to a string cannot fail.
    let _ = writeln!(text, "-- cursor: {}", log.end());
    Answer::Text(text)
}

fn answer(scene: &Scene, request: &str) -> Answer {
    let fails = |status, words: String| Answer::Fails { status, words };
    let mut words = request.split_whitespace();
    let mut asked = || {
        Some((
            Verb::from_word(words.next()?)?,
            Host::from_name(words.next()?)?,
            words.next(),
        ))
    };
    let Some((verb, host, cursor)) = asked() else {
        return fails(
            64,
            "mailtop demo: ask `VERB HOST [CURSOR]`, for example `queue mbox1`".into(),
        );
    };
    if !matches!(verb, Verb::Queue | Verb::Count | Verb::Log) && host != Host::Mbox1 {
        return fails(64, format!("mailtop demo: {host} has no maintenance job"));
    }
    scene.with(|sim, now| {
        if matches!(verb, Verb::Queue | Verb::Count | Verb::Log) {
            match sim.script().queue_command(host, now) {
                QueueCommand::Answers => {}
                QueueCommand::Hangs => return Answer::Silence,
                QueueCommand::Refuses => {
                    let words = "postqueue: fatal: Queue report unavailable - mail system is down";
                    return fails(UNAVAILABLE, words.into());
                }
            }
        }
        let steered = |done: Result<(), _>, word: &str| match done {
            Ok(()) => Answer::Text(format!("{JOB} {word}\n")),
            Err(why) => fails(1, format!("{why}")),
        };
        match verb {
            Verb::Queue => Answer::Listing {
                seed: sim.script().seed,
                host,
                letters: sim.letters(host),
            },
            Verb::Count => Answer::Text(counts(sim.depth(host))),
            Verb::Log => log(sim, host, cursor),
            Verb::JobStatus => Answer::Text(format!("{}\n", sim.job_status())),
            Verb::JobProgress => Answer::Text(format!("{:.2}\n", sim.job().progress())),
            Verb::JobPause => steered(sim.pause_job(), "paused"),
            Verb::JobResume => steered(sim.resume_job(), "resumed"),
        }
    })
}
