//! All fragments of a datagram go where its first goes, without being put together (NT-015, FR-011).
//!
//! The first fragment has the ports, so it is translated as any packet, and what became of it is
//! remembered for the others; those that overtook it wait. Neither longer than the window, which begins
//! with the first of them that comes. Memory is bounded: when it runs out, the oldest make room, so that
//! fragments which follow each other closely get through among others that never meet.

use std::collections::VecDeque;
use std::net::Ipv4Addr;

use hashbrown::HashMap;
use pcp::instant::Instant;

use crate::nat::Way;
use crate::nat::config::Limits;
use crate::nat::packet::Ipv4;
use crate::nat::rewrite;
use crate::nat::rewrite::End;
use crate::nat::tcp::Side;

/// What fragments of one datagram share, as they arrive.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(super) struct Datagram {
    inbound: bool,
    source: Ipv4Addr,
    destination: Ipv4Addr,
    protocol: u8,
    identification: u16,
}

impl Datagram {
    pub(super) fn of(ip: &Ipv4, from: Side) -> Self {
        Self {
            inbound: from == Side::Outside,
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            identification: ip.identification,
        }
    }
}

/// What became of the first fragment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fate {
    pub(super) source: Ipv4Addr,
    pub(super) destination: Ipv4Addr,
    pub(super) identification: u16,
    pub(super) way: Way,
}

impl Fate {
    /// Does the same to another fragment.
    pub(super) fn share(&self, packet: &mut [u8], ip: &mut Ipv4) {
        rewrite::address(packet, ip, End::Source, self.source);
        rewrite::address(packet, ip, End::Destination, self.destination);
        rewrite::identification(packet, ip, self.identification);
    }
}

/// What is remembered and what waits.
#[derive(Debug)]
pub(super) struct Fragments {
    known: Store<Fate>,
    waiting: Store<Vec<Vec<u8>>>,
    fragments: usize,
    octets: usize,
    limits: Limits,
    /// Fragments given up for want of room.
    pub(super) no_room: u64,
    /// Fragments given up because their first did not come.
    pub(super) timed_out: u64,
}

impl Fragments {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            known: Store::default(),
            waiting: Store::default(),
            fragments: 0,
            octets: 0,
            limits,
            no_room: 0,
            timed_out: 0,
        }
    }

    /// The first fragment came, and this became of it; the ones that waited come out.
    pub(super) fn learn(&mut self, datagram: Datagram, fate: Fate, now: Instant) -> Vec<Vec<u8>> {
        if self.limits.datagrams == 0 {
            return Vec::new();
        }
        while self.known.len() >= self.limits.datagrams {
            self.known.pop();
        }
        self.known
            .insert(datagram, fate, now + self.limits.fragment_timeout);
        let waiting = self.waiting.remove(&datagram).unwrap_or_default();
        self.forget(&waiting);
        waiting
    }

    /// What became of this datagram's first fragment, if that is known.
    pub(super) fn fate(&self, datagram: &Datagram) -> Option<Fate> {
        self.known.items.get(datagram).map(|entry| entry.item)
    }

    /// Keeps a copy of a fragment until its first comes; false when there can be no room for it.
    pub(super) fn hold(&mut self, datagram: Datagram, packet: &[u8], now: Instant) -> bool {
        let limits = self.limits;
        if packet.len() > limits.fragment_octets || limits.fragments == 0 || limits.datagrams == 0 {
            return false;
        }
        while self.fragments >= limits.fragments
            || self.octets + packet.len() > limits.fragment_octets
            || self.waiting.len() >= limits.datagrams
        {
            let oldest = self.waiting.pop().unwrap_or_default();
            self.forget(&oldest);
            self.no_room += oldest.len() as u64;
        }
        self.fragments += 1;
        self.octets += packet.len();
        match self.waiting.items.get_mut(&datagram) {
            Some(entry) => entry.item.push(packet.to_vec()),
            None => {
                let until = now + limits.fragment_timeout;
                self.waiting.insert(datagram, vec![packet.to_vec()], until);
            }
        }
        true
    }

    /// Gives up what has waited or been remembered too long.
    pub(super) fn expire(&mut self, now: Instant) {
        while self.known.due().is_some_and(|due| due <= now) {
            self.known.pop();
        }
        while self.waiting.due().is_some_and(|due| due <= now) {
            let late = self.waiting.pop().unwrap_or_default();
            self.forget(&late);
            self.timed_out += late.len() as u64;
        }
    }

    /// Forgets what became of first fragments, because the ports have changed.
    pub(super) fn flush(&mut self) {
        self.known = Store::default();
    }

    /// When something is given up next.
    pub(super) fn due(&self) -> Option<Instant> {
        let dues = [self.known.due(), self.waiting.due()];
        dues.into_iter().flatten().min()
    }

    fn forget(&mut self, fragments: &[Vec<u8>]) {
        self.fragments -= fragments.len();
        self.octets -= fragments.iter().map(Vec::len).sum::<usize>();
    }
}

/// Things by datagram, and their order: all stay equally long.
#[derive(Debug)]
struct Store<T> {
    items: HashMap<Datagram, Entry<T>>,
    order: VecDeque<(Instant, Datagram, u64)>,
    inserted: u64,
}

#[derive(Debug)]
struct Entry<T> {
    item: T,
    /// Which insertion it was: a place in the order with another number is stale.
    number: u64,
}

impl<T> Default for Store<T> {
    fn default() -> Self {
        Self {
            items: HashMap::new(),
            order: VecDeque::new(),
            inserted: 0,
        }
    }
}

impl<T> Store<T> {
    fn len(&self) -> usize {
        self.items.len()
    }

    /// Stores an item; one of the same datagram is replaced, but goes when it would have gone.
    fn insert(&mut self, datagram: Datagram, item: T, until: Instant) {
        if let Some(entry) = self.items.get_mut(&datagram) {
            entry.item = item;
            return;
        }
        self.inserted += 1;
        let number = self.inserted;
        self.items.insert(datagram, Entry { item, number });
        self.order.push_back((until, datagram, number));
    }

    fn remove(&mut self, datagram: &Datagram) -> Option<T> {
        let item = self.items.remove(datagram)?.item;
        self.skip_stale();
        Some(item)
    }

    /// Takes the oldest out.
    fn pop(&mut self) -> Option<T> {
        let (_, datagram, _) = self.order.pop_front()?;
        let item = self.items.remove(&datagram)?.item;
        self.skip_stale();
        Some(item)
    }

    /// Keeps the front of the order one that is there, and the order not much longer than its items.
    fn skip_stale(&mut self) {
        let items = &self.items;
        let is_there = |datagram: &Datagram, number: u64| {
            items
                .get(datagram)
                .is_some_and(|entry| entry.number == number)
        };
        while let Some((_, datagram, number)) = self.order.front()
            && !is_there(datagram, *number)
        {
            self.order.pop_front();
        }
        if self.order.len() > 2 * items.len() + 64 {
            self.order
                .retain(|(_, datagram, number)| is_there(datagram, *number));
        }
    }

    fn due(&self) -> Option<Instant> {
        self.order.front().map(|(until, ..)| *until)
    }
}
