//! Packets: from the LAN into the softwire and back.

use std::hash::BuildHasher;
use std::hash::RandomState;
use std::io;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::net::SocketAddrV4;

use pcp::instant::Instant;
use tracing::warn;

use super::RunError;
use super::counts::Counts;
use super::link::Link;
use super::outgoing::Outgoing;
use super::poll::Poll;
use super::poll::Source;
use super::steer::Steer;
use crate::bucket::Bucket;
use crate::config::Config;
use crate::config::Routes;
use crate::device::lan_icmp::LanIcmp;
use crate::device::netlink::route::Network;
use crate::device::softwire::Burst;
use crate::device::sysctl::Settings;
use crate::device::tun::Tun;
use crate::nat::Checksum;
use crate::nat::Inbound;
use crate::nat::Nat;
use crate::nat::Outbound;
use crate::nat::Released;
use crate::provisioning::OuterDestination;
use crate::provisioning::SetUse;
use crate::provisioning::Unbound;
use crate::tunnel::DropReason;
use crate::tunnel::Offload;
use crate::tunnel::coalesce::Coalescer;
use crate::tunnel::control;
use crate::tunnel::downstream::Inner;
use crate::tunnel::drop_reason::Drops;
use crate::tunnel::icmpv4;
use crate::tunnel::icmpv4::Icmpv4Error;
use crate::tunnel::icmpv6;
use crate::tunnel::icmpv6::News;
use crate::tunnel::segment::Segment;
use crate::tunnel::upstream::Refusal;
use crate::tunnel::upstream::Way;

/// The devices on the LAN's side, the NAT, and what is counted.
pub(super) struct Forward {
    pub(super) tun: Tun,
    pub(super) nat: Nat,
    pub(super) drops: Drops,
    pub(super) counts: Counts,
    lan_icmp: LanIcmp,
    errors: Bucket,
    outgoing: Outgoing,
    burst: Burst,
    coalescer: Coalescer<'static>,
}

impl Forward {
    /// Makes the TUN device with its address and routes.
    pub(super) fn open(config: &Config, steer: &mut Steer, poll: &Poll) -> Result<Self, RunError> {
        let name = &config.tunnel.device;
        let tun = Tun::create(name).map_err(|error| RunError::Tun {
            name: name.clone(),
            error,
        })?;
        poll.add(&tun, Source::Tun)?;
        let netlink = &mut steer.netlink;
        netlink.bring_up(tun.index(), config.tunnel.mtu)?;
        netlink.add_inner_address(tun.index(), config.tunnel.b4_ipv4)?;
        for network in networks(&config.tunnel.routes) {
            netlink.add_route(tun.index(), network, config.tunnel.metric)?;
        }
        let takes_all = config.tunnel.routes == Routes::Default;
        for obstacle in Settings::read(tun.name()).obstacles(takes_all) {
            warn!("{obstacle}");
        }
        Ok(Self {
            tun,
            nat: Nat::new(config.nat.clone(), seed()),
            drops: Drops::default(),
            counts: Counts::default(),
            lan_icmp: LanIcmp::open()?,
            errors: Bucket::new(config.nat.answers_per_second, config.nat.answers_per_second),
            outgoing: Outgoing::new(),
            burst: Burst::new(),
            coalescer: Coalescer::new(),
        })
    }

    /// Takes what the kernel has for the softwire, up to a burst, so that the other devices have their turn.
    pub(super) fn carry_up(&mut self, steer: &mut Steer, now: Instant) -> io::Result<()> {
        let mut outgoing = std::mem::take(&mut self.outgoing);
        let gathered = self.gather(&mut outgoing, steer, now);
        self.send(&mut outgoing, steer);
        self.outgoing = outgoing;
        self.release(steer);
        gathered
    }

