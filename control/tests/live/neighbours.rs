//! The lwAFTR among its neighbours: next hops that it finds, and addresses of its own that are found.

use libtest_mimic::Trial;
use programs::Outcome;
use programs::run;

use crate::daemon::NextHops;
use crate::daemon::Setup;
use crate::lab::HOST;
use crate::lab::Lab;
use crate::lab::SUBSCRIBER;
use crate::network::Place;
use crate::scenarios::in_lab;

pub(crate) fn trials() -> Vec<Trial> {
    let by_address = Setup {
        next_hops: NextHops::ByAddress,
        ..Setup::default()
    };
    vec![
        Trial::test(
            "next_hops_are_found_by_arp_and_neighbour_discovery",
            move || in_lab(&by_address, next_hops),
        ),
        Trial::test("neighbours_find_and_ping_the_lwaftr", || {
            in_lab(&Setup::default(), own_addresses)
        }),
    ]
}

fn next_hops(lab: &mut Lab) -> Outcome<()> {
    // Nobody has the address of the access side's next hop yet.
    lab.ping_in_vain(Place::Internet, SUBSCRIBER, 1101)?;
    lab.drops_only_for(&["drop-next-hop-unresolved"])?;
    let next_hop = "address add 2001:db8:ac::fe/64 dev access nodad";
    ip(lab, Place::B4, next_hop)?;
    // Its question of every second is answered now, while these go on asking.
    lab.ping(Place::Internet, SUBSCRIBER, 1102)?;
    lab.ping(Place::B4, HOST, 1100)
}

fn own_addresses(lab: &mut Lab) -> Outcome<()> {
    // What the network was told about us is forgotten; only we can say it again.
    ip(lab, Place::Internet, "neighbour del 203.0.113.1 dev inet")?;
    lab.ping(Place::Internet, "203.0.113.1", 7)?;
    lab.ping(Place::Internet, SUBSCRIBER, 1101)?;
    ip(lab, Place::B4, "neighbour del 2001:db8:af::1 dev access")?;
    lab.ping(Place::B4, "2001:db8:af::1", 7)?;
    lab.ping(Place::B4, HOST, 1100)?;
    // Inside the tunnel as well.
    lab.ping(Place::B4, "203.0.113.1", 1100)?;
    lab.no_drops()
}

fn ip(lab: &Lab, place: Place, arguments: &str) -> Outcome<()> {
    run(lab.network.command(place, "ip").args(arguments.split(' '))).map(drop)
}
