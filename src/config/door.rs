//! One door, `[[server.imap]]` for example: its address, what is asked behind it, its user, and exactly one secret for a
//! user.

use std::path::{Path, PathBuf};

use super::address::{self, DoorAddress};
use super::around::Around;
use super::mistake::{Sheet, Wrong};
use super::quantity::TIMEOUT;
use super::schema::{self, Auth};
use super::secret::{self, Privacy};
use super::table::{Given, Reader};
use super::{DoorSource, SecretSource, resolver};
use crate::domain::door::{Door, Envelope, Mechanism, Protocol, Role, Secret, Security, Speaks};
use crate::domain::{Name, Span};

/// The keys that give a secret.
const SECRETS: [&str; 5] = [
    "password_command",
    "password_file",
    "password_env",
    "password",
    "token_command",
];

/// What a table of the file is read against.
pub(super) struct Context<'c> {
    pub(super) around: &'c Around,
    /// The folder that relative paths start from.
    pub(super) base: &'c Path,
    /// Who may read the config itself.
    pub(super) privacy: Privacy,
}

/// Reads one door of this protocol. `name` is what it is called when it does not say.
pub(super) fn read(
    table: &Reader,
    protocol: Protocol,
    name: Name,
    timeout: Span,
    context: &Context,
    sheet: &mut Sheet,
) -> Option<DoorSource> {
    table.unknown(schema::DOOR, sheet);
    let url = table.needed("url", example(protocol), sheet);
    let address = url.as_ref().and_then(|url| match address::door(&url.value, protocol) {
        Ok(address) => Some(address),
        Err(wrong) => {
            sheet.mistake(url.at, &url.key, wrong);
            None
        }
    });
    let user = user(table, address.as_ref(), sheet);
    let security = security(table, address.as_ref(), sheet);
    fits(table, protocol, sheet);
    if let (Some(url), Some(named)) = (&url, address.as_ref().and_then(|a| a.user.as_ref()))
        && !LOGINS.contains(&protocol)
    {
        let what = format!("names the user `{named}`, and nobody logs in over {}", protocol.title());
        sheet.mistake(url.at, &url.key, Wrong::new(what, "take the user out"));
    }
    let speaks = speaks(table, protocol, sheet);
    let role = role(table, sheet).unwrap_or_else(|| protocol.role());
    let ca_file = ca_file(table, security, context, sheet);
    let timeout = table.span("timeout", TIMEOUT, sheet).unwrap_or(timeout);
    let secret = one_secret(table, timeout, context, sheet);
    let mechanism = mechanism(table, sheet);
    // With a broken URL nobody knows whether it named a user.
    if let Some(address) = &address {
        user_and_secret(table, user.as_deref(), address, security, sheet);
    }

    Some(DoorSource {
        door: Door {
            name,
            speaks,
            role,
            at: address?.at,
            security: security?,
            user,
            mechanism,
            ca_file,
            timeout,
        },
        secret,
    })
}

const fn example(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Mx => "\"mx://example.com\"",
        Protocol::Imap => "\"imaps://probe@imap.example.com\"",
        Protocol::Smtp => "\"smtp://mx1.example.com\"",
        Protocol::Submission => "\"submission://probe@smtp.example.com\"",
        Protocol::Lmtp => "\"lmtp://mbox1.example.com:24\"",
        Protocol::Pop3 => "\"pop3s://probe@pop.example.com\"",
        Protocol::Sieve => "\"sieve://probe@imap.example.com\"",
    }
}

/// The keys that mean something for some protocols only.
const OWN: [(&str, &[Protocol]); 6] = [
    ("resolvers", &[Protocol::Mx]),
    ("user", &LOGINS),
    ("mailbox", &[Protocol::Imap]),
    ("rcpt", &TRANSPORTS),
    ("mail_from", &TRANSPORTS),
    ("helo", &TRANSPORTS),
];
const LOGINS: [Protocol; 4] = [Protocol::Submission, Protocol::Imap, Protocol::Pop3, Protocol::Sieve];
const TRANSPORTS: [Protocol; 4] = [Protocol::Mx, Protocol::Smtp, Protocol::Submission, Protocol::Lmtp];

