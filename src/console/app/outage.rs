//! Since when a server's senders could not deliver, as a person says it: typed as a time, shown as it is understood, and
//! put on record. It changes nothing on the server, so a read-only console may do it too.

use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ZonedDateTime};
use tui_input::Input;

use crate::console::keymap::Command;
use crate::domain::Name;
use crate::domain::effect::Effect;

use super::{App, Overlay};

/// What may be typed.
pub const FORMS: &str = "10:58, Sat 10:58, 2026-11-21 10:58; - takes it back";

/// The input.
#[derive(Clone, Debug)]
pub struct OutageDialog {
    /// The server.
    pub server: Name,
    /// What was typed.
    pub input: Input,
    /// Whether Enter was pressed on something that is no time: then the error is said even of an empty line.
    pub tried: bool,
}

impl App {
    /// Opens the input for the server that is meant, with what was typed after the command's name.
    pub(super) fn open_outage(&mut self, typed: &str, now: Timestamp) {
        let Some(server) = self.current(now) else {
            return self.say("no server is selected");
        };
        self.fleet.select(Some(server.clone()));
        self.overlay = Some(Overlay::Outage(OutageDialog {
            server,
            input: Input::new(typed.to_owned()),
            tried: false,
        }));
    }

    pub(super) fn in_outage(&mut self, command: Command, now: Timestamp) -> Vec<Effect> {
        let zone = self.options.zone.clone();
        let Some(Overlay::Outage(dialog)) = &mut self.overlay else {
            return Vec::new();
        };
        match command {
            Command::Open => match since(dialog.input.value(), now, &zone) {
                Ok(since) => {
                    let server = dialog.server.clone();
                    self.overlay = None;
                    self.say(match since {
                        Some(_) => format!("putting the start of the outage of {server} on record"),
                        None => format!("the outage of {server} begins again where the record says"),
                    });
                    return vec![Effect::CorrectOutage { server, since }];
                }
                Err(_) => dialog.tried = true,
            },
            Command::Back => self.overlay = None,
            _ => {}
        }
        Vec::new()
    }
}

/// The moment that was typed, `None` for a correction that is taken back. A time alone is the last time that the clock
/// showed it, a weekday its last one.
///
/// # Errors
/// What is wrong with it, in words.
pub fn since(typed: &str, now: Timestamp, zone: &TimeZone) -> Result<Option<Timestamp>, String> {
    let typed = typed.trim();
    if typed == "-" {
        return Ok(None);
    }
    let here = now.to_zoned_datetime(zone.clone());
    let words: Vec<&str> = typed.split_whitespace().collect();
    let at = match words[..] {
        [] => return Err(format!("type a time: {FORMS}")),
        [time] if !time.contains('-') => last(&here, clock(time)?, |_| true),
        [day, time] if day.starts_with(|c: char| c.is_ascii_digit()) => {
            let date = day
                .parse::<jiff::civil::Date>()
                .map_err(|_| format!("{day} is no date: write it as 2026-11-21"))?;
            zoned(date.to_datetime(clock(time)?), zone)
        }
        [day, time] => {
            let day = weekday(day).ok_or_else(|| format!("{day} is no day of the week: write Sat, or a date"))?;
            last(&here, clock(time)?, |d| d.weekday() == day)
        }
        _ => return Err(format!("not understood: write {FORMS}")),
    };
    let at = at.ok_or_else(|| format!("there is no such moment: write {FORMS}"))?;
    if at > now {
        return Err("that is in the future".to_owned());
    }
    Ok(Some(at))
}

fn clock(word: &str) -> Result<Time, String> {
    let bad = || format!("{word} is no time of day: write it as 10:58");
    let parts: Vec<&str> = word.split(':').collect();
    let number = |s: &&str| {
        let digits = (1..=2).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| s.parse::<i8>().ok()).flatten()
    };
    let numbers: Option<Vec<i8>> = parts.iter().map(number).collect();
    match numbers.as_deref() {
        Some([h, m]) => Time::new(*h, *m, 0, 0).map_err(|_| bad()),
        Some([h, m, s]) => Time::new(*h, *m, *s, 0).map_err(|_| bad()),
        _ => Err(bad()),
    }
}

