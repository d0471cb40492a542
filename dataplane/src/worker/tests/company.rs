//! What goes up to control waits for company while the worker is busy, and only then.

use std::iter;
use std::sync::atomic::AtomicBool;

use super::*;
use crate::worker::DRAIN_ROUNDS;
use crate::worker::Idle;

/// A worker to which a request comes, beside so many other packets.
fn asked_beside(others: usize) -> (Worker<MemoryPorts>, Arc<Counters>) {
    let mut ports = MemoryPorts::new(Layout::TwoPorts);
    ports.arriving[0].extend(plain(others));
    ports.arriving[1].push_back(pcp(b4_of(1, 0)));
    worker(ports, forwarding())
}

fn plain(packets: usize) -> impl Iterator<Item = HeapPacket> {
    iter::repeat_with(|| udp(5000, 64, 0, &[])).take(packets)
}

/// A round in which as many packets come as a device gives at once.
fn busy_round(worker: &mut Worker<MemoryPorts>) {
    worker.ports_mut().arriving[0].extend(plain(32));
    worker.round();
}

fn requests_up(worker: &mut Worker<MemoryPorts>) -> usize {
    worker.ports_mut().punted[PuntClass::Pcp as usize].len()
}

#[test]
fn a_request_goes_up_at_once_when_little_comes() {
    let (mut worker, counters) = asked_beside(10);
    worker.round();
    assert_eq!(requests_up(&mut worker), 1);
    assert_conserved(&counters);
}

#[test]
fn a_request_to_a_busy_worker_goes_up_within_sixteen_rounds() {
    let (mut worker, counters) = asked_beside(0);
    let went_up = (1..=20).find(|_| {
        busy_round(&mut worker);
        requests_up(&mut worker) > 0
    });
    assert_eq!(went_up, Some(16));
    assert_conserved(&counters);
}

#[test]
fn a_request_to_a_busy_worker_goes_up_with_others() {
    let (mut worker, counters) = asked_beside(0);
    for host in 1..8 {
        busy_round(&mut worker);
        assert_eq!(requests_up(&mut worker), 0, "{host}");
        worker.ports_mut().arriving[1].push_back(pcp(b4_of(1, host)));
    }
    busy_round(&mut worker);
    assert_eq!(requests_up(&mut worker), 8);
    assert_conserved(&counters);
}

#[test]
fn a_request_goes_up_when_nothing_comes_any_more() {
    let (mut worker, counters) = asked_beside(BURST_MAX);
    worker.round();
    assert_eq!(requests_up(&mut worker), 0);
    assert_eq!(worker.round(), 0);
    assert_eq!(requests_up(&mut worker), 1);
    assert_conserved(&counters);
}

#[test]
fn a_request_goes_up_when_the_worker_ends_in_the_midst_of_traffic() {
    let (mut worker, counters) = asked_beside(0);
    let access = &mut worker.ports_mut().arriving[1];
    // The request is the last packet that the drain takes.
    for other in plain(DRAIN_ROUNDS * BURST_MAX - 1) {
        access.push_front(other);
    }
    let ports = worker.run(Idle::Spin, &AtomicBool::new(true));
    assert_eq!(ports.punted[PuntClass::Pcp as usize].len(), 1);
    assert_conserved(&counters);
}

#[test]
fn more_than_there_is_room_for_go_up_before_others_are_looked_at() {
    let (mut worker, counters) = asked_beside(32);
    worker.round();
    assert_eq!(requests_up(&mut worker), 0);
    let requests = (2..).map(|number| pcp(b4_of(number, 0)));
    worker.ports_mut().arriving[1].extend(requests.take(BURST_MAX));
    worker.round();
    assert_eq!(punted(&counters), [0, 0, 1 + BURST_MAX as u64, 0]);
    assert_conserved(&counters);
}
