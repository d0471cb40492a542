//! The exception path between workers and control: punted packets in, answers out.

use std::sync::Arc;

use dpdk::mbuf::Burst;
use dpdk::mbuf::Mbuf;
use dpdk::mempool::Mempool;
use lwaftr_dataplane::forwarding::Forwarding;
use lwaftr_dataplane::forwarding::Link;
use lwaftr_dataplane::instant::Instant;
use lwaftr_dataplane::next_hops::NextHops;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::wire::ethernet;
use lwaftr_dataplane::wire::ethernet::Ethernet;
use lwaftr_dataplane::wire::ethernet::Mac;

use crate::config::Config;
use crate::exception::Exception;
use crate::exception::Frame;
use crate::exception::Own;

/// Exception handling over DPDK's packet buffers.
#[derive(Debug)]
pub struct ExceptionPath {
    exception: Exception,
    next_hops: Arc<NextHops>,
    links: [Link; 2],
    /// Where the access side's next hop is, while that is kept from the workers.
    held: Option<Mac>,
    pool: Mempool,
    /// What is being read, whatever segments it came in.
    octets: Vec<u8>,
}

impl ExceptionPath {
    /// For the addresses and next hops of a configuration, on links with these settings; `brs` are the
    /// BR addresses, and `pool` is where answers get their buffers.
    #[must_use]
    pub fn new(
        config: &Config,
        forwarding: &Forwarding,
        brs: Vec<std::net::Ipv6Addr>,
        pool: Mempool,
    ) -> Self {
        let own = Own {
            internet_mac: forwarding.internet.mac,
            internet: config.internet.link.address.address(),
            access_mac: forwarding.access.mac,
            access: config.access.link.address.address(),
            brs,
            aftr: config.softwire.aftr_ipv4,
            hop_limit: config.softwire.hop_limit,
        };
        let (internet, access) = (&config.internet.link, &config.access.link);
        // A next hop whose Ethernet address is configured is not asked for.
        let asked_internet = internet
            .next_hop
            .filter(|_| internet.next_hop_mac.is_none());
        let asked_access = access.next_hop.filter(|_| access.next_hop_mac.is_none());
        let next_hops = NextHops::new(internet.next_hop_mac, access.next_hop_mac);
        Self {
            exception: Exception::new(own, asked_internet, asked_access),
            next_hops: Arc::new(next_hops),
            links: [forwarding.internet.clone(), forwarding.access.clone()],
            held: None,
            pool,
            octets: Vec::new(),
        }
    }

    /// Where the next hops are, for the workers.
    #[must_use]
    pub fn next_hops(&self) -> Arc<NextHops> {
        Arc::clone(&self.next_hops)
    }

    /// Where the next hop of the access side is, while that is known.
    #[must_use]
    pub fn access_next_hop(&self) -> Option<Mac> {
        self.next_hops.get(Side::Access)
    }

    /// Keeps the workers from sending to a configured next hop of the access side until [`Self::open_access`].
    /// Whom nobody knows any more must be able to ask for his set when he hears so (FO-011); a next hop that
    /// is asked for is not known before control runs, which serves PCP by then.
    pub fn hold_access(&mut self) {
        self.held = self.next_hops.get(Side::Access);
        self.next_hops.set(Side::Access, None);
    }

    /// Has the workers send to the access side, if they were kept from it.
    pub fn open_access(&mut self) {
        if let Some(mac) = self.held.take() {
            self.next_hops.set(Side::Access, Some(mac));
        }
    }

    /// Frames that tell the neighbours which addresses are ours.
    #[must_use]
    pub fn announce(&self) -> Vec<Frame> {
        self.exception.announce()
    }

    /// Takes a packet that a worker has punted. Returns the answer to it, if it gets one.
    pub fn receive(&mut self, packet: &Mbuf, now: Instant) -> Option<Frame> {
        self.octets.resize(packet.len(), 0);
        packet.copy_out(0, &mut self.octets).ok()?;
        let answer = self.exception.receive(&self.octets, now);
        self.tell_next_hops();
        answer
    }

    /// The IP packet in a frame that a worker has punted, and the neighbour that it came from.
    pub fn open(&mut self, packet: &Mbuf) -> Option<(&[u8], Mac)> {
        self.octets.resize(packet.len(), 0);
        packet.copy_out(0, &mut self.octets).ok()?;
        let ethernet = Ethernet::parse(&self.octets).ok()?;
        let from = Mac(*self.octets.get(6..)?.first_chunk()?);
        let packet = self.octets.get(ethernet.payload_at..)?;
        (!from.is_group()).then_some((packet, from))
    }

    /// Our addresses.
    #[must_use]
    pub fn own(&self) -> Own {
        self.exception.own().clone()
    }

    /// Frames that are due by the time: questions for next hops.
    pub fn tick(&mut self, now: Instant) -> Vec<Frame> {
        let frames = self.exception.tick(now).collect();
        self.tell_next_hops();
        frames
    }

    fn tell_next_hops(&self) {
        for (side, mac) in [Side::Internet, Side::Access]
            .into_iter()
            .zip(self.exception.next_hops())
        {
            if let Some(mac) = mac {
                self.next_hops.set(side, mac);
            }
        }
    }

    /// A frame as a packet to transmit; `None` while no buffer is left, and the asker asks again.
    #[must_use]
    pub fn packet(&self, frame: &Frame) -> Option<Mbuf> {
        let link = &self.links[frame.side as usize];
        let mut one = Burst::<1>::new();
        self.pool.allocate_burst(&mut one, 1).ok()?;
        let mut packet = one.pop()?;
        let mut octets = frame.destination.0.to_vec();
        octets.extend(link.mac.0);
        match link.vlan {
            Some(vlan) if link.vlan_by_device => packet.set_tx_vlan(vlan),
            Some(vlan) => {
                octets.extend(ethernet::VLAN.to_be_bytes());
                octets.extend(vlan.to_be_bytes());
            }
            None => {}
        }
        octets.extend(frame.ether_type.to_be_bytes());
        octets.extend(&frame.payload);
        packet.append(octets.len()).ok()?.copy_from_slice(&octets);
        Some(packet)
    }
}