    fn gather(
        &mut self,
        outgoing: &mut Outgoing,
        steer: &mut Steer,
        now: Instant,
    ) -> io::Result<()> {
        for _ in 0..BURST {
            if outgoing.is_full() {
                self.send(outgoing, steer);
            }
            let room = outgoing.next();
            match self.tun.read(room)? {
                None => break,
                Some(Ok(packet)) => {
                    let octets = &mut room[..packet.len];
                    let goes = self.upstream(octets, packet.offload, steer, now);
                    if let Some((len, offload)) = goes {
                        outgoing.keep(len, offload);
                    }
                }
                Some(Err(reason)) => self.drops.count(reason),
            }
        }
        Ok(())
    }

    /// What is left of a packet for the softwire, if it goes there.
    fn upstream(
        &mut self,
        packet: &mut [u8],
        offload: Offload,
        steer: &mut Steer,
        now: Instant,
    ) -> Option<(usize, Offload)> {
        let Some(link) = &mut steer.link else {
            self.counts.no_softwire += 1;
            // Without sets its sender is told (s10.1, IDLE).
            if let Outbound::Reply(reply) = self.nat.outbound(packet, Checksum::Complete, now) {
                self.reply(reply);
            }
            return None;
        };
        let mtu = link.tunnel_mtu(now);
        let admitted = match link.upstream.admit(packet, offload, mtu) {
            Ok(admitted) => admitted,
            Err(refusal) => {
                self.refuse(packet, refusal, now);
                return None;
            }
        };
        let (len, offload) = (admitted.len, admitted.offload);
        if admitted.way == Way::Control {
            return Some((len, offload));
        }
        let packet = &mut packet[..len];
        match self.nat.outbound(packet, checksum(offload), now) {
            Outbound::ToTunnel => return Some((len, offload)),
            Outbound::Hairpin => self.deliver(packet, offload),
            Outbound::Reply(reply) => self.reply(reply),
            Outbound::Held | Outbound::Drop(_) => {}
        }
        None
    }

