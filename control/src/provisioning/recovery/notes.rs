//! What the roster is to be told: changes as they are answered, and all leases page by page.

use pcp::lease::Phase;
use pcp::server::Effect;

use super::super::Provisioning;
use super::is_news;
use crate::roster::Peer;

/// Changes that the roster has not heard of.
#[derive(Debug, Default)]
pub(in super::super) struct Notes {
    is_wanted: bool,
    peers: Vec<Peer>,
}

/// How far all that the roster must have has been given out.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Place(Part);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Part {
    /// Leases from this place on.
    Leases(usize),
    /// Then those who are being told, from this place on.
    Told(usize),
}

impl Place {
    /// The beginning.
    pub const START: Self = Self(Part::Leases(0));
}

impl Notes {
    /// Notes what has become durable.
    pub(in super::super) fn add(&mut self, effect: &Effect) {
        let is_news = match effect {
            Effect::Grant(_) => true,
            Effect::Refresh { before, after }
            | Effect::Replace { before, after }
            | Effect::Migrate { before, after } => is_news(before, after),
            // Whoever is told without need does no harm; the next time all is written, it is left out.
            Effect::Release { .. } => false,
        };
        if self.is_wanted && is_news {
            self.peers.push(effect.lease().into());
        }
    }
}

impl Provisioning {
    /// Notes for a roster from now on.
    pub fn keep_notes(&mut self) {
        self.recovery.notes.is_wanted = true;
    }

    /// How much is new to the roster.
    #[must_use]
    pub fn noted(&self) -> usize {
        self.recovery.notes.peers.len()
    }

    /// What is new to the roster since this was last asked.
    pub fn take_notes(&mut self) -> Vec<Peer> {
        std::mem::take(&mut self.recovery.notes.peers)
    }

    /// Some of those whom a roster must have, from a place on, and the place behind them unless that is the
    /// end.
    #[must_use]
    pub fn peers_from(&self, place: Place) -> (Vec<Peer>, Option<Place>) {
        match place.0 {
            Part::Leases(from) => {
                let (leases, next) = self.book.page(from, PAGE);
                let held = leases.filter(|(_, phase)| *phase == Phase::Active);
                let peers = held.map(|(lease, _)| (&lease).into()).collect();
                let next = next.map_or(Part::Told(0), Part::Leases);
                (peers, Some(Place(next)))
            }
            Part::Told(from) => {
                let told = self
                    .recovery
                    .telling
                    .as_ref()
                    .map(|telling| telling.peers());
                let count = told.map_or(0, |peers| peers.len());
                let to = (from + PAGE).min(count);
                let peers = (from..to).filter_map(|place| told?.at(place)).collect();
                (peers, (to < count).then_some(Place(Part::Told(to))))
            }
        }
    }
}

/// As many as take no longer than a burst of requests.
const PAGE: usize = 1024;
