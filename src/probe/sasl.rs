//! The client's side of a login by SASL, the same for every protocol: the response of a mechanism, and how an error
//! challenge is acknowledged. Pure. The secret goes into one line that is sent and dropped.

use openssl::base64::{decode_block, encode_block};

use crate::domain::Text;
use crate::domain::door::{Door, Mechanism, Secret};

/// One login.
#[derive(Debug, PartialEq, Eq)]
pub struct Sasl {
    /// The mechanism's name.
    pub mechanism: &'static str,
    /// The client's response, in base64.
    pub response: String,
    /// How an error challenge is acknowledged, so that the final no comes; in base64.
    pub acknowledge: &'static str,
}

/// NUL parts the fields of PLAIN, so none of them can hold one; which word did.
#[derive(Debug, PartialEq, Eq)]
pub struct NotSendable(pub &'static str);

impl Sasl {
    /// The name of a mechanism: PLAIN for passwords.
    pub const fn name(mechanism: Mechanism) -> &'static str {
        match mechanism {
            Mechanism::Password | Mechanism::Plain => "PLAIN",
            Mechanism::XOauth2 => "XOAUTH2",
            Mechanism::OauthBearer => "OAUTHBEARER",
        }
    }

    /// For the door's mechanism; a password goes by PLAIN.
    pub fn new(door: &Door, user: &str, secret: &Secret) -> Result<Self, NotSendable> {
        let token = secret.reveal();
        let (response, acknowledge) = match door.mechanism {
            Mechanism::Password | Mechanism::Plain => (plain(user, token)?, "*"),
            // The error challenge is answered by an empty response.
            Mechanism::XOauth2 => (format!("user={user}\x01auth=Bearer {token}\x01\x01"), ""),
            // By a lone %x01, `AQ==` in base64 (RFC 7628 3.2.3).
            Mechanism::OauthBearer => {
                let name = user.replace('=', "=3D").replace(',', "=2C");
                let (host, port) = (door.at.host(), door.at.port());
                let response = format!("n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {token}\x01\x01");
                (response, "AQ==")
            }
        };
        Ok(Self {
            mechanism: Self::name(door.mechanism),
            response: encode_block(response.as_bytes()),
            acknowledge,
        })
    }
}

/// RFC 4616.
fn plain(user: &str, password: &str) -> Result<String, NotSendable> {
    for (s, what) in [(user, "the user name"), (password, "the password")] {
        if s.contains('\0') {
            return Err(NotSendable(what));
        }
    }
    Ok(format!("\0{user}\0{password}"))
}

/// An error challenge carries a small JSON object in base64.
pub fn challenge_words(challenge: &[u8]) -> Option<Text> {
    let text = std::str::from_utf8(challenge).ok()?.trim();
    let decoded = decode_block(text).ok()?;
    (!decoded.is_empty()).then(|| Text::bounded(decoded.trim_ascii_end(), 200))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_challenge_is_read() {
        let words = challenge_words(b"eyJzdGF0dXMiOiI0MDAifQ==").unwrap();
        assert_eq!(words.as_str(), "{\"status\":\"400\"}");
        assert_eq!(challenge_words(b""), None);
        assert_eq!(challenge_words(b"not base64!"), None);
    }
}
