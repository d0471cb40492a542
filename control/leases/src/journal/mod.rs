//! The journal: numbered segments of numbered records, one record for each group commit.
//!
//! ```text
//!  journal.0000 ┌────────┬────────┬────────┬──────┐   journal.0001 ┌────────┬────────┐
//!   segment 7   │ header │ rec 40 │ rec 41 │ zero │    segment 8   │ header │ rec 42 │ …
//!               │ from 40│        │        │      │                │ from 42│        │
//!               └────────┴────────┴────────┴──────┘                └────────┴────────┘
//! ```
//!
//! Several records may be on their way to the disk at once, and may get there in any order; but a segment's header
//! is written when the segment before it is durable. So a record that cannot be read was on its way when the power
//! went, and those behind it are no longer wanted, unless one of them says that it had been durable: then the store
//! is damaged. Where a segment begins, the one before it ends, whatever else stands there: records whose commits
//! failed are overruled that way.
//!
//! Files are used again and never renamed; what an earlier use has left has another tag.

mod record;
mod segment;
mod walk;

pub(crate) use record::RECORD_HEADER;
pub(crate) use record::Record;
pub(crate) use record::padded;
pub(crate) use segment::FIRST_RECORD;
pub(crate) use segment::SHORTEST;
pub(crate) use segment::Segment;
pub(crate) use segment::Tag;
pub(crate) use segment::file_name;
pub(crate) use segment::number_of;
pub(crate) use walk::Walk;
pub(crate) use walk::records_anywhere;
