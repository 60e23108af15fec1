//! `incident export`: one incident out of the journal, as a report for the review (`md`, `html`), for programs (`json`), or as the
//! events from which it can be seen again elsewhere (`bundle`). It reads the journal and changes nothing in it.

use std::fs::Permissions;
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::commands::start;
use crate::domain::Text;
use crate::journal::bundle::{self, Stretch};
use crate::journal::{Sqlite, Trouble};
use crate::model::Model;
use crate::report::series::Series;
use crate::report::times::Times;
use crate::report::{self, Report, html, json, md};

use super::{Desk, Failed, OneArgs, cannot_read, show};

/// `incident export`.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// Which.
    #[command(flatten)]
    pub one: OneArgs,
    /// As what.
    #[arg(long, value_enum)]
    pub format: As,
    /// Where to; standard output unless given.
    #[arg(long, short = 'o', value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Write over a file that is there.
    #[arg(long, requires = "output")]
    pub force: bool,
}

/// As what an incident is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum As {
    /// Markdown, for the review.
    Md,
    /// For programs.
    Json,
    /// One page that needs nothing else, with charts.
    Html,
    /// Its events, one a line, from which it can be seen again elsewhere.
    Bundle,
}

/// Runs it.
pub(super) fn export(args: &ExportArgs, desk: &Desk<'_>) -> Result<ExitCode, Failed> {
    let incident = desk.one(&args.one)?;
    let target = Target::of(args)?;
    let stretch = Stretch::of(&incident, desk.now);
    let mut db = Sqlite::read_only(desk.journal).map_err(|why| cannot_read(&why))?;
    if args.format == As::Bundle {
        return target.write(|out| match bundle::write(&mut db, &stretch, out) {
            Ok(_) => Ok(()),
            // What went wrong with the place it goes to is told by who writes there.
            Err(Trouble::Output(why)) => Err(Wrong::Output(io::Error::other(why.to_string()))),
            Err(why) => Err(Wrong::Told(cannot_read(&why))),
        });
    }
    let cadence = desk.settings()?.cadence;
    let (range, during) = report::ranges(&incident, desk.now);
    let (mut model, mut series) = (Model::new(None), Series::new(range, during));
    let skipped = bundle::each(&mut db, &stretch, &mut |e| {
        model.apply(&e);
        series.apply(&e);
        Ok(())
    });
    let skipped = skipped.map_err(|why| cannot_read(&why))?;
    let Some(incident) = model.incident(&incident.id) else {
        return Err(start::fail(&show::GONE));
    };
    let report = Report::of(incident, &model, series.done(), cadence, desk.now, skipped);
    let times = Times::new(desk.zone.clone(), range.from, range.until);
    let bytes = match args.format {
        As::Md => md::write(&report, &times).into_bytes(),
        As::Html => html::write(&report, &times).into_bytes(),
        As::Json | As::Bundle => json::write(&report, &desk.zone),
    };
    target.write(|out| out.write_all(&bytes).map_err(Wrong::Output))
}

/// Why nothing was written.
enum Wrong {
    /// The place that it goes to.
    Output(io::Error),
    /// Something that was said already.
    Told(ExitCode),
}

/// Where it goes.
enum Target<'a> {
    Standard,
    New(&'a Path),
    Over(&'a Path),
}

impl<'a> Target<'a> {
    /// A file that is there is told of before the record is read.
    fn of(args: &'a ExportArgs) -> Result<Self, Failed> {
        Ok(match &args.output {
            None => Self::Standard,
            Some(path) if args.force => Self::Over(path),
            Some(path) if path.symlink_metadata().is_ok() => return Err(start::fail(&is_there(path))),
            Some(path) => Self::New(path),
        })
    }

    /// A file comes into being whole or not at all.
    fn write(&self, fill: impl FnOnce(&mut dyn Write) -> Result<(), Wrong>) -> Result<ExitCode, Failed> {
        let (path, over) = match self {
            Self::Standard => {
                let mut out = Piped::new(io::stdout().lock());
                let done = fill(&mut out).and_then(|()| out.flush().map_err(Wrong::Output));
                return match done {
                    Ok(()) => Ok(ExitCode::SUCCESS),
                    Err(Wrong::Output(e)) => Err(start::fail(&format!("standard output: {e}"))),
                    Err(Wrong::Told(code)) => Err(code),
                };
            }
            Self::New(path) => (path, false),
            Self::Over(path) => (path, true),
        };
        let failed = |e: &io::Error| start::fail(&format!("{}: {e}", shown(path)));
        let folder = path
            .parent()
            .filter(|p| !p.as_os_str().is_empty())
            .unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .map_err(|e| failed(&e))?;
        let mut out = BufWriter::new(file);
        match fill(&mut out) {
            Ok(()) => {}
            Err(Wrong::Output(e)) => return Err(failed(&e)),
            Err(Wrong::Told(code)) => return Err(code),
        }
        let file = out.into_inner().map_err(|e| failed(e.error()))?;
        let kept = if over {
            file.persist(path)
        } else {
            file.persist_noclobber(path)
        };
        match kept {
            Ok(_) => {
                crate::commands::say(&format!("mailtop: written to {}", shown(path)));
                Ok(ExitCode::SUCCESS)
            }
            Err(e) if e.error.kind() == io::ErrorKind::AlreadyExists => Err(start::fail(&is_there(path))),
            Err(e) => Err(failed(&e.error)),
        }
    }
}

fn shown(path: &Path) -> Text {
    Text::from_bytes(path.as_os_str().as_encoded_bytes())
}

fn is_there(path: &Path) -> String {
    format!("{} is there already: --force writes over it", shown(path))
}

/// A pipe whose reader may have had enough, which is no error.
struct Piped<W: Write> {
    to: BufWriter<W>,
    gone: bool,
}

impl<W: Write> Piped<W> {
    fn new(to: W) -> Self {
        Self {
            to: BufWriter::new(to),
            gone: false,
        }
    }
    fn quiet<T>(&mut self, done: io::Result<T>, instead: T) -> io::Result<T> {
        match done {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.gone = true;
                Ok(instead)
            }
            done => done,
        }
    }
}

impl<W: Write> Write for Piped<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.gone {
            return Ok(bytes.len());
        }
        let done = self.to.write(bytes);
        self.quiet(done, bytes.len())
    }
    fn flush(&mut self) -> io::Result<()> {
        if self.gone {
            return Ok(());
        }
        let done = self.to.flush();
        self.quiet(done, ())
    }
}
