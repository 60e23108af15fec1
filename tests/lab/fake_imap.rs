//! A fake: it only plays a script, for faults that no real server can be talked into. What a healthy or an
//! ordinarily broken server does is tested against a real Dovecot instead.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};

use mailtop::domain::Span;
use mailtop::domain::door::{Door, Mechanism, Place, Role, Security, Speaks};
use native_tls::Protocol;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::certs::{Certificate, Certs};

/// One step of a script.
#[derive(Clone)]
pub enum Step {
    /// Sends these bytes.
    Say(Vec<u8>),
    /// Sends them one at a time.
    Drip(Vec<u8>),
    /// Sends them when so much time has passed, as a tarpit does.
    After(Span, Vec<u8>),
    /// Reads a line and remembers its tag.
    Read,
    /// Sends this behind the last tag.
    Answer(String),
    /// Sends this again and again, for ever.
    Flood(Vec<u8>),
    /// Goes on under TLS, up to this version where one is given.
    Tls(Option<Protocol>),
    /// Says nothing more, and keeps the connection until the client goes.
    Silent,
    /// Ends the connection by a reset.
    Reset,
}

/// `Say`, with the line's end.
pub fn say(line: &str) -> Step {
    Step::Say(format!("{line}\r\n").into_bytes())
}
/// `Read` and `Answer`.
pub fn answer(words: &str) -> [Step; 2] {
    [Step::Read, Step::Answer(words.to_owned())]
}

/// What it heard: one entry a connection, lines in each.
type Heard = Arc<Mutex<Vec<Vec<String>>>>;
/// How many conversations go on.
type Busy = tokio::sync::watch::Sender<usize>;

/// A running fake.
pub struct Fake {
    port: u16,
    heard: Heard,
    busy: Busy,
    task: JoinHandle<()>,
    dir: tempfile::TempDir,
}

impl Fake {
    /// Plays this script to everybody who connects, then closes.
    pub async fn play(script: impl IntoIterator<Item = Step>) -> Self {
        let script: Arc<[Step]> = script.into_iter().collect();
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let heard = Heard::default();
        let certs = Arc::new(Certs::new(Certificate::Good));
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("ca.pem"), &certs.ca).unwrap();
        let busy = Busy::new(0);
        let task = tokio::spawn(serve(listener, script, heard.clone(), busy.clone(), certs));
        Self {
            port,
            heard,
            busy,
            task,
            dir,
        }
    }
    /// A door to it.
    pub fn door(&self, security: Security) -> Door {
        Door {
            name: "imap".into(),
            speaks: Speaks::imap(),
            role: Role::Mailbox,
            at: Place::tcp("127.0.0.1", self.port),
            security,
            user: Some("u1".to_owned()),
            mechanism: Mechanism::Password,
            ca_file: Some(self.dir.path().join("ca.pem")),
            timeout: Span::from_secs(5),
        }
    }
    /// The lines that came, over all connections.
    pub fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().concat()
    }
    /// Waits until nobody is connected any more.
    pub async fn until_idle(&self) {
        self.busy.subscribe().wait_for(|n| *n == 0).await.unwrap();
    }
    /// How many connections came.
    pub fn connections(&self) -> usize {
        self.heard.lock().unwrap().len()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, script: Arc<[Step]>, heard: Heard, busy: Busy, certs: Arc<Certs>) {
    // Dropping the set, when this task is aborted, ends its conversations too.
    let mut conversations = tokio::task::JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let me = {
            let mut heard = heard.lock().unwrap();
            heard.push(Vec::new());
            heard.len() - 1
        };
        let (script, heard, busy, certs) = (script.clone(), heard.clone(), busy.clone(), certs.clone());
        busy.send_modify(|n| *n += 1);
        conversations.spawn(async move {
            // The client may go at any moment: that is not the fake's concern.
            let _ = play(tcp, &script, &certs, |line| heard.lock().unwrap()[me].push(line)).await;
            busy.send_modify(|n| *n -= 1);
        });
    }
}

async fn play(tcp: TcpStream, script: &[Step], certs: &Certs, mut heard: impl FnMut(String)) -> std::io::Result<()> {
    let mut tag = String::new();
    let before_tls = script.iter().take_while(|s| !matches!(s, Step::Tls(_))).count();
    let mut tcp = tcp;
    steps(&mut tcp, &script[..before_tls], &mut tag, &mut heard).await?;
    let after = script.get(before_tls + 1..).unwrap_or_default();
    if let Some(Step::Tls(up_to)) = script.get(before_tls) {
        let identity = native_tls::Identity::from_pkcs8(&certs.cert, &certs.key).unwrap();
        let acceptor = native_tls::TlsAcceptor::builder(identity)
            .min_protocol_version(None)
            .max_protocol_version(*up_to)
            .build()
            .unwrap();
        let mut tls = tokio_native_tls::TlsAcceptor::from(acceptor)
            .accept(tcp)
            .await
            .map_err(std::io::Error::other)?;
        return steps(&mut tls, after, &mut tag, &mut heard).await;
    }
    if matches!(script.last(), Some(Step::Reset)) {
        tcp.set_zero_linger()?;
    }
    Ok(())
}

async fn steps<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    script: &[Step],
    tag: &mut String,
    heard: &mut impl FnMut(String),
) -> std::io::Result<()> {
    for step in script {
        match step {
            Step::Say(bytes) => stream.write_all(bytes).await?,
            Step::Drip(bytes) => {
                for b in bytes {
                    stream.write_all(&[*b]).await?;
                    stream.flush().await?;
                    tokio::task::yield_now().await;
                }
            }
            Step::After(wait, bytes) => {
                tokio::time::sleep(wait.to_std()).await;
                stream.write_all(bytes).await?;
            }
            Step::Read => {
                let mut line = Vec::new();
                while !line.ends_with(b"\n") {
                    line.push(stream.read_u8().await?);
                }
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.split(' ').next().unwrap_or_default().clone_into(tag);
                heard(line);
            }
            Step::Answer(words) => stream.write_all(format!("{tag} {words}\r\n").as_bytes()).await?,
            Step::Flood(bytes) => loop {
                stream.write_all(bytes).await?;
            },
            Step::Silent => {
                let mut rest = [0; 512];
                while stream.read(&mut rest).await? > 0 {}
            }
            Step::Tls(_) | Step::Reset => {}
        }
    }
    stream.flush().await
}