/// A key that nothing would read was meant for something.
fn fits(table: &Reader, protocol: Protocol, sheet: &mut Sheet) {
    for (key, of) in OWN {
        if let Some(at) = table.place_of(key).filter(|_| !of.contains(&protocol)) {
            let titles: Vec<&str> = of.iter().map(|p| p.title()).collect();
            let what = format!("means nothing for {}", protocol.title());
            let fix = format!("take it out; it is for {}", titles.join(", "));
            sheet.absent(at, &table.key(key), Wrong::new(what, fix));
        }
    }
}

fn speaks(table: &Reader, protocol: Protocol, sheet: &mut Sheet) -> Speaks {
    match protocol {
        Protocol::Mx => Speaks::Mx {
            envelope: envelope(table, sheet),
            resolvers: resolver::list(table, sheet),
        },
        Protocol::Imap => match table.text("mailbox", sheet) {
            Some(mailbox) => Speaks::Imap { mailbox: mailbox.value },
            None => Speaks::imap(),
        },
        Protocol::Smtp => Speaks::Smtp(envelope(table, sheet)),
        Protocol::Submission => Speaks::Submission(envelope(table, sheet)),
        Protocol::Lmtp => Speaks::Lmtp(envelope(table, sheet)),
        Protocol::Pop3 => Speaks::Pop3,
        Protocol::Sieve => Speaks::Sieve,
    }
}

fn envelope(table: &Reader, sheet: &mut Sheet) -> Envelope {
    let mut word = |key: &str, check: fn(&str) -> Result<(), Wrong>| {
        let given = table.text(key, sheet)?;
        noted(check(&given.value), &given, sheet)?;
        Some(given.value)
    };
    Envelope {
        helo: word("helo", host_word),
        from: word("mail_from", mailbox_address).unwrap_or_default(),
        to: word("rcpt", mailbox_address),
    }
}

/// An address as it can stand in MAIL and RCPT. No more is checked than what would end the command or make another one:
/// what an address is, the server knows.
pub(super) fn mailbox_address(address: &str) -> Result<(), Wrong> {
    let bad = |c: char| c.is_control() || c == '<' || c == '>' || c == ' ';
    if address.is_empty() || address.contains(bad) || !address.contains('@') {
        let what = format!("`{}` is no mail address", address.escape_debug());
        return Err(Wrong::new(what, "write it bare: probe@example.com"));
    }
    Ok(())
}

/// A name as it can stand in EHLO.
pub(super) fn host_word(word: &str) -> Result<(), Wrong> {
    if word.is_empty() || word.contains(|c: char| c.is_control() || c == ' ') {
        let what = format!("`{}` is no host name", word.escape_debug());
        return Err(Wrong::new(what, "write a name with its domain: bastion.example.com"));
    }
    Ok(())
}

fn role(table: &Reader, sheet: &mut Sheet) -> Option<Role> {
    let words = Role::ALL.map(|r| (r.word(), r));
    table.choice("role", &words, sheet).map(|r| r.value)
}

fn user(table: &Reader, address: Option<&DoorAddress>, sheet: &mut Sheet) -> Option<String> {
    let in_url = address.and_then(|a| a.user.clone());
    let beside = table.text("user", sheet);
    if let (Some(one), Some(other)) = (&in_url, &beside)
        && *one != other.value
    {
        let wrong = Wrong::new(
            format!("names `{}`, and the URL names `{one}`", other.value),
            "keep one of them",
        );
        sheet.mistake(other.at, &other.key, wrong);
    }
    beside.map(|u| u.value).or(in_url)
}

