//! One `[[server.imap]]`: its address, its user, and exactly one secret for a user.

use std::path::{Path, PathBuf};

use super::address::{self, ImapAddress};
use super::around::Around;
use super::mistake::{Sheet, Wrong};
use super::quantity::TIMEOUT;
use super::schema::{self, Auth};
use super::secret::{self, Privacy};
use super::table::{Given, Reader};
use super::{Imap, SecretSource};
use crate::domain::door::{ImapDoor, Mechanism, Secret, Security};
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

/// Reads one door. `name` is what it is called when it does not say.
pub(super) fn read(table: &Reader, name: Name, timeout: Span, context: &Context, sheet: &mut Sheet) -> Option<Imap> {
    table.unknown(schema::IMAP, sheet);
    let url = table.needed("url", "\"imaps://probe@imap.example.com\"", sheet);
    let address = url.as_ref().and_then(|url| match address::imap(&url.value) {
        Ok(address) => Some(address),
        Err(wrong) => {
            sheet.mistake(url.at, &url.key, wrong);
            None
        }
    });
    let user = user(table, address.as_ref(), sheet);
    let security = security(table, address.as_ref(), sheet);
    let mailbox = table.text("mailbox", sheet);
    let ca_file = ca_file(table, security, context, sheet);
    let timeout = table.span("timeout", TIMEOUT, sheet).unwrap_or(timeout);
    let secret = one_secret(table, timeout, context, sheet);
    let mechanism = mechanism(table, sheet);
    // With a broken URL nobody knows whether it named a user.
    if address.is_some() {
        user_and_secret(table, user.as_deref(), security, sheet);
    }

    let ImapAddress { host, port, .. } = address?;
    Some(Imap {
        door: ImapDoor {
            name,
            host,
            port,
            security: security?,
            user,
            mechanism,
            mailbox: mailbox.map_or_else(|| "INBOX".to_owned(), |m| m.value),
            ca_file,
            timeout,
        },
        secret,
    })
}

fn user(table: &Reader, address: Option<&ImapAddress>, sheet: &mut Sheet) -> Option<String> {
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

fn security(table: &Reader, address: Option<&ImapAddress>, sheet: &mut Sheet) -> Option<Security> {
    let starttls = table.flag("starttls", sheet);
    let security = address?.security;
    match (security, starttls) {
        (Security::Tls, Some(flag)) => {
            let wrong = Wrong::new(
                "has no meaning for imaps://, which is TLS from the first byte",
                "take it out, or write imap:// in the URL",
            );
            sheet.mistake(flag.at, &flag.key, wrong);
            Some(security)
        }
        (_, Some(flag)) if !flag.value => Some(Security::Plain),
        _ => Some(security),
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
fn user_and_secret(table: &Reader, user: Option<&str>, security: Option<Security>, sheet: &mut Sheet) {
    let given = SECRETS.iter().find_map(|key| table.place_of(key).map(|at| (*key, at)));
    match (user, given) {
        (None, Some((key, at))) => sheet.absent(
            at,
            &table.key(key),
            Wrong::new(
                "is a secret without a user",
                "name the user in the URL (imaps://USER@…) or with user = \"…\"",
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
        (Some(_), Some((key, at))) if security == Some(Security::Plain) => sheet.warning(
            at,
            &table.key(key),
            Wrong::new(
                "goes over the network in the clear",
                "take out starttls = false, or use imaps://, unless it never leaves this host",
            ),
        ),
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
