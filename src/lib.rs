//! mailtop: a terminal console for people on call for mail.
pub mod clock;
pub mod config;
pub mod domain;
pub mod jobs;
pub mod reach;
