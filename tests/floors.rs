//! Holds the floors of the house (ARCHITECTURE.md): which room may import which. The message names file, line and rule.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};

/// A room and the rooms that it may import besides itself. `commands` may import all.
const FLOORS: &[(&str, &[&str])] = &[
    ("clock", &["domain"]),
    ("domain", &[]),
    ("model", &["domain"]),
    ("reach", &["domain", "clock"]),
    ("probe", &["domain", "clock", "reach"]),
    ("queue", &["domain", "clock", "reach"]),
    // A letter goes through doors as a probe does, and further.
    ("canary", &["domain", "clock", "reach", "probe"]),
    // A valve of a mail system counts the mail that it would touch.
    ("jobs", &["domain", "clock", "reach", "queue"]),
    ("journal", &["domain", "clock"]),
    ("config", &["domain"]),
    (
        "engine",
        &[
            "domain", "clock", "model", "reach", "probe", "queue", "canary", "jobs", "journal", "config",
        ],
    ),
    ("report", &["domain", "model"]),
    ("console", &["domain", "clock", "model", "config", "report"]),
    ("demo", &["domain", "clock", "reach"]),
];

/// What the pure floors may not name, and why.
const IMPURE: &[&str] = &[
    "tokio",
    "ratatui",
    "crossterm",
    "std::fs",
    "std::net",
    "std::process",
    "::now()",
    "Instant",
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs") {
            into.push(path);
        }
    }
}

fn all() -> Vec<(String, PathBuf)> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    files.sort();
    let room = |f: &Path| {
        let first = f.strip_prefix(&src).unwrap().components().next().unwrap();
        first.as_os_str().to_string_lossy().trim_end_matches(".rs").to_owned()
    };
    files.into_iter().map(|f| (room(&f), f)).collect()
}

/// The rooms that a line of code names: `crate::room…`, also inside `use crate::{a, b}`.
fn named(line: &str) -> Vec<String> {
    let code = line.split("//").next().unwrap_or_default();
    let word = |s: &str| {
        s.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect::<String>()
    };
    code.match_indices("crate::")
        .flat_map(|(i, m)| {
            let rest = &code[i + m.len()..];
            match rest.strip_prefix('{') {
                Some(group) => group.split(',').map(|p| word(p.trim())).collect::<Vec<_>>(),
                None => vec![word(rest)],
            }
        })
        .filter(|w| !w.is_empty())
        .collect()
}

#[test]
fn every_room_imports_only_the_floors_below_it() {
    let mut broken = Vec::new();
    for (room, file) in all() {
        let Some((_, may)) = FLOORS.iter().find(|(r, _)| *r == room) else {
            assert!(
                matches!(room.as_str(), "lib" | "main" | "commands"),
                "{}: the room {room} has no floor",
                file.display()
            );
            continue;
        };
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            for used in named(line).iter().filter(|u| **u != room && !may.contains(&u.as_str())) {
                broken.push(format!(
                    "{}:{}: {room} may not import {used} (it may: {})",
                    file.display(),
                    n + 1,
                    may.join(", ")
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_pure_floors_name_no_clock_no_disk_no_runtime_and_no_screen() {
    let mut broken = Vec::new();
    for (room, file) in all()
        .into_iter()
        .filter(|(r, _)| ["domain", "model", "report"].contains(&r.as_str()))
    {
        for (n, line) in fs::read_to_string(&file).unwrap().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE.iter().filter(|w| code.contains(**w)) {
                broken.push(format!(
                    "{}:{}: {room} is pure and may not name {word}",
                    file.display(),
                    n + 1
                ));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

#[test]
fn the_reader_of_imports_sees_groups_and_paths() {
    assert_eq!(
        named("use crate::{domain::Span, reach}; // crate::no"),
        ["domain", "reach"]
    );
    assert_eq!(
        named("    crate::engine::start(crate::config::load())"),
        ["engine", "config"]
    );
}
