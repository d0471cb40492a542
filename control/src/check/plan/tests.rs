//! What a plan says, and what it warns of.

use std::path::Path;

use super::*;
use crate::config::Purpose;

const EXAMPLE: &str = include_str!("../../../../lwaftr.example.toml");

fn plan_of(text: &str, machine: &Machine) -> Plan {
    let config = Config::parse(Path::new("lwaftr.toml"), text, Purpose::Run).unwrap();
    let softwires = Softwires::read(&config, |_, _| ()).unwrap();
    Plan::new(&config, softwires, machine)
}

fn roomy() -> Machine {
    Machine {
        cores: (0..4).collect(),
        free_huge_bytes: Some(1 << 30),
    }
}

#[test]
fn the_example_has_a_plan_that_adds_up() {
    let plan = plan_of(EXAMPLE, &roomy());
    assert_eq!(
        (plan.softwires, plan.workers.as_slice(), plan.control_core),
        (2, [1].as_slice(), 0)
    );
    assert_eq!(plan.br, ["2001:db8:af::1"]);
    let sets: Vec<_> = plan
        .port_sets
        .iter()
        .map(|set| {
            (
                set.psid_length,
                set.ports_each,
                set.addresses,
                set.softwires,
            )
        })
        .collect();
    assert_eq!(sets, [(0, 65536, 1, 1), (6, 1024, 1, 1)]);
    let memory = &plan.memory;
    assert_eq!(memory.total_bytes, memory.pool_bytes + memory.table_bytes);
    let parts = memory.descriptor_buffers + memory.cache_buffers + memory.burst_buffers;
    assert!(parts + memory.reassembly_buffers <= memory.buffers);
    assert_eq!(plan.ports[0].device, "0000:3b:00.0");
}

#[test]
fn what_is_allowed_but_unwise_is_a_warning() {
    let warned = |from: &str, to: &str, machine: &Machine| {
        assert!(EXAMPLE.contains(from));
        let text = EXAMPLE.replacen(from, to, 1).replace("3b:00.", "ff:1f.");
        plan_of(&text, machine).warnings
    };
    let usual = warned("control_core = 0", "control_core = 0", &roomy());
    assert_eq!(
        usual,
        [
            "device 0000:ff:1f.0 is not in this machine",
            "device 0000:ff:1f.1 is not in this machine",
            "access.mtu: 1500 carries IPv4 packets of at most 1460 octets through the tunnel, internet.mtu is 1500; larger ones are fragmented or refused, which costs speed",
        ]
    );
    let has = |warnings: Vec<String>, expected: &str| {
        assert!(
            warnings.iter().any(|warning| warning == expected),
            "{warnings:?}"
        );
    };
    has(
        warned("control_core = 0", "control_core = 1", &roomy()),
        "dataplane.control_core: core 1 is also a worker, whose packets will wait for control",
    );
    has(
        warned("workers = [1]", "workers = [7]", &roomy()),
        "dataplane: core 7 is not one of this machine's",
    );
    has(
        warned("memory = \"huge\"", "memory = \"no-huge\"", &roomy()),
        "dataplane.memory: \"no-huge\" is for trying out: it costs nearly two thirds of the speed",
    );
    let poor = Machine {
        free_huge_bytes: Some(4 << 20),
        ..roomy()
    };
    has(
        warned("control_core = 0", "control_core = 0", &poor),
        "dataplane.memory: the pool needs 38 MiB of huge pages, 4 MiB are free",
    );
}

#[test]
fn the_plan_fits_80_columns() {
    let mut text = Vec::new();
    super::super::print::plan(&mut text, &plan_of(EXAMPLE, &roomy())).unwrap();
    let text = String::from_utf8(text).unwrap();
    let tables = text.split("EAL arguments").next().unwrap();
    assert!(
        tables.lines().all(|line| line.chars().count() <= 80),
        "{text}"
    );
    for part in [
        "1024 ports each (a=0 k=6)",
        "2001:db8:af::1/64",
        "0000:3b:00.1",
        "38.0 MiB",
    ] {
        assert!(tables.contains(part), "{text}");
    }
}
