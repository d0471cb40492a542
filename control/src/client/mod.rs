//! The other end of the API: what `show` and `softwire` do with it.

mod connection;
mod many;
mod print;
mod show;
mod softwire;

pub use connection::Client;
pub use connection::ClientError;
pub use show::show;
pub use softwire::softwire;

#[cfg(test)]
mod tests;
