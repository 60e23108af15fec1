//! The network of the lab: one bridge for a test program, one network namespace for a host, and a pair of virtual
//! interfaces between them. Addresses are private and nobody outside of this machine sees them.

use std::net::Ipv4Addr;
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use super::root::{must, output};

/// The bridge; gone with the last host on it.
struct Bridge {
    name: String,
    net: [u8; 3],
    next: AtomicU8,
}

static BRIDGE: Mutex<Weak<Bridge>> = Mutex::new(Weak::new());

fn ip(args: &[&str]) {
    must(Command::new("ip").args(args));
}

fn bridge() -> Arc<Bridge> {
    let mut kept = BRIDGE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(bridge) = kept.upgrade() {
        return bridge;
    }
    sweep();
    let pid = std::process::id();
    let routes = must(Command::new("ip").args(["-4", "route", "show", "table", "all"]));
    let net = (0..200)
        .map(|n| (pid + n) as usize)
        .map(|n| [10, 64 + (n / 256 % 64) as u8, (n % 256) as u8])
        .find(|[a, b, c]| !routes.contains(&format!("{a}.{b}.{c}.")))
        .expect("no free private network");
    let name = format!("mtb{pid}");
    ip(&["link", "add", &name, "type", "bridge"]);
    let bridge = Arc::new(Bridge {
        name,
        net,
        next: AtomicU8::new(2),
    });
    let [a, b, c] = net;
    ip(&["addr", "add", &format!("{a}.{b}.{c}.1/24"), "dev", &bridge.name]);
    ip(&["link", "set", &bridge.name, "up"]);
    *kept = Arc::downgrade(&bridge);
    bridge
}

impl Drop for Bridge {
    fn drop(&mut self) {
        output(Command::new("ip").args(["link", "del", &self.name]));
    }
}

/// A host's place on the network.
pub struct Place {
    /// Unique on this machine while the test runs: `mt<pid>x<n>`.
    pub id: String,
    /// Its address.
    pub ip: Ipv4Addr,
    cable: String,
    _bridge: Arc<Bridge>,
}

impl Place {
    pub fn new() -> Self {
        let bridge = bridge();
        let n = bridge.next.fetch_add(1, Ordering::Relaxed);
        let [a, b, c] = bridge.net;
        let place = Self {
            id: format!("mt{}x{n}", std::process::id()),
            ip: Ipv4Addr::new(a, b, c, n),
            cable: format!("mtv{}x{n}", std::process::id()),
            _bridge: bridge.clone(),
        };
        let (ns, cable) = (&*place.id, &*place.cable);
        ip(&["netns", "add", ns]);
        ip(&[
            "link", "add", cable, "type", "veth", "peer", "name", "eth0", "netns", ns,
        ]);
        ip(&["link", "set", cable, "master", &bridge.name, "up"]);
        ip(&["-n", ns, "addr", "add", &format!("{}/24", place.ip), "dev", "eth0"]);
        ip(&["-n", ns, "link", "set", "lo", "up"]);
        ip(&["-n", ns, "link", "set", "eth0", "up"]);
        place
    }
    /// Pulls the cable out. Packets are lost without a word.
    pub fn cut(&self) {
        ip(&["link", "set", &self.cable, "down"]);
    }
    /// Puts it back.
    pub fn heal(&self) {
        ip(&["link", "set", &self.cable, "up"]);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        output(Command::new("ip").args(["link", "del", &self.cable]));
        output(Command::new("ip").args(["netns", "del", &self.id]));
    }
}

/// Whether the process that had this number is gone.
pub fn is_dead(pid: &str) -> bool {
    pid.parse::<u32>().is_ok() && !Path::new("/proc").join(pid).exists()
}

/// Removes what a test program that was killed left behind: its hosts, its namespaces, its bridge.
fn sweep() {
    let spaces = String::from_utf8_lossy(&output(Command::new("ip").args(["netns", "list"])).stdout).into_owned();
    for ns in spaces.lines().filter_map(|l| l.split_whitespace().next()) {
        if ns
            .strip_prefix("mt")
            .and_then(|r| r.split('x').next())
            .is_some_and(is_dead)
        {
            let pids = output(Command::new("ip").args(["netns", "pids", ns])).stdout;
            for pid in String::from_utf8_lossy(&pids).split_whitespace() {
                output(Command::new("kill").args(["-KILL", pid]));
            }
            output(Command::new("ip").args(["netns", "del", ns]));
        }
    }
    let links = String::from_utf8_lossy(&output(Command::new("ip").args(["-o", "link"])).stdout).into_owned();
    for link in links.lines().filter_map(|l| l.split(": ").nth(1)) {
        if link.strip_prefix("mtb").is_some_and(is_dead) {
            output(Command::new("ip").args(["link", "del", link]));
        }
    }
    super::root::sweep(is_dead);
}
