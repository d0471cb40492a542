//! Ports over DPDK's virtual devices, in this process.

use std::fs::File;
use std::path::Path;
use std::thread;
use std::time::Duration;

use pcap_file::pcap::PcapPacket;
use pcap_file::pcap::PcapReader;
use pcap_file::pcap::PcapWriter;

use super::*;
use crate::lcore::RegisteredThread;
use crate::mac::Mac;
use crate::mbuf::Burst;
use crate::mbuf::Mbuf;
use crate::mbuf::RxTimestamps;
use crate::mbuf::free_bulk;
use crate::mempool::Mempool;
use crate::testing::eal;
use crate::testing::pool;
use crate::testing::unique;

fn open(device: &str) -> Port {
    Port::open(&eal(), device).unwrap()
}

fn start(device: &str, pool: &Mempool) -> Configured {
    open(device)
        .configure(&PortSetup::new(vec![pool.clone()]))
        .unwrap()
}

fn packets<const N: usize>(pool: &Mempool, numbers: std::ops::Range<u32>) -> Burst<N> {
    let mut burst = Burst::new();
    pool.allocate_burst(&mut burst, numbers.len()).unwrap();
    for (mbuf, number) in burst.iter_mut().zip(numbers) {
        mbuf.append(64).unwrap().fill(number as u8);
        mbuf.data_mut()[..4].copy_from_slice(&number.to_be_bytes());
    }
    burst
}

fn number(mbuf: &Mbuf) -> u32 {
    assert_eq!(mbuf.len(), 64);
    let number = u32::from_be_bytes(mbuf.data()[..4].try_into().unwrap());
    assert!(mbuf.data()[4..].iter().all(|&byte| byte == number as u8));
    number
}

