//! What a packet with ports, or an ICMP query, does to the session of its mapping.

use std::net::SocketAddrV4;

use crate::nat::Nat;
use crate::nat::config::Filtering;
use crate::nat::config::Timer;
use crate::nat::drop::NatDrop;
use crate::nat::packet::Ipv4;
use crate::nat::packet::Layout;
use crate::nat::packet::protocol;
use crate::nat::packet::read16;
use crate::nat::rewrite;
use crate::nat::rewrite::End;
use crate::nat::sessions::MappingId;
use crate::nat::sessions::Remote;
use crate::nat::sessions::SessionId;
use crate::nat::tcp::Connection;
use crate::nat::tcp::Refresh;
use crate::nat::tcp::Segment;
use crate::nat::tcp::Side;
use crate::nat::tcp::State;

/// Both ends of a packet and what its transport says.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) protocol: u8,
    pub(super) layout: Layout,
    pub(super) source: SocketAddrV4,
    pub(super) destination: SocketAddrV4,
    /// Of protocols with connections; empty where nothing of it is read.
    pub(super) segment: Option<Segment>,
}

impl Flow {
    pub(super) fn read(packet: &[u8], ip: &Ipv4, layout: Layout) -> Self {
        let transport = &packet[ip.header..ip.total];
        let port = |end| rewrite::port_at(layout, end).map_or(0, |at| read16(transport, at));
        Self {
            protocol: ip.protocol,
            layout,
            source: SocketAddrV4::new(ip.source, port(End::Source)),
            destination: SocketAddrV4::new(ip.destination, port(End::Destination)),
            segment: match ip.protocol {
                protocol::TCP => Some(Segment::read(transport)),
                protocol::DCCP | protocol::SCTP => Some(Segment::default()),
                _ => None,
            },
        }
    }

    /// Whether it is a TCP reset.
    pub(super) fn resets(&self) -> bool {
        self.segment.is_some_and(Segment::resets)
    }

    /// Whether it is a TCP SYN.
    pub(super) fn opens(&self) -> bool {
        self.segment.is_some_and(Segment::opens)
    }
}

impl Nat {
    /// A packet leaves by this mapping: its session lives on, or begins (NT-007).
    pub(super) fn leave(&mut self, id: MappingId, flow: &Flow) -> Result<(), NatDrop> {
        let remote = self.remote(flow.protocol, flow.destination);
        if let Some(session) = self.table.sessions.find(id, remote) {
            self.hear(session, Side::Inside, flow);
            return Ok(());
        }
        if flow.resets() {
            return Ok(());
        }
        self.begin(id, remote, Side::Inside, flow)
    }

    /// A packet wants in by this mapping.
    pub(super) fn enter(&mut self, id: MappingId, flow: &Flow) -> Result<(), NatDrop> {
        let remote = self.remote(flow.protocol, flow.source);
        if let Some(session) = self.table.sessions.find(id, remote) {
            self.hear(session, Side::Outside, flow);
            return Ok(());
        }
        if !self.lets_in(id, flow) {
            return Err(NatDrop::Filtered);
        }
        // Without a connection a stranger's packet passes and leaves no trace (RFC 7857 s7).
        let begins = match flow.protocol {
            protocol::TCP => flow.opens(),
            _ => flow.segment.is_some(),
        };
        if begins {
            return self.begin(id, remote, Side::Outside, flow);
        }
        Ok(())
    }

    /// Which part of a remote end makes a session.
    pub(super) fn remote(&self, protocol: u8, remote: SocketAddrV4) -> Remote {
        match (protocol, self.filtering(protocol)) {
            (protocol::TCP | protocol::DCCP | protocol::SCTP, _) => Remote::end(remote),
            (_, Filtering::EndpointIndependent) => Remote::ANY,
            (protocol::ICMP, _) | (_, Filtering::AddressDependent) => Remote::address(*remote.ip()),
            (_, Filtering::AddressAndPortDependent) => Remote::end(remote),
        }
    }

    fn filtering(&self, protocol: u8) -> Filtering {
        let filtering = &self.config.filtering;
        match protocol {
            protocol::TCP => filtering.tcp,
            protocol::ICMP => filtering.icmp,
            _ => filtering.udp,
        }
    }

    /// Whether the mapping is open to a packet of no session of its own.
    fn lets_in(&self, id: MappingId, flow: &Flow) -> bool {
        let Some(mapping) = self.table.mappings.peek(id) else {
            return false;
        };
        if let Some(wish) = &mapping.wanted {
            return wish.lets_in(flow.source);
        }
        match self.filtering(flow.protocol) {
            Filtering::EndpointIndependent => true,
            Filtering::AddressAndPortDependent => false,
            // Sessions of other protocols are by address, so this packet would have found its own.
            Filtering::AddressDependent => {
                flow.segment.is_some()
                    && self
                        .table
                        .sessions
                        .any_with(&mapping.sessions, *flow.source.ip())
            }
        }
    }

    fn begin(
        &mut self,
        id: MappingId,
        remote: Remote,
        side: Side,
        flow: &Flow,
    ) -> Result<(), NatDrop> {
        let connection = flow.segment.map(|segment| Connection::begun(side, segment));
        let expires = self.expiry(flow.protocol, connection.as_ref());
        let opened = self.table.open_session(id, remote, connection, expires);
        self.counters.peers_replaced += std::mem::take(&mut self.table.replaced);
        opened.map(|_| ())
    }

    fn hear(&mut self, id: SessionId, side: Side, flow: &Flow) {
        let Some(session) = self.table.sessions.session(id) else {
            return;
        };
        let refresh = match (&mut session.connection, flow.segment) {
            (Some(connection), Some(segment)) => connection.hear(side, segment),
            _ if side == Side::Inside || self.config.inbound_refresh => Refresh::Yes,
            _ => Refresh::No,
        };
        if refresh == Refresh::No {
            return;
        }
        let (before, connection) = (session.ends(), session.connection);
        let expires = self.expiry(flow.protocol, connection.as_ref());
        if let Some(session) = self.table.sessions.session(id) {
            session.expires = expires;
            let ends = session.ends();
            if ends < before {
                self.table.sessions.ends_earlier(id, ends);
            }
        }
    }

    /// When a session ends if nothing more comes.
    pub(super) fn expiry(&self, protocol: u8, connection: Option<&Connection>) -> u32 {
        let timer = match connection.map(|connection| connection.state) {
            None if protocol == protocol::ICMP => Timer::IcmpQuery,
            None => Timer::Udp,
            Some(State::Opening(_) | State::Joined(_)) => Timer::TcpOpening,
            Some(State::Established | State::Closing(_)) => Timer::TcpEstablished,
            Some(State::Closed | State::Reset) => Timer::TcpClosing,
        };
        self.table.after(self.config.timers.seconds(timer))
    }
}
