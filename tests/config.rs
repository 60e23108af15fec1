//! Config files as tables: every file under `config/valid` loads and gives what its snapshot shows, every file under
//! `config/invalid` gives exactly the mistakes of its snapshot. Also: what no file may ever do.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use mailtop::config::around::{Around, Env};
use mailtop::config::{Config, Loaded, Mistake, load_in};
use mailtop::domain::Span;
use mailtop::domain::door::Protocol;
use mailtop::domain::incident::State;
use mailtop::domain::incident::draft::{For, Stage, shipped};
use mailtop::domain::incident::terms::Remind;
use proptest::prelude::*;

/// A folder with the secrets and certificates that the files name, and one config in it.
struct Place {
    dir: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        place.put("probe.secret", b"from-file\nsecond line\n", 0o600);
        place.put("empty.secret", b"\n", 0o600);
        place.put("senders.toml", include_bytes!("../assets/senders.toml"), 0o644);
        place.put("ca.pem", &certificate(), 0o644);
        place.put(".ssh/config", b"Host *\n", 0o600);
        place.put(
            "templates/customer-investigating.txt",
            b"{title}: we are looking.\n",
            0o644,
        );
        place
    }
    fn put(&self, name: &str, bytes: &[u8], mode: u32) -> PathBuf {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }
    fn around(&self) -> Around {
        let env = [("PROBE_PASSWORD", "from-env"), ("EMPTY", "")];
        Around {
            home: Some(self.dir.path().to_owned()),
            env: Env::Map(
                env.into_iter()
                    .map(|(k, v)| (k.to_owned(), v.into()))
                    .collect::<BTreeMap<_, _>>(),
            ),
        }
    }
    fn load(&self, bytes: &[u8], mode: u32) -> Result<Loaded, Vec<Mistake>> {
        load_in(&self.put("config.toml", bytes, mode), &self.around())
    }
    /// Text with the folder's own name taken out.
    fn shown(&self, text: &str) -> String {
        text.replace(&format!("{}/", self.dir.path().display()), "")
    }
}

