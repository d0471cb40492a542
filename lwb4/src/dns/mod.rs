//! DNS as an lwB4 needs it: the address behind the AFTR's name, asked for over IPv6, and the resolvers
//! that were learned, handed to the LAN's DNS proxy (LW-028; RFC 6333 s5.5; RFC 6334).

mod name;

pub use name::DomainName;
pub use name::NameError;
