//! Presets: the keys of jobs that many mail hosts have, from a table that comes with mailtop.

use std::sync::LazyLock;

use toml::de::DeTable;

use super::mistake::{Sheet, Wrong, did_you_mean};
use super::table::Reader;

/// The presets as TOML, to be printed.
pub const SHIPPED: &str = include_str!("../../assets/presets.toml");

// It holds no mistake: a test reads it.
static TABLES: LazyLock<DeTable<'static>> = LazyLock::new(|| {
    DeTable::parse(SHIPPED)
        .map(toml::Spanned::into_inner)
        .unwrap_or_default()
});

/// The same table with the preset that it names below it; as it is when it names none, or one that is not there.
pub(super) fn below<'t, 'i>(table: &Reader<'t, 'i>, sheet: &mut Sheet) -> Option<Reader<'t, 'i>> {
    let named = table.text("preset", sheet)?;
    let preset = TABLES.get(named.value.as_str()).and_then(|t| t.get_ref().as_table());
    if let Some(preset) = preset {
        return Some(table.over(preset, named.at));
    }
    let known: Vec<&str> = TABLES.keys().map(|k| k.get_ref().as_ref()).collect();
    let fix = did_you_mean(&named.value, &known).map_or_else(
        || format!("there are: {}; `mailtop config presets` prints them", known.join(", ")),
        |meant| format!("did you mean \"{meant}\"?"),
    );
    let wrong = Wrong::new(format!("there is no preset `{}`", named.value), fix);
    sheet.mistake(named.at, &named.key, wrong);
    None
}