/// The last day up to now that fits and on which the clock has shown this time.
fn last(here: &ZonedDateTime, time: Time, fits: impl Fn(&DateTime) -> bool) -> Option<Timestamp> {
    let mut day = here.date();
    for _ in 0..9 {
        let at = day.to_datetime(time);
        if fits(&at)
            && let Some(at) = zoned(at, here.time_zone()).filter(|at| *at <= here.timestamp())
        {
            return Some(at);
        }
        day = day.yesterday().ok()?;
    }
    None
}

fn zoned(at: DateTime, zone: &TimeZone) -> Option<Timestamp> {
    at.to_zoned_datetime(zone.clone()).ok().map(|z| z.timestamp())
}

fn weekday(word: &str) -> Option<Weekday> {
    let word = word.to_lowercase();
    let all = [
        ("monday", Weekday::Monday),
        ("tuesday", Weekday::Tuesday),
        ("wednesday", Weekday::Wednesday),
        ("thursday", Weekday::Thursday),
        ("friday", Weekday::Friday),
        ("saturday", Weekday::Saturday),
        ("sunday", Weekday::Sunday),
    ];
    let fits = |name: &str| word.chars().count() >= 3 && name.starts_with(word.trim_end_matches(','));
    all.into_iter().find(|(name, _)| fits(name)).map(|(_, day)| day)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is understood on Sunday 2026-11-22 at 18:36:04 UTC.
    fn on(typed: &str, zone: &TimeZone) -> Result<String, String> {
        let now: Timestamp = "2026-11-22T18:36:04Z".parse().unwrap();
        since(typed, now, zone).map(|at| at.map_or("back".to_owned(), |at| at.to_string()))
    }

    #[test]
    fn a_time_is_the_last_one_and_a_day_its_last() {
        for (typed, at) in [
            ("10:58", "2026-11-22T10:58:00Z"),
            ("19:00", "2026-11-21T19:00:00Z"),
            ("18:36", "2026-11-22T18:36:00Z"),
            ("9:05:30", "2026-11-22T09:05:30Z"),
            ("Sat 10:58", "2026-11-21T10:58:00Z"),
            ("saturday 10:58", "2026-11-21T10:58:00Z"),
            ("sun 10:58", "2026-11-22T10:58:00Z"),
            ("Sun 23:00", "2026-11-15T23:00:00Z"),
            (" 2026-11-21  10:58 ", "2026-11-21T10:58:00Z"),
            ("-", "back"),
        ] {
            assert_eq!(on(typed, &TimeZone::UTC).as_deref(), Ok(at), "{typed}");
        }
    }

    #[test]
    fn what_is_typed_is_meant_in_the_zone_of_the_clock() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        assert_eq!(on("Sat 10:58", &zone).as_deref(), Ok("2026-11-21T09:58:00Z"));
        assert_eq!(on("19:30", &zone).as_deref(), Ok("2026-11-22T18:30:00Z"));
    }

    #[test]
    fn what_is_no_time_or_has_not_been_yet_is_said_and_not_guessed() {
        for (typed, why) in [
            ("", "type a time"),
            ("noon", "noon is no time of day"),
            ("25:00", "25:00 is no time of day"),
            ("10:5x", "10:5x is no time of day"),
            ("Foo 10:58", "Foo is no day of the week"),
            ("Sa 10:58", "Sa is no day of the week"),
            ("2026-13-01 10:58", "2026-13-01 is no date"),
            ("2026-11-23 10:58", "in the future"),
            ("2026-11-21", "not understood"),
            ("Sat 21 Nov 10:58", "not understood"),
        ] {
            let said = on(typed, &TimeZone::UTC).unwrap_err();
            assert!(said.contains(why), "{typed}: {said}");
        }
    }
}
