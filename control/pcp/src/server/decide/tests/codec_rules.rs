//! What happens before a request is understood, seen from outside (PC-002 to PC-019).

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn result(octets: &[u8]) -> Option<ResultCode> {
    World::residential().decide_octets(b4(1), octets).result
}

/// T-11, T-12, T-13.
#[test]
fn pc_002_to_pc_009_silence_and_errors_in_their_order() {
    let canonical = Ask::canonical().octets(B4).to_vec();
    assert_eq!(result(&canonical[..1]), None);
    assert_eq!(result(&canonical[..20]), None);
    let mut response = canonical.clone();
    response[1] |= 0x80;
    assert_eq!(result(&response), None);
    assert_eq!(result(&[0, 0]), Some(ResultCode::UnsupportedVersion));
    assert_eq!(result(&canonical[..25]), Some(ResultCode::MalformedRequest));
    let mut long = canonical.clone();
    long.resize(1104, 0);
    assert_eq!(result(&long), Some(ResultCode::MalformedRequest));
    let other = Ask::canonical().octets(IpAddr::from([192, 0, 0, 3]));
    assert_eq!(result(&other), Some(ResultCode::AddressMismatch));
    let mut peer = canonical;
    peer[1] = 2;
    assert_eq!(result(&peer), Some(ResultCode::UnsupportedOpcode));
}

/// T-15.
#[test]
fn pc_011_pc_014_unknown_options_are_refused_or_ignored_and_never_echoed() {
    let mut world = World::residential();
    for code in [0, 4, 64, 127] {
        let ask = Ask::canonical().with(PcpOption::Unknown { code, data: &[] });
        assert_eq!(world.refused(b4(1), &ask), ResultCode::UnsupportedOption);
    }
    let ask = Ask::canonical()
        .with(PcpOption::Unknown {
            code: 192,
            data: &[1, 2, 3],
        })
        .with(PcpOption::Description(b"cpe"));
    let response = world.send(b4(1), &ask).response.unwrap();
    assert_eq!(response.len(), 72);
    assert_eq!(said(&response).result, ResultCode::Success);
}

#[test]
fn pc_010_the_first_option_that_is_wrong_decides() {
    let mut world = World::residential();
    let unknown = PcpOption::Unknown {
        code: 64,
        data: &[],
    };
    let ask = Ask::one(0, 1)
        .with(unknown)
        .with(port_set(1, 1))
        .with(port_set(1, 1));
    assert_eq!(world.refused(b4(1), &ask), ResultCode::UnsupportedOption);
    let ask = Ask::one(0, 1)
        .with(port_set(1, 1))
        .with(port_set(1, 1))
        .with(unknown);
    assert_eq!(world.refused(b4(1), &ask), ResultCode::MalformedOption);
}

#[test]
fn pc_141_ps_027_announce_tells_the_epoch() {
    let world = World::residential();
    let request = Message::request(0, B4, &Payload::Announce);
    let decision = world.decide_octets(b4(1), &request);
    let response = decision.response.unwrap();
    assert_eq!(response.len(), 24);
    assert_eq!(response[..12], [2, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 42]);
    let mut tolerated = request.clone();
    tolerated.push(&port_set(0, 0)).unwrap();
    tolerated.push(&port_set(0, 0)).unwrap();
    let decision = world.decide_octets(b4(1), &tolerated);
    assert_eq!(decision.response.unwrap(), response);
    let mut refused = request;
    refused.push(&PcpOption::PreferFailure).unwrap();
    let decision = world.decide_octets(b4(1), &refused);
    assert_eq!(decision.result, Some(ResultCode::UnsupportedOption));
}

proptest! {
    /// Whatever comes, a response is a message, and an error changes nothing.
    #[test]
    fn any_octets_get_a_message_or_silence(
        changes in vec((0_usize..76, any::<u8>()), 0..8),
        extra in vec(any::<u8>(), 0..1200),
        keep in any::<bool>(),
    ) {
        let mut octets = Ask::canonical().octets(B4).to_vec();
        if !keep {
            octets.extend(extra);
        }
        for (place, octet) in changes {
            if let Some(old) = octets.get_mut(place) {
                *old = octet;
            }
        }
        let mut world = World::residential();
        let decision = world.decide_octets(b4(1), &octets);
        if let Some(response) = &decision.response {
            prop_assert!((24..=1100).contains(&response.len()));
            prop_assert!(response.len().is_multiple_of(4));
            prop_assert_eq!((response[0], response[1]), (2, octets[1] | 0x80));
            prop_assert_eq!(response[3], decision.result.unwrap().code());
        }
        if decision.result != Some(ResultCode::Success) {
            prop_assert!(decision.effects.is_empty());
        }
        for effect in &decision.effects {
            prop_assert_eq!(world.book.apply(effect, world.now), Ok(()));
        }
    }
}
