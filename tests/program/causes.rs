//! What stands behind many failures at once: six real Dovecots that ask a seventh for every password.

use jiff::Timestamp;
use mailtop::domain::door::{Door, Secret};
use mailtop::domain::event::{Event, Fact, ObserverId, Subject};
use mailtop::domain::health::{Layer, Limits, ProbeReport, Verdict};
use mailtop::domain::roster::{Roster, Watched, WatchedDoor};
use mailtop::domain::{Name, Span};
use mailtop::model::cause::{Cause, Suspect, causes};
use mailtop::model::{self, Model};
use mailtop::probe::Prober;
use serde_json::json;

use super::home::Home;
use super::lab::dovecot::{Dovecot, Options, PASSWORD, USER};

/// Six mailbox servers, by name, and the backend that knows their passwords.
struct Fleet {
    servers: Vec<(String, Dovecot)>,
    backend: Dovecot,
}

impl Fleet {
    fn start() -> Option<Self> {
        // It is asked over loopback, in the clear.
        let backend = Dovecot::start(&Options {
            extra: "ssl = yes\ndisable_plaintext_auth = no\n",
            ..Options::default()
        })?;
        let passdb = format!("driver = imap\n  args = host=127.0.0.1 port={}", backend.imap);
        // The options of a lab outlive it.
        let passdb: &'static str = Box::leak(passdb.into_boxed_str());
        let servers = (1..=6).map(|i| {
            let dovecot = Dovecot::start(&Options {
                passdb,
                ..Options::default()
            })?;
            Some((format!("mbox{i}"), dovecot))
        });
        Some(Self {
            servers: servers.collect::<Option<_>>()?,
            backend,
        })
    }
    fn names(&self) -> Vec<&str> {
        self.servers.iter().map(|(n, _)| n.as_str()).collect()
    }
    fn door(dovecot: &Dovecot) -> Door {
        dovecot.door()
    }

    /// A model that watches them.
    fn watched(&self) -> Model {
        let server = |(name, dovecot): &(String, Dovecot)| Watched {
            name: name.as_str().into(),
            reach: None,
            read_only: false,
            every: Span::from_secs(10),
            // Seven servers on a small machine are slow.
            limits: Limits {
                slow: Span::from_secs(60),
                ..Limits::default()
            },
            doors: vec![WatchedDoor {
                name: "imap".into(),
                url: Self::door(dovecot).url(),
                protocol: Self::door(dovecot).protocol(),
                role: Self::door(dovecot).role,
                anonymous: false,
            }],
            queues: vec![],
            jobs: vec![],
        };
        let roster = Roster {
            servers: self.servers.iter().map(server).collect(),
            senders: vec![],
            canaries: vec![],
        };
        let mut model = Model::new(None);
        model.apply(&event(Subject::Observer, Fact::Watching(roster)));
        model
    }

    /// Probes every server once, into the model.
    async fn look(&self, model: &mut Model) -> Vec<ProbeReport> {
        let (prober, secret) = (Prober::new(), Secret::new(PASSWORD));
        let mut reports = Vec::new();
        for (name, dovecot) in &self.servers {
            let report = prober
                .probe(&Self::door(dovecot), Some(&secret), None, Timestamp::now())
                .await;
            let about = Subject::Door {
                server: name.as_str().into(),
                door: "imap".into(),
            };
            model.apply(&event(about, Fact::Probed(Box::new(report.clone()))));
            reports.push(report);
        }
        reports
    }

    /// The same fleet as a config.
    fn config(&self) -> String {
        let server = |(name, d): &(String, Dovecot)| {
            format!(
                "[[server]]\nname = \"{name}\"\n[[server.imap]]\nurl = \"imaps://{USER}@127.0.0.1:{}\"\n\
                 ca_file = \"{}\"\npassword_env = \"PROBE_PASSWORD\"\n",
                d.imaps,
                d.path("ca.pem").display()
            )
        };
        "[defaults]\nslow = \"60s\"\n".to_owned() + &self.servers.iter().map(server).collect::<String>()
    }
}

fn event(about: Subject, what: Fact) -> Event {
    Event {
        at: Timestamp::now(),
        seen_by: ObserverId("lab".into()),
        about,
        what,
    }
}

#[tokio::test]
async fn one_auth_backend_behind_six_servers_that_stops_is_one_cause_and_not_six() {
    let Some(mut fleet) = Fleet::start() else { return };
    let mut model = fleet.watched();
    for report in fleet.look(&mut model).await {
        assert_eq!(report.failure, None, "{}", fleet.servers[0].1.log());
    }
    let ask = |model: &Model| causes(model, Timestamp::now(), Span::from_mins(10));
    assert_eq!(ask(&model), []);

    let home = Home::new();
    home.configure(&fleet.config());
    let check = |format: &str| {
        let mut command = home.command(&["check", "--format", format]);
        super::home::Done::from(command.env("PROBE_PASSWORD", PASSWORD).output().unwrap())
    };
    assert_eq!(check("json").exits(0).json()["causes"], json!([]));

    let since = Timestamp::now();
    fleet.backend.stop();
    for report in fleet.look(&mut model).await {
        let failure = report.failure.unwrap();
        assert_eq!(failure.layer, Layer::Auth, "{failure:?}\n{}", fleet.servers[0].1.log());
    }
    let all = ask(&model);
    let [Cause::Shared(one)] = &all[..] else {
        panic!("not one cause: {all:?}")
    };
    assert_eq!((one.layer, one.suspect, one.of), (Layer::Auth, Suspect::AuthBackend, 6));
    let names: Vec<Name> = fleet.names().into_iter().map(Name::from).collect();
    assert_eq!(one.servers, names);
    assert!(one.onset.unwrap().first >= since);
    let roles = model::roles(&model, Timestamp::now(), Span::from_mins(10));
    assert_eq!((roles.len(), roles[0].verdict(), roles[0].down), (1, Verdict::Down, 6));

    // And as it is found by one look that knows nothing of before.
    let report = check("json").exits(2).json();
    let told = report["causes"].as_array().unwrap();
    assert_eq!(told.len(), 1, "{report:#}");
    assert_eq!(told[0]["suspect"], "auth-backend");
    assert_eq!(
        (&told[0]["servers"], &told[0]["of"]),
        (&json!(fleet.names()), &json!(6))
    );
    let text = check("text").exits(2).out;
    let words = "▲ one cause? auth fails on 6 of 6 servers: an authentication backend they share\n";
    assert_eq!(text.matches(words).count(), 1, "{text}");
}
