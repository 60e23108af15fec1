//! mailtop: a terminal console for people on call for mail. ARCHITECTURE.md says how the rooms lie.

pub mod canary;
pub mod clock;
pub mod commands;
pub mod config;
pub mod console;
pub mod demo;
pub mod domain;
pub mod engine;
pub mod jobs;
pub mod journal;
pub mod model;
pub mod probe;
pub mod queue;
pub mod reach;
pub mod report;
