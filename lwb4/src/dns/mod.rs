//! DNS as an lwB4 needs it: the address behind the AFTR's name, asked for over IPv6, and the resolvers
//! that were learned, handed to the LAN's DNS proxy (LW-028; RFC 6333 s5.5; RFC 6334).
//!
//! Of DNS itself only reading answers, with their compressed names, is taken from a crate, simple-dns; the
//! system's resolver asks over IPv4 too, and would need the C library's plug-ins in a static program.

mod aftr;
mod name;
mod query;
mod servers_file;

pub use aftr::Aftr;
pub use aftr::Ask;
pub use name::DomainName;
pub use name::NameError;
pub use query::Addresses;
pub use query::AnswerError;
pub use query::answer;
pub use query::question;
pub use servers_file::ServersFile;
pub use servers_file::ServersFileError;
