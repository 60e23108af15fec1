//! The demo world through its real doors: TLS and IMAP over TCP, the control socket, the config text. The clock stands
//! still where a moment of the script is looked at, so that nothing here depends on how fast the machine is.

#![allow(clippy::unwrap_used)]

use std::collections::HashSet;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;

use jiff::Timestamp;
use mailtop::clock::Clock;
use mailtop::commands::demo_ctl::ask;
use mailtop::demo::control::Verb;
use mailtop::demo::{Host, JOB, Script, World, WorldError};
use mailtop::domain::Span;
use native_tls::{Certificate, TlsConnector, TlsStream};

/// A world whose clock stands still at this moment.
async fn world_at(at: Timestamp, dir: &Path) -> World {
    World::start(Script::weekend(), Clock::scaled(at, 0.0), dir)
        .await
        .unwrap()
}

struct Said {
    status: u32,
    out: String,
    err: String,
}

/// What `demo-ctl` would print, asked off the runtime's threads as a process would.
async fn say(world: &World, verb: Verb, host: &'static str) -> Said {
    let socket = world.socket().to_owned();
    tokio::task::spawn_blocking(move || {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let status = ask(&socket, verb, host, &mut out, &mut err).unwrap();
        Said {
            status,
            out: String::from_utf8(out).unwrap(),
            err: String::from_utf8(err).unwrap(),
        }
    })
    .await
    .unwrap()
}

fn connector(world: &World) -> TlsConnector {
    let ca = std::fs::read(world.ca_file()).unwrap();
    TlsConnector::builder()
        .disable_built_in_roots(true)
        .add_root_certificate(Certificate::from_pem(&ca).unwrap())
        .build()
        .unwrap()
}

async fn log_in(world: &World, host: Host) -> async_imap::Session<tokio_native_tls::TlsStream<tokio::net::TcpStream>> {
    let tcp = tokio::net::TcpStream::connect(world.imap_door(host).unwrap())
        .await
        .unwrap();
    let tls = tokio_native_tls::TlsConnector::from(connector(world))
        .connect("127.0.0.1", tcp)
        .await
        .unwrap();
    let mut client = async_imap::Client::new(tls);
    client.read_response().await.unwrap();
    client.login("probe", "demo").await.map_err(|(e, _)| e).unwrap()
}

/// A plain client: sends lines, reads lines.
struct Raw(BufReader<TlsStream<TcpStream>>);

