//! What can go wrong with a journal, by what is to be done about it.

use rusqlite::ErrorCode;

use crate::domain::Text;

/// Why the journal could not do what was asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Trouble {
    /// Another program holds the file. Passes by itself.
    #[error("another program holds the journal locked: {0}")]
    Busy(Text),
    /// The contents are not what a journal's should be: the file is to be moved aside.
    #[error("the journal is damaged: {0}")]
    Damaged(Text),
    /// No space, or a limit on the size of files.
    #[error("no space for the journal: {0} (free some, and recording goes on)")]
    Full(Text),
    /// Permissions, a read-only file system, a missing folder.
    #[error("the journal cannot be written: {0} (mend its permissions, or name another with --journal)")]
    Denied(Text),
    /// Made by a newer mailtop, or by another program, or no journal at all.
    #[error("the journal is not ours to write: {0} (name another with --journal)")]
    NotOurs(Text),
    /// Anything else that the system or SQLite said.
    #[error("the journal's disk failed: {0}")]
    Disk(Text),
    /// The place that an export goes to.
    #[error("writing the export: {0}")]
    Output(Text),
    /// A bundle that cannot be read, or is none; names file and line.
    #[error("{0}")]
    Bundle(Text),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        let said: Text = error.to_string().into();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => Self::Busy(said),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged(said),
            Some(ErrorCode::DiskFull) => Self::Full(said),
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied | ErrorCode::CannotOpen) => Self::Denied(said),
            _ => Self::Disk(said),
        }
    }
}

impl Trouble {
    /// From an error of the system, with what was being done.
    pub(super) fn system(what: &str, error: &std::io::Error) -> Self {
        use std::io::ErrorKind::{
            AlreadyExists, FileTooLarge, NotADirectory, NotFound, PermissionDenied, QuotaExceeded, ReadOnlyFilesystem,
            StorageFull,
        };
        let said: Text = format!("{what}: {error}").into();
        match error.kind() {
            StorageFull | QuotaExceeded | FileTooLarge => Self::Full(said),
            PermissionDenied | ReadOnlyFilesystem | NotFound | NotADirectory | AlreadyExists => Self::Denied(said),
            _ => Self::Disk(said),
        }
    }
}
