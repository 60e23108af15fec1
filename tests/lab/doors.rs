//! A whole mail service on loopback with all its doors: a Postfix that takes mail from servers and from users, and a
//! Dovecot that checks their passwords, keeps their mail and hands it out by every protocol.

use mailtop::domain::Span;
use mailtop::domain::door::{Door, Envelope, Mechanism, Place, Protocol, Security, Speaks};

use super::certs::Certificate;
use super::dovecot::{Dovecot, Options, USER, free_port};
use super::postfix::{self, Postfix};

/// Everything that runs.
pub struct House {
    pub dovecot: Dovecot,
    pub postfix: Postfix,
    submission: u16,
    submissions: u16,
    pop3: u16,
    pop3s: u16,
    lmtp: u16,
    sieve: u16,
}

/// The recipient that exists.
pub const RCPT: &str = "u1@lab.test";

impl House {
    /// Starts one; `None`, said on standard error, where this machine cannot (in CI that is a failure).
    pub fn start() -> Option<Self> {
        Self::start_with(Certificate::Good)
    }

    /// With this certificate on every door.
    pub fn start_with(certificate: Certificate) -> Option<Self> {
        if let Some(why) = postfix::missing() {
            assert!(std::env::var_os("CI").is_none(), "left out in CI: {why}");
            eprintln!("left out: {why}");
            return None;
        }
        let [submission, submissions, pop3, pop3s, lmtp, sieve] = std::array::from_fn(|_| free_port());
        let extra = format!(
            "protocols = imap pop3 lmtp sieve
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    port = {lmtp}
  }}
}}
service managesieve-login {{
  inet_listener sieve {{
    port = {sieve}
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
protocol lmtp {{
  auth_username_format = %n
}}
"
        );
        let dovecot = Dovecot::start(&Options {
            certificate,
            // The options of a lab outlive it.
            extra: Box::leak(extra.into_boxed_str()),
            ..Options::default()
        })?;
        let (cert, key, sasl) = (
            dovecot.path("cert.pem"),
            dovecot.path("key.pem"),
            dovecot.path("run/sasl"),
        );
        let postfix = Postfix::start_with(&format!(
            "smtpd_tls_cert_file = {}\nsmtpd_tls_key_file = {}\nsmtpd_tls_security_level = may\nsmtpd_sasl_type = dovecot\n\
             smtpd_sasl_path = {}\nsmtpd_delay_reject = yes\n",
            cert.display(),
            key.display(),
            sasl.display(),
        ));
        postfix.add_services(&format!(
            "127.0.0.1:{submission} inet n - n - - smtpd\n  -o smtpd_tls_security_level=encrypt\n  \
             -o smtpd_sasl_auth_enable=yes\n\
             127.0.0.1:{submissions} inet n - n - - smtpd\n  -o smtpd_tls_wrappermode=yes\n  -o smtpd_sasl_auth_enable=yes\n"
        ));
        let house = Self {
            dovecot,
            postfix,
            submission,
            submissions,
            pop3,
            pop3s,
            lmtp,
            sieve,
        };
        for port in [submission, submissions, pop3, pop3s, lmtp, sieve] {
            house.postfix.wait_for("all doors to listen", || {
                std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
            });
        }
        Some(house)
    }

    /// A door of it, with everything that a probe can ask for.
    pub fn door(&self, protocol: Protocol, security: Security) -> Door {
        let port = match (protocol, security) {
            (Protocol::Smtp | Protocol::Mx, _) => self.postfix.port,
            (Protocol::Submission, Security::Tls) => self.submissions,
            (Protocol::Submission, _) => self.submission,
            (Protocol::Lmtp, _) => self.lmtp,
            (Protocol::Imap, Security::Tls) => self.dovecot.imaps,
            (Protocol::Imap, _) => self.dovecot.imap,
            (Protocol::Pop3, Security::Tls) => self.pop3s,
            (Protocol::Pop3, _) => self.pop3,
            (Protocol::Sieve, _) => self.sieve,
        };
        self.at(protocol, security, port)
    }

    /// A door like those, on another port.
    pub fn at(&self, protocol: Protocol, security: Security, port: u16) -> Door {
        let envelope = || Envelope {
            to: Some(RCPT.to_owned()),
            ..Envelope::default()
        };
        let speaks = match protocol {
            Protocol::Mx => Speaks::Mx {
                envelope: envelope(),
                resolvers: Vec::new(),
            },
            Protocol::Smtp => Speaks::Smtp(envelope()),
            Protocol::Submission => Speaks::Submission(envelope()),
            Protocol::Lmtp => Speaks::Lmtp(envelope()),
            Protocol::Imap => Speaks::imap(),
            Protocol::Pop3 => Speaks::Pop3,
            Protocol::Sieve => Speaks::Sieve,
        };
        let logs_in = !matches!(protocol, Protocol::Mx | Protocol::Smtp | Protocol::Lmtp);
        Door {
            name: protocol.word().into(),
            speaks,
            role: protocol.role(),
            at: Place::tcp("127.0.0.1", port),
            security,
            user: logs_in.then(|| USER.to_owned()),
            mechanism: Mechanism::Password,
            ca_file: Some(self.dovecot.path("ca.pem")),
            timeout: Span::from_secs(5),
        }
    }

    /// Every door, in each way in which it is secured.
    pub fn doors(&self) -> Vec<Door> {
        use Security::{May, Plain, StartTls, Tls};
        [
            (Protocol::Smtp, May),
            (Protocol::Smtp, StartTls),
            (Protocol::Smtp, Plain),
            (Protocol::Submission, StartTls),
            (Protocol::Submission, Tls),
            (Protocol::Lmtp, Plain),
            (Protocol::Imap, StartTls),
            (Protocol::Imap, Tls),
            (Protocol::Pop3, StartTls),
            (Protocol::Pop3, Tls),
            (Protocol::Sieve, StartTls),
        ]
        .into_iter()
        .map(|(protocol, security)| self.door(protocol, security))
        .collect()
    }
}
