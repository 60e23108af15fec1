//! The table of when senders give up: the one that comes with mailtop, or the user's own file in its place. The user's file
//! is checked as the config is, and its mistakes are named with its own lines.

use std::path::Path;

use toml::de::DeTable;

use super::door::Context;
use super::mistake::{Mistake, Sheet, Wrong};
use super::names::Names;
use super::quantity::PATIENCE;
use super::table::Reader;
use super::{file, schema};
use crate::domain::Text;
use crate::domain::horizon::Patience;

/// The table that comes with mailtop, as TOML: to be printed for who wants to edit it.
pub const SHIPPED: &str = include_str!("../../assets/senders.toml");

/// The table that comes with mailtop.
pub(super) fn shipped() -> Vec<Patience> {
    // It holds no mistake: a test reads it.
    parse(SHIPPED.as_bytes(), "senders.toml".into()).unwrap_or_default()
}

/// The table that `[defaults]` names, else the shipped one.
pub(super) fn named(defaults: &Reader, context: &Context, sheet: &mut Sheet) -> Vec<Patience> {
    let Some(given) = defaults.text("senders", sheet) else {
        return shipped();
    };
    let path = context.around.resolve(context.base, &given.value);
    match file::bounded(&path) {
        Ok((bytes, _)) => parse(&bytes, shown(&path)).unwrap_or_else(|mistakes| {
            sheet.elsewhere(mistakes);
            Vec::new()
        }),
        Err(why) => {
            let wrong = Wrong::new(
                format!("cannot read {}: {why}", path.display()),
                "name a table of senders that you can read, or leave it out for the one that comes with mailtop",
            );
            sheet.mistake(given.at, &given.key, wrong);
            Vec::new()
        }
    }
}

fn shown(path: &Path) -> Text {
    use std::os::unix::ffi::OsStrExt;
    Text::from_bytes(path.as_os_str().as_bytes())
}

fn parse(bytes: &[u8], name: Text) -> Result<Vec<Patience>, Vec<Mistake>> {
    let source = String::from_utf8_lossy(bytes);
    let mut sheet = Sheet::new(name, &source);
    let root = file::toml_of(&source, bytes, &mut sheet);
    let senders = walk(root.get_ref(), &mut sheet);
    let mistakes = sheet.finish().mistakes;
    if mistakes.is_empty() {
        Ok(senders)
    } else {
        Err(mistakes)
    }
}

fn walk(root: &DeTable, sheet: &mut Sheet) -> Vec<Patience> {
    let top = Reader::top(root);
    top.unknown(&["sender"], sheet);
    if !top.holds("sender") {
        let fix = "add a [[sender]] with name, gives_up_after and source; leave `senders` out of [defaults] for the table that \
                   comes with mailtop";
        sheet.absent(0, "sender", Wrong::new("no sender is named", fix));
    }
    let mut names = Names::of("sender");
    top.tables("sender", "[[sender]]", sheet)
        .iter()
        .filter_map(|t| sender(t, &mut names, sheet))
        .collect()
}

fn sender(table: &Reader, names: &mut Names, sheet: &mut Sheet) -> Option<Patience> {
    table.unknown(schema::SENDER, sheet);
    let name = table.needed("name", "\"Mailgun\"", sheet);
    if let Some(name) = &name {
        names.take(name, sheet);
    }
    let place = table.place_of("gives_up_after");
    if place.is_none() {
        let fix = "write for example gives_up_after = \"24h\"";
        sheet.absent(table.at, &table.key("gives_up_after"), Wrong::new("is missing", fix));
    }
    let gives_up_after = table.span("gives_up_after", PATIENCE, sheet);
    let at_least = table.span("at_least", PATIENCE, sheet);
    if let (Some(most), Some(least)) = (gives_up_after, at_least)
        && least > most
    {
        let wrong = Wrong::new(
            format!("{least} is longer than gives_up_after"),
            "write the shortest time here, and the usual one in gives_up_after",
        );
        sheet.mistake(
            table.place_of("at_least").unwrap_or(table.at),
            &table.key("at_least"),
            wrong,
        );
    }
    let tries = table.text("tries", sheet).map(|t| t.value.into());
    let source = table.needed("source", "\"its documentation, read on 2026-11-01\"", sheet);
    Some(Patience {
        sender: name?.value.into(),
        gives_up_after: gives_up_after?,
        at_least,
        tries,
        source: source?.value.into(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Span;

    fn mistakes(text: &str) -> Vec<String> {
        let found = parse(text.as_bytes(), "senders.toml".into()).unwrap_err();
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_table_holds_each_sender_once_with_its_time_and_source() {
        let senders = parse(SHIPPED.as_bytes(), "senders.toml".into()).unwrap();
        let hours: Vec<_> = senders
            .iter()
            .map(|s| (s.sender.as_str(), s.gives_up_after.secs() / 3_600))
            .collect();
        assert_eq!(
            hours,
            [
                ("Mailgun", 8),
                ("Amazon SES", 14),
                ("Exchange Online", 24),
                ("Exchange Server", 48),
                ("SendGrid", 72),
                ("Mimecast", 96),
                ("Exim default", 96),
                ("Postfix default", 120),
                ("Sendmail", 120),
                ("others that follow the RFC", 120),
            ]
        );
        assert_eq!(senders[2].at_least, Some(Span::from_hours(12)));
        assert_eq!(shipped(), senders);
    }

    #[test]
    fn every_mistake_is_named_with_its_line_its_key_and_its_fix() {
        let text = "[[sender]]\nname = \"A\"\ngives_up_after = \"8\"\nsource = \"x\"\n\n[[sender]]\nname = \"A\"\n\
                    gives_up_after = \"1h\"\nat_least = \"2h\"\ntrie = \"x\"\n";
        assert_eq!(
            mistakes(text),
            [
                "senders.toml:3:18: sender[0].gives_up_after: `8` has no unit — write \"8s\" if seconds are meant, or another \
                 unit: ms, s, m, h, d",
                "senders.toml:6:1: sender[1].source: is missing — write for example source = \"its documentation, read on \
                 2026-11-01\"",
                "senders.toml:7:8: sender[1].name: a second sender is called `A`, after sender[0].name — give each a \
                 name of its own",
                "senders.toml:9:1: sender[1].at_least: 2h00m is longer than gives_up_after — write the shortest time here, and \
                 the usual one in gives_up_after",
                "senders.toml:10:1: sender[1].trie: unknown key `trie` — did you mean `tries`?",
            ]
        );
    }

    #[test]
    fn a_table_without_senders_and_a_file_that_is_no_toml_are_mistakes() {
        assert!(mistakes("")[0].contains("no sender is named"));
        assert!(mistakes("sender = [")[0].starts_with("senders.toml:1:"));
        assert!(mistakes("[sender]\nname = \"A\"\n")[0].contains("double brackets"));
    }
}
