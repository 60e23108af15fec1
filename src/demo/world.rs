//! The world as a whole: starts the doors and the socket, knows where they are, and takes everything down again.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, UnixListener};
use tokio_native_tls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::control::keep_socket;
use super::fleet::Fleet;
use super::host::Host;
use super::imap::{Keeper, PASSWORD, keep_door};
use super::papers::{Authority, PapersError, Term};
use super::scene::Scene;
use super::script::Script;
use super::sim::{Census, Sim};
use crate::clock::Clock;
use crate::domain::{Span, Timestamp};

/// How often the world moves when nobody asks, so that a question after a long time does not wait.
const HEARTBEAT: Duration = Duration::from_millis(200);
/// The shortest interval of looks that the config asks for, on the clock of the demo.
const SHORTEST_INTERVAL: Span = Span::from_secs(10);

/// A running demo world. Stops when it is dropped; [`World::stop`] also waits for it.
#[derive(Debug)]
pub struct World {
    scene: Arc<Scene>,
    doors: Vec<(Host, SocketAddr)>,
    socket: Socket,
    ca_file: PathBuf,
    password_file: PathBuf,
    stop: CancellationToken,
    tasks: TaskTracker,
}

/// Why a world could not be started.
#[derive(Debug, thiserror::Error)]
pub enum WorldError {
    /// A file, folder or socket.
    #[error("the demo world could not {tried}: {source}")]
    Io {
        /// What was tried, and where.
        tried: String,
        /// What came of it.
        source: std::io::Error,
    },
    /// Certificates.
    #[error("the demo world could not make its certificates: {0}")]
    Papers(#[from] PapersError),
}

impl WorldError {
    fn io(tried: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let tried = tried.into();
        move |source| Self::Io { tried, source }
    }
}

impl World {
    /// Starts the world of a script, moved by a clock, with its files in `dir`, which is made if need be and closed to
    /// other users. Needs a tokio runtime.
    pub async fn start(script: Script, clock: Clock, dir: &Path) -> Result<Self, WorldError> {
        prepare(dir)?;
        // First, so that a folder in which another demo lives is left as it is.
        let (socket, listener) = Socket::listen(dir.join("world.sock"))?;
        let (ca_file, password_file) = (dir.join("ca.pem"), dir.join("password"));
        let terms = Terms::new(&script, clock.now());
        let authority = Authority::new(terms.usual)?;
        write_private(&ca_file, &authority.pem()?)?;
        write_private(&password_file, format!("{PASSWORD}\n").as_bytes())?;

        // From here on a failure drops the world, and with it what has been started.
        let mut world = Self {
            scene: Arc::new(Scene::new(Sim::new(script), clock)),
            doors: Vec::new(),
            socket,
            ca_file,
            password_file,
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        let (scene, stop, tasks) = (Arc::clone(&world.scene), world.stop.clone(), world.tasks.clone());
        world.tasks.spawn(keep_socket(listener, scene, stop, tasks));
        for host in Host::STORES {
            let identity = authority.issue(host.name(), terms.of(host))?;
            world.open_door(host, identity).await?;
        }
        world.start_heart();
        Ok(world)
    }

    async fn open_door(&mut self, host: Host, identity: native_tls::Identity) -> Result<(), WorldError> {
        let acceptor = native_tls::TlsAcceptor::new(identity).map_err(PapersError::from)?;
        let refused = || WorldError::io(format!("listen on 127.0.0.1 for {host}"));
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(refused())?;
        let at = listener.local_addr().map_err(refused())?;
        let keeper = Keeper::new(host, Arc::clone(&self.scene));
        let (stop, tasks) = (self.stop.clone(), self.tasks.clone());
        self.tasks
            .spawn(keep_door(listener, TlsAcceptor::from(acceptor), keeper, stop, tasks));
        self.doors.push((host, at));
        Ok(())
    }

    fn start_heart(&self) {
        let (scene, stop) = (Arc::clone(&self.scene), self.stop.clone());
        self.tasks.spawn(async move {
            while tokio::time::timeout(HEARTBEAT, stop.cancelled()).await.is_err() {
                scene.with(|_, _| ());
            }
        });
    }

    /// The config that watches this world, as TOML. `exe` is the mailtop program that its commands run. The interval is
    /// in the clock of the demo and a second or more of real time.
    pub fn config_toml(&self, exe: &Path) -> Result<String, toml::ser::Error> {
        let a_second = self.scene.clock().shown(Duration::from_secs(1));
        Fleet {
            exe,
            socket: &self.socket.0,
            ca_file: &self.ca_file,
            password_file: &self.password_file,
            doors: &self.doors,
            interval: a_second.max(SHORTEST_INTERVAL),
        }
        .toml()
    }

    /// Where a host's IMAP door is, for hosts that have one.
    pub fn imap_door(&self, host: Host) -> Option<SocketAddr> {
        self.doors.iter().find(|(h, _)| *h == host).map(|(_, at)| *at)
    }

    /// The control socket.
    pub fn socket(&self) -> &Path {
        &self.socket.0
    }

    /// The certificate authority to trust.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// The figures of the world now: what a console that watches it should find.
    pub fn census(&self) -> Census {
        self.scene.with(|sim, _| sim.census())
    }

    /// The clock of the world.
    pub fn clock(&self) -> &Clock {
        self.scene.clock()
    }

    /// Stops everything and waits until it has stopped.
    pub async fn stop(self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
        self.tasks.close();
    }
}

/// The path of a socket that is ours: it goes when the world goes.
#[derive(Debug)]
struct Socket(PathBuf);

impl Socket {
    fn listen(path: PathBuf) -> Result<(Self, UnixListener), WorldError> {
        let shown = path.display().to_string();
        if std::os::unix::net::UnixStream::connect(&path).is_ok() {
            let taken = std::io::Error::from(std::io::ErrorKind::AddrInUse);
            return Err(WorldError::io(format!("listen on {shown}, where another demo answers"))(taken));
        }
        // What a demo left that was killed.
        let _ = fs::remove_file(&path);
        let listener = UnixListener::bind(&path).map_err(WorldError::io(format!(
            "listen on {shown} (a socket's path has at most 107 bytes)"
        )))?;
        fs::set_permissions(&path, Permissions::from_mode(0o700))
            .map_err(WorldError::io(format!("close {shown} to other users")))?;
        Ok((Self(path), listener))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// When the certificates hold. The demo's clock runs ahead of real time or lies behind it, and the TLS library checks
/// against real time: so they have to hold on both.
struct Terms {
    usual: Term,
    short: Term,
}

impl Terms {
    fn new(script: &Script, shown: Timestamp) -> Self {
        let real = Timestamp::now();
        let (earlier, later) = (shown.min(real), shown.max(real));
        let from = Span::from_hours(-30 * 24).after(earlier);
        let soon = Span::from_hours(24).after(real);
        Self {
            usual: Term {
                from,
                until: Span::from_hours(400 * 24).after(later),
            },
            short: Term {
                from,
                until: script.certificate_ends.max(soon),
            },
        }
    }

    const fn of(&self, host: Host) -> Term {
        match host {
            Host::Mbox2 => self.short,
            _ => self.usual,
        }
    }
}

fn prepare(dir: &Path) -> Result<(), WorldError> {
    fs::create_dir_all(dir).map_err(WorldError::io(format!("make the folder {}", dir.display())))?;
    fs::set_permissions(dir, Permissions::from_mode(0o700)).map_err(WorldError::io(format!(
        "close the folder {} to other users",
        dir.display()
    )))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<(), WorldError> {
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .and_then(|mut file| file.write_all(bytes))
        .map_err(WorldError::io(format!("write {}", path.display())))
}