impl Raw {
    fn connect(connector: &TlsConnector, world_door: std::net::SocketAddr) -> Self {
        let tcp = TcpStream::connect(world_door).unwrap();
        Self(BufReader::new(connector.connect("127.0.0.1", tcp).unwrap()))
    }
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
    fn send(&mut self, text: &str) -> String {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        self.line()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_probe_with_an_imap_library_reads_an_envelope_from_every_store() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_at(Script::weekend().begins, dir.path()).await;
    for host in Host::STORES {
        let mut session = log_in(&world, host).await;
        let mailbox = session.examine("INBOX").await.unwrap();
        assert_eq!(mailbox.exists, 1);
        {
            use futures::TryStreamExt;
            let letters: Vec<_> = session
                .fetch("1", "(ENVELOPE)")
                .await
                .unwrap()
                .try_collect()
                .await
                .unwrap();
            let subject = letters[0].envelope().unwrap().subject.as_deref().unwrap();
            assert_eq!(subject, b"A letter for the probe");
        }
        session.logout().await.unwrap();
    }
    assert_eq!(world.imap_door(Host::Mx1), None);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failed_store_lets_one_log_in_and_then_has_an_internal_error() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_at(Script::weekend().failed_at, dir.path()).await;
    let mut session = log_in(&world, Host::Mbox1).await;
    let error = session.examine("INBOX").await.unwrap_err().to_string();
    assert!(
        error.contains("[SERVERBUG]")
            && error.contains("Refer to server log for more information. [2026-11-21 11:00:00]"),
        "{error}"
    );
    log_in(&world, Host::Mbox2).await.examine("INBOX").await.unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_greeting_says_demo_and_literals_plain_and_nonsense_are_answered() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_at(Script::weekend().begins, dir.path()).await;
    let (connector, door) = (connector(&world), world.imap_door(Host::Mbox3).unwrap());
    tokio::task::spawn_blocking(move || {
        let mut c = Raw::connect(&connector, door);
        let greeting = c.line();
        assert!(
            greeting.starts_with("* OK [CAPABILITY IMAP4rev1 ") && greeting.contains("mailtop demo"),
            "{greeting}"
        );
        assert_eq!(
            c.send("a EXAMINE INBOX\r\n"),
            "a BAD Unknown command, or not in this state."
        );
        assert_eq!(
            c.send("b LOGIN probe wrong\r\n"),
            "b NO [AUTHENTICATIONFAILED] Authentication failed."
        );
        assert_eq!(c.send("c LOGIN {5}\r\n"), "+ OK");
        assert!(c.send("probe {4+}\r\ndemo\r\n").starts_with("c OK "));

        let mut c = Raw::connect(&connector, door);
        c.line();
        assert_eq!(c.send("a AUTHENTICATE PLAIN\r\n"), "+");
        assert!(c.send("AHByb2JlAGRlbW8=\r\n").starts_with("a OK "));
        assert!(c.send("b EXAMINE Nowhere\r\n").starts_with("b NO [NONEXISTENT] "));

        let mut c = Raw::connect(&connector, door);
        c.line();
        assert!(c.send("a AUTHENTICATE PLAIN AHByb2JlAGRlbW8=\r\n").starts_with("a OK "));

        let mut c = Raw::connect(&connector, door);
        c.line();
        assert_eq!(
            c.send(&format!("a LOGIN {}\r\n", "x".repeat(9_000))),
            "* BYE Command too long."
        );
        assert_eq!(c.line(), "", "and the connection ends");

        let mut c = Raw::connect(&connector, door);
        c.line();
        let answers: Vec<String> = (0..11).map(|_| c.send("?\r\n")).collect();
        assert_eq!(answers.last().unwrap(), "* BYE Too many invalid IMAP commands.");
    })
    .await
    .unwrap();
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn certificates_hold_for_the_loopback_address_and_the_one_of_mbox2_ends_in_nine_days() {
    let dir = tempfile::tempdir().unwrap();
    let script = Script::weekend_before(Timestamp::now());
    let begins = script.begins;
    let world = World::start(script, Clock::scaled(begins, 0.0), dir.path())
        .await
        .unwrap();
    let connector = connector(&world);
    let doors = Host::STORES.map(|h| world.imap_door(h).unwrap());
    let days = tokio::task::spawn_blocking(move || {
        doors.map(|door| {
            let tls = connector
                .connect("127.0.0.1", TcpStream::connect(door).unwrap())
                .unwrap();
            let der = tls.peer_certificate().unwrap().unwrap().to_der().unwrap();
            let certificate = openssl::x509::X509::from_der(&der).unwrap();
            let begin = openssl::asn1::Asn1Time::from_unix(begins.as_second()).unwrap();
            begin.diff(certificate.not_after()).unwrap().days
        })
    })
    .await
    .unwrap();
    assert!(days[0] > 300 && days[1] == 9 && days[2] > 300, "{days:?}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_listing_the_counts_and_the_truth_agree_on_tens_of_thousands() {
    let dir = tempfile::tempdir().unwrap();
    let script = Script::weekend();
    let world = world_at(Span::from_mins(-1).after(script.restored_at), dir.path()).await;
    let truth = world.census();
    for host in Host::ALL {
        let listing = say(&world, Verb::Queue, host.name()).await;
        let mut ids = HashSet::new();
        for line in listing.out.lines() {
            let letter: serde_json::Value = serde_json::from_str(line).unwrap();
            assert!(ids.insert(letter["queue_id"].as_str().unwrap().to_owned()), "{line}");
        }
        let depth = truth.depth(host);
        assert_eq!(ids.len() as u64, depth.total(), "{host}");
        let counts = say(&world, Verb::Count, host.name()).await;
        let want = format!(
            "maildrop 0\nincoming {}\nactive {}\ndeferred {}\nhold {}\n",
            depth.incoming, depth.active, depth.deferred, depth.hold
        );
        assert_eq!((counts.status, counts.out, counts.err), (0, want, String::new()));
    }
    assert!(truth.depth(Host::Mbox1).total() > 30_000);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_job_is_paused_and_resumed_through_the_socket() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_at(Span::from_hours(30).after(Script::weekend().begins), dir.path()).await;
    assert_eq!(
        say(&world, Verb::JobStatus, "mbox1").await.out,
        "running for 29h30m, 64.1% compacted\n"
    );
    assert_eq!(say(&world, Verb::JobProgress, "mbox1").await.out, "64.14\n");
    for _ in 0..2 {
        assert_eq!(
            say(&world, Verb::JobPause, "mbox1").await.out,
            format!("{JOB} paused\n")
        );
        assert!(
            say(&world, Verb::JobStatus, "mbox1")
                .await
                .out
                .starts_with("paused for ")
        );
    }
    assert_eq!(
        say(&world, Verb::JobResume, "mbox1").await.out,
        format!("{JOB} resumed\n")
    );
    assert!(
        say(&world, Verb::JobStatus, "mbox1")
            .await
            .out
            .starts_with("running for ")
    );
    let none = say(&world, Verb::JobPause, "mbox2").await;
    assert_eq!((none.status, none.out.as_str()), (64, ""));
    assert!(none.err.contains("mbox2 has no maintenance job"), "{}", none.err);
    assert_eq!(say(&world, Verb::Count, "mbox9").await.status, 64);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_queue_command_of_mx2_says_nothing_for_a_while_and_then_that_the_mail_system_is_down() {
    let dir = tempfile::tempdir().unwrap();
    let script = Script::weekend();
    let refusing = script.refusing_from;
    // The silence ends after half a second of real time.
    let clock = Clock::scaled(Span::from_mins(-30).after(refusing), 3_600.0);
    let world = World::start(script, clock, dir.path()).await.unwrap();
    let said = say(&world, Verb::Count, "mx2").await;
    assert!(world.clock().now() >= refusing);
    assert_eq!((said.status, said.out.as_str()), (69, ""));
    assert_eq!(
        said.err,
        "postqueue: fatal: Queue report unavailable - mail system is down\n"
    );
    assert_eq!(say(&world, Verb::Count, "mx1").await.status, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_world_that_stops_leaves_no_socket_no_door_and_no_half_answer_that_looks_whole() {
    let dir = tempfile::tempdir().unwrap();
    let world = world_at(Script::weekend().silent_from, dir.path()).await;
    let (socket, door) = (world.socket().to_owned(), world.imap_door(Host::Mbox1).unwrap());
    // One client waits for mx2, which is silent; another has only connected.
    let asking = socket.clone();
    let waiting =
        tokio::task::spawn_blocking(move || ask(&asking, Verb::Queue, "mx2", &mut io::sink(), &mut io::sink()));
    let mut idle = UnixStream::connect(&socket).unwrap();
    world.stop().await;
    let error = waiting.await.unwrap().unwrap_err();
    assert!(
        matches!(
            error.kind(),
            io::ErrorKind::UnexpectedEof
                | io::ErrorKind::ConnectionReset
                | io::ErrorKind::ConnectionRefused
                | io::ErrorKind::NotConnected
                | io::ErrorKind::NotFound
        ),
        "{error:?}"
    );
    assert!(!matches!(idle.read(&mut [0]), Ok(1..)));
    assert!(!socket.exists());
    assert!(TcpStream::connect(door).is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_world_in_one_folder_is_refused_and_what_a_killed_one_left_is_taken_over() {
    let dir = tempfile::tempdir().unwrap();
    let begins = Script::weekend().begins;
    let world = world_at(begins, dir.path()).await;
    let ca = std::fs::read(world.ca_file()).unwrap();
    let second = World::start(Script::weekend(), Clock::scaled(begins, 0.0), dir.path()).await;
    let error = second.unwrap_err();
    assert!(
        matches!(&error, WorldError::Io { .. }) && error.to_string().contains("another demo answers"),
        "{error}"
    );
    assert_eq!(
        std::fs::read(world.ca_file()).unwrap(),
        ca,
        "the first one's files are left as they are"
    );
    assert_eq!(say(&world, Verb::Count, "out1").await.status, 0);
    world.stop().await;

    // A killed process leaves its socket file with nobody behind it.
    drop(std::os::unix::net::UnixListener::bind(dir.path().join("world.sock")).unwrap());
    let third = world_at(begins, dir.path()).await;
    assert_eq!(say(&third, Verb::Count, "out1").await.status, 0);
    third.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_config_names_every_host_its_doors_and_its_commands() {
    let dir = tempfile::tempdir().unwrap();
    let begins = Script::weekend().begins;
    let world = World::start(Script::weekend(), Clock::scaled(begins, 600.0), dir.path())
        .await
        .unwrap();
    let text = world.config_toml(Path::new("/opt/it's here/mailtop")).unwrap();
    let config: toml::Table = text.parse().unwrap();
    assert_eq!(config["defaults"]["interval"].as_str(), Some("600s"));
    let servers = config["server"].as_array().unwrap();
    let names: Vec<_> = servers.iter().map(|s| s["name"].as_str().unwrap()).collect();
    assert_eq!(names, Host::ALL.map(Host::name));
    let url = format!("imaps://{}", world.imap_door(Host::Mbox1).unwrap());
    assert_eq!(servers[0]["imap"][0]["url"].as_str(), Some(url.as_str()));
    for file in ["password_file", "ca_file"] {
        assert!(Path::new(servers[0]["imap"][0][file].as_str().unwrap()).exists());
    }
    let list: Vec<_> = servers[3]["queue"][0]["list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|a| a.as_str().unwrap())
        .collect();
    let socket = world.socket().to_str().unwrap();
    assert_eq!(list, ["/opt/it's here/mailtop", "demo-ctl", socket, "queue", "mx1"]);
    assert_eq!(servers[0]["job"][0]["name"].as_str(), Some(JOB));
    assert!(servers[1].get("job").is_none() && servers[3].get("imap").is_none());
    world.stop().await;
}