/// A self-signed certificate, as PEM.
fn certificate() -> Vec<u8> {
    use openssl::{asn1::Asn1Time, hash::MessageDigest, pkey::PKey, rsa::Rsa, x509::X509};
    let key = PKey::from_rsa(Rsa::generate(2048).unwrap()).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_pubkey(&key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder.sign(&key, MessageDigest::sha256()).unwrap();
    builder.build().to_pem().unwrap()
}

fn table(folder: &str) -> Vec<(String, Vec<u8>)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<_> = std::fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"))
        .map(|path| {
            (
                path.file_stem().unwrap().to_string_lossy().into_owned(),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect();
    files.sort();
    assert!(files.len() > 3, "the table of {folder} files is not there");
    files
}

/// Every field of a config, secrets included (they are this test's own).
fn drawn(config: &Config) -> String {
    use mailtop::config::SecretSource;
    let mut out = format!("{:?}\n", config.defaults);
    for s in &config.servers {
        let _ = writeln!(
            out,
            "server {:?} {:?} read_only={} every={} timeout={} {:?}",
            s.name, s.reach, s.read_only, s.every, s.timeout, s.limits
        );
        for i in &s.doors {
            let secret = match &i.secret {
                None => "none".to_owned(),
                Some(SecretSource::Known(secret)) => format!("known {}", secret.reveal()),
                Some(SecretSource::Command(argv)) => format!("command {argv:?}"),
            };
            let _ = writeln!(out, "  {:?}\n    secret {secret}", i.door);
        }
        for q in &s.queues {
            let _ = writeln!(out, "  {q:?}");
        }
        for j in &s.jobs {
            let _ = writeln!(out, "  {j:?}");
        }
    }
    for c in &config.canaries {
        let _ = writeln!(out, "{c:?}");
    }
    out
}

fn snapshots() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("config/snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().fold(String::new(), |all, m| all + &format!("{m}\n"))
}

#[test]
fn every_valid_file_loads_and_means_what_its_snapshot_says() {
    let place = Place::new();
    for (name, bytes) in table("valid") {
        let loaded = match place.load(&bytes, 0o600) {
            Ok(loaded) => loaded,
            Err(mistakes) => panic!("{name}:\n{}", lines(&mistakes)),
        };
        let shown = place.shown(&format!("{}{}", drawn(&loaded.config), lines(&loaded.warnings)));
        snapshots().bind(|| insta::assert_snapshot!(format!("valid-{name}"), shown));
    }
}

#[test]
fn every_invalid_file_gives_all_its_mistakes_with_place_key_and_fix() {
    let place = Place::new();
    for (name, bytes) in table("invalid") {
        let mistakes = place.load(&bytes, 0o644).expect_err(&name);
        let shown = place.shown(&lines(&mistakes));
        assert!(!shown.contains("hunter2"), "{name} shows a password:\n{shown}");
        assert!(
            mistakes.iter().all(|m| m.fix.is_some()),
            "{name}: a mistake without a fix:\n{shown}"
        );
        snapshots().bind(|| insta::assert_snapshot!(format!("invalid-{name}"), shown));
    }
}

#[test]
fn the_schema_structs_take_every_valid_file_too() {
    for (name, bytes) in table("valid") {
        let text = String::from_utf8(bytes).unwrap();
        if let Err(why) = toml::from_str::<mailtop::config::schema::File>(&text) {
            panic!("{name}: {why}");
        }
    }
}

/// The shipped file with its settings put to use: `#key = …` and `#[table]` are settings, `# …` are words.
fn uncommented() -> String {
    include_str!("../assets/config.toml")
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') && !rest.is_empty() => rest,
            _ => line,
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_shipped_config_is_clean_when_its_settings_are_put_to_use() {
    let place = Place::new();
    let loaded = match place.load(uncommented().as_bytes(), 0o600) {
        Ok(loaded) => loaded,
        Err(mistakes) => panic!("{}", lines(&mistakes)),
    };
    assert_eq!(lines(&loaded.warnings), "");
    let server = &loaded.config.servers[0];
    assert_eq!((server.doors.len(), server.queues.len(), server.jobs.len()), (7, 1, 8));
    let canary = &loaded.config.canaries[0];
    assert_eq!(
        (canary.every, canary.late, canary.lost),
        (Span::from_mins(1), Span::from_mins(1), Span::from_hours(1)),
        "what is shown is what holds"
    );
    assert!(toml::from_str::<mailtop::config::schema::File>(&uncommented()).is_ok());
}

#[test]
fn the_shipped_config_shows_the_defaults_that_hold() {
    let place = Place::new();
    let all = place.load(uncommented().as_bytes(), 0o600).unwrap().config;
    let none = place
        .load(
            b"[[server]]\nname = 'mbox1'\nreach = 'ssh:mbox1'\n[[server.imap]]\nurl = 'imaps://imap.example.com'\n\
              [[server.queue]]\nkind = 'postfix'\n[[server.job]]\nname = 'compact'\nkind = 'systemd'\nunit = 'mail-db-compact'\n",
            0o600,
        )
        .unwrap()
        .config;
    assert_eq!(
        format!("{:?}", all.defaults)
            .replace(&format!("{:?}", all.defaults.ssh_config), "None")
            .replace(&format!("{:?}", all.defaults.resolvers), "[]"),
        format!("{:?}", none.defaults)
    );
    assert_eq!(all.incident.rules, none.incident.rules);
    assert_eq!(all.incident.terms.cadence, none.incident.terms.cadence);
    let (a, n) = (&all.servers[0], &none.servers[0]);
    assert_eq!(
        (a.every, a.timeout, a.limits, a.read_only),
        (n.every, n.timeout, n.limits, n.read_only)
    );
    let imap = |s: &mailtop::config::Server| s.doors_of(Protocol::Imap).next().unwrap().door.clone();
    let (shown, held) = (imap(a), imap(n));
    assert_eq!(shown.mechanism, held.mechanism);
    assert_eq!((shown.speaks, shown.role), (held.speaks, held.role));
    assert_eq!(shown.timeout, held.timeout);
    assert_eq!(a.queues[0].budget_permille, n.queues[0].budget_permille);
    assert_eq!(a.jobs[0].timeout, n.jobs[0].timeout);
}

#[test]
fn the_shipped_config_names_every_key_of_the_schema() {
    let schema: serde_json::Value = serde_json::from_str(&mailtop::config::schema::json()).unwrap();
    let text = include_str!("../assets/config.toml");
    let mut keys: Vec<&str> = Vec::new();
    for (name, table) in schema["$defs"].as_object().unwrap() {
        let Some(properties) = table["properties"].as_object() else {
            continue;
        };
        for key in properties.keys().filter(|k| {
            ![
                "mx",
                "imap",
                "smtp",
                "submission",
                "lmtp",
                "pop3",
                "sieve",
                "queue",
                "job",
            ]
            .contains(&k.as_str())
        }) {
            let setting = |line: &str| line.trim_start_matches(['#', ' ']).starts_with(&format!("{key} = "));
            assert!(text.lines().any(setting), "{name}.{key} is not in assets/config.toml");
            keys.push(key);
        }
    }
    assert!(keys.len() > 40, "the schema lost its keys: {keys:?}");
}

#[test]
fn as_shipped_it_only_lacks_a_server() {
    let mistakes = Place::new()
        .load(include_bytes!("../assets/config.toml"), 0o600)
        .unwrap_err();
    assert_eq!(mistakes.len(), 1, "{}", lines(&mistakes));
    assert_eq!(mistakes[0].key.as_str(), "server");
}

#[test]
fn a_file_that_is_not_there_or_is_no_file_is_one_mistake() {
    let place = Place::new();
    for path in ["nowhere.toml", ""] {
        let mistakes = load_in(&place.dir.path().join(path), &place.around()).unwrap_err();
        assert_eq!(mistakes.len(), 1);
        assert!(mistakes[0].what.starts_with("cannot be read"), "{}", mistakes[0]);
    }
    let huge = place.put("huge.toml", &vec![b'#'; (1 << 20) + 1], 0o600);
    let mistakes = load_in(&huge, &place.around()).unwrap_err();
    assert!(mistakes[0].what.contains("larger than 1 MiB"), "{}", mistakes[0]);
}

/// Files that make as many mistakes as they have bytes: quadratic work on them would take minutes.
#[test]
fn a_file_of_nothing_but_mistakes_is_given_up_early() {
    let place = Place::new_bare();
    let size = (1 << 20) - 10;
    for line in [
        "=",
        "= = \n",
        "[",
        "[[server]]\nname=1\n",
        "a.",
        "k=1\n",
        "{",
        "\u{fffd}\n",
        "\"\\q",
    ] {
        let text = line.repeat(size / line.len());
        let mistakes = place.load(text.as_bytes(), 0o600).unwrap_err();
        assert!((1..=101).contains(&mistakes.len()), "{line:?}: {}", mistakes.len());
    }
}

#[test]
fn a_password_file_that_others_can_read_is_a_warning() {
    let place = Place::new();
    place.put("probe.secret", b"x\n", 0o644);
    let text = b"[[server]]\nname = 'a'\n[[server.imap]]\nurl = 'imap://probe@mx'\npassword_file = 'probe.secret'\nstarttls = false\n";
    let loaded = place.load(text, 0o600).unwrap();
    insta::assert_snapshot!(place.shown(&lines(&loaded.warnings)), @r#"
        config.toml:5:1: server[0].imap[0].password_file: goes over the network in the clear — take out starttls = false, or use imaps://, unless it never leaves this host
        config.toml:5:17: server[0].imap[0].password_file: probe.secret can be read by others (mode 0644) — chmod 600 probe.secret
        "#);
}

#[test]
fn loading_again_gives_the_same_and_a_mended_file_loads() {
    let place = Place::new();
    let good = b"[[server]]\nname = 'a'\nimap = [{url = 'imaps://a'}]\n";
    let first = drawn(&place.load(good, 0o600).unwrap().config);
    assert!(place.load(b"[[server]]\nname = 3\n", 0o600).is_err());
    assert_eq!(drawn(&place.load(good, 0o600).unwrap().config), first);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn no_bytes_make_the_loader_panic_and_no_message_holds_a_control_character(
        bytes in prop::collection::vec(any::<u8>(), 0..300)
    ) {
        if let Err(mistakes) = Place::new_bare().load(&bytes, 0o600) {
            for m in mistakes {
                prop_assert!(!m.to_string().chars().any(char::is_control));
            }
        }
    }

    #[test]
    fn no_arrangement_of_real_lines_makes_the_loader_panic(
        picks in prop::collection::vec((0usize..1000, 0usize..40), 1..30)
    ) {
        let source: Vec<Vec<u8>> = table("invalid").into_iter().chain(table("valid"))
            .flat_map(|(_, bytes)| bytes.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect::<Vec<_>>())
            .collect();
        let mut text = Vec::new();
        for (line, cut) in picks {
            let line = &source[line % source.len()];
            text.extend_from_slice(&line[..line.len().saturating_sub(cut / 10)]);
            text.push(b'\n');
        }
        if let Err(mistakes) = Place::new_bare().load(&text, 0o600) {
            prop_assert!(!mistakes.is_empty());
            for m in mistakes {
                prop_assert!(!m.to_string().chars().any(char::is_control));
            }
        }
    }
}

impl Place {
    /// A folder with nothing in it: made often.
    fn new_bare() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }
}

#[test]
fn a_template_with_a_field_that_does_not_exist_keeps_nothing_from_starting() {
    let place = Place::new();
    place.put("templates/customer-identified.txt", b"We know it.\n{cause}\n", 0o644);
    let config = "[incident]\ntemplates = 'templates'\nnotify = ['osc777', 'bell', 'bell']\n[[server]]\nname = 'a'\n[[server.imap]]\nurl = 'imaps://h'\n";
    let terms = place.load(config.as_bytes(), 0o600).unwrap().config.incident.terms;
    assert_eq!(terms.remind, [Remind::Osc777, Remind::Bell]);
    let (own, identified) = (Stage::State(State::Investigating), Stage::State(State::Identified));
    assert_ne!(terms.templates.get(For::Customer, own), shipped(For::Customer, own));
    assert_eq!(
        terms.templates.get(For::Customer, identified),
        shipped(For::Customer, identified)
    );
    let wrong = terms
        .templates
        .wrong_with(For::Customer, identified)
        .unwrap()
        .to_string();
    assert!(
        wrong.contains("templates/customer-identified.txt:2: there is no field {cause}"),
        "{wrong}"
    );
}

#[test]
fn a_table_of_senders_of_ones_own_takes_the_place_of_the_shipped_one_and_goes_into_the_roster() {
    let place = Place::new();
    let server = "[[server]]\nname = 'a'\n[[server.imap]]\nurl = 'imaps://h'\n";
    let shipped = place.load(server.as_bytes(), 0o600).unwrap().config;
    assert_eq!(shipped.senders.len(), 10);
    let own = b"[[sender]]\nname = 'Our partner'\ngives_up_after = '2h'\nsource = 'their contract'\n";
    place.put("own.toml", own, 0o644);
    let config = format!("[defaults]\nsenders = 'own.toml'\n{server}");
    let roster = place.load(config.as_bytes(), 0o600).unwrap().config.roster();
    assert_eq!(roster.senders.len(), 1);
    assert_eq!(roster.senders[0].sender.as_str(), "Our partner");
}

#[test]
fn mistakes_in_a_table_of_senders_are_named_with_that_files_lines_after_those_of_the_config() {
    let place = Place::new();
    place.put(
        "own.toml",
        b"[[sender]]\nname = 'A'\ngives_up_after = 'long'\nsource = 'x'\n",
        0o644,
    );
    let config = "[defaults]\nsenders = 'own.toml'\n[[server]]\nname = 'a'\nintervall = '1s'\n[[server.imap]]\nurl = 'imaps://h'\n";
    let mistakes = place.load(config.as_bytes(), 0o600).unwrap_err();
    assert_eq!(
        place.shown(&lines(&mistakes)),
        "config.toml:5:1: server[0].intervall: unknown key `intervall` — did you mean `interval`?\n\
         own.toml:3:18: sender[0].gives_up_after: `long` is not a length of time — write for example 500ms, 10s, 30m, 1h30m or 14d\n"
    );
    let gone = config.replace("own.toml", "gone.toml").replace("intervall", "interval");
    let mistakes = place.load(gone.as_bytes(), 0o600).unwrap_err();
    let said = place.shown(&lines(&mistakes));
    assert!(
        said.starts_with("config.toml:2:11: defaults.senders: cannot read gone.toml: No such file"),
        "{said}"
    );
}

#[test]
fn each_preset_is_a_job_by_itself() {
    let presets: toml::Table = mailtop::config::presets::SHIPPED.parse().unwrap();
    assert!(presets.len() >= 8, "{presets:?}");
    for name in presets.keys() {
        let mut text = format!("[[server]]\nname = \"a\"\nreach = \"local\"\n[[server.job]]\npreset = \"{name}\"\n");
        if name == "maildir-rsync" {
            // Which rsync is for its user to say: by its name alone it would be every one of the host.
            let mistakes = Place::new().load(text.as_bytes(), 0o600).unwrap_err();
            assert!(
                lines(&mistakes).contains("pid_file: is missing"),
                "{}",
                lines(&mistakes)
            );
            text.push_str("pattern = [\"rsync\", \"/var/vmail/\"]\n");
        }
        match Place::new().load(text.as_bytes(), 0o600) {
            Ok(loaded) => assert_eq!(loaded.config.servers[0].jobs.len(), 1),
            Err(mistakes) => panic!("{name}: {}", lines(&mistakes)),
        }
    }
}
