//! mailtop: a terminal console for people on call for mail.
pub mod clock;
pub mod config;
pub mod console;
pub mod domain;
pub mod model;
pub mod reach;