fn security(table: &Reader, address: Option<&DoorAddress>, sheet: &mut Sheet) -> Option<Security> {
    let starttls = table.flag("starttls", sheet);
    let address = address?;
    match (address.security, starttls) {
        (Security::Tls, Some(flag)) => {
            let (secured, _) = address.protocol.scheme(Security::Tls);
            let (open, _) = address.protocol.scheme(Security::StartTls);
            let wrong = Wrong::new(
                format!("has no meaning for {secured}://, which is TLS from the first byte"),
                format!("take it out, or write {open}:// in the URL"),
            );
            sheet.mistake(flag.at, &flag.key, wrong);
            Some(address.security)
        }
        (_, Some(flag)) => Some(if flag.value {
            Security::StartTls
        } else {
            Security::Plain
        }),
        (security, None) => Some(security),
    }
}

fn ca_file(table: &Reader, security: Option<Security>, context: &Context, sheet: &mut Sheet) -> Option<PathBuf> {
    let given = table.text("ca_file", sheet)?;
    let path = context.around.resolve(context.base, &given.value);
    if let Err(wrong) = pem(&path) {
        sheet.mistake(given.at, &given.key, wrong);
        return None;
    }
    if security == Some(Security::Plain) {
        let wrong = Wrong::new("is not used without TLS", "take it out, or take out starttls = false");
        sheet.warning(given.at, &given.key, wrong);
    }
    Some(path)
}

/// Checks that a file is a PEM bundle with at least one certificate.
pub(super) fn pem(path: &Path) -> Result<(), Wrong> {
    let fix = "name a file of certificates in PEM (-----BEGIN CERTIFICATE-----)";
    let shown = path.display();
    let (bytes, _) =
        super::file::bounded(path).map_err(|why| Wrong::new(format!("cannot read {shown}: {why}"), fix))?;
    match openssl::x509::X509::stack_from_pem(&bytes) {
        Ok(stack) if !stack.is_empty() => Ok(()),
        Ok(_) => Err(Wrong::new(format!("{shown} holds no certificate"), fix)),
        Err(_) => Err(Wrong::new(format!("{shown} holds a damaged certificate"), fix)),
    }
}

fn mechanism(table: &Reader, sheet: &mut Sheet) -> Mechanism {
    let words = [
        ("password", Auth::Password),
        ("plain", Auth::Plain),
        ("xoauth2", Auth::Xoauth2),
        ("oauthbearer", Auth::Oauthbearer),
    ];
    let token = table.place_of("token_command").is_some();
    let given = table.choice("auth", &words, sheet);
    match given.as_ref().map(|g| g.value) {
        None if token => Mechanism::XOauth2,
        None => Mechanism::Password,
        Some(Auth::Xoauth2) => Mechanism::XOauth2,
        Some(Auth::Oauthbearer) => Mechanism::OauthBearer,
        Some(passwords) => {
            if let Some(given) = given.filter(|_| token) {
                let wrong = Wrong::new(
                    "is for passwords, and token_command gives a token",
                    "write auth = \"xoauth2\" or \"oauthbearer\", or password_command in place of token_command",
                );
                sheet.mistake(given.at, &given.key, wrong);
            }
            match passwords {
                Auth::Plain => Mechanism::Plain,
                _ => Mechanism::Password,
            }
        }
    }
}

