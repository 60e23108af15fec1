//! DNS servers on loopback: a real one (dnsmasq) that has the records it is given, and one that never answers. Ports are
//! free ones, and nothing of this machine's own resolver is touched.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::process::{Child, Command, Stdio};

/// What everybody who is told to listen on a free port may find taken by then.
const TRIES: usize = 5;

/// A running dnsmasq.
pub struct Dns {
    child: Child,
    /// Where it listens.
    pub at: SocketAddr,
}

impl Dns {
    /// One that has everything below `test.`: these records, as options of dnsmasq without their dashes, and what is not
    /// there it denies. `None`, and a word, where dnsmasq is not installed.
    pub fn start(records: &[&str]) -> Option<Self> {
        Self::with(&[records, &["local=/test/"]].concat())
    }

    /// The same with these records alone: every other question is refused.
    pub fn with(options: &[&str]) -> Option<Self> {
        if Command::new("dnsmasq").arg("--version").output().is_err() {
            assert!(
                std::env::var_os("CI").is_none(),
                "left out in CI: dnsmasq is not installed"
            );
            eprintln!("left out: dnsmasq is not installed (Debian package dnsmasq-base)");
            return None;
        }
        let tried = (0..TRIES).find_map(|_| Self::listening(free(), options));
        Some(tried.expect("dnsmasq does not start"))
    }

    fn listening(at: SocketAddr, options: &[&str]) -> Option<Self> {
        let mut child = Command::new("dnsmasq")
            .args([
                "--conf-file=/dev/null",
                "--no-daemon",
                "--bind-interfaces",
                "--no-resolv",
                "--no-hosts",
            ])
            .args(["--listen-address=127.0.0.1", "--log-facility=-", "--pid-file="])
            .arg(format!("--port={}", at.port()))
            .args(options.iter().map(|o| format!("--{o}")))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        let mut all = String::new();
        while said.read_line(&mut line).is_ok_and(|n| n > 0) {
            if line.contains("started, version") {
                // A full pipe would stop it.
                std::thread::spawn(move || std::io::copy(&mut said, &mut std::io::sink()));
                return Some(Self { child, at });
            }
            all += &std::mem::take(&mut line);
        }
        let _ = child.wait();
        assert!(all.contains("Address already in use"), "dnsmasq: {all}");
        None
    }
}

impl Drop for Dns {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A fake: takes questions by UDP and TCP, and never says a word.
pub struct Silent {
    pub at: SocketAddr,
    _udp: UdpSocket,
    _tcp: TcpListener,
}

impl Silent {
    pub fn start() -> Self {
        let (udp, tcp) = (0..TRIES).find_map(|_| both()).expect("a free port");
        Self {
            at: udp.local_addr().unwrap(),
            _udp: udp,
            _tcp: tcp,
        }
    }
}

fn both() -> Option<(UdpSocket, TcpListener)> {
    let udp = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).ok()?;
    let tcp = TcpListener::bind(udp.local_addr().ok()?).ok()?;
    Some((udp, tcp))
}

fn free() -> SocketAddr {
    (0..TRIES)
        .find_map(|_| both())
        .expect("a free port")
        .0
        .local_addr()
        .unwrap()
}