#[test]
fn a_ring_port_returns_every_packet_in_order_with_its_bytes() {
    let pool = pool(4095);
    let mut port = start(&unique("net_ring"), &pool);
    let (mut next, mut received) = (0, Vec::new());
    let mut burst = Burst::<32>::new();
    while received.len() < 2000 {
        let count = (2000 - next).min(29);
        let mut out = packets::<32>(&pool, next..next + count);
        assert_eq!(port.tx[0].transmit(&mut out), count as usize);
        assert!(out.is_empty());
        next += count;
        while port.rx[0].receive(&mut burst, 7) > 0 {
            assert!(burst.len() <= 7);
            received.extend(burst.drain(..).map(|mbuf| number(&mbuf)));
        }
    }
    assert_eq!(received, (0..2000).collect::<Vec<_>>());
    let stats = port.port.stats().unwrap();
    assert_eq!((stats.rx_packets, stats.tx_packets), (2000, 2000));
    drop(port);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn what_a_full_device_does_not_take_stays_in_order() {
    let pool = pool(4095);
    let mut port = start(&unique("net_ring"), &pool);
    let (mut sent, mut left) = (0, Vec::new());
    for first in (0..2048).step_by(64) {
        let mut out = packets::<64>(&pool, first..first + 64);
        let taken = port.tx[0].transmit(&mut out);
        assert_eq!(taken + out.len(), 64);
        sent += taken;
        left.extend(out.drain(..).map(|mbuf| number(&mbuf)));
    }
    assert!((1000..=1024).contains(&sent), "{sent}");
    assert_eq!(left, (sent as u32..2048).collect::<Vec<_>>());
    // Nobody fetches them: closing the port gives them back.
    drop(port);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn a_burst_is_received_behind_what_it_holds_and_never_beyond_its_end() {
    let pool = pool(255);
    let mut port = start(&unique("net_ring"), &pool);
    assert_eq!(port.tx[0].transmit(&mut packets::<32>(&pool, 0..32)), 32);
    let mut burst = packets::<20>(&pool, 100..105);
    assert_eq!(port.rx[0].receive(&mut burst, 0), 0);
    assert_eq!(port.rx[0].receive(&mut burst, 3), 3);
    assert_eq!(port.rx[0].receive(&mut burst, 1000), 12);
    assert_eq!(port.rx[0].receive(&mut burst, 1000), 0);
    let numbers: Vec<_> = burst.iter().map(number).collect();
    assert_eq!(numbers, (100..105).chain(0..15).collect::<Vec<_>>());
}

#[test]
fn a_null_port_swallows_and_produces() {
    let pool = pool(255);
    let mut port = start(&format!("{},size=64,copy=0", unique("net_null")), &pool);
    let mut burst = Burst::<32>::new();
    assert_eq!(port.rx[0].receive(&mut burst, 32), 32);
    assert!(
        burst
            .iter()
            .all(|mbuf| mbuf.len() == 64 && mbuf.port() == Some(port.port.id()))
    );
    assert_eq!(pool.in_use(), 32);
    assert_eq!(port.tx[0].transmit(&mut burst), 32);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn more_queues_than_the_device_has_are_refused_with_both_numbers() {
    let pool = pool(255);
    let port = open(&unique("net_ring"));
    let offered = port.info().max_rx_queues;
    let asked = offered + 1;
    let setup = PortSetup::new(vec![pool.clone(); usize::from(asked)]);
    let device = port.device.name().to_owned();
    let expected = format!("device {device} has {offered} receive queues, {asked} are needed");
    assert_eq!(port.configure(&setup).unwrap_err().to_string(), expected);
    let setup = PortSetup {
        tx_queues: 1000,
        ..PortSetup::new(vec![pool])
    };
    let refused = open(&unique("net_ring")).configure(&setup).unwrap_err();
    assert!(
        matches!(
            refused,
            PortError::TooFewQueues {
                direction: Direction::Transmit,
                asked: 1000,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_device_unknown_to_dpdk_is_refused_with_what_there_is() {
    let error = Port::open(&eal(), "net_nonsense0").unwrap_err().to_string();
    assert!(
        error.starts_with("cannot open device net_nonsense0: "),
        "{error}"
    );
    assert!(
        error.contains("net_af_packet") && error.contains("net_pcap"),
        "{error}"
    );
    let error = Port::open(&eal(), "0000:ff:1f.7").unwrap_err().to_string();
    assert!(
        error.ends_with("; the EAL was started without PCI"),
        "{error}"
    );
    let error = Port::open(&eal(), "net_ring\0").unwrap_err();
    assert_eq!(error, PortError::Name("net_ring\0".to_owned()));
}

#[test]
fn a_device_is_open_once_and_again_after_it_was_closed() {
    let name = unique("net_null");
    let port = open(&name);
    assert_eq!(
        Port::open(&eal(), &name).unwrap_err(),
        PortError::InUse(name.clone())
    );
    drop(port);
    drop(open(&name));
}

#[test]
fn an_mtu_out_of_range_is_refused() {
    let pool = pool(255);
    let setup = PortSetup {
        mtu: 20,
        ..PortSetup::new(vec![pool])
    };
    let refused = open(&unique("net_null")).configure(&setup).unwrap_err();
    assert!(
        matches!(
            refused,
            PortError::Mtu {
                asked: 20,
                least: 46,
                ..
            }
        ),
        "{refused}"
    );
}

#[test]
fn a_device_that_disappears_is_an_event_and_its_queues_fall_silent() {
    let pool = pool(255);
    let name = unique("net_null");
    let mut port = start(&name, &pool);
    let mut burst = Burst::<32>::new();
    assert_eq!(port.rx[0].receive(&mut burst, 8), 8);
    assert!(port.port.is_present());

    pull_out(port.port.id());

    assert!(!port.port.is_present());
    assert_eq!(port.rx[0].receive(&mut burst, 8), 0);
    assert_eq!(port.tx[0].transmit(&mut burst), 0);
    assert_eq!(burst.len(), 8, "for the caller to count and free");
    assert!(port.port.stats().is_err() && port.port.link().is_err());

    // Its number goes to the next device, which the old handles must leave alone.
    let mut next = start(&unique("net_null"), &pool);
    assert_eq!(port.rx[0].receive(&mut burst, 8), 0);
    drop(port);
    assert!(next.port.is_present());
    assert_eq!(next.rx[0].receive(&mut burst, 8), 8);
    free_bulk(&mut burst);
    assert_eq!(pool.in_use(), 0);
}

/// As if somebody pulled the card, and its driver were told.
fn pull_out(id: u16) {
    let _control = crate::eal::control();
    let mut info = dpdk_sys::rte_eth_dev_info::default();
    // SAFETY: the port exists; no other thread uses it.
    assert_eq!(unsafe { dpdk_sys::rte_eth_dev_info_get(id, &mut info) }, 0);
    // SAFETY: the bus's own device; no other thread uses it.
    assert_eq!(unsafe { dpdk_sys::rte_dev_remove(info.device) }, 0);
}

#[test]
fn a_capture_comes_back_byte_for_byte_with_its_times() {
    let folder = tempfile::tempdir().unwrap();
    let (input, output) = (
        folder.path().join("in.pcap"),
        folder.path().join("out.pcap"),
    );
    let frames: Vec<(u64, Vec<u8>)> = (0..200_u64)
        .map(|n| {
            (
                1_700_000_000_000_000 + n * n * 1_003,
                vec![n as u8; 60 + 45 * n as usize],
            )
        })
        .collect();
    write_pcap(&input, &frames);
    let pool = pool(1023);
    let device = format!(
        "{},rx_pcap={},tx_pcap={}",
        unique("net_pcap"),
        input.display(),
        output.display()
    );
    let setup = PortSetup {
        mtu: 9000,
        ..PortSetup::new(vec![pool.clone()])
    };
    let mut port = open(&device).configure(&setup).unwrap();
    let field = RxTimestamps::find(&eal()).unwrap();
    let mut burst = Burst::<32>::new();
    let mut seen = Vec::new();
    while port.rx[0].receive(&mut burst, 32) > 0 {
        for mbuf in &burst {
            let mut bytes = vec![0; mbuf.len()];
            mbuf.copy_out(0, &mut bytes).unwrap();
            seen.push((mbuf.rx_timestamp(field).unwrap(), bytes));
        }
        port.tx[0].transmit(&mut burst);
        assert!(burst.is_empty());
    }
    assert!(
        seen.iter().any(|(_, bytes)| bytes.len() > 2048),
        "several segments"
    );
    assert_eq!(seen, frames);
    let Configured { port, rx, tx, .. } = port;
    drop((rx, tx));
    port.stop().unwrap();
    let written = read_pcap(&output);
    let expected: Vec<_> = frames.into_iter().map(|(_, bytes)| bytes).collect();
    assert_eq!(written, expected);
    assert_eq!(pool.in_use(), 0);
}

#[test]
fn each_queue_of_a_capture_port_has_its_own_file() {
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = (0..2)
        .map(|n| folder.path().join(format!("{n}.pcap")))
        .collect();
    let mut device = unique("net_pcap");
    for (n, file) in files.iter().enumerate() {
        write_pcap(file, &[(n as u64, vec![n as u8; 60 + n])]);
        device += &format!(",rx_pcap={}", file.display());
    }
    device += &format!(",tx_pcap={}", folder.path().join("out.pcap").display());
    let pool = pool(255);
    let setup = PortSetup {
        tx_queues: 1,
        ..PortSetup::new(vec![pool.clone(), pool])
    };
    let mut port = open(&device).configure(&setup).unwrap();
    for n in [1, 0] {
        let mut burst = Burst::<4>::new();
        assert_eq!(port.rx[n].receive(&mut burst, 4), 1);
        assert_eq!(
            (port.rx[n].index(), burst[0].data()),
            (n as u16, &vec![n as u8; 60 + n][..])
        );
    }
}

#[test]
fn rss_over_addresses_is_programmed_and_read_back() {
    let pool = pool(255);
    let setup = PortSetup {
        rss: Some(RssSetup {
            types: RssTypes::ADDRESSES,
            key: RssKey::Given(vec![1, 2, 3, 4, 5]),
        }),
        ..PortSetup::new(vec![pool.clone(), pool.clone(), pool])
    };
    let port = open(&unique("net_null"));
    assert_eq!(port.info().reta_size, 128);
    let accepted = port.configure(&setup).unwrap().accepted;
    let rss = accepted.rss.unwrap();
    assert_eq!(
        rss.table,
        (0..128).map(|entry| entry % 3).collect::<Vec<u16>>()
    );
    assert_eq!(rss.key, [1, 2, 3, 4, 5].repeat(8));
    assert_eq!(rss.types, RssTypes::ADDRESSES, "{}", rss.types);
    assert_eq!(accepted.shortfalls, []);
}

#[test]
fn what_the_device_does_less_well_is_said_in_plain_words() {
    let pool = pool(255);
    let setup = PortSetup {
        mtu: 9000,
        rss: Some(RssSetup {
            types: RssTypes::ADDRESSES,
            key: RssKey::Device,
        }),
        offloads: Offload::VlanStrip | Offload::VlanInsert | Offload::RxChecksum,
        ..PortSetup::new(vec![pool])
    };
    let accepted = open(&unique("net_ring"))
        .configure(&setup)
        .unwrap()
        .accepted;
    let said: Vec<String> = accepted
        .shortfalls
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        said,
        [
            "VLAN tags are taken off in software",
            "VLAN tags are put on in software",
            "checksums are verified in software",
        ]
    );
    assert!(
        accepted.offloads.contains(Offload::Scatter),
        "an MTU of 9000 needs it"
    );
    assert!(!accepted.offloads.contains(Offload::VlanStrip));
}

#[test]
fn several_queues_without_rss_are_a_shortfall_and_not_a_surprise() {
    let pool = pool(255);
    let port = open(&unique("net_ring"));
    assert!(port.info().rss_types.is_empty());
    let mut shortfalls = Vec::new();
    let setup = RssSetup {
        types: RssTypes::ADDRESSES,
        key: RssKey::Device,
    };
    assert!(rss::Request::new(Some(&setup), 2, port.info(), &mut shortfalls).is_none());
    assert_eq!(shortfalls, [Shortfall::NoRss { queues: 2 }]);
    shortfalls.clear();
    assert!(rss::Request::new(Some(&setup), 1, port.info(), &mut shortfalls).is_none());
    assert_eq!(shortfalls, [], "one queue needs none");
    drop(pool);
}

#[test]
fn fr_011_a_driver_that_leaves_queues_to_the_kernel_parts_fragments() {
    let port = open(&unique("net_ring"));
    let info = PortInfo {
        driver: "net_tap".to_owned(),
        rss_types: RssTypes::ADDRESSES,
        ..port.info().clone()
    };
    let setup = RssSetup {
        types: RssTypes::ADDRESSES,
        key: RssKey::Device,
    };
    let mut shortfalls = Vec::new();
    assert!(rss::Request::new(Some(&setup), 2, &info, &mut shortfalls).is_none());
    assert_eq!(shortfalls, [Shortfall::KernelSpreads]);
    let accepted = Accepted {
        rx_descriptors: 0,
        tx_descriptors: 0,
        mtu: None,
        offloads: Offloads::NONE,
        rss: None,
        shortfalls,
    };
    assert!(accepted.spreads_fragments());
}

#[test]
fn addresses_filters_and_link_are_at_the_control_threads_hand() {
    let pool = pool(255);
    let port = start(&unique("net_null"), &pool).port;
    let mac = Mac([2, 0, 0, 0, 0, 7]);
    assert_eq!(port.set_mac(mac).unwrap(), UnicastFilter::Address);
    assert_eq!(port.mac().unwrap(), mac);
    assert!(
        port.set_mac(Mac([1, 0, 0x5e, 0, 0, 1])).is_err(),
        "a group is nobody's own"
    );
    assert_eq!(port.mac().unwrap(), mac);
    let groups = [Mac([0x33, 0x33, 0xff, 0, 0, 7])];
    assert_eq!(port.set_multicast(&groups).unwrap(), MulticastFilter::All);
    assert!(port.is_promiscuous(), "net_null always is");
    port.set_promiscuous(true).unwrap();
    assert!(
        port.set_promiscuous(false).is_err(),
        "and cannot be otherwise"
    );
    assert_eq!(
        port.link().unwrap(),
        Link {
            up: true,
            speed_mbps: Some(10_000),
            full_duplex: true
        }
    );
    assert_eq!(port.link_changes(), 0);
}

#[test]
fn a_device_counts_by_its_own_names_too() {
    let pool = pool(255);
    let mut port = start(&unique("net_ring"), &pool);
    port.tx[0].transmit(&mut packets::<32>(&pool, 0..5));
    let stats = port.port.extended_stats().unwrap();
    let sent = stats.iter().find(|(name, _)| name == "tx_good_packets");
    assert_eq!(sent.unwrap().1, 5, "{stats:?}");
}

#[test]
fn a_port_stops_when_nobody_holds_its_queues() {
    let pool = pool(255);
    let name = unique("net_null");
    let Configured { port, rx, tx, .. } = start(&name, &pool);
    drop(rx);
    let refused = port.stop().unwrap_err();
    assert_eq!(
        refused.to_string(),
        format!("device {name} keeps running: 1 of its queues are still held")
    );
    assert!(matches!(
        Port::open(&eal(), &name),
        Err(PortError::InUse(_))
    ));
    drop(tx);
    drop(open(&name));
}

#[test]
fn workers_on_threads_of_their_own_lose_nothing_between_them() {
    const PACKETS: u32 = 100_000;
    let pool = pool(2047);
    let mut port = start(&unique("net_ring"), &pool);
    let (mut rx, mut tx) = (port.rx.remove(0), port.tx.remove(0));
    let producer = {
        let pool = pool.clone();
        thread::spawn(move || {
            let _known = RegisteredThread::register(&eal()).unwrap();
            for first in (0..PACKETS).step_by(32) {
                let mut burst = packets::<32>(&pool, first..first + 32);
                while !burst.is_empty() {
                    tx.transmit(&mut burst);
                    thread::yield_now();
                }
            }
        })
    };
    let consumer = thread::spawn(move || {
        let _known = RegisteredThread::register(&eal()).unwrap();
        let mut burst = Burst::<32>::new();
        let mut next = 0;
        while next < PACKETS {
            rx.receive(&mut burst, 32);
            for mbuf in &burst {
                assert_eq!(number(mbuf), next);
                next += 1;
            }
            free_bulk(&mut burst);
            thread::yield_now();
        }
    });
    producer.join().unwrap();
    consumer.join().unwrap();
    drop(port);
    assert_eq!(pool.in_use(), 0);
}

fn write_pcap(path: &Path, frames: &[(u64, Vec<u8>)]) {
    let mut writer = PcapWriter::new(File::create(path).unwrap()).unwrap();
    for (us, bytes) in frames {
        let time = Duration::from_micros(*us);
        let packet = PcapPacket::new(time, bytes.len() as u32, bytes);
        writer.write_packet(&packet).unwrap();
    }
}

fn read_pcap(path: &Path) -> Vec<Vec<u8>> {
    let mut reader = PcapReader::new(File::open(path).unwrap()).unwrap();
    let mut frames = Vec::new();
    while let Some(packet) = reader.next_packet() {
        frames.push(packet.unwrap().data.into_owned());
    }
    frames
}
