//! The login: which command, in which form, for the door's mechanism and what the server offers. The secret goes into
//! one line that is sent and dropped.

use super::super::lines::Broken;
use super::super::sasl::{NotSendable, Sasl, challenge_words};
use super::said::Capabilities;
use super::talk::{Fault, Talk, quoted};
use crate::domain::Text;
use crate::domain::door::{Door, Mechanism, Secret};

/// Logs in. Asks for the capabilities first when the server has not told them: without them nobody knows whether LOGIN
/// is allowed or how a mechanism may begin.
pub async fn login(talk: &mut Talk, door: &Door, user: &str, secret: &Secret) -> Result<(), Fault> {
    if talk.log.capabilities.is_none() {
        talk.command("CAPABILITY").await?;
    }
    let plan = plan(door, user, secret, talk.log.capabilities.as_ref())?;
    match plan {
        Plan::Login(command) => talk.command(&command).await.map(|_| ()),
        Plan::Sasl { sasl, at_once } => authenticate(talk, sasl, at_once).await,
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Plan {
    /// The whole LOGIN command.
    Login(String),
    /// An exchange of AUTHENTICATE.
    Sasl {
        /// What is said.
        sasl: Sasl,
        /// Whether the response may stand in the command itself (RFC 4959).
        at_once: bool,
    },
}

fn plan(door: &Door, user: &str, secret: &Secret, offered: Option<&Capabilities>) -> Result<Plan, Fault> {
    let has = |c: &str| offered.is_some_and(|o| o.has(c));
    if door.mechanism == Mechanism::Password {
        let plain_ascii = [user, secret.reveal()]
            .iter()
            .all(|s| s.bytes().all(|b| (b' '..=b'~').contains(&b)));
        let rather_plain = has("AUTH=PLAIN") && (has("LOGINDISABLED") || !plain_ascii);
        if !rather_plain && has("LOGINDISABLED") {
            return Err(Fault::LoginDisabled);
        }
        if !rather_plain {
            let (user, password) = (quoted(user, "the user name")?, quoted(secret.reveal(), "the password")?);
            return Ok(Plan::Login(format!("LOGIN {user} {password}")));
        }
    }
    let wanted = Sasl::name(door.mechanism);
    if let Some(offered) = offered.filter(|o| !o.has(&format!("AUTH={wanted}"))) {
        return Err(Broken::NotOffered {
            wanted,
            offered: Text::from(offered.mechanisms()),
        }
        .into());
    }
    let sasl = Sasl::new(door, user, secret).map_err(|NotSendable(what)| Broken::NotSendable(what))?;
    Ok(Plan::Sasl {
        sasl,
        at_once: has("SASL-IR"),
    })
}

async fn authenticate(talk: &mut Talk, sasl: Sasl, at_once: bool) -> Result<(), Fault> {
    let mut waiting = (!at_once).then_some(sasl.response.clone());
    let command = if at_once {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;
    use crate::domain::door::{Place, Role, Security, Speaks};
    use imap_proto::Response;

    fn door(mechanism: Mechanism) -> Door {
        Door {
            name: "imap".into(),
            role: Role::Mailbox,
            at: Place::tcp("mx.test", 993),
            security: Security::Tls,
            user: Some("u".to_owned()),
            mechanism,
            speaks: Speaks::imap(),
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
        let Plan::Sasl { sasl: s, at_once } = plan else {
            panic!("{plan:?}")
        };
        let text = String::from_utf8(openssl::base64::decode_block(&s.response).unwrap()).unwrap();
        (s.mechanism.to_owned(), text, at_once)
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
            Err(Broken::NotSendable("the password").into())
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
            Fault::Broken(Broken::NotOffered {
                wanted: "XOAUTH2",
                offered: "PLAIN LOGIN".into()
            })
        );
    }
}
