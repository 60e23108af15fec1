//! The command line of mailtop.
fn main() {}
