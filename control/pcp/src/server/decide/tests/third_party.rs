//! Other systems that hand out sets through a management listener (s5.8; RFC 7843).

use super::*;
use crate::lease::Path;

const KEA: IpAddr = IpAddr::V6(Ipv6Addr::LOCALHOST);

fn world() -> World {
    let dhcp = PoolConfig {
        owner: Owner::ThirdParty(0),
        ..pool("dhcp", Ipv4Addr::new(198, 51, 100, 0), 31, 5)
    };
    World::new(vec![residential(), dhcp], ServerConfig::default())
}

fn send(world: &mut World, ask: &Ask) -> Decision {
    let octets = ask.octets(KEA);
    let decision = world.decide(&Packet {
        octets: &octets,
        source: KEA,
        port: 50000,
        arrival: Arrival::Management(0),
    });
    for effect in &decision.effects {
        world.book.apply(effect, world.now).unwrap();
    }
    decision
}

fn identified(ask: Ask, outer: Ipv6Addr) -> Ask {
    let id: &'static [u8] = Vec::leak(outer.octets().to_vec());
    ask.with(PcpOption::ThirdParty(B4))
        .with(PcpOption::ThirdPartyId(id))
}

/// T-14.
#[test]
fn pc_060_dh_053_nobody_speaks_for_others_through_a_tunnel() {
    let mut world = world();
    let ask = Ask::canonical().with(PcpOption::ThirdParty(KEA));
    assert_eq!(world.refused(b4(1), &ask), ResultCode::UnsupportedOption);
    let ask = Ask::canonical().with(PcpOption::ThirdPartyId(&[1]));
    assert_eq!(world.refused(b4(1), &ask), ResultCode::UnsupportedOption);
}

#[test]
fn ti_002_pc_060_third_parties_that_make_no_sense() {
    let mut world = world();
    for (ask, expected) in [
        (
            Ask::canonical().with(PcpOption::ThirdParty(KEA)),
            ResultCode::MalformedRequest,
        ),
        (
            Ask::canonical().with(PcpOption::ThirdPartyId(&[0; 16])),
            ResultCode::ThirdPartyMissingOption,
        ),
        (
            Ask::canonical()
                .with(PcpOption::ThirdParty(B4))
                .with(PcpOption::ThirdPartyId(&[0; 8])),
            ResultCode::UnsupportedThirdPartyIdLength,
        ),
        (
            Ask::canonical().with(PcpOption::ThirdParty(B4)),
            ResultCode::NotAuthorized,
        ),
        (Ask::canonical(), ResultCode::NotAuthorized),
    ] {
        assert_eq!(send(&mut world, &ask).result, Some(expected));
    }
}

#[test]
fn ti_001_ti_003_pc_061_dh_050_dh_051_the_exact_suggestion_or_nothing() {
    let mut world = world();
    let wish = identified(Ask::set(4096 * 2, 2048), b4(1));
    let unsuggested = send(&mut world, &wish);
    assert_eq!(unsuggested.result, Some(ResultCode::NoResources));
    let narrow = identified(Ask::set(9000, 2048), b4(1)).suggest([198, 51, 100, 1], 9000);
    assert_eq!(
        send(&mut world, &narrow).result,
        Some(ResultCode::NoResources)
    );
    let suggested = wish.clone().suggest([198, 51, 100, 1], 8192);
    let decision = send(&mut world, &suggested);
    let [Effect::Grant(lease)] = decision.effects[..] else {
        panic!("{decision:?}");
    };
    assert_eq!((lease.client.outer, lease.client.inner), (b4(1), B4));
    assert_eq!(lease.contact.path, Path::Management(0));
    let response = decision.response.unwrap();
    let options: Vec<u8> = Response::parse(&response)
        .unwrap()
        .options
        .raw()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(options, [1, 13, 130]);
    let other = identified(Ask::set(8192, 2048), b4(2)).suggest([198, 51, 100, 1], 8192);
    assert_eq!(
        send(&mut world, &other).result,
        Some(ResultCode::NoResources)
    );
    // PC-061: an update names the client as the third party knows it.
    let update = world.server.mapping_update(&lease, world.now).unwrap();
    let options: Vec<u8> = Response::parse(&update)
        .unwrap()
        .options
        .raw()
        .map(|(code, _)| code)
        .collect();
    assert_eq!(options, [1, 13, 130]);
}

/// LW-006.
#[test]
fn dh_051_the_pools_of_others_are_closed_to_lwb4s_and_the_reverse() {
    let mut world = world();
    let stolen = Ask::canonical().suggest([198, 51, 100, 1], 8192);
    let answer = world.ask(b4(1), &stolen);
    assert_eq!(answer.external.0, IpAddr::from([192, 0, 2, 4]));
    let ours = identified(Ask::set(8192, 2048), b4(2)).suggest([192, 0, 2, 5], 8192);
    assert_eq!(
        send(&mut world, &ours).result,
        Some(ResultCode::NoResources)
    );
}

#[test]
fn dh_050_dh_052_an_ipv6_address_alone_names_an_lwb4_and_may_move() {
    let mut world = world();
    let ask = |host: Ipv6Addr| {
        Ask::set(8192, 2048)
            .suggest([198, 51, 100, 1], 8192)
            .with(PcpOption::ThirdParty(host.into()))
    };
    let decision = send(&mut world, &ask(b4(1)));
    assert!(matches!(decision.effects[..], [Effect::Grant(lease)] if lease.client.outer == b4(1)));
    let mut moved = b4(1).octets();
    moved[15] = 9;
    let decision = send(&mut world, &ask(moved.into()));
    let [Effect::Migrate { after, .. }] = decision.effects[..] else {
        panic!("{decision:?}");
    };
    assert_eq!(after.client.outer, Ipv6Addr::from(moved));
    assert_eq!(after.client.inner, IpAddr::V6(moved.into()));
}
