//! Settings from TOML: one pass turns every key into a valid type and collects what is wrong, each fault
//! with its file, line and key, so nothing downstream checks again.
//!
//! A [`Source`] is a file being read, a [`Section`] one of its tables, and [`value`] has a function for
//! each kind of value. The programs define their own keys and, behind [`Fault::Impossible`], their own
//! rules.

mod fault;
mod section;
pub mod value;

pub use fault::ConfigError;
pub use fault::ConfigErrors;
pub use fault::Fault;
pub use section::Section;
pub use section::Source;
pub use section::unexpected;
