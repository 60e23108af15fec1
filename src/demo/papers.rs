//! Certificates of the demo world: a CA of its own and one certificate a store, made at start and gone with the process.
//! Private keys never touch the disk.

use native_tls::Identity;
use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509NameBuilder};

use crate::domain::Timestamp;

/// From when to when a certificate holds.
#[derive(Clone, Copy, Debug)]
pub struct Term {
    /// Not before.
    pub from: Timestamp,
    /// Not after.
    pub until: Timestamp,
}

/// A certificate authority for the loopback address only.
pub struct Authority {
    certificate: X509,
    key: PKey<Private>,
}

/// Why a certificate could not be made.
#[derive(Debug, thiserror::Error)]
pub enum PapersError {
    /// OpenSSL refused.
    #[error("openssl: {0}")]
    Openssl(#[from] ErrorStack),
    /// The TLS library refused what OpenSSL made.
    #[error("tls: {0}")]
    Tls(#[from] native_tls::Error),
}

impl Authority {
    /// A new one.
    pub fn new(term: Term) -> Result<Self, PapersError> {
        let key = new_key()?;
        let mut builder = blank("mailtop demo CA", &key, term)?;
        let subject = builder_name("mailtop demo CA")?;
        builder.set_issuer_name(&subject)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Self {
            certificate: builder.build(),
            key,
        })
    }

    /// Its certificate, as PEM.
    pub fn pem(&self) -> Result<Vec<u8>, PapersError> {
        Ok(self.certificate.to_pem()?)
    }

    /// A certificate with its key for a host that listens on 127.0.0.1.
    pub fn issue(&self, host: &str, term: Term) -> Result<Identity, PapersError> {
        let key = new_key()?;
        let mut builder = blank(&format!("{host}.demo.test"), &key, term)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        let names = SubjectAlternativeName::new()
            .ip("127.0.0.1")
            .dns("localhost")
            .dns(&format!("{host}.demo.test"))
            .build(&builder.x509v3_context(Some(&self.certificate), None))?;
        builder.append_extension(names)?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        builder.append_extension(ExtendedKeyUsage::new().server_auth().build()?)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        let chain = [builder.build().to_pem()?, self.pem()?].concat();
        Ok(Identity::from_pkcs8(&chain, &key.private_key_to_pem_pkcs8()?)?)
    }
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let curve = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&curve)?)
}

fn builder_name(common: &str) -> Result<openssl::x509::X509Name, ErrorStack> {
    let mut name = X509NameBuilder::new()?;
    name.append_entry_by_text("O", "mailtop demo")?;
    name.append_entry_by_text("CN", common)?;
    Ok(name.build())
}

fn blank(common: &str, key: &PKey<Private>, term: Term) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(&*builder_name(common)?)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(term.from.as_second())?)?;
    builder.set_not_after(&*Asn1Time::from_unix(term.until.as_second())?)?;
    Ok(builder)
}
