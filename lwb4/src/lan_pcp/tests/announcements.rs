//! ANNOUNCE and the epoch (RFC 6887 s8.5, s14.1).

use super::super::Destination;
use super::*;

/// The announcement of an epoch, by hand.
fn announcement(epoch_s: u8) -> [u8; 24] {
    let mut octets = [0; 24];
    octets[..2].copy_from_slice(&[2, 0x80]);
    octets[11] = epoch_s;
    octets
}

#[test]
fn pc_080_pc_141_announce_asks_for_the_epoch() {
    let mut home = Home::new();
    assert_eq!(home.answer(&header(0, 0, HOST)), announcement(100));
    home.wait(7);
    let future = with(&header(0, 0, HOST), &[option(200, b"what")]);
    assert_eq!(home.answer(&future), announcement(107));
    let mandatory = with(&header(0, 0, HOST), &[option(77, b"what")]);
    assert_eq!(home.result(&mandatory), 5);
    assert_eq!(
        home.hear_from(OTHER_HOST, &header(0, 0, HOST)).unwrap()[3],
        12
    );
}

/// A restart is a loss.
#[test]
fn pc_140_pc_142_a_new_server_is_heard_ten_times_by_everybody() {
    let mut home = Home::new();
    home.server = LanServer::new(LanConfig::default(), home.now);
    let sent = home.unasked();
    let times: Vec<_> = sent.iter().map(|(time, _)| *time).collect();
    let expected = [0, 250, 750, 1750, 3750, 7750, 15750, 31750, 63750, 127_750];
    assert_eq!(times, expected);
    for (time, datagram) in sent {
        assert_eq!(datagram.to, Destination::Everybody);
        assert_eq!(*datagram.payload, announcement((time / 1000) as u8));
    }
    assert_eq!(home.server.counters().announcements, 10);
    assert_eq!(home.server.due(), None);
}

/// RFC 7785 s4: the hosts cannot see the prefix of the WAN.
#[test]
fn px_004_an_announcement_without_a_loss_says_so() {
    let mut home = Home::new();
    home.unasked();
    assert_eq!(home.server.due(), None);
    home.wait(100);
    home.server.announce(home.now);
    let (_, first) = home.unasked().swap_remove(0);
    assert_eq!(*first.payload, announcement(200));
}
