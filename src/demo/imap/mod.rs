//! The IMAP doors of the demo world: real TCP on 127.0.0.1, real TLS, bounded in connections, time and bytes. What a store
//! answers, and how slowly, comes from the simulation.

mod session;
mod wire;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::io::BufStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};
use tokio_native_tls::TlsAcceptor;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::host::Host;
use super::scene::Scene;
use super::sim::Store;

/// The one user.
pub const USER: &str = "probe";
/// The user's password. The world is on loopback, made up, and gone when the demo ends.
pub const PASSWORD: &str = "demo";

/// The most clients at once at one door.
const MAX_CLIENTS: usize = 64;
/// The longest that a handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// Who keeps a door: knows its host and asks the simulation how the store is.
#[derive(Debug)]
pub struct Keeper {
    host: Host,
    scene: Arc<Scene>,
    looks: AtomicU64,
}

impl Keeper {
    /// The keeper of one host's door.
    pub fn new(host: Host, scene: Arc<Scene>) -> Self {
        Self {
            host,
            scene,
            looks: AtomicU64::new(0),
        }
    }
    /// Whose door it is.
    pub const fn host(&self) -> Host {
        self.host
    }
    /// How the store answers at this moment, and the moment in seconds of the Unix epoch.
    pub fn look(&self) -> (Store, i64) {
        let look = self.looks.fetch_add(1, Ordering::Relaxed);
        self.scene
            .with(|sim, now| (sim.store(self.host, look), now.as_second()))
    }
}

/// Takes clients in until the world stops.
pub async fn keep_door(
    listener: TcpListener,
    tls: TlsAcceptor,
    keeper: Keeper,
    stop: CancellationToken,
    tasks: TaskTracker,
) {
    let (tls, keeper) = (Arc::new(tls), Arc::new(keeper));
    let places = Arc::new(Semaphore::new(MAX_CLIENTS));
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file descriptors, most likely: waiting is all that helps.
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            continue;
        };
        let (tls, keeper, stop) = (Arc::clone(&tls), Arc::clone(&keeper), stop.clone());
        tasks.spawn(async move {
            tokio::select! {
                () = stop.cancelled() => {}
                () = welcome(stream, &tls, &keeper) => {}
            }
            drop(place);
        });
    }
}

/// A client whose connection or handshake breaks has left; that is not our trouble.
async fn welcome(stream: TcpStream, tls: &TlsAcceptor, keeper: &Keeper) {
    let _ = stream.set_nodelay(true);
    if let Ok(Ok(stream)) = timeout(HANDSHAKE, tls.accept(stream)).await {
        session::serve(BufStream::new(stream), keeper).await;
    }
}
