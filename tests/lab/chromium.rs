//! A headless Chromium that opens one page after the other, driven by the DevTools protocol over two pipes
//! (`--remote-debugging-pipe`: commands on file descriptor 3, answers on 4, JSON with a NUL after each). No port is opened.

use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// A test waits this long for what must come; it is no measure of anything.
const PATIENCE: Duration = Duration::from_secs(90);

/// A running browser with one page.
pub struct Browser {
    child: Child,
    to: File,
    from: Receiver<Value>,
    /// What it told without being asked, since the page was opened.
    pub events: Vec<Value>,
    calls: u64,
    session: Option<String>,
    dir: tempfile::TempDir,
}

impl Browser {
    /// Starts one; `None`, said on standard error, where there is none on this machine (in CI that is a failure).
    pub fn start() -> Option<Self> {
        if !in_path("chromium") {
            assert!(std::env::var_os("CI").is_none(), "left out in CI: no chromium");
            eprintln!("left out: no chromium on this machine (Debian package chromium)");
            return None;
        }
        let dir = tempfile::Builder::new().prefix("chromium").tempdir().unwrap();
        let pipe = |name: &str| {
            let path = dir.path().join(name);
            let made = Command::new("mkfifo").args(["-m", "600"]).arg(&path).status().unwrap();
            assert!(made.success());
            // Open both ways, so that neither side waits for the other to come.
            OpenOptions::new().read(true).write(true).open(path).unwrap()
        };
        let (to, answers) = (pipe("to"), pipe("from"));
        // Only root needs to go without the sandbox, which will not run as root.
        let sandbox = if rustix::process::geteuid().is_root() {
            "--no-sandbox"
        } else {
            ""
        };
        let run = format!(
            "exec chromium --headless --remote-debugging-pipe --disable-gpu --disable-dev-shm-usage --no-first-run \
             --disable-background-networking --disable-component-update --disable-extensions --hide-scrollbars {sandbox} \
             --user-data-dir=profile about:blank 3<to 4>from"
        );
        let child = Command::new("sh")
            .args(["-c", &run])
            .current_dir(dir.path())
            .env("HOME", dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::create(dir.path().join("log")).unwrap())
            .spawn()
            .unwrap();
        let (tell, from) = channel();
        std::thread::spawn(move || {
            for message in BufReader::new(answers).split(0).map_while(Result::ok) {
                let Ok(value) = serde_json::from_slice(&message) else {
                    return;
                };
                if tell.send(value).is_err() {
                    return;
                }
            }
        });
        let mut browser = Self {
            child,
            to,
            from,
            events: Vec::new(),
            calls: 0,
            session: None,
            dir,
        };
        let targets = browser.call("Target.getTargets", &json!({}));
        let all = targets["targetInfos"].as_array().unwrap();
        let page = all.iter().find(|t| t["type"] == "page").unwrap()["targetId"].clone();
        let attached = browser.call("Target.attachToTarget", &json!({"targetId": page, "flatten": true}));
        browser.session = Some(attached["sessionId"].as_str().unwrap().to_owned());
        for domain in ["Page", "Network", "Runtime", "Accessibility", "Log"] {
            browser.call(&format!("{domain}.enable"), &json!({}));
        }
        Some(browser)
    }

    /// Asks, and waits for the answer.
    pub fn call(&mut self, method: &str, params: &Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = session.as_str().into();
        }
        self.to.write_all(format!("{message}\0").as_bytes()).unwrap();
        let answer = self.until(method, |m| m["id"] == id);
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].clone()
    }

    /// Opens a file as a page, and waits until it is there.
    pub fn open(&mut self, page: &Path) {
        self.events.clear();
        let opened = self.call("Page.navigate", &json!({"url": format!("file://{}", page.display())}));
        assert!(opened["errorText"].is_null(), "{opened}");
        if !self.events.iter().any(|e| e["method"] == "Page.loadEventFired") {
            let loaded = self.until("the page", |m| m["method"] == "Page.loadEventFired");
            self.events.push(loaded);
        }
    }

    /// The value of an expression in the page.
    pub fn value(&mut self, expression: &str) -> Value {
        let done = self.call(
            "Runtime.evaluate",
            &json!({"expression": expression, "returnByValue": true, "awaitPromise": true}),
        );
        assert!(done["exceptionDetails"].is_null(), "{:#}", done["exceptionDetails"]);
        done["result"]["value"].clone()
    }

    /// Shows pages as whoever prefers this scheme of colours sees them.
    pub fn prefers(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", &json!({ "features": features }));
    }

    fn until(&mut self, what: &str, mut is: impl FnMut(&Value) -> bool) -> Value {
        let end = Instant::now() + PATIENCE;
        loop {
            match self.from.recv_timeout(Duration::from_millis(200)) {
                Ok(message) if is(&message) => return message,
                Ok(message) => self.events.push(message),
                Err(RecvTimeoutError::Timeout) if Instant::now() < end => {
                    let ended = self.child.try_wait().unwrap();
                    assert!(
                        ended.is_none(),
                        "chromium ended ({ended:?}) before {what}: {}",
                        self.log()
                    );
                }
                Err(e) => panic!("waited for {what} ({e}): {}", self.log()),
            }
        }
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.session = None;
        // Asked to close, it ends its helpers itself.
        let _ = self.to.write_all(b"{\"id\":0,\"method\":\"Browser.close\"}\0");
        let end = Instant::now() + Duration::from_secs(10);
        while Instant::now() < end && matches!(self.child.try_wait(), Ok(None)) {
            std::thread::sleep(Duration::from_millis(20));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|d| d.join(program).is_file())
}
