//! The records of a name other than its addresses: who takes its mail (MX), which services it names (SRV), and what it
//! announces (TXT, TLSA). What they mean is read in `domain::dns`.

use hickory_resolver::proto::rr::{Name, RData, RecordType};

use super::{NameError, Names};
use crate::domain::dns::{Mx, Srv};
use crate::domain::{Span, Text};

/// As many characters of a TXT record are kept: DNS allows 64 KiB.
const MAX_TXT: usize = 1_024;

impl Names {
    /// The MX records of a domain (RFC 1035 3.3.9).
    pub async fn mx(&self, domain: &str, limit: Span) -> Result<Vec<Mx>, NameError> {
        self.read(domain, RecordType::MX, limit, |data| match data {
            RData::MX(mx) => Some(Mx {
                preference: mx.preference,
                host: plain(&mx.exchange),
            }),
            _ => None,
        })
        .await
    }

    /// The SRV records at a name: `_imaps._tcp.example.com` (RFC 2782).
    pub async fn srv(&self, name: &str, limit: Span) -> Result<Vec<Srv>, NameError> {
        self.read(name, RecordType::SRV, limit, |data| match data {
            RData::SRV(srv) => Some(Srv {
                priority: srv.priority,
                weight: srv.weight,
                port: srv.port,
                target: plain(&srv.target),
            }),
            _ => None,
        })
        .await
    }

    /// The TXT records at a name, each with its pieces put together.
    pub async fn txt(&self, name: &str, limit: Span) -> Result<Vec<Text>, NameError> {
        self.read(name, RecordType::TXT, limit, |data| match data {
            RData::TXT(txt) => Some(Text::bounded(&txt.txt_data.concat(), MAX_TXT)),
            _ => None,
        })
        .await
    }

    /// How many TLSA records stand at a name: `_25._tcp.mx1.example.com` (RFC 6698 3, RFC 7672 2.2). Whether DNSSEC
    /// vouches for them is not looked at, so that nobody may trust a certificate by them.
    pub async fn tlsa(&self, name: &str, limit: Span) -> Result<usize, NameError> {
        let is_one = |data: &RData| matches!(data, RData::TLSA(_)).then_some(());
        self.read(name, RecordType::TLSA, limit, is_one)
            .await
            .map(|all| all.len())
    }

    /// An alias (CNAME) stands in the answer before what it leads to, and is passed over.
    async fn read<T>(
        &self,
        name: &str,
        kind: RecordType,
        limit: Span,
        one: impl Fn(&RData) -> Option<T>,
    ) -> Result<Vec<T>, NameError> {
        let records = self.records(name, kind, limit).await?;
        Ok(records.iter().filter_map(|r| one(&r.data)).collect())
    }
}

/// In lower case, as names are compared (RFC 4343), and without the dot of the root.
fn plain(name: &Name) -> Text {
    let ascii = name.to_lowercase().to_ascii();
    ascii.strip_suffix('.').unwrap_or(&ascii).into()
}
