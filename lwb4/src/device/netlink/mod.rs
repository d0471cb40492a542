//! rtnetlink (RFC 3549): addresses, links and routes, asked for and answered one by one.
//!
//! What we set up carries a protocol number of ours, and only that is taken down again: at the end, and at
//! the next start after a crash.

pub mod address;
pub mod link;
pub mod monitor;
pub mod route;

use std::io;

use netlink_packet_core::NLM_F_ACK;
use netlink_packet_core::NLM_F_DUMP;
use netlink_packet_core::NLM_F_REQUEST;
use netlink_packet_core::NetlinkHeader;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_sys::Socket;
use netlink_sys::SocketAddr;
use netlink_sys::protocols::NETLINK_ROUTE;
use thiserror::Error;

/// A conversation with the kernel. Each request waits for its answer, which the kernel has at once.
pub struct Netlink {
    socket: Socket,
    sequence: u32,
}

impl Netlink {
    /// Opens the conversation.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open() -> Result<Self, NetlinkError> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        socket.bind_auto()?;
        socket.connect(&SocketAddr::new(0, 0))?;
        Ok(Self {
            socket,
            sequence: 0,
        })
    }

    /// Has the kernel do something.
    fn change(&mut self, what: &'static str, message: RouteNetlinkMessage, flags: u16) -> Done {
        self.ask(message, NLM_F_ACK | flags)
            .map(drop)
            .map_err(|error| error.about(what))
    }

    /// Has the kernel list something.
    fn list(
        &mut self,
        message: RouteNetlinkMessage,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        self.ask(message, NLM_F_DUMP)
    }

    /// Sends a request and reads its answer to the end.
    fn ask(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
    ) -> Result<Vec<RouteNetlinkMessage>, NetlinkError> {
        self.sequence = self.sequence.wrapping_add(1);
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | flags;
        header.sequence_number = self.sequence;
        let mut request = NetlinkMessage::new(header, NetlinkPayload::from(message));
        request.finalize();
        let mut bytes = vec![0; request.buffer_len()];
        request.serialize(&mut bytes);
        self.socket.send(&bytes, 0)?;
        let mut answers = Vec::new();
        loop {
            let (bytes, _) = self.socket.recv_from_full()?;
            for answer in messages(&bytes) {
                let (header, payload) = answer?;
                if header.sequence_number != self.sequence {
                    continue;
                }
                match payload {
                    NetlinkPayload::Done(_) => return Ok(answers),
                    NetlinkPayload::Error(error) => {
                        return match error.code {
                            None => Ok(answers),
                            Some(_) => Err(NetlinkError::System(error.to_io())),
                        };
                    }
                    NetlinkPayload::InnerMessage(message) => {
                        answers.push(message);
                        if flags & (NLM_F_ACK | NLM_F_DUMP) == 0 {
                            return Ok(answers);
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

/// What nothing is said about but whether it went well.
type Done = Result<(), NetlinkError>;

type Message = (NetlinkHeader, NetlinkPayload<RouteNetlinkMessage>);

/// The messages that stand in what was received.
fn messages(bytes: &[u8]) -> impl Iterator<Item = Result<Message, NetlinkError>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let len = usize::try_from(u32::from_ne_bytes(*rest.first_chunk()?)).ok()?;
        let bytes = rest.get(..len)?;
        // The next one begins at a multiple of four octets.
        rest = rest
            .get(len.next_multiple_of(4).max(4)..)
            .unwrap_or_default();
        let message = NetlinkMessage::deserialize(bytes);
        Some(
            message
                .map(NetlinkMessage::into_parts)
                .map_err(NetlinkError::from),
        )
    })
}

/// Why a conversation failed.
#[derive(Debug, Error)]
pub enum NetlinkError {
    /// The system refuses, or the socket failed.
    #[error("netlink: {0}")]
    System(#[from] io::Error),
    /// The system refuses something that was asked for.
    #[error("cannot {what}: {error}")]
    Refused {
        /// What.
        what: &'static str,
        /// What the system said.
        error: io::Error,
    },
    /// The kernel says what cannot be read.
    #[error("netlink: {0}")]
    Unreadable(#[from] netlink_packet_core::DecodeError),
    /// The kernel names no such thing.
    #[error("netlink: no {0}")]
    Missing(&'static str),
}

impl NetlinkError {
    fn about(self, what: &'static str) -> Self {
        match self {
            Self::System(error) => Self::Refused { what, error },
            other => other,
        }
    }

    /// Whether the system says this.
    fn is(&self, errno: i32) -> bool {
        match self {
            Self::System(error) | Self::Refused { error, .. } => {
                error.raw_os_error() == Some(errno)
            }
            _ => false,
        }
    }
}