/// Holds user and secret together: neither means anything alone.
fn user_and_secret(
    table: &Reader,
    user: Option<&str>,
    address: &DoorAddress,
    security: Option<Security>,
    sheet: &mut Sheet,
) {
    let own = address.protocol.scheme(address.security).0;
    let given = SECRETS.iter().find_map(|key| table.place_of(key).map(|at| (*key, at)));
    match (user, given) {
        (None, Some((key, at))) => sheet.absent(
            at,
            &table.key(key),
            Wrong::new(
                "is a secret without a user",
                format!("name the user in the URL ({own}://USER@…) or with user = \"…\""),
            ),
        ),
        (None, None) => {
            if let Some(at) = table.place_of("auth") {
                let wrong = Wrong::new("says how to log in, and no user does", "add a user, or take it out");
                sheet.absent(at, &table.key("auth"), wrong);
            }
        }
        (Some(user), None) => sheet.absent(
            table.place_of("user").or_else(|| table.place_of("url")).unwrap_or(table.at),
            table.path(),
            Wrong::new(
                format!("the user `{user}` has no password"),
                "add password_command, password_file or password_env; or take the user out to probe as far as the greeting",
            ),
        ),
        (Some(_), Some((key, at))) if security == Some(Security::Plain) && address.at.port() > 0 => {
            let (secured, _) = address.protocol.scheme(Security::Tls);
            let fix = if secured == own {
                "take out starttls = false, unless it never leaves this host".to_owned()
            } else {
                format!("take out starttls = false, or use {secured}://, unless it never leaves this host")
            };
            let wrong = Wrong::new("goes over the network in the clear", fix);
            sheet.warning(at, &table.key(key), wrong);
        }
        _ => {}
    }
}

/// The one secret that is given; a second one is a mistake.
fn one_secret(table: &Reader, timeout: Span, context: &Context, sheet: &mut Sheet) -> Option<SecretSource> {
    let mut given = Vec::new();
    for key in SECRETS {
        if let Some(at) = table.place_of(key) {
            given.push((at, key));
        }
    }
    given.sort_unstable();
    for (at, key) in given.iter().skip(1) {
        let first = given.first().map_or("", |g| g.1);
        let wrong = Wrong::new(format!("is a second secret beside {first}"), "keep one of them");
        sheet.mistake(*at, &table.key(key), wrong);
    }
    let mut read: Option<SecretSource> = None;
    for (_, key) in given {
        let source = match key {
            "password_command" | "token_command" => table.argv(key, sheet).map(|argv| {
                let resolved = context.around.resolve_program(context.base, argv.value.into());
                let source = SecretSource::Command(resolved);
                sheet.command(argv.at, &argv.key, source.clone(), timeout);
                source
            }),
            "password_file" => from_file(table, context, sheet).map(SecretSource::Known),
            "password_env" => {
                let name = table.text(key, sheet);
                name.and_then(|name| {
                    noted(
                        secret::from_env(&name.value, context.around.var(&name.value)),
                        &name,
                        sheet,
                    )
                })
                .map(SecretSource::Known)
            }
            _ => in_the_config(table, context, sheet).map(SecretSource::Known),
        };
        read = read.or(source);
    }
    read
}

fn from_file(table: &Reader, context: &Context, sheet: &mut Sheet) -> Option<Secret> {
    let given = table.text("password_file", sheet)?;
    let path = context.around.resolve(context.base, &given.value);
    let (secret, privacy) = noted(secret::from_file(&path), &given, sheet)?;
    if let Privacy::Others(mode) = privacy {
        let wrong = Wrong::new(
            format!("{} can be read by others (mode {mode:04o})", path.display()),
            format!("chmod 600 {}", path.display()),
        );
        sheet.warning(given.at, &given.key, wrong);
    }
    Some(secret)
}

fn in_the_config(table: &Reader, context: &Context, sheet: &mut Sheet) -> Option<Secret> {
    let given = table.text("password", sheet)?;
    match context.privacy {
        Privacy::Owner => Some(Secret::new(given.value)),
        Privacy::Others(mode) => {
            let wrong = Wrong::new(
                format!("is a password in a file that others can read (mode {mode:04o})"),
                "chmod 600 this file; better, use password_command, password_file or password_env",
            );
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}

fn noted<T, G>(result: Result<T, Wrong>, given: &Given<G>, sheet: &mut Sheet) -> Option<T> {
    result.map_err(|wrong| sheet.mistake(given.at, &given.key, wrong)).ok()
}
