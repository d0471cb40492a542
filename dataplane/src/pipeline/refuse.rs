//! The short way out: packets that the express lane has read, and that have no softwire or a bad checksum.
//!
//! A flood of them must not cost much more than traffic. What the lane has found out is all that is to be
//! known of such a packet, unless its sender may be told: then, a few times a second, the careful path
//! finds it out once more and makes the error. A property test holds this against the careful path too.

use crate::drop_reason::DropReason;
use crate::packet::Packet;
use crate::pipeline::Detour;
use crate::pipeline::Ledger;
use crate::pipeline::Pipeline;
use crate::pipeline::Places;
use crate::pipeline::Verdicts;
use crate::pipeline::express::BAD_CHECKSUM;
use crate::pipeline::express::NOTHING;
use crate::table::Aim;
use crate::table::Key;
use crate::table::Softwire;
use crate::table::Table;
use crate::wire::ipv4;
use crate::wire::ipv6;
use crate::wire::u16_at;

/// What the express lane has left of a burst, and what it knows of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Left<'l> {
    /// Of the whole burst.
    pub(super) keys: &'l [Key],
    /// Of the whole burst; none when no key has a softwire.
    pub(super) aims: &'l [Aim<'l>],
    /// Those that are left.
    pub(super) places: Places,
}

impl Left<'_> {
    /// Parts those that the lane has read from the places of those it knows nothing of.
    #[inline(always)]
    pub(super) fn part(self) -> (Self, Places) {
        let mut unread = Places::default();
        for index in self.places {
            unread.mark_if(index, self.keys[index] == NOTHING);
        }
        let read = Self {
            places: self.places.without(unread),
            ..self
        };
        (read, unread)
    }
}

impl Pipeline {
    /// Drops packets from the Internet for whom nobody is there and whose senders hear nothing now.
    /// Returns the places of the others.
    #[inline(never)]
    pub(super) fn refuse_usual_down<P: Packet>(
        &self,
        packets: &[P],
        left: Left<'_>,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        let answers = self.forwarding.internet_icmp.generate_errors;
        let at = self.internet_gate.ip_at();
        let mut others = Places::default();
        let Left { keys, aims, places } = left;
        for index in places {
            let key = keys[index];
            if key == BAD_CHECKSUM && !is_for_zero(packets[index].head(), at) {
                let bytes = (packets[index].len() - at) as u32;
                ledger.receive(1, bytes);
                verdicts.set(index, ledger.drop(DropReason::BadIpv4Checksum, bytes));
                continue;
            }
            let is_known = softwire(aims, index).is_none()
                && ipv4::is_routable_unicast(key.ipv4)
                && !ipv4::is_softwire_internal(key.ipv4);
            let head = packets[index].head();
            let source = head.get(at + 12..).and_then(<[u8]>::first_chunk::<4>);
            let (Some(total_len), Some(source), true) = (u16_at(head, at + 2), source, is_known)
            else {
                others.mark(index);
                continue;
            };
            let source = u128::from(u32::from_be_bytes(*source)).to_be_bytes();
            if answers && !detour.internet_errors.denies(&source, detour.now) {
                others.mark(index);
                continue;
            }
            let bytes = u32::from(total_len);
            ledger.receive(1, bytes);
            verdicts.set(index, ledger.drop(DropReason::NoSoftwire, bytes));
            if answers {
                ledger.limit_error();
            }
        }
        others
    }

    /// Drops packets of lwB4s whose inner source is nobody's or another's, and who hear nothing now.
    /// Returns the places of the others.
    #[inline(never)]
    pub(super) fn refuse_usual_up<P: Packet>(
        &self,
        table: &Table,
        packets: &[P],
        left: Left<'_>,
        verdicts: &mut Verdicts,
        detour: &Detour<P>,
        ledger: &mut Ledger<'_>,
    ) -> Places {
        let answers = self.forwarding.access_icmp.generate_errors;
        let at = self.access_gate.ip_at();
        let mut others = Places::default();
        let Left { keys, aims, places } = left;
        for index in places {
            let outer = packets[index].head().get(at..);
            let outer = outer.and_then(<[u8]>::first_chunk::<{ ipv6::HEADER }>);
            let Some(outer) = outer else {
                others.mark(index);
                continue;
            };
            let (_, addresses) = outer.split_at(8);
            let (source, destination) = addresses.split_at(16);
            let (Ok(source), Ok(destination)) = (source.try_into(), destination.try_into()) else {
                others.mark(index);
                continue;
            };
            let reason = match softwire(aims, index) {
                None if keys[index] == BAD_CHECKSUM => DropReason::BadIpv4Checksum,
                None => DropReason::UnboundSource,
                Some(softwire) if softwire.b4() != source => DropReason::WrongB4,
                Some(_) => {
                    others.mark(index);
                    continue;
                }
            };
            let hears = reason != DropReason::BadIpv4Checksum && answers;
            let is_silent = !hears
                || ipv6::is_one_nodes(&source) && detour.access_errors.denies(&source, detour.now);
            if !is_silent || table.find_br(&destination).is_none() {
                others.mark(index);
                continue;
            }
            let bytes = ipv6::HEADER as u32 + u32::from(u16::from_be_bytes([outer[4], outer[5]]));
            ledger.receive(1, bytes);
            verdicts.set(index, ledger.drop(reason, bytes));
            if hears {
                ledger.limit_error();
            }
        }
        others
    }
}

fn softwire<'l>(aims: &[Aim<'l>], index: usize) -> Option<&'l Softwire> {
    aims.get(index).and_then(|aim| aim.softwire())
}

/// Whether a packet's key may be that of its own destination 0.0.0.0, whatever it looks like.
#[cold]
fn is_for_zero(head: &[u8], ipv4_at: usize) -> bool {
    let destination = head.get(ipv4_at + 16..).and_then(<[u8]>::first_chunk);
    destination == Some(&[0; 4])
}
