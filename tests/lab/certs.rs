//! Certificates for tests, made on the spot: a CA and a server certificate under it.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name, X509NameBuilder};

/// What is wrong with a certificate.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Certificate {
    /// Nothing: for `localhost` and 127.0.0.1, 30 days left.
    Good,
    /// Three days left.
    EndsSoon,
    /// Ended two days ago.
    Expired,
    /// Begins in two days.
    NotYetValid,
    /// For another host.
    WrongName,
}

/// A CA, and a server's certificate and key under it, all in PEM.
pub struct Certs {
    pub ca: Vec<u8>,
    pub cert: Vec<u8>,
    pub key: Vec<u8>,
}

const DAY: i64 = 86_400;

impl Certs {
    /// Makes them.
    pub fn new(which: Certificate) -> Self {
        let (ca_key, key) = (new_key(), new_key());
        let ca_name = name("Lab CA");
        let mut ca = begin(&ca_name, &ca_name, &ca_key, -10 * DAY, 60 * DAY);
        ca.append_extension(BasicConstraints::new().critical().ca().build().unwrap())
            .unwrap();
        ca.append_extension(KeyUsage::new().critical().key_cert_sign().build().unwrap())
            .unwrap();
        ca.sign(&ca_key, MessageDigest::sha256()).unwrap();
        let ca = ca.build();

        let (from, to) = match which {
            Certificate::Expired => (-9 * DAY, -2 * DAY),
            Certificate::NotYetValid => (2 * DAY, 9 * DAY),
            Certificate::EndsSoon => (-9 * DAY, 3 * DAY + 600),
            Certificate::Good | Certificate::WrongName => (-DAY, 30 * DAY + 600),
        };
        let host = if which == Certificate::WrongName {
            "elsewhere.test"
        } else {
            "localhost"
        };
        let mut leaf = begin(&name(host), &ca_name, &key, from, to);
        let mut names = SubjectAlternativeName::new();
        names.dns(host);
        if which != Certificate::WrongName {
            names.ip("127.0.0.1");
        }
        let names = names.build(&leaf.x509v3_context(Some(&ca), None)).unwrap();
        leaf.append_extension(names).unwrap();
        leaf.sign(&ca_key, MessageDigest::sha256()).unwrap();
        Self {
            ca: ca.to_pem().unwrap(),
            cert: leaf.build().to_pem().unwrap(),
            key: key.private_key_to_pem_pkcs8().unwrap(),
        }
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(common: &str) -> X509Name {
    let mut builder = X509NameBuilder::new().unwrap();
    builder.append_entry_by_text("CN", common).unwrap();
    builder.build()
}

fn begin(subject: &X509Name, issuer: &X509Name, key: &PKey<Private>, from: i64, to: i64) -> X509Builder {
    let now = jiff::Timestamp::now().as_second();
    let mut serial = BigNum::new().unwrap();
    serial.rand(120, openssl::bn::MsbOption::ONE, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder
        .set_not_before(&Asn1Time::from_unix(now + from).unwrap())
        .unwrap();
    builder.set_not_after(&Asn1Time::from_unix(now + to).unwrap()).unwrap();
    builder
}
