//! The journal: numbered segments of numbered records, one record for each group commit.
//!
//! ```text
//!  journal.0000 ┌────────┬────────┬────────┬──────┐   journal.0001 ┌────────┬────────┐
//!   segment 7   │ header │ rec 40 │ rec 41 │ zero │    segment 8   │ header │ rec 42 │ …
//!               │ from 40│        │        │      │                │ from 42│        │
//!               └────────┴────────┴────────┴──────┘                └────────┴────────┘
//! ```
//!
//! A segment's header is durable before its first record is written, and a record before the next one is.
//! So a record that cannot be read is the last one, or the store is damaged. Where a segment begins, the one
//! before it ends, whatever else stands there: a record whose commit failed is overruled that way.
//!
//! Files are used again and never renamed; what an earlier use has left has lower numbers.

mod record;
mod segment;
mod walk;

pub(crate) use record::RECORD_HEADER;
pub(crate) use record::Record;
pub(crate) use record::padded;
pub(crate) use segment::FIRST_RECORD;
pub(crate) use segment::SHORTEST;
pub(crate) use segment::Segment;
pub(crate) use segment::file_name;
pub(crate) use segment::number_of;
pub(crate) use walk::Walk;
pub(crate) use walk::records_anywhere;
