//! Small parts that views are made of. Each is a pure function from values to lines or cells; none knows the app.

pub mod boxed;
pub mod cells;
pub mod chart;
pub mod editor;
pub mod heat;
pub mod input;
pub mod meter;
pub mod spark;

pub use cells::{Cells, cut, width};
