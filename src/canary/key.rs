//! The key under which letters are signed (HMAC-SHA256, RFC 2104): made once for a user, in a file that only this user can read.
//! Who has it can make letters that count as ours, and no more than that.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use openssl::hash::MessageDigest;
use openssl::memcmp;
use openssl::pkey::{PKey, Private};
use openssl::sign::Signer;

use crate::domain::reading::{Miss, Missed};

/// Bytes of a key.
const BYTES: usize = 32;

/// A key. Its `Debug` says nothing.
#[derive(Clone)]
pub struct Key(PKey<Private>);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Key {
    /// The key in this file; made, when there is no file yet.
    ///
    /// # Errors
    /// When it cannot be read or made, when others can read it, and when it is no key.
    pub fn of(path: &Path) -> Result<Self, Missed> {
        let failed = |e: &io::Error| {
            let kind = match e.kind() {
                io::ErrorKind::PermissionDenied => Miss::Denied,
                _ => Miss::BadAnswer,
            };
            Missed::new(
                kind,
                format!("the key of canary letters, {}", path.display()),
                e.to_string(),
            )
        };
        match read(path) {
            Ok(bytes) => Self::from_bytes(&bytes),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                make(path).map_err(|e| failed(&e))?;
                read(path).and_then(|b| Self::from_bytes(&b))
            }
            Err(e) => Err(e),
        }
        .map_err(|e| failed(&e))
    }

    /// A key for this process alone.
    ///
    /// # Errors
    /// When the system has no random numbers.
    pub fn passing() -> Result<Self, Missed> {
        let made = random().and_then(|b| Self::from_bytes(&b));
        made.map_err(|e| Missed::new(Miss::BadAnswer, "a key for canary letters", e.to_string()))
    }

    fn from_bytes(bytes: &[u8]) -> io::Result<Self> {
        if bytes.len() != BYTES {
            return Err(io::Error::other(format!(
                "has {} bytes where a key has {BYTES}; move it away, and a new one is made",
                bytes.len()
            )));
        }
        Ok(Self(PKey::hmac(bytes)?))
    }

    /// The signature over words, in hexadecimal; `None` where OpenSSL cannot make one.
    pub fn sign(&self, words: &str) -> Option<String> {
        let mut signer = Signer::new(MessageDigest::sha256(), &self.0).ok()?;
        Some(hex(&signer.sign_oneshot_to_vec(words.as_bytes()).ok()?))
    }

    /// Whether a signature over words is ours.
    pub fn verifies(&self, words: &str, signature: &str) -> bool {
        self.sign(words)
            .is_some_and(|ours| ours.len() == signature.len() && memcmp::eq(ours.as_bytes(), signature.as_bytes()))
    }
}

/// The SHA-256 of bytes, in hexadecimal.
pub fn digest(bytes: &[u8]) -> String {
    hex(&openssl::sha::sha256(bytes))
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

fn random() -> io::Result<[u8; BYTES]> {
    let mut bytes = [0; BYTES];
    openssl::rand::rand_bytes(&mut bytes)?;
    Ok(bytes)
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = std::fs::File::open(path)?;
    let mode = file.metadata()?.mode();
    if mode & 0o077 != 0 {
        let why = format!(
            "can be read by others (mode {:04o}); chmod 600 it, or move it away",
            mode & 0o777
        );
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, why));
    }
    let mut bytes = Vec::new();
    io::Read::read_to_end(&mut io::Read::take(file, BYTES as u64 + 1), &mut bytes)?;
    Ok(bytes)
}

/// Makes the file whole or not at all; when somebody was quicker, theirs stays.
fn make(path: &Path) -> io::Result<()> {
    let dir = path.parent().unwrap_or(Path::new("."));
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let new = dir.join(format!(".canary.key.{}", std::process::id()));
    // Left by a process of the same number that was killed in between.
    let _ = std::fs::remove_file(&new);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        file.write_all(&random()?)?;
        file.sync_all()?;
        match std::fs::hard_link(&new, path) {
            Err(e) if e.kind() != io::ErrorKind::AlreadyExists => Err(e),
            _ => Ok(()),
        }
    })();
    let _ = std::fs::remove_file(&new);
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_made_once_for_its_owner_alone_and_signs_the_same_ever_after() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("state/mailtop/canary.key");
        let signature = Key::of(&path).unwrap().sign("words").unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        let again = Key::of(&path).unwrap();
        assert!(again.verifies("words", &signature));
        for (words, mac) in [("other words", &*signature), ("words", ""), ("words", &signature[1..])] {
            assert!(!again.verifies(words, mac));
        }
        assert!(!Key::passing().unwrap().verifies("words", &signature), "another key");
        assert_eq!(
            std::fs::read_dir(path.parent().unwrap()).unwrap().count(),
            1,
            "nothing else is left there"
        );
    }

    #[test]
    fn a_key_that_others_can_read_or_that_is_none_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("canary.key");
        Key::of(&path).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        let why = Key::of(&path).unwrap_err();
        assert!(why.kind == Miss::Denied && why.why.contains("mode 0644"), "{why}");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        std::fs::write(&path, "short").unwrap();
        assert!(Key::of(&path).unwrap_err().why.contains("5 bytes"));
    }

    #[test]
    fn a_signature_is_hmac_sha256() {
        // RFC 4231 4.2 has a key of 20 bytes; ours has 32. This one was made with openssl-dgst(1).
        let key = Key::from_bytes(&[0x0b; BYTES]).unwrap();
        assert_eq!(key.sign("Hi There").unwrap().len(), 64);
        assert_eq!(
            digest(b"abc"),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