    fn send(&mut self, outgoing: &mut Outgoing, steer: &mut Steer) {
        if let Some(link) = &mut steer.link {
            let send = |portion: &[Segment<'_>]| link.softwire.send(portion);
            let sent = outgoing.leave(link.dscp, send, |reason| self.drops.count(reason));
            self.counts.sent(sent);
        }
    }

    fn refuse(&mut self, packet: &[u8], refusal: Refusal, now: Instant) {
        self.drops.count(refusal.reason());
        if let Refusal::TooBig { mtu } = refusal {
            let error = Icmpv4Error::FragmentationNeeded { mtu };
            self.tell(icmpv4::error(packet, error, Ipv4Addr::UNSPECIFIED), now);
        }
    }

    /// Sends an error to a LAN host, unless there were many.
    fn tell(&mut self, error: Result<Vec<u8>, DropReason>, now: Instant) {
        match error {
            Ok(mut packet) if self.errors.take(now) => drop(self.lan_icmp.send(&mut packet)),
            Ok(_) => self.drops.count(DropReason::ErrorRate),
            Err(reason) => self.drops.count(reason),
        }
    }

    /// Sends a LAN host what the NAT has to say: an error from our address on its side, or an echo reply
    /// from the address that it asked.
    fn reply(&mut self, mut packet: Vec<u8>) {
        if packet.get(ICMP_TYPE) == Some(&ECHO_REPLY) {
            return self.deliver(&packet, Offload::None);
        }
        // A host that is gone misses nothing.
        self.lan_icmp.send(&mut packet).ok();
    }

    /// Gives a packet to the kernel, for a LAN host.
    fn deliver(&mut self, packet: &[u8], offload: Offload) {
        let mut coalescer = std::mem::take(&mut self.coalescer).emptied();
        coalescer.push(packet, offload);
        self.write(coalescer);
    }

    /// Gives the kernel what was collected.
    fn write(&mut self, mut coalescer: Coalescer<'_>) {
        coalescer.finish(|bundle| {
            if !self.tun.write(&bundle).unwrap_or(false) {
                self.counts.not_delivered += 1;
            }
        });
        self.coalescer = coalescer.emptied();
    }

    /// Takes what the lwAFTR has sent, up to a burst.
    pub(super) fn carry_down(&mut self, steer: &mut Steer, now: Instant) -> io::Result<()> {
        let mut burst = std::mem::take(&mut self.burst);
        let received = self.downstream(&mut burst, steer, now);
        self.burst = burst;
        self.release(steer);
        received
    }

    fn downstream(&mut self, burst: &mut Burst, steer: &mut Steer, now: Instant) -> io::Result<()> {
        let Some(link) = &mut steer.link else {
            return Ok(());
        };
        link.softwire.receive(burst)?;
        let (mtu, downstream) = (link.tunnel_mtu(now), link.downstream);
        let mut coalescer = std::mem::take(&mut self.coalescer).emptied();
        for (received, packet) in burst.packets() {
            self.counts.received += 1;
            self.counts.received_octets += packet.len() as u64;
            let accepted = downstream.accept(packet, received.from, received.traffic_class, mtu);
            let accepted = match accepted {
                Ok(accepted) => accepted,
                Err(reason) => {
                    self.drops.count(reason);
                    continue;
                }
            };
            self.counts.odd_ecn += u64::from(accepted.ecn_is_odd);
            let packet = &mut packet[..accepted.len];
            match accepted.kind {
                Inner::Data => {
                    let checksum = checksum(accepted.offload);
                    if self.nat.inbound(packet, checksum, now) == Inbound::ToLan {
                        coalescer.push(packet, accepted.offload);
                    }
                }
                Inner::Kernel => coalescer.push(packet, accepted.offload),
                Inner::Pcp { to_port, message } => {
                    let to = SocketAddrV4::new(downstream.inner, to_port);
                    let outer = (received.from, OuterDestination::Own);
                    steer.hear(outer, to, &packet[message], now);
                }
                Inner::Announcement { message } => {
                    let outer = (received.from, OuterDestination::Own);
                    steer.hear(outer, ANNOUNCEMENTS, &packet[message], now);
                }
            }
        }
        self.write(coalescer);
        Ok(())
    }

    /// Takes what was sent to the group of announcements (FO-015, FO-016).
    pub(super) fn hear_group(&mut self, steer: &mut Steer, now: Instant) -> io::Result<()> {
        let mut burst = Burst::new();
        let Some(group) = &mut steer.group else {
            return Ok(());
        };
        group.receive(&mut burst)?;
        for (received, packet) in burst.packets() {
            let Some(downstream) = steer.link.as_ref().map(|link| link.downstream) else {
                continue;
            };
            match downstream.accept_from_group(packet, received.from) {
                Ok(accepted) => {
                    if let Inner::Announcement { message } = accepted.kind {
                        let outer = (received.from, OuterDestination::Group);
                        steer.hear(outer, ANNOUNCEMENTS, &packet[message], now);
                    }
                }
                Err(reason) => self.drops.count(reason),
            }
        }
        Ok(())
    }

    /// Hears what is said of the softwire (LW-032, IC-007).
    pub(super) fn hear_icmpv6(&mut self, steer: &mut Steer, now: Instant) -> io::Result<()> {
        let mut message = [0; MAX_ICMPV6];
        for _ in 0..BURST {
            let Some(link) = &steer.link else {
                return Ok(());
            };
            let Some((len, from)) = link.icmpv6.receive(&mut message)? else {
                return Ok(());
            };
            let ends = link.ends;
            let is_own = |address, port| steer.is_own(address, port);
            match icmpv6::hear(&message[..len], from, &ends, is_own) {
                Ok(heard) => self.heard(heard.news, from, heard.relay, steer, now),
                Err(reason) => self.drops.count(reason),
            }
        }
        Ok(())
    }

    fn heard(
        &mut self,
        news: News,
        from: Ipv6Addr,
        relay: Result<Vec<u8>, DropReason>,
        steer: &mut Steer,
        now: Instant,
    ) {
        match news {
            News::NoBinding { source, port } => {
                let Some(tunnel) = steer.provisioning.tunnel() else {
                    return;
                };
                let unbound = Unbound {
                    source: from,
                    quoted_source: tunnel.local,
                    quoted_destination: tunnel.remote,
                    quoted_next_header: IPV4_IN_IPV6,
                    inner_source: Some(source),
                    inner_port: port,
                };
                steer.hear_unbound(&unbound, now);
            }
            News::TooBig { mtu } => {
                if let Some(Link { path, .. }) = &mut steer.link {
                    path.learn(mtu, now);
                }
            }
            News::Unreachable => {}
        }
        // As if it had come out of the tunnel: the NAT finds whose packet it is about.
        match relay {
            Ok(mut packet) => {
                if self.nat.inbound(&mut packet, Checksum::Complete, now) == Inbound::ToLan {
                    self.tell(Ok(packet), now);
                }
            }
            Err(reason) => self.drops.count(reason),
        }
    }

    /// Lets everything happen that is due.
    pub(super) fn let_happen(&mut self, steer: &mut Steer, now: Instant) {
        self.nat.poll(now);
        self.release(steer);
    }

    /// Packets that had to wait.
    fn release(&mut self, steer: &mut Steer) {
        while let Some(Released { packet, way }) = self.nat.take_released() {
            match (way, &mut steer.link) {
                (crate::nat::Way::ToTunnel, Some(link)) => {
                    let segment = [Segment::whole(&packet, link.dscp)];
                    self.counts.sent(link.softwire.send(&segment));
                }
                (crate::nat::Way::ToTunnel, None) => self.counts.no_softwire += 1,
                (crate::nat::Way::ToLan | crate::nat::Way::Hairpin, _) => {
                    self.deliver(&packet, Offload::None);
                }
            }
        }
    }

    /// How much of each set is in use: of the protocol that uses most, since each has the ports to itself.
    pub(super) fn usage(&self, steer: &Steer) -> Vec<SetUse> {
        let held = steer.provisioning.held();
        held.map(|held| {
            let mut used = [0_u32; 256];
            for mapping in self.nat.mappings() {
                let end = mapping.external;
                if held.set.address() == *end.ip() && held.set.contains(end.port()) {
                    used[usize::from(mapping.protocol)] += 1;
                }
            }
            SetUse {
                set: held.set,
                used_ports: used.into_iter().max().unwrap_or_default(),
            }
        })
        .collect()
    }
}

/// What the checksum of a packet between TUN and softwire covers.
const fn checksum(offload: Offload) -> Checksum {
    match offload {
        Offload::Segments { .. } => Checksum::Partial,
        Offload::None | Offload::Checksum { .. } => Checksum::Complete,
    }
}

/// Which ports the NAT chooses is nobody's to guess: the standard library has its keys from the system's
/// randomness (RFC 6056 s4), unlike a generator that is seeded with the time.
fn seed() -> u64 {
    RandomState::new().hash_one(())
}

fn networks(routes: &Routes) -> Vec<Network> {
    match routes {
        Routes::Default => vec![Network::DEFAULT],
        Routes::None => Vec::new(),
        Routes::Prefixes(prefixes) => prefixes.clone(),
    }
}

/// Packets taken from one device before the others have their turn.
const BURST: usize = 64;
/// Where announcements for everybody go (RFC 6887 s14.1.3).
const ANNOUNCEMENTS: SocketAddrV4 =
    SocketAddrV4::new(Ipv4Addr::new(224, 0, 0, 1), control::PCP_CLIENT);
/// RFC 4443 s2.4(c).
const MAX_ICMPV6: usize = 1280;
/// RFC 2473 s5.
const IPV4_IN_IPV6: u8 = 4;
/// Where the type stands behind an IPv4 header without options, and what an echo reply has there.
const ICMP_TYPE: usize = 20;
const ECHO_REPLY: u8 = 0;
