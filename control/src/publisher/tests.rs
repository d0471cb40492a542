//! The writing thread: changes judged one by one, files as a whole, saved bindings durable.

use std::fs;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::counters::Counters;
use lwaftr_dataplane::heap_packet::HeapPacket;
use lwaftr_dataplane::pipeline::Ledger;
use lwaftr_dataplane::pipeline::Pipeline;
use lwaftr_dataplane::pipeline::Share;
use lwaftr_dataplane::pipeline::Verdict;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use lwaftr_dataplane::side::Side;
use lwaftr_dataplane::softwire_counters::SoftwireCounters;
use lwaftr_dataplane::table::Reader;
use lwaftr_dataplane::wire::checksum;
use lwaftr_dataplane::wire::ethernet::Mac;
use tempfile::TempDir;

use super::*;
use crate::config::Config;
use crate::config::Purpose;
use crate::forwarding;
use crate::forwarding::PortFacts;

const CONFIG: &str = r#"[internet]
ipv4 = "10.0.0.1"
next_hop_mac = "02:00:00:00:00:01"
[access]
ipv6 = "2001:db8:af::1"
next_hop_mac = "02:00:00:00:00:02"
[softwire]
binding_files = ["one.csv"]
save_file = "saved.csv"
[[softwire.binding]]
ipv4 = "192.0.2.1"
psid_length = 6
psid = 1
b4 = "2001:db8::1"
br = "2001:db8:af::1"
"#;
const HEADER: &str = "ipv4,psid_offset,psid_length,psid,b4,br\n";

/// A folder with a configuration and `one.csv`.
fn folder(rows: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("lwaftr.toml"), CONFIG).unwrap();
    fs::write(folder.path().join("one.csv"), format!("{HEADER}{rows}")).unwrap();
    folder
}

