//! The login: which command, in which form, for the door's mechanism and what the server offers. The secret goes into
//! one line that is sent and dropped.

use openssl::base64::encode_block;

use super::said::Capabilities;
use super::talk::{Fault, Talk, quoted};
use crate::domain::Text;
use crate::domain::door::{ImapDoor, Mechanism, Secret};

/// Logs in. Asks for the capabilities first when the server has not told them: without them nobody knows whether LOGIN
/// is allowed or how a mechanism may begin.
pub async fn login(talk: &mut Talk, door: &ImapDoor, user: &str, secret: &Secret) -> Result<(), Fault> {
    if talk.log.capabilities.is_none() {
        talk.command("CAPABILITY").await?;
    }
    let plan = plan(door, user, secret, talk.log.capabilities.as_ref())?;
    match plan {
        Plan::Login(command) => talk.command(&command).await.map(|_| ()),
        Plan::Sasl(sasl) => authenticate(talk, sasl).await,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// The whole LOGIN command.
    Login(String),
    /// An exchange of AUTHENTICATE.
    Sasl(Sasl),
}

#[derive(Debug, PartialEq, Eq)]
struct Sasl {
    mechanism: &'static str,
    /// The client's response, in base64.
    response: String,
    /// How an error challenge is acknowledged, so that the final NO comes.
    acknowledge: &'static str,
    /// Whether the response may stand in the command itself (RFC 4959).
    at_once: bool,
}

fn plan(door: &ImapDoor, user: &str, secret: &Secret, offered: Option<&Capabilities>) -> Result<Plan, Fault> {
    let has = |c: &str| offered.is_some_and(|o| o.has(c));
    let sasl = |mechanism: &'static str, response: String, acknowledge: &'static str| {
        if offered.is_some_and(|o| !o.has(&format!("AUTH={mechanism}"))) {
            let offered = offered.map(Capabilities::mechanisms).unwrap_or_default();
            return Err(Fault::NotOffered {
                wanted: mechanism,
                offered: Text::from(offered),
            });
        }
        Ok(Plan::Sasl(Sasl {
            mechanism,
            response: encode_block(response.as_bytes()),
            acknowledge,
            at_once: has("SASL-IR"),
        }))
    };
    let token = secret.reveal();
    match door.mechanism {
        Mechanism::Password => {
            let plain_ascii = [user, token]
                .iter()
                .all(|s| s.bytes().all(|b| (b' '..=b'~').contains(&b)));
            if has("AUTH=PLAIN") && (has("LOGINDISABLED") || !plain_ascii) {
                return sasl("PLAIN", plain(user, token)?, "*");
            }
            if has("LOGINDISABLED") {
                return Err(Fault::LoginDisabled);
            }
            let (user, password) = (quoted(user, "the user name")?, quoted(token, "the password")?);
            Ok(Plan::Login(format!("LOGIN {user} {password}")))
        }
        Mechanism::Plain => sasl("PLAIN", plain(user, token)?, "*"),
        // The error challenge is answered by an empty response.
        Mechanism::XOauth2 => sasl("XOAUTH2", format!("user={user}\x01auth=Bearer {token}\x01\x01"), ""),
        // By a lone %x01, `AQ==` in base64 (RFC 7628 3.2.3).
        Mechanism::OauthBearer => {
            let name = user.replace('=', "=3D").replace(',', "=2C");
            let (host, port) = (&door.host, door.port);
            let response = format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
            sasl("OAUTHBEARER", response, "AQ==")
        }
    }
}

/// RFC 4616. NUL parts its fields.
fn plain(user: &str, password: &str) -> Result<String, Fault> {
    for (s, what) in [(user, "the user name"), (password, "the password")] {
        if s.contains('\0') {
            return Err(Fault::NotSendable(what));
        }
    }
    Ok(format!("\0{user}\0{password}"))
}

async fn authenticate(talk: &mut Talk, sasl: Sasl) -> Result<(), Fault> {
    let mut waiting = (!sasl.at_once).then_some(sasl.response.clone());
    let command = if sasl.at_once {
        format!("AUTHENTICATE {} {}", sasl.mechanism, sasl.response)
    } else {
        format!("AUTHENTICATE {}", sasl.mechanism)
    };
    let mut why = None;
    let result = talk
        .exchange(&command, |challenge| {
            waiting.take().unwrap_or_else(|| {
                why = challenge_words(challenge);
                sasl.acknowledge.to_owned()
            })
        })
        .await;
    if let Some(why) = why {
        talk.note(Text::from(format!("{} was refused with {why}", sasl.mechanism)));
    }
    result.map(|_| ())
}

/// An error challenge carries a small JSON object in base64.
fn challenge_words(challenge: &[u8]) -> Option<Text> {
    let text = std::str::from_utf8(challenge).ok()?.trim();
    let decoded = openssl::base64::decode_block(text).ok()?;
    (!decoded.is_empty()).then(|| Text::bounded(decoded.trim_ascii_end(), 200))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::door::Security;
    use imap_proto::Response;

    fn door(mechanism: Mechanism) -> ImapDoor {
        ImapDoor {
            name: "imap".into(),
            host: "mx.test".to_owned(),
            port: 993,
            security: Security::Tls,
            user: Some("u".to_owned()),
            mechanism,
            mailbox: "INBOX".to_owned(),
            ca_file: None,
            timeout: Span::from_secs(5),
        }
    }
    fn offers(list: &str) -> Capabilities {
        let line = format!("* CAPABILITY IMAP4rev1 {list}\r\n");
        match Response::parse(line.as_bytes()).unwrap().1 {
            Response::Capabilities(c) => Capabilities::new(&c),
            other => panic!("{other:?}"),
        }
    }
    fn made(mechanism: Mechanism, offered: &str, password: &str) -> Result<Plan, Fault> {
        plan(&door(mechanism), "u", &Secret::new(password), Some(&offers(offered)))
    }
    fn decoded(plan: Plan) -> (String, String, bool) {
        let Plan::Sasl(s) = plan else { panic!("{plan:?}") };
        let text = String::from_utf8(openssl::base64::decode_block(&s.response).unwrap()).unwrap();
        (s.mechanism.to_owned(), text, s.at_once)
    }

    #[test]
    fn a_password_goes_by_login_unless_the_server_forbids_it_or_it_is_beyond_ascii() {
        let by_login = Plan::Login("LOGIN \"u\" \"p\\\"w\"".to_owned());
        assert_eq!(made(Mechanism::Password, "AUTH=PLAIN", "p\"w"), Ok(by_login));
        for (offered, password) in [
            ("LOGINDISABLED AUTH=PLAIN SASL-IR", "pw"),
            ("AUTH=PLAIN SASL-IR", "pässword"),
        ] {
            let (mechanism, text, at_once) = decoded(made(Mechanism::Password, offered, password).unwrap());
            assert_eq!(
                (mechanism.as_str(), text, at_once),
                ("PLAIN", format!("\0u\0{password}"), true)
            );
        }
        assert_eq!(
            made(Mechanism::Password, "LOGINDISABLED", "pw"),
            Err(Fault::LoginDisabled)
        );
        assert_eq!(
            made(Mechanism::Password, "", "p\r\nw"),
            Err(Fault::NotSendable("the password"))
        );
    }

    #[test]
    fn tokens_are_wrapped_as_their_mechanism_wants_and_only_where_it_is_offered() {
        let (_, text, at_once) = decoded(made(Mechanism::XOauth2, "AUTH=XOAUTH2", "tok").unwrap());
        assert_eq!((text.as_str(), at_once), ("user=u\x01auth=Bearer tok\x01\x01", false));
        let (_, text, _) = decoded(made(Mechanism::OauthBearer, "AUTH=OAUTHBEARER SASL-IR", "tok").unwrap());
        assert_eq!(text, "n,a=u,\x01host=mx.test\x01port=993\x01auth=Bearer tok\x01\x01");
        let refused = made(Mechanism::XOauth2, "AUTH=PLAIN AUTH=LOGIN", "tok").unwrap_err();
        assert_eq!(
            refused,
            Fault::NotOffered {
                wanted: "XOAUTH2",
                offered: "PLAIN LOGIN".into()
            }
        );
    }

    #[test]
    fn an_error_challenge_is_read() {
        let words = challenge_words(b"eyJzdGF0dXMiOiI0MDAifQ==").unwrap();
        assert_eq!(words.as_str(), "{\"status\":\"400\"}");
        assert_eq!(challenge_words(b""), None);
        assert_eq!(challenge_words(b"not base64!"), None);
    }
}
