//! The doors of a domain: asks DNS for its MX records (RFC 5321 5.1) and for the services that it names by SRV (RFC 6186,
//! RFC 8314, RFC 5804), all at once. What the answers mean stands in `domain::dns`.

use futures::future::join_all;

use crate::config::targets::Ask;
use crate::domain::dns::{Doors, Route, SERVICES, route};
use crate::domain::{Span, Text};
use crate::reach::dial::{NameError, Names};

/// Asks, on a runtime of its own: it comes before there is anything to run.
pub fn doors(ask: &Ask<'_>) -> Doors {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    match runtime {
        Ok(runtime) => runtime.block_on(find(&Names::of(ask.resolvers), ask.domain, ask.timeout)),
        Err(e) => Doors {
            unanswered: vec![format!("the runtime could not be started: {e}").into()],
            ..Doors::default()
        },
    }
}

async fn find(names: &Names, domain: &str, limit: Span) -> Doors {
    let services = join_all(SERVICES.iter().map(|s| async move {
        let at = format!("{}.{domain}", s.label);
        (s, names.srv(&at, limit).await)
    }));
    let (inbound, services) = tokio::join!(inbound(names, domain, limit), services);
    let mut doors = inbound;
    for (service, said) in services {
        match said {
            Ok(records) => doors.named(service, &records),
            // A name that is not there, or is too long to be, names no service.
            Err(NameError::NoSuchName(_) | NameError::NotAName(_) | NameError::NoAddress(_)) => {}
            Err(e @ NameError::NoAnswer { .. }) => doors.unanswered.push(e.to_string().into()),
        }
    }
    doors
}

/// Who takes its mail.
async fn inbound(names: &Names, domain: &str, limit: Span) -> Doors {
    let mut doors = Doors::default();
    match names.mx(domain, limit).await.map(|records| route(&records)) {
        Ok(Route::Hosts(hosts, notes)) => {
            doors.notes.extend(notes);
            for mx in hosts {
                doors.inbound(&mx.host);
            }
        }
        Ok(Route::Nowhere) => doors
            .notes
            .push(format!("{domain} takes no mail (null MX, RFC 7505)").into()),
        // Asked with the root's dot, so that no search domain is put behind it.
        Ok(Route::Itself) => match names.addresses(&format!("{domain}."), limit).await {
            Ok(_) => {
                let note = format!("{domain} has no MX record: its own address takes its mail (RFC 5321 5.1)");
                doors.notes.push(note.into());
                doors.inbound(&domain.into());
            }
            Err(NameError::NoAnswer { .. } | NameError::NotAName(_)) => {
                doors
                    .unanswered
                    .push(format!("no answer for the address of {domain}").into());
            }
            Err(_) => {}
        },
        Err(e @ NameError::NoAnswer { .. }) => doors.unanswered.push(Text::from(e.to_string())),
        Err(e) => doors.notes.push(Text::from(e.to_string())),
    }
    doors
}