fn start(folder: &TempDir) -> SoftwireService {
    let config = Config::read(&folder.path().join("lwaftr.toml"), Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let publisher = Publisher::new(builder);
    SoftwireService::start(publisher, known, config.softwire.save_file, None, None)
        .unwrap()
        .0
}

fn binding(ipv4: &str, length: u8, psid: u16, b4: &str) -> Binding {
    let ports = PortSet::new(PortSplit::new(0, length).unwrap(), psid).unwrap();
    Binding::new(
        ipv4.parse().unwrap(),
        ports,
        b4.parse().unwrap(),
        "2001:db8:af::1".parse().unwrap(),
    )
    .unwrap()
}

fn add(binding: Binding, keep: Keep) -> Change {
    Change::Add { binding, keep }
}

fn b4s(service: &SoftwireService) -> Vec<String> {
    let mut b4s: Vec<_> = service
        .dump()
        .unwrap()
        .iter()
        .map(|binding| binding.b4().to_string())
        .collect();
    b4s.sort();
    b4s
}

#[test]
fn lw_002_each_change_is_judged_by_itself_and_answered_in_order() {
    let folder = folder("");
    let service = start(&folder);
    let (new, taken) = (
        binding("192.0.2.1", 6, 2, "2001:db8::2"),
        binding("192.0.2.1", 6, 1, "2001:db8::3"),
    );
    let ours = binding("10.0.0.1", 0, 0, "2001:db8::4");
    let other_split = binding("192.0.2.1", 5, 7, "2001:db8::5");
    let remove = Change::Remove {
        ipv4: new.ipv4(),
        ports: new.ports(),
        keep: Keep::UntilRestart,
    };
    let changes = [
        add(taken, Keep::UntilRestart),
        add(ours, Keep::UntilRestart),
        add(new, Keep::UntilRestart),
        add(other_split, Keep::UntilRestart),
        remove,
        remove,
    ];
    let answers = service.change(changes.to_vec()).unwrap();
    let said: Vec<_> = answers
        .iter()
        .map(|answer| {
            answer
                .as_ref()
                .map_or_else(ToString::to_string, |()| "ok".to_owned())
        })
        .collect();
    assert_eq!(
        said,
        [
            "192.0.2.1 a=0 k=6 psid=1 is bound already, to B4 2001:db8::1",
            "IPv4 address 10.0.0.1 is this lwAFTR's own",
            "ok",
            "192.0.2.1 is split with a=0 k=6, so a binding with a=0 k=5 does not fit",
            "ok",
            "192.0.2.1 a=0 k=6 psid=2 is not bound",
        ]
    );
    let summary = service.summary().unwrap();
    assert_eq!(
        (summary.softwires, summary.changes, summary.refused),
        (1, 2, 3)
    );
}

#[test]
fn softwires_are_found_by_port_psid_address_and_b4() {
    let folder = folder(
        "192.0.2.1,0,6,2,2001:db8::2,2001:db8:af::1\n192.0.2.2,0,0,0,2001:db8::2,2001:db8:af::1\n",
    );
    let service = start(&folder);
    let ipv4 = Ipv4Addr::new(192, 0, 2, 1);
    let found = |query| {
        let found = service.get(query).unwrap();
        found
            .iter()
            .map(|found| format!("{} {}", found.binding.ipv4(), found.binding.ports().psid()))
            .collect::<Vec<_>>()
    };
    assert_eq!(found(Query::Port(ipv4, 1024)), ["192.0.2.1 1"]);
    assert_eq!(found(Query::Port(ipv4, 1023)), [""; 0]);
    assert_eq!(found(Query::Psid(ipv4, 2)), ["192.0.2.1 2"]);
    assert_eq!(found(Query::Address(ipv4)), ["192.0.2.1 1", "192.0.2.1 2"]);
    let b4: Ipv6Addr = "2001:db8::2".parse().unwrap();
    assert_eq!(found(Query::B4(b4)), ["192.0.2.1 2", "192.0.2.2 0"]);
    let origin = service.get(Query::Psid(ipv4, 2)).unwrap()[0].origin.clone();
    assert!(origin.ends_with("one.csv"), "{origin}");
}

#[test]
fn a_file_replaces_its_own_bindings_and_no_others() {
    let folder = folder(
        "192.0.2.1,0,6,2,2001:db8::2,2001:db8:af::1\n192.0.2.1,0,6,3,2001:db8::3,2001:db8:af::1\n",
    );
    let service = start(&folder);
    let live = binding("192.0.2.9", 0, 0, "2001:db8::9");
    service.change(vec![add(live, Keep::UntilRestart)]).unwrap();
    let file = folder.path().join("one.csv");
    fs::write(
        &file,
        format!("{HEADER}192.0.2.1,0,6,3,2001:db8::33,2001:db8:af::1\n"),
    )
    .unwrap();
    assert_eq!(service.load(&file, |_| ()).unwrap(), 1);
    assert_eq!(
        b4s(&service),
        ["2001:db8::1", "2001:db8::33", "2001:db8::9"]
    );
}

#[test]
fn a_file_with_a_bad_row_is_refused_whole_and_the_row_is_named() {
    let folder = folder("192.0.2.1,0,6,2,2001:db8::2,2001:db8:af::1\n");
    let service = start(&folder);
    let file = folder.path().join("one.csv");
    for (row, complaint) in [
        (
            "192.0.2.1,0,6,64,2001:db8::5,2001:db8:af::1",
            "psid: PSID 64 is out of range for PSID length 6",
        ),
        (
            "192.0.2.7,0,6,5,2001:db8::5,2001:db8:af::1",
            "192.0.2.7 a=0 k=6 psid=5 is bound already, to B4 2001:db8::4",
        ),
        (
            "192.0.2.1,0,6,1,2001:db8::5,2001:db8:af::1",
            "192.0.2.1 a=0 k=6 psid=1 is bound already, to B4 2001:db8::1",
        ),
        (
            "192.0.2.1,0,5,9,2001:db8::5,2001:db8:af::1",
            "192.0.2.1 is split with a=0 k=6, so a binding with a=0 k=5 does not fit",
        ),
        (
            "192.0.2.8,0,5,9,2001:db8::5,2001:db8:af::2",
            "BR address 2001:db8:af::2 is not one of this lwAFTR's",
        ),
        (
            "10.0.0.1,0,5,9,2001:db8::5,2001:db8:af::1",
            "IPv4 address 10.0.0.1 is this lwAFTR's own",
        ),
    ] {
        fs::write(
            &file,
            format!("{HEADER}192.0.2.7,0,6,5,2001:db8::4,2001:db8:af::1\n{row}\n"),
        )
        .unwrap();
        let error = service.load(&file, |_| ()).unwrap_err().to_string();
        assert_eq!(error, format!("{}:3: {complaint}", file.display()));
        assert_eq!(b4s(&service), ["2001:db8::1", "2001:db8::2"]);
    }
}

#[test]
fn saved_bindings_outlast_a_restart_and_others_do_not() {
    let folder = folder("");
    let service = start(&folder);
    let (two, three, four) = (
        binding("192.0.2.1", 6, 2, "2001:db8::2"),
        binding("192.0.2.1", 6, 3, "2001:db8::3"),
        binding("192.0.2.1", 6, 4, "2001:db8::4"),
    );
    let remove = |binding: Binding, keep| Change::Remove {
        ipv4: binding.ipv4(),
        ports: binding.ports(),
        keep,
    };
    let changes = vec![
        add(two, Keep::Saved),
        add(three, Keep::Saved),
        add(four, Keep::UntilRestart),
    ];
    assert!(service.change(changes).unwrap().iter().all(Result::is_ok));
    assert_eq!(
        b4s(&start(&folder)),
        ["2001:db8::1", "2001:db8::2", "2001:db8::3"]
    );
    let changes = vec![remove(two, Keep::UntilRestart), remove(three, Keep::Saved)];
    assert!(service.change(changes).unwrap().iter().all(Result::is_ok));
    assert_eq!(b4s(&service), ["2001:db8::1", "2001:db8::4"]);
    assert_eq!(b4s(&start(&folder)), ["2001:db8::1", "2001:db8::2"]);
    assert!(!folder.path().join("saved.csv.new").exists());
}

#[test]
fn what_cannot_be_saved_is_said_so() {
    let folder = folder("");
    let service = start(&folder);
    fs::create_dir(folder.path().join("saved.csv.new")).unwrap();
    let answers = service.change(vec![
        add(binding("192.0.2.1", 6, 2, "2001:db8::2"), Keep::Saved),
        add(
            binding("192.0.2.1", 6, 3, "2001:db8::3"),
            Keep::UntilRestart,
        ),
    ]);
    let answers = answers.unwrap();
    let error = answers[0].as_ref().unwrap_err().to_string();
    assert!(
        error.starts_with("done, but not saved: ")
            && error.contains("saved.csv: cannot be written"),
        "{error}"
    );
    assert!(answers[1].is_ok());
    assert_eq!(b4s(&service).len(), 3);
}

#[test]
fn the_thread_ends_with_the_last_service_and_gives_the_publisher_back() {
    let folder = folder("");
    let config = Config::read(&folder.path().join("lwaftr.toml"), Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let (service, thread) =
        SoftwireService::start(Publisher::new(builder), known, None, None, None).unwrap();
    let other = service.clone();
    let answers = other
        .change(vec![add(
            binding("192.0.2.1", 6, 2, "2001:db8::2"),
            Keep::Saved,
        )])
        .unwrap();
    assert_eq!(
        answers[0].as_ref().unwrap_err().to_string(),
        "not done: softwire.save_file, where it would be saved, is not configured"
    );
    drop((service, other));
    assert_eq!(thread.join().unwrap().len(), 1);
}

/// Sends a UDP packet of 28 octets to the configured softwire through a pipeline that counts.
fn send_one(pipeline: &Pipeline, reader: &Reader) {
    let mut frame = vec![2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend([
        0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 198, 51, 100, 1, 192, 0, 2, 1,
    ]);
    let sum = !checksum::sum(&frame[14..]);
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([0, 53, 4, 0, 0, 8, 0, 0]);
    let counters = Counters::default();
    let mut ledger = Ledger::new(&counters, Side::Internet);
    let mut burst = [HeapPacket::new(&frame)];
    let mut detour = pipeline.detour(Share::WHOLE);
    let verdicts = pipeline.from_internet(reader.table(), &mut burst, &mut detour, &mut ledger);
    assert_eq!(verdicts[0], Verdict::Access);
}

#[test]
fn a_softwire_is_counted_from_its_own_beginning_not_from_its_numbers() {
    let folder = folder("");
    let config = Config::read(&folder.path().join("lwaftr.toml"), Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let publisher = Publisher::new(builder);
    let counters = Arc::new(SoftwireCounters::default());
    let facts = PortFacts {
        mac: Mac([2, 0, 0, 0, 0, 9]),
        vlan_by_device: false,
    };
    let pipeline = Pipeline::new(forwarding::settings(&config, facts, facts))
        .with_softwire_counters(Arc::clone(&counters));
    let mut reader = publisher.reader().unwrap().online();
    let traffic = Traffic::new(vec![counters], &publisher);
    let (service, _) = SoftwireService::start(publisher, known, None, Some(traffic), None).unwrap();
    let carried = || {
        let found = service
            .get(Query::Port(Ipv4Addr::new(192, 0, 2, 1), 1024))
            .unwrap();
        let carried = found[0].carried.unwrap();
        (carried.down_packets, carried.down_bytes, carried.up_packets)
    };
    send_one(&pipeline, &reader);
    send_one(&pipeline, &reader);
    assert_eq!(carried(), (2, 56, 0));

    // Removed and added again until the number comes round, it counts from nothing each time.
    let again = binding("192.0.2.1", 6, 1, "2001:db8::1");
    let keep = Keep::UntilRestart;
    for _ in 0..50 {
        let remove = Change::Remove {
            ipv4: again.ipv4(),
            ports: again.ports(),
            keep,
        };
        reader.quiescent();
        let answers = service
            .change(vec![
                remove,
                Change::Add {
                    binding: again,
                    keep,
                },
            ])
            .unwrap();
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(carried(), (0, 0, 0));
        send_one(&pipeline, &reader);
        assert_eq!(carried(), (1, 28, 0));
    }
}

/// A service that has one lease, and the news of what is reserved.
fn leasing(folder: &TempDir) -> (SoftwireService, crossbeam_channel::Receiver<Reserved>) {
    let config = Config::read(&folder.path().join("lwaftr.toml"), Purpose::Replay).unwrap();
    let (builder, known) = Softwires::read(&config, |_, _| ()).unwrap().into_parts();
    let (reserving, reserved) = crossbeam_channel::unbounded();
    let publisher = Publisher::new(builder);
    let saved = config.softwire.save_file;
    let (service, _) =
        SoftwireService::start(publisher, known, saved, None, Some(reserving)).unwrap();
    let lease = binding("192.0.2.9", 6, 7, "2001:db8::9");
    let change = table::Change::Add(lease, Origins::LEASE);
    assert_eq!(service.lease(vec![change]), Ok(vec![]));
    (service, reserved)
}

#[test]
fn a_lease_is_neither_overwritten_nor_removed_as_a_binding() {
    let folder = folder("");
    let (service, reserved) = leasing(&folder);
    let other = binding("192.0.2.9", 6, 7, "2001:db8::8");
    let remove = Change::Remove {
        ipv4: other.ipv4(),
        ports: other.ports(),
        keep: Keep::UntilRestart,
    };
    let answers = service
        .change(vec![add(other, Keep::UntilRestart), remove])
        .unwrap();
    let answers: Vec<_> = answers
        .into_iter()
        .map(|answer| answer.unwrap_err().to_string())
        .collect();
    assert!(answers[0].contains("2001:db8::9"), "{}", answers[0]);
    assert_eq!(
        answers[1],
        "a=0 k=6 psid=7 of 192.0.2.9 are leased: \"lwaftr lease revoke\" takes them back"
    );
    assert_eq!(
        service.get(Query::Address(other.ipv4())).unwrap()[0].origin,
        "lease"
    );
    assert!(reserved.try_recv().is_err());
}

#[test]
fn leases_outlast_a_load_and_are_bound_one_by_one_where_not_all_can_be() {
    let folder = folder("");
    let (service, _) = leasing(&folder);
    service
        .load(&folder.path().join("one.csv"), |_| ())
        .unwrap();
    let (taken, free) = (
        binding("192.0.2.9", 6, 7, "2001:db8::1"),
        binding("192.0.2.9", 6, 8, "2001:db8::1"),
    );
    let changes = [taken, free].map(|binding| table::Change::Add(binding, Origins::LEASE));
    assert_eq!(service.lease(changes.to_vec()), Ok(vec![0]));
    assert_eq!(service.get(Query::Address(free.ipv4())).unwrap().len(), 2);
}

#[test]
fn lw_009_whoever_hands_out_sets_hears_what_the_operator_binds() {
    let folder = folder("");
    let (service, reserved) = leasing(&folder);
    let live = binding("192.0.2.7", 6, 7, "2001:db8::7");
    service.change(vec![add(live, Keep::UntilRestart)]).unwrap();
    assert_eq!(reserved.recv(), Ok(Reserved::Since(live)));
    let file = folder.path().join("one.csv");
    let row = "192.0.2.8,0,6,1,2001:db8::8,2001:db8:af::1\n";
    fs::write(&file, format!("{HEADER}{row}")).unwrap();
    service.load(&file, |_| ()).unwrap();
    let loaded = binding("192.0.2.8", 6, 1, "2001:db8::8");
    assert_eq!(reserved.recv(), Ok(Reserved::Since(loaded)));
    fs::write(&file, HEADER).unwrap();
    service.load(&file, |_| ()).unwrap();
    assert_eq!(reserved.recv(), Ok(Reserved::NoLonger(loaded)));
    let (ipv4, ports, keep) = (live.ipv4(), live.ports(), Keep::UntilRestart);
    service
        .change(vec![Change::Remove { ipv4, ports, keep }])
        .unwrap();
    assert_eq!(reserved.recv(), Ok(Reserved::NoLonger(live)));
}
