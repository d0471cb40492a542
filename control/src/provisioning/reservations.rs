//! Bindings of the operator's own, as far as PCP must know of them: their sets are not handed out, and
//! their lwB4s hear what they have (LW-009, PC-035).

use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use hashbrown::HashMap;
use lwaftr_dataplane::binding::Binding;
use pcp::book::Book;
use pcp::pool::Place;
use pcp::port_set::PortSet;
use pcp::server::Offer;

/// The operator's bindings.
#[derive(Clone, Debug, Default)]
pub(super) struct Reservations {
    /// The first contiguous set of each lwB4.
    bound: HashMap<Ipv6Addr, Offer>,
    /// How many bindings there are on each address of a pool that is split in another way than the pool:
    /// nothing of it can be handed out meanwhile.
    otherwise_split: HashMap<Ipv4Addr, u32>,
}

impl Reservations {
    /// A binding is there: no pool hands its ports out any more. What rests of them rests for nobody.
    pub(super) fn add(&mut self, binding: &Binding, book: &mut Book) {
        if let Some(set) = contiguous(binding) {
            let br = binding.br();
            let offer = Offer { set, br };
            self.bound.entry(binding.b4()).or_insert(offer);
        }
        match reserved(binding, book) {
            Reserved::Nothing => {}
            Reserved::Set(set) => keep_back(book, set),
            Reserved::Address(psid_length) => {
                let count = self.otherwise_split.entry(binding.ipv4()).or_default();
                *count += 1;
                if *count == 1 {
                    sets(binding.ipv4(), psid_length).for_each(|set| keep_back(book, set));
                }
            }
        }
    }

    /// A binding is gone.
    pub(super) fn remove(&mut self, binding: &Binding, book: &mut Book) {
        let set = contiguous(binding);
        if self.bound.get(&binding.b4()).map(|bound| bound.set) == set {
            self.bound.remove(&binding.b4());
        }
        match reserved(binding, book) {
            Reserved::Nothing => {}
            Reserved::Set(set) => book.hand_out(set),
            Reserved::Address(psid_length) => {
                let Some(count) = self.otherwise_split.get_mut(&binding.ipv4()) else {
                    return;
                };
                *count -= 1;
                if *count == 0 {
                    self.otherwise_split.remove(&binding.ipv4());
                    sets(binding.ipv4(), psid_length).for_each(|set| book.hand_out(set));
                }
            }
        }
    }

    /// What an lwB4 has for ever.
    pub(super) fn of(&self, outer: Ipv6Addr) -> Option<Offer> {
        self.bound.get(&outer).copied()
    }
}

/// Takes what the operator binds out of the pools, for those who only look at them.
pub fn keep_back_all(bindings: impl IntoIterator<Item = Binding>, book: &mut Book) {
    let mut reservations = Reservations::default();
    for binding in bindings {
        reservations.add(&binding, book);
    }
}

/// What a binding takes out of a pool.
enum Reserved {
    Nothing,
    Set(PortSet),
    /// All of its address, which the pool splits by this PSID length.
    Address(u8),
}

fn reserved(binding: &Binding, book: &Book) -> Reserved {
    let pool = book.pools().of_address(binding.ipv4());
    let Some(psid_length) = pool.map(|pool| pool.config().psid_length) else {
        return Reserved::Nothing;
    };
    match contiguous(binding) {
        Some(set) if set.psid_length() == psid_length => Reserved::Set(set),
        _ => Reserved::Address(psid_length),
    }
}

/// The binding's ports as PCP can tell of them: one run, without an offset.
fn contiguous(binding: &Binding) -> Option<PortSet> {
    let ports = binding.ports();
    let split = ports.split();
    if split.offset() != 0 {
        return None;
    }
    PortSet::new(binding.ipv4(), split.length(), ports.psid()).ok()
}

fn sets(address: Ipv4Addr, psid_length: u8) -> impl Iterator<Item = PortSet> {
    let psids = 0..1_u32 << psid_length;
    psids.filter_map(move |psid| PortSet::new(address, psid_length, psid as u16).ok())
}

/// Withholds a set unless the pool does so itself. One that somebody holds stays with its holder: the
/// table has refused the binding then, or will refuse it.
fn keep_back(book: &mut Book, set: PortSet) {
    if book.pools().place(set) != Some(Place::Withheld) {
        // Refused only where the set is held.
        let _ = book.keep_back(set);
    }
}
