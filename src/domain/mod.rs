//! Values and rules, pure: no clock, no I/O, no tokio, no ratatui; time comes in as an argument.
//! Everything that mailtop knows is one of these values, and everything it decides is a function here or in
//! [`crate::model`]. May import std, serde, jiff and small pure text crates, nothing of mailtop's own.

pub mod action;
pub mod argv;
pub mod batch;
pub mod canary;
pub mod dns;
pub mod door;
pub mod effect;
pub mod event;
pub mod flow;
pub mod forecast;
pub mod health;
pub mod horizon;
pub mod incident;
pub mod influence;
pub mod job;
pub mod message;
pub mod queue;
pub mod reading;
pub mod reason;
pub mod roster;
pub mod span;
pub mod standing;
pub mod text;

pub use jiff::Timestamp;
pub use span::Span;
pub use text::{Name, Text};
