//! AUTH (RFC 4954): by the door's mechanism, in one line where it fits there. LOGIN, which never became a standard, is used
//! where a server offers nothing else for passwords.

use openssl::base64::encode_block;

use super::super::lines::{Broken, Lines};
use super::super::sasl::{NotSendable, Sasl};
use super::class::Fault;
use super::reply::Reply;
use crate::domain::Text;
use crate::domain::door::{Door, Mechanism, Secret};

/// The most challenges that are answered in one login.
const MAX_CHALLENGES: usize = 4;

/// Logs in.
pub async fn login(
    lines: &mut Lines,
    door: &Door,
    user: &str,
    secret: &Secret,
    offers: &[String],
) -> Result<(), Fault> {
    let mechanisms = mechanisms(offers);
    let wanted = Sasl::name(door.mechanism);
    if mechanisms.iter().any(|m| m == wanted) {
        let sasl = Sasl::new(door, user, secret).map_err(|NotSendable(what)| Broken::NotSendable(what))?;
        let command = format!("AUTH {} {}", sasl.mechanism, sasl.response);
        return exchange(lines, &command, |_| sasl.acknowledge.to_owned()).await;
    }
    if door.mechanism == Mechanism::Password && mechanisms.iter().any(|m| m == "LOGIN") {
        let mut answers = [user, secret.reveal()].into_iter().map(|w| encode_block(w.as_bytes()));
        return exchange(lines, "AUTH LOGIN", |_| {
            answers.next().unwrap_or_else(|| "*".to_owned())
        })
        .await;
    }
    let offered = if mechanisms.is_empty() {
        "no login at all".into()
    } else {
        Text::from(mechanisms.join(" "))
    };
    Err(Broken::NotOffered { wanted, offered }.into())
}

/// What stands behind AUTH; old servers write `AUTH=`.
fn mechanisms(offers: &[String]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for offer in offers {
        let Some(rest) = offer.strip_prefix("AUTH").and_then(|r| r.strip_prefix([' ', '='])) else {
            continue;
        };
        for word in rest.split([' ', '=']).filter(|w| !w.is_empty()) {
            if !all.iter().any(|m| m == word) {
                all.push(word.to_owned());
            }
        }
    }
    all
}

async fn exchange(lines: &mut Lines, command: &str, mut answer: impl FnMut(&Reply) -> String) -> Result<(), Fault> {
    lines.send(command).await?;
    for _ in 0..=MAX_CHALLENGES {
        let reply = Reply::read(lines).await?;
        match reply.code {
            334 => lines.send(&answer(&reply)).await?,
            235 => return Ok(()),
            _ => return Err(Fault::Said(reply)),
        }
    }
    Err(Broken::TooMuch("challenge after challenge".to_owned()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mechanisms_are_read_in_both_ways_of_writing() {
        let offers = ["SIZE 1", "AUTH PLAIN LOGIN", "AUTH=PLAIN LOGIN XOAUTH2", "AUTHX"].map(str::to_owned);
        assert_eq!(mechanisms(&offers), ["PLAIN", "LOGIN", "XOAUTH2"]);
        assert!(mechanisms(&["8BITMIME".to_owned()]).is_empty());
    }
}
