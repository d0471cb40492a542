//! The other end of the API: what `show`, `softwire` and `lease` do with it.

mod connection;
mod lease;
mod many;
mod print;
mod show;
mod softwire;

pub use connection::Client;
pub use connection::ClientError;
pub use lease::announce;
pub use lease::revoke;
pub use lease::who;
pub use show::show;
pub use softwire::softwire;

#[cfg(test)]
mod tests;
