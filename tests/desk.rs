//! The incident desk in a real terminal and in a real tmux: what is typed goes on record, the draft goes to the clipboard, to a
//! file, to the user's own editor and to the program that posts it.
#![allow(clippy::unwrap_used)]

mod lab;

use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use lab::term::{PATIENCE, Term};
use mailtop::domain::Text;
use mailtop::domain::event::Fact;
use mailtop::domain::incident::Entry;

/// A home with a config, and an incident on its record.
struct Home(tempfile::TempDir);

impl Home {
    fn new(incident: &str) -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.configure(incident);
        home.mailtop(&[
            "incident",
            "open",
            "store down",
            "--server",
            "alpha",
            "--number",
            "INC000001",
        ]);
        home
    }
    fn path(&self) -> &Path {
        self.0.path()
    }
    fn configure(&self, incident: &str) {
        let config = self.path().join(".config/mailtop/config.toml");
        std::fs::create_dir_all(config.parent().unwrap()).unwrap();
        let port = {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
            listener.local_addr().unwrap().port()
        };
        let text = format!(
            "[incident]\n{incident}\n[[server]]\nname = \"alpha\"\n[[server.imap]]\nurl = \"imaps://127.0.0.1:{port}\"\n"
        );
        std::fs::write(config, text).unwrap();
    }
    fn mailtop(&self, args: &[&str]) {
        let done = self.command(env!("CARGO_BIN_EXE_mailtop"), args);
        assert!(
            done.status.success(),
            "{args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
    fn command(&self, program: &str, args: &[&str]) -> Output {
        let mut command = Command::new(program);
        for (k, _) in std::env::vars_os() {
            let name = k.to_string_lossy().into_owned();
            if name.starts_with("XDG_") || ["TMUX", "STY", "VISUAL", "EDITOR", "NO_COLOR"].contains(&name.as_str()) {
                command.env_remove(k);
            }
        }
        command
            .args(args)
            .env("HOME", self.path())
            .env("TZ", "UTC")
            .current_dir(self.path());
        command.output().unwrap()
    }
    /// An editor of the test's own, as a shell script.
    fn editor(&self, script: &str) -> String {
        let path = self.path().join("editor");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path.display().to_string()
    }
    /// What is on record of incidents.
    fn entries(&self) -> Vec<Entry> {
        let journal = self.path().join(".local/share/mailtop/journal.db");
        let events = mailtop::journal::Sqlite::read_only(&journal)
            .unwrap()
            .incidents()
            .unwrap();
        let entry = |f: Fact| match f {
            Fact::Incident(entry) => Some(*entry),
            _ => None,
        };
        events.into_iter().filter_map(|e| entry(e.what)).collect()
    }
    /// Waits until something is on record.
    fn until<T>(&self, what: &str, find: impl Fn(&Entry) -> Option<T>) -> T {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = self.entries().iter().find_map(&find) {
                return found;
            }
            assert!(Instant::now() < end, "{what} never came on record");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    fn file(&self) -> PathBuf {
        let state = self.path().join(".local/state/mailtop");
        let found = std::fs::read_dir(state).unwrap().map(|f| f.unwrap().path());
        found
            .into_iter()
            .find(|f| f.file_name().unwrap().to_string_lossy().starts_with("update-"))
            .unwrap()
    }
    /// The console in a plain terminal, on the incident.
    fn console(&self, env: &[(&str, &str)]) -> Term {
        let env = [&[("TMUX", ""), ("STY", ""), ("VISUAL", "")], env].concat();
        let mut t = Term::start_with(&[], self.path(), (120, 40), &env);
        t.wait_for("INC000001");
        t.send("i");
        t.wait_for("1 timeline");
        t
    }
}

/// A tmux of the test's own, with the console in it.
struct Tmux<'h> {
    home: &'h Home,
    socket: String,
}

impl<'h> Tmux<'h> {
    /// `None`, and a word, where there is no tmux.
    fn start(home: &'h Home, options: &[&[&str]]) -> Option<Self> {
        if Command::new("tmux").arg("-V").output().is_err() {
            assert!(
                std::env::var_os("CI").is_none(),
                "left out in CI: tmux is not installed"
            );
            eprintln!("left out: tmux is not installed (Debian package tmux)");
            return None;
        }
        let socket = home.path().join("tmux.socket").display().to_string();
        let tmux = Self { home, socket };
        tmux.run(&["new-session", "-d", "-x", "120", "-y", "40", "sleep 600"]);
        for option in options {
            tmux.run(option);
        }
        let program = format!("env -u STY {}", env!("CARGO_BIN_EXE_mailtop"));
        tmux.run(&["respawn-pane", "-k", &program]);
        tmux.wait("INC000001");
        tmux.keys(&["i"]);
        tmux.wait("1 timeline");
        Some(tmux)
    }
    fn run(&self, args: &[&str]) -> String {
        let done = self
            .home
            .command("tmux", &[&["-S", &self.socket, "-f", "/dev/null"], args].concat());
        assert!(
            done.status.success(),
            "tmux {args:?}: {}",
            String::from_utf8_lossy(&done.stderr)
        );
        String::from_utf8(done.stdout).unwrap()
    }
    fn keys(&self, keys: &[&str]) {
        self.run(&[&["send-keys"], keys].concat());
    }
    fn wait(&self, text: &str) -> String {
        let end = Instant::now() + PATIENCE;
        loop {
            let screen = self.run(&["capture-pane", "-p"]);
            if screen.contains(text) {
                return screen;
            }
            assert!(Instant::now() < end, "waited for {text}; the screen is:\n{screen}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
    /// Makes words of our own the draft.
    fn draft(&self, words: &str) {
        let path = self.home.path().join("words");
        std::fs::write(&path, words).unwrap();
        self.keys(&["e"]);
        self.wait("from the record again");
        // All that stands there goes: it is a handful of lines.
        for _ in 0..60 {
            self.keys(&["C-k"]);
        }
        self.run(&["load-buffer", "-b", "words", &path.display().to_string()]);
        self.run(&["paste-buffer", "-p", "-d", "-b", "words"]);
        self.keys(&["Escape"]);
        self.wait("as you edited it");
    }
}

impl Drop for Tmux<'_> {
    fn drop(&mut self) {
        let args = ["-S", &self.socket, "kill-server"];
        let _ = self.home.command("tmux", &args);
    }
}

const WORDS: &str = "Mail is delayed – 日本語 👩‍🚒.\n\nNext update at 12:20.\n";

#[test]
fn the_draft_goes_through_tmux_whichever_way_it_takes_a_clipboard() {
    for (clipboard, said) in [("on", "OSC 52"), ("external", "in tmux's buffer")] {
        let home = Home::new("");
        let Some(tmux) = Tmux::start(&home, &[&["set", "-s", "set-clipboard", clipboard]]) else {
            return;
        };
        tmux.draft(WORDS);
        tmux.keys(&["y"]);
        tmux.wait(said);
        assert_eq!(tmux.run(&["show-buffer"]), WORDS, "set-clipboard {clipboard}");
    }
}

#[test]
fn a_tmux_that_takes_no_clipboard_gets_a_file_that_the_screen_names() {
    let home = Home::new("");
    let Some(tmux) = Tmux::start(&home, &[&["set", "-s", "set-clipboard", "off"]]) else {
        return;
    };
    tmux.draft(WORDS);
    tmux.keys(&["y"]);
    tmux.wait("has it: tmux has set-clipboard off");
    assert_eq!(std::fs::read_to_string(home.file()).unwrap(), WORDS);
}

#[test]
fn a_plain_terminal_gets_the_words_in_base64_and_a_long_text_goes_to_a_file() {
    let home = Home::new("");
    let editor = home.editor("printf 'short words\\n' > \"$1\"");
    let mut t = home.console(&[("EDITOR", &editor)]);
    t.send("E");
    t.wait_for("short words");
    t.send("y");
    t.wait_for("handed to the terminal's clipboard");
    let sequence = b"\x1b]52;c;c2hvcnQgd29yZHMK\x07";
    assert!(t.raw().windows(sequence.len()).any(|w| w == sequence));
    home.editor("head -c 80000 /dev/zero | tr '\\0' x > \"$1\"");
    t.send("E");
    t.wait_for("xxxxxxxx");
    t.send("y");
    t.wait_for("has it: too long for a clipboard (80 kB)");
    assert_eq!(std::fs::read(home.file()).unwrap(), vec![b'x'; 80_000]);
}

#[test]
fn keys_are_the_editors_while_it_has_the_terminal_and_the_consoles_after_it() {
    let home = Home::new("");
    let editor = home.editor("echo EDITING; read -r line; printf '%s\\nsecond line\\n' \"$line\" > \"$1\"");
    let mut t = home.console(&[("EDITOR", &editor)]);
    t.send("E");
    t.wait_for("EDITING");
    t.send("q n i are letters here\r");
    t.wait("the draft and the screen to be back", |s| {
        s.contains("q n i are letters here") && s.contains("second line") && s.contains("1 timeline")
    });
    t.send("?");
    t.wait_for("Help: one incident");
    t.send("\x1b");
    t.wait("the help to close", |s| !s.contains("Help:"));
    home.editor("stty raw; exit 3");
    t.send("E");
    t.wait_for("ended with status 3: the draft is as it was");
    t.send("q");
    t.wait_for("once more leaves and loses it");
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn a_signal_that_ends_the_console_ends_the_editor_on_its_terminal_too() {
    let home = Home::new("");
    let editor = home.editor("echo $$ > pid; stty raw; echo EDITING; exec sleep 600");
    let mut t = home.console(&[("EDITOR", &editor)]);
    t.send("E");
    t.wait_for("EDITING");
    let pid = std::fs::read_to_string(home.path().join("pid")).unwrap();
    let kill = Command::new("kill").arg(t.pid().to_string()).status().unwrap();
    assert!(kill.success());
    assert_eq!(t.wait_end(), 0);
    assert!(!Path::new("/proc").join(pid.trim()).exists(), "the editor went with it");
}

#[test]
fn a_note_and_a_state_go_on_record_in_the_name_of_who_typed_them() {
    let home = Home::new("");
    let mut t = home.console(&[]);
    t.send("nthe vendor called 日本\r");
    t.wait_for("the vendor called 日本");
    let by = home.until("the note", |e| match e {
        Entry::Noted(n) if &*n.text == "the vendor called 日本" => Some(n.by.clone()),
        _ => None,
    });
    assert!(by.contains('@'), "{by}");
    t.send("s\r");
    t.wait_for("identified");
    home.until("the state", |e| {
        matches!(e, Entry::State(s) if s.by.as_ref() == Some(&by)).then_some(())
    });
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn a_program_that_fails_is_shown_and_nothing_is_on_record_until_one_takes_it() {
    let home = Home::new("publish = [\"sh\", \"-c\", \"echo no route to the page >&2; exit 7\"]");
    let mut t = home.console(&[]);
    let posted = |e: &Entry| match e {
        Entry::UpdatePosted(p) => Some(p.lines.clone()),
        _ => None,
    };
    t.send("P");
    t.wait_for("promised for");
    t.send("\r");
    t.wait_for("NOT posted");
    t.wait("its words", |s| {
        s.contains("exit 7:") && s.contains("no route to the page")
    });
    t.send("\x1b");
    t.wait("the dialog to close", |s| !s.contains("NOT posted"));
    assert!(home.entries().iter().find_map(posted).is_none());
    let out = home.path().join("posted");
    home.configure(&format!("publish = [\"sh\", \"-c\", \"cat > {}\"]", out.display()));
    t.send(":reload\r");
    t.wait_for("config reloaded");
    t.send("P");
    t.wait_for("cat >");
    t.send("\r");
    let lines: Vec<Text> = home.until("the update", posted);
    let sent = std::fs::read_to_string(out).unwrap();
    assert_eq!(
        mailtop::domain::incident::lines(&sent),
        lines,
        "what went out is what is on record"
    );
    t.wait_for("public update");
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn a_program_that_hangs_holds_no_key() {
    let home = Home::new("publish = [\"sleep\", \"8\"]");
    let mut t = home.console(&[]);
    t.send("P");
    t.wait_for("promised for");
    t.send("\r");
    t.wait_for("Posting an update");
    t.send("\x1b");
    t.wait("the dialog to close", |s| !s.contains("Posting an update"));
    t.send("nstill here\r");
    home.until("the note", |e| {
        matches!(e, Entry::Noted(n) if &*n.text == "still here").then_some(())
    });
    assert!(!home.entries().iter().any(|e| matches!(e, Entry::UpdatePosted(_))));
    t.wait_for("the update of INC000001 is posted");
}

#[test]
fn the_rules_of_a_config_that_is_read_again_hold_for_the_desk() {
    let home = Home::new("open_after = \"12h\"");
    let mut t = home.console(&[]);
    // By the rules its door opens one, or joins the one that is open.
    let by_rule = |e: &Entry| match e {
        Entry::Opened(o) if o.by.is_none() => Some(()),
        Entry::Joined(_) => Some(()),
        _ => None,
    };
    t.wait("some probes", |s| s.contains("1 down"));
    assert!(home.entries().iter().find_map(by_rule).is_none());
    home.configure("open_after = \"1s\"\nprobes = 1");
    t.send(":reload\r");
    t.wait_for("config reloaded");
    home.until("the incident that the new rules open", by_rule);
    t.send("q");
    assert_eq!(t.wait_end(), 0);
}

#[test]
fn the_terminal_is_told_once_that_an_update_is_due() {
    let home = Home::new("notify = [\"bell\", \"osc9\", \"osc777\"]");
    let mut t = home.console(&[]);
    t.send("nx\r");
    t.wait_for("putting the note");
    t.send("q");
    assert_eq!(t.wait_end(), 0);
    let raw = t.raw();
    let count = |needle: &[u8]| raw.windows(needle.len()).filter(|w| *w == needle).count();
    assert_eq!(
        count(b"\x1b]9;mailtop: INC000001 store down: first public update due in "),
        1
    );
    assert_eq!(
        count(b"\x1b]777;notify;mailtop;INC000001 store down: first public update due in "),
        1
    );
}
