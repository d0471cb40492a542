//! Adding children to nodes and taking them away, so that a reader sees the old node or the new one whole.

use super::discard::Workshop;
use super::memory::Memory;
use super::node::Bitmap;
use super::node::Level;
use super::node::Node;
use super::node::packed_order;

/// The node to stand in place of `node` so that `octet` has the child `value`; the same node when the
/// child could be stored in place, else a copy, not yet published.
pub(super) fn with_child<L: Level>(
    workshop: &mut Workshop,
    memory: &Memory,
    node: Node<L>,
    octet: u8,
    value: u64,
) -> Node<L> {
    if let Some(index) = node.place(memory, octet) {
        L::store(memory, node.granule(), index, value);
        return node;
    }
    let mut children: Vec<_> = node.children(memory).collect();
    let place = children.partition_point(|&(other, _)| other < octet);
    children.insert(place, (octet, value));
    replace(workshop, memory, node, &children)
}

/// The node to stand in place of `node` so that `octet` has no child; [`Node::NONE`] when it was the last.
pub(super) fn without_child<L: Level>(
    workshop: &mut Workshop,
    memory: &Memory,
    node: Node<L>,
    octet: u8,
) -> Node<L> {
    let others = node.children(memory).filter(|&(other, _)| other != octet);
    if node.is_dense() {
        let enough = enough_to_stay_dense::<L>(workshop);
        if others.take(enough).count() == enough {
            L::store(memory, node.granule(), octet.into(), 0);
            return node;
        }
    }
    let mut children: Vec<_> = node.children(memory).collect();
    children.retain(|&(other, _)| other != octet);
    replace(workshop, memory, node, &children)
}

/// Above the allowance, a dense node stays dense until it has half of what a packed one can hold, so that
/// one address that comes and goes does not copy it each time.
fn enough_to_stay_dense<L: Level>(workshop: &Workshop) -> usize {
    if workshop.dense.within_allowance() {
        1
    } else {
        L::PACKED_CHILDREN as usize / 2 + 1
    }
}

fn replace<L: Level>(
    workshop: &mut Workshop,
    memory: &Memory,
    old: Node<L>,
    children: &[(u8, u64)],
) -> Node<L> {
    if !old.is_none() {
        workshop.discard(old.granule(), old.order(memory));
    }
    if old.is_dense() {
        workshop.dense.remove(L::DENSE_ORDER);
    }
    let many = children.len() as u32 > L::PACKED_CHILDREN;
    if children.is_empty() {
        Node::NONE
    } else if many || workshop.dense.allows(L::DENSE_ORDER) {
        dense(workshop, memory, children)
    } else {
        packed(workshop, memory, children)
    }
}

fn packed<L: Level>(workshop: &mut Workshop, memory: &Memory, children: &[(u8, u64)]) -> Node<L> {
    let fresh = workshop.take(packed_order::<L>(children.len() as u32));
    let mut bitmap = Bitmap::default();
    for (index, &(octet, child)) in (L::FIRST..).zip(children) {
        bitmap.insert(octet);
        L::store(memory, fresh.first(), index, child);
    }
    bitmap.write(memory, fresh.first());
    Node::packed(fresh.publish())
}

fn dense<L: Level>(workshop: &mut Workshop, memory: &Memory, children: &[(u8, u64)]) -> Node<L> {
    let fresh = workshop.take(L::DENSE_ORDER);
    workshop.dense.add(L::DENSE_ORDER);
    for index in 0..256 {
        L::store(memory, fresh.first(), index, 0);
    }
    for &(octet, child) in children {
        L::store(memory, fresh.first(), octet.into(), child);
    }
    Node::dense(fresh.publish())
}
