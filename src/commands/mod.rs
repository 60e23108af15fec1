//! One file a subcommand, each a page long.
