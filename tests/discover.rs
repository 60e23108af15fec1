//! Looking around a host that runs a real Dovecot, on ports of its own: what is found, what is not, and what is made of it.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::ffi::OsString;
use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use mailtop::config::discover::{Found, Speaks, config_for, this_host_in};
use mailtop::domain::door::Security;

const DOVECOT: &str = "/usr/sbin/dovecot";

/// A Dovecot in the foreground, ended with its test.
struct Dovecot {
    child: Child,
    dir: tempfile::TempDir,
    clear: u16,
    tls: u16,
}

impl Dovecot {
    /// `None`, said aloud, where it is not installed or may not be started; with `CI=true` that is a failure.
    fn start() -> Option<Self> {
        let is_root = tempfile::tempfile()
            .unwrap()
            .metadata()
            .is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
        if !Path::new(DOVECOT).exists() || !is_root {
            assert!(
                std::env::var_os("CI").is_none_or(|v| v != "true"),
                "left out in CI: needs Dovecot and root"
            );
            eprintln!("left out: needs Dovecot and root");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("mt").tempdir_in("/tmp").unwrap();
        // Dovecot's login processes run as a user of their own and must pass through.
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
        let (clear, tls) = (free_port(), free_port());
        certificate(dir.path());
        let top = dir.path().display();
        let config = format!(
            "protocols = imap\nbase_dir = {top}/run\nstate_dir = {top}/state\nlog_path = {top}/log\nlisten = 127.0.0.1\n\
             ssl = yes\nssl_cert = <{top}/cert.pem\nssl_key = <{top}/key.pem\n\
             passdb {{\n  driver = static\n  args = password=x\n}}\n\
             userdb {{\n  driver = static\n  args = uid=mail gid=mail home={top}/home\n}}\n\
             service imap-login {{\n  inet_listener imap {{\n    port = {clear}\n  }}\n  inet_listener imaps {{\n    port = {tls}\n    ssl = yes\n  }}\n}}\n"
        );
        std::fs::write(dir.path().join("dovecot.conf"), config).unwrap();
        // `doveconf` as this host would have it, if its configuration were ours.
        let doveconf = dir.path().join("doveconf");
        std::fs::write(
            &doveconf,
            format!("#!/bin/sh\nexec /usr/bin/doveconf -c {top}/dovecot.conf \"$@\"\n"),
        )
        .unwrap();
        std::fs::set_permissions(&doveconf, std::fs::Permissions::from_mode(0o755)).unwrap();
        let child = Command::new(DOVECOT)
            .args(["-F", "-c"])
            .arg(dir.path().join("dovecot.conf"))
            .stdin(Stdio::null())
            .spawn()
            .unwrap();
        let dovecot = Self { child, dir, clear, tls };
        dovecot.wait_until_it_greets();
        Some(dovecot)
    }

    fn wait_until_it_greets(&self) {
        let guard = Instant::now();
        loop {
            if let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.clear)) {
                let mut byte = [0u8; 1];
                if stream.read(&mut byte).is_ok_and(|n| n == 1) {
                    return;
                }
            }
            let log = || std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default();
            assert!(
                guard.elapsed() < Duration::from_secs(60),
                "Dovecot does not greet: {}",
                log()
            );
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn look(&self) -> Found {
        let path = OsString::from(format!("{}:/usr/bin:/bin", self.dir.path().display()));
        this_host_in(Some(&path))
    }

    fn stop(&mut self) {
        if !matches!(self.child.try_wait(), Ok(None)) {
            return;
        }
        let pid = self.child.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &pid]).status();
        let _ = self.child.wait();
    }
}

impl Drop for Dovecot {
    fn drop(&mut self) {
        self.stop();
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0))
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A self-signed certificate for `localhost`, and its key.
fn certificate(dir: &Path) {
    use openssl::x509::{X509, X509NameBuilder, extension::SubjectAlternativeName};
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa};
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut name = X509NameBuilder::new().unwrap();
    name.append_entry_by_text("CN", "localhost").unwrap();
    let name = name.build();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_subject_name(&name).unwrap();
    builder.set_issuer_name(&name).unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    let names = SubjectAlternativeName::new()
        .dns("localhost")
        .build(&builder.x509v3_context(None, None))
        .unwrap();
    builder.append_extension(names).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    std::fs::write(dir.join("cert.pem"), builder.build().to_pem().unwrap()).unwrap();
    std::fs::write(dir.join("key.pem"), key.private_key_to_pem_pkcs8().unwrap()).unwrap();
}

#[test]
fn a_running_dovecot_is_found_on_its_own_ports_and_a_stopped_one_is_not() {
    let Some(mut dovecot) = Dovecot::start() else { return };
    let found = dovecot.look();
    let speaks = |port: u16| found.doors.iter().find(|d| d.port == port).map(|d| d.speaks.clone());
    assert_eq!(speaks(dovecot.clear), Some(Speaks::Clear), "{found:?}");
    let Some(Speaks::Untrusted { why }) = speaks(dovecot.tls) else {
        panic!("a certificate that nobody signed was trusted: {found:?}");
    };
    assert!(why.starts_with("localhost: ") && why.contains("self"), "{why}");

    let config = config_for(&found).unwrap();
    let door = &config.servers[0].doors[0].door;
    assert_eq!(
        (door.at.host(), door.at.port(), door.security),
        ("127.0.0.1", dovecot.clear, Security::Plain)
    );

    dovecot.stop();
    let found = dovecot.look();
    assert_eq!(found.doors, [], "{found:?}");
}
