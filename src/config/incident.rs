//! `[incident]`: when incidents open by themselves and when their end is proposed, how often the public is told, by what and in
//! which words.

use super::door::Context;
use super::mistake::{Sheet, Wrong, did_you_mean};
use super::quantity::Bounds;
use super::table::Reader;
use super::{schema, templates};
use crate::domain::Span;
use crate::domain::health::{Layer, Verdict};
use crate::domain::incident::debt::Cadence;
use crate::domain::incident::number::Pattern;
use crate::domain::incident::opening::Rules;
use crate::domain::incident::terms::{Remind, Templates, Terms};

/// How incidents are kept.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Incident {
    /// When they open and end.
    pub rules: Rules,
    /// What holds for those who keep them.
    pub terms: Terms,
}

const TIMES: Bounds = Bounds {
    least: Span::ZERO,
    most: Span::from_hours(24 * 7),
};
const CADENCE: Bounds = Bounds {
    least: Span::from_mins(1),
    most: Span::from_hours(24 * 7),
};

/// Reads the table.
pub(super) fn incident(table: &Reader, context: &Context, sheet: &mut Sheet) -> Incident {
    table.unknown(schema::INCIDENT, sheet);
    let (rules, cadence) = (Rules::default(), Cadence::default());
    let probes = table.count("probes", 1_000, sheet);
    Incident {
        rules: Rules {
            open_after: table.span("open_after", TIMES, sheet).unwrap_or(rules.open_after),
            probes: probes.and_then(|n| u32::try_from(n).ok()).unwrap_or(rules.probes),
            layers: layers(table, sheet).unwrap_or(rules.layers),
            together: table.span("together", TIMES, sheet).unwrap_or(rules.together),
            reopen_within: table.span("reopen_within", TIMES, sheet).unwrap_or(rules.reopen_within),
            good_for: table.span("good_for", TIMES, sheet).unwrap_or(rules.good_for),
        },
        terms: Terms {
            cadence: Cadence {
                first: table.span("first_update", CADENCE, sheet).unwrap_or(cadence.first),
                then: table.span("update_every", CADENCE, sheet).unwrap_or(cadence.then),
                until: table.span("often_for", TIMES, sheet).unwrap_or(cadence.until),
                later: table.span("later_every", CADENCE, sheet).unwrap_or(cadence.later),
            },
            publish: table.argv("publish", sheet).map(|g| g.value),
            number: number(table, sheet),
            remind: remind(table, sheet),
            templates: own_templates(table, context, sheet),
        },
    }
}

/// How the terminal tells that an update is due: each way once.
fn remind(table: &Reader, sheet: &mut Sheet) -> Vec<Remind> {
    let Some(given) = table.texts("notify", "\"bell\", \"osc9\"", sheet) else {
        return Vec::new();
    };
    let words = Remind::ALL.map(|(word, _)| word);
    let mut ways = Vec::new();
    for word in &given.value {
        match Remind::ALL.into_iter().find(|(w, _)| w == word) {
            Some((_, way)) if ways.contains(&way) => {}
            Some((_, way)) => ways.push(way),
            None => {
                let fix = did_you_mean(word, &words).map_or_else(
                    || format!("write some of {}", words.join(", ")),
                    |meant| format!("did you mean \"{meant}\"?"),
                );
                let wrong = Wrong::new(format!("`{word}` is no way to tell"), fix);
                sheet.mistake(given.at, &given.key, wrong);
            }
        }
    }
    ways
}

/// The user's own templates. What is wrong in one of them keeps nothing from starting: mailtop's own stands in for it.
fn own_templates(table: &Reader, context: &Context, sheet: &mut Sheet) -> Templates {
    let Some(given) = table.text("templates", sheet) else {
        return Templates::default();
    };
    let dir = context.around.resolve(context.base, &given.value);
    match templates::read(&dir) {
        Ok(templates) => templates,
        Err(why) => {
            let fix = "name the folder in which your templates are, or leave `templates` out";
            let wrong = Wrong::new(format!("`{}` cannot be read: {why}", given.value), fix);
            sheet.mistake(given.at, &given.key, wrong);
            Templates::default()
        }
    }
}

fn layers(table: &Reader, sheet: &mut Sheet) -> Option<Vec<Layer>> {
    let given = table.texts("layers", "\"network\", \"store\"", sheet)?;
    // Only an outage opens one: a failure that is never "down" would be waited for in vain.
    let outage = |l: &Layer| l.verdict() == Verdict::Down;
    let words: Vec<&str> = Layer::ALL.into_iter().filter(outage).map(Layer::word).collect();
    let mut layers = Vec::new();
    for word in &given.value {
        let layer = Layer::ALL.into_iter().find(|l| l.word() == word);
        if let Some(layer) = layer.filter(outage) {
            layers.push(layer);
            continue;
        }
        let some_of = || format!("write some of {}", words.join(", "));
        let wrong = if layer.is_some() {
            let what = format!("a failure at `{word}` is a warning and no outage: no incident opens by it");
            Wrong::new(what, some_of())
        } else {
            let fix = did_you_mean(word, &words).map_or_else(some_of, |meant| format!("did you mean \"{meant}\"?"));
            Wrong::new(format!("`{word}` is not a layer"), fix)
        };
        sheet.mistake(given.at, &given.key, wrong);
    }
    Some(layers)
}

fn number(table: &Reader, sheet: &mut Sheet) -> Option<Pattern> {
    let given = table.text("number", sheet)?;
    match Pattern::parse(&given.value) {
        Ok(pattern) => Some(pattern),
        Err(why) => {
            let fix = "write # for each digit and @ for each letter, for example \"INC######\"";
            let wrong = Wrong::new(format!("`{}` is no pattern of numbers: {why}", given.value), fix);
            sheet.mistake(given.at, &given.key, wrong);
            None
        }
    }
}
