//! Every fault of a configuration is one line that names file, line, key, what was found and what was
//! expected; the example file is complete and accepted.

use std::path::Path;

use super::*;

/// A valid configuration. The tests change a line of it.
const VALID: &str = r#"[dataplane]
workers = [1]
control_core = 0
[internet]
device = "0000:3b:00.0"
ipv4 = "10.10.10.10/24"
next_hop_mac = "68:68:68:68:68:68"
[access]
device = "0000:3b:00.1"
ipv6 = "8:9:a:b:c:d:e:f/64"
next_hop_mac = "44:44:44:44:44:44"
[softwire]
[[softwire.binding]]
ipv4 = "178.79.150.15"
psid_length = 4
psid = 1
b4 = "127:22:33:44:55:66:77:128"
br = "8:9:a:b:c:d:e:f"
"#;

fn parse(text: &str) -> Result<Config, ConfigErrors> {
    Config::parse(Path::new("lwaftr.toml"), text, Purpose::Run)
}

/// The complaint about the valid configuration with `from` changed into `to`.
fn complaint(from: &str, to: &str) -> String {
    assert!(VALID.contains(from), "{from}");
    parse(&VALID.replacen(from, to, 1)).unwrap_err().to_string()
}

/// The complaint about a key that is added to a section.
fn complaint_of_key(section: &str, line: &str) -> String {
    let header = format!("[{section}]\n");
    complaint(&header, &format!("{header}{line}\n"))
}

#[test]
fn a_short_configuration_has_the_documented_defaults() {
    let config = parse(VALID).unwrap();
    assert_eq!(config.dataplane.memory, Memory::Huge);
    assert_eq!(config.dataplane.idle, Idle::Pause);
    assert_eq!(
        (config.dataplane.burst, config.dataplane.rx_descriptors),
        (32, 1024)
    );
    assert_eq!(
        (config.internet.link.mtu_bytes, config.access.link.mtu_bytes),
        (1500, 1500)
    );
    assert_eq!(
        config.internet.fragment_cache,
        FragmentCache {
            max_packets: 20_000,
            timeout_s: 2
        }
    );
    assert_eq!(config.access.reassembly.timeout_s, 60);
    assert_eq!(config.softwire.hop_limit, 64);
    assert_eq!(config.softwire.aftr_ipv4.to_string(), "192.0.0.1");
    assert_eq!(config.socket, Path::new(DEFAULT_SOCKET));
    assert_eq!(config.softwire.bindings.len(), 1);
    assert_eq!(config.softwire.bindings[0].line, 13);
    let icmp = Icmp {
        allow_incoming: true,
        generate_errors: true,
        errors_per_second: 1000,
        error_burst: 100,
        errors_per_source: 10,
    };
    assert_eq!((config.internet.icmp, config.access.icmp), (icmp, icmp));
}

#[test]
fn each_fault_is_one_line_with_file_line_and_key() {
    for (from, to, line) in [
        (
            "psid = 1",
            "psid = 16",
            "lwaftr.toml:16: softwire.binding[0].psid: 16 is out of range for psid_length 4 (0–15)",
        ),
        (
            "psid_length = 4",
            "psid_length = 4\npsid_offset = 13",
            "lwaftr.toml:15: softwire.binding[0].psid_length: PSID offset 13 and PSID length 4 need \
             more than the 16 bits of a port",
        ),
        (
            "psid_length = 4",
            "psid_length = 17",
            "lwaftr.toml:15: softwire.binding[0].psid_length: 17 is out of range, expected 0 to 16",
        ),
        (
            "psid = 1\n",
            "",
            "lwaftr.toml:13: softwire.binding[0].psid: missing, expected the PSID as a plain number",
        ),
        (
            "178.79.150.15",
            "178.79.150.256",
            "lwaftr.toml:14: softwire.binding[0].ipv4: \"178.79.150.256\" found, expected an IPv4 \
             address like \"192.0.2.1\"",
        ),
        (
            "178.79.150.15",
            "224.0.0.1",
            "lwaftr.toml:14: softwire.binding[0].ipv4: IPv4 address 224.0.0.1 cannot be bound: not a \
             unicast address for subscribers",
        ),
        (
            "127:22:33:44:55:66:77:128",
            "8:9:a:b:c:d:e:f",
            "lwaftr.toml:17: softwire.binding[0].b4: B4 and BR are both 8:9:a:b:c:d:e:f: the tunnel \
             would end where it begins",
        ),
        (
            "br = \"8:9:a:b:c:d:e:f\"",
            "br = \"ff02::1\"",
            "lwaftr.toml:18: softwire.binding[0].br: BR address ff02::1 cannot be a tunnel end: not \
             unicast",
        ),
        (
            "workers = [1]",
            "workers = []",
            "lwaftr.toml:2: dataplane.workers: missing, expected a list of cores, like [1]",
        ),
        (
            "workers = [1]",
            "workers = [1, 2, 1]",
            "lwaftr.toml:2: dataplane.workers[2]: 1 is there already, expected each once",
        ),
        (
            "workers = [1]",
            "workers = [1, -2]",
            "lwaftr.toml:2: dataplane.workers[1]: -2 is out of range, expected 0 to 1023",
        ),
        (
            "workers = [1]",
            "workers = 1",
            "lwaftr.toml:2: dataplane.workers: 1 found, expected a list",
        ),
        (
            "control_core = 0\n",
            "",
            "lwaftr.toml:1: dataplane.control_core: missing, expected the core for control, like 0",
        ),
        (
            "device = \"0000:3b:00.0\"\n",
            "",
            "lwaftr.toml:4: internet.device: missing, expected a PCI address like \"0000:3b:00.0\" or \
             a virtual device like \"net_af_packet0,iface=eth0\"",
        ),
        (
            "0000:3b:00.1",
            "eth0",
            "lwaftr.toml:9: access.device: \"eth0\" found, expected a PCI address like \
             \"0000:3b:00.0\" or a virtual device like \"net_af_packet0,iface=eth0\"",
        ),
        (
            "0000:3b:00.1",
            "0000:3b:00.0,mprq_en=1",
            "lwaftr.toml:9: access.device: \"0000:3b:00.0,mprq_en=1\" has the name of \
             \"0000:3b:00.0\" but other arguments, expected the same device or another name",
        ),
        (
            "10.10.10.10/24",
            "10.10.10.10/33",
            "lwaftr.toml:6: internet.ipv4: \"10.10.10.10/33\" found, expected our address, like \
             \"192.0.2.2/24\"",
        ),
        (
            "ipv6 = \"8:9:a:b:c:d:e:f/64\"\n",
            "",
            "lwaftr.toml:8: access.ipv6: missing, expected our address, like \"2001:db8::2/64\"",
        ),
        (
            "next_hop_mac = \"68:68:68:68:68:68\"\n",
            "",
            "lwaftr.toml:4: internet.next_hop: missing, expected the next hop's address, or next_hop_mac",
        ),
        (
            "next_hop_mac = \"44:44:44:44:44:44\"",
            "next_hop_mac = \"45:44:44:44:44:44\"",
            "lwaftr.toml:11: access.next_hop_mac: \"45:44:44:44:44:44\" found, expected a unicast MAC \
             address like \"02:00:00:00:00:01\"",
        ),
        (
            "[access]",
            "[acces]",
            "lwaftr.toml: access.ipv6: missing, expected our address, like \"2001:db8::2/64\"",
        ),
    ] {
        let complaint = complaint(from, to);
        assert!(
            complaint.lines().any(|found| found == line),
            "{complaint}\nexpected\n{line}"
        );
        if from != "[access]" {
            assert_eq!(complaint, line);
        }
    }
}

#[test]
fn each_optional_key_is_checked() {
    for (section, key, rest) in [
        (
            "dataplane",
            "burst = 0",
            "dataplane.burst: 0 is out of range, expected 1 to 64",
        ),
        (
            "dataplane",
            "burst = \"32\"",
            "dataplane.burst: \"32\" found, expected a number",
        ),
        (
            "dataplane",
            "burst = 0x41",
            "dataplane.burst: 0x41 is out of range, expected 1 to 64",
        ),
        (
            "dataplane",
            "memory = \"small\"",
            "dataplane.memory: \"small\" found, expected \"huge\" or \"no-huge\"",
        ),
        (
            "dataplane",
            "idle = true",
            "dataplane.idle: true found, expected \"spin\", \"pause\" or \"interrupt\"",
        ),
        (
            "dataplane",
            "softwire_counters = 1",
            "dataplane.softwire_counters: 1 found, expected true or false",
        ),
        (
            "dataplane",
            "rx_descriptors = 63",
            "dataplane.rx_descriptors: 63 is out of range, expected 64 to 32768",
        ),
        (
            "dataplane",
            "tx_descriptors = 32769",
            "dataplane.tx_descriptors: 32769 is out of range, expected 64 to 32768",
        ),
        (
            "dataplane",
            "mempool_size = 255",
            "dataplane.mempool_size: 255 is out of range, expected 256 to 8388607",
        ),
        (
            "dataplane",
            "mempool_size = 4096",
            "dataplane.mempool_size: 4096 buffers are too few, expected at least 11648 for these descriptors, caches and bursts",
        ),
        (
            "dataplane",
            "eal_args = [7]",
            "dataplane.eal_args[0]: 7 found, expected a text",
        ),
        (
            "dataplane",
            "eal_args = [\"-d\", \"x.so\", \"--vdev=net_null0\"]",
            "dataplane.eal_args[2]: --vdev=net_null0 is built from internet.device and access.device, expected only arguments that the other keys do not make",
        ),
        (
            "internet",
            "mac = \"x\"",
            "internet.mac: \"x\" found, expected a unicast MAC address like \"02:00:00:00:00:01\"",
        ),
        (
            "internet",
            "mac = \"00:00:00:00:00:00\"",
            "internet.mac: \"00:00:00:00:00:00\" found, expected a unicast MAC address like \"02:00:00:00:00:01\"",
        ),
        (
            "internet",
            "mtu = 67",
            "internet.mtu: 67 is out of range, expected 68 to 9216",
        ),
        (
            "internet",
            "vlan = 4095",
            "internet.vlan: 4095 is out of range, expected 1 to 4094",
        ),
        (
            "internet",
            "next_hop = \"10.10.11.1\"",
            "internet.next_hop: 10.10.11.1 is outside 10.10.10.10/24, the network of this interface",
        ),
        (
            "internet",
            "next_hop = \"10.10.10.10\"",
            "internet.next_hop: 10.10.10.10 is this interface's own address, expected a neighbour's",
        ),
        (
            "internet",
            "next_hop = \"::2\"",
            "internet.next_hop: \"::2\" found, expected an address of this side's family",
        ),
        (
            "internet",
            "allow_incoming_icmp = 0",
            "internet.allow_incoming_icmp: 0 found, expected true or false",
        ),
        (
            "internet",
            "generate_icmp_errors = []",
            "internet.generate_icmp_errors: a list found, expected true or false",
        ),
        (
            "internet",
            "icmp_errors_per_second = 0",
            "internet.icmp_errors_per_second: 0 is out of range, expected 1 to 1000000",
        ),
        (
            "internet",
            "icmp_error_burst = 1.5",
            "internet.icmp_error_burst: 1.5 found, expected a number",
        ),
        (
            "internet",
            "icmp_errors_per_source = 99999999999999999999",
            "internet.icmp_errors_per_source: 99999999999999999999 is out of range, expected 1 to 1000000",
        ),
        (
            "internet",
            "fragment_cache = 5",
            "internet.fragment_cache: 5 found, expected a table",
        ),
        (
            "internet",
            "fragment_cache = { max_packets = 0 }",
            "internet.fragment_cache.max_packets: 0 is out of range, expected 1 to 1000000",
        ),
        (
            "internet",
            "fragment_cache = { timeout_s = 121 }",
            "internet.fragment_cache.timeout_s: 121 is out of range, expected 1 to 120",
        ),
        (
            "internet",
            "fragment_cache = { max_fragments = 1 }",
            "internet.fragment_cache.max_fragments: unknown key, expected one of: max_packets, timeout_s",
        ),
        (
            "access",
            "mtu = 1279",
            "access.mtu: 1279 is out of range, expected 1280 to 9216",
        ),
        (
            "access",
            "reassembly = { max_packets = 1000001 }",
            "access.reassembly.max_packets: 1000001 is out of range, expected 1 to 1000000",
        ),
        (
            "access",
            "reassembly = { max_fragments = 1 }",
            "access.reassembly.max_fragments: 1 is out of range, expected 2 to 1024",
        ),
        (
            "access",
            "reassembly = { timeout_s = 0 }",
            "access.reassembly.timeout_s: 0 is out of range, expected 1 to 120",
        ),
        (
            "softwire",
            "hairpinning = \"yes\"",
            "softwire.hairpinning: \"yes\" found, expected true or false",
        ),
        (
            "softwire",
            "hop_limit = 256",
            "softwire.hop_limit: 256 is out of range, expected 1 to 255",
        ),
        (
            "softwire",
            "dscp = 64",
            "softwire.dscp: 64 is out of range, expected 0 to 63",
        ),
        (
            "softwire",
            "dscp = \"ef\"",
            "softwire.dscp: \"ef\" found, expected \"copy\" or a number from 0 to 63",
        ),
        (
            "softwire",
            "mss_clamp = 27",
            "softwire.mss_clamp: 27 is out of range, expected 28 to 9176",
        ),
        (
            "softwire",
            "mss_clamp = \"on\"",
            "softwire.mss_clamp: \"on\" found, expected \"auto\", 0 for off, or octets",
        ),
        (
            "softwire",
            "path_mtu_discovery = 1",
            "softwire.path_mtu_discovery: 1 found, expected true or false",
        ),
        (
            "softwire",
            "aftr_ipv4 = \"192.0.0.2\"",
            "softwire.aftr_ipv4: \"192.0.0.2\" found, expected 192.0.0.1, or 192.0.0.3 to 192.0.0.6",
        ),
        (
            "softwire",
            "br = [\"2001:db8::1\", \"::1\"]",
            "softwire.br[1]: \"::1\" found, expected a unicast IPv6 address",
        ),
        (
            "softwire",
            "binding_files = [\"a.txt\"]",
            "softwire.binding_files[0]: \"a.txt\" found, expected the path of a .csv or .json file",
        ),
        (
            "softwire",
            "save_file = \"a.json\"",
            "softwire.save_file: \"a.json\" found, expected the path of a .csv file",
        ),
    ] {
        let header = format!("[{section}]\n");
        let line = 1 + VALID[..VALID.find(&header).unwrap()].lines().count() + 1;
        assert_eq!(
            complaint_of_key(section, key),
            format!("lwaftr.toml:{line}: {rest}"),
            "{key}"
        );
    }
    for (text, line) in [
        (
            "[api]\nsocket = \"\"\n",
            "lwaftr.toml:20: api.socket: \"\" found, expected the path of a file",
        ),
        (
            "[log]\nlevel = \"loud\"\n",
            "lwaftr.toml:20: log.level: \"loud\" found, expected \"error\", \"warn\", \"info\", \"debug\" or \"trace\"",
        ),
    ] {
        assert_eq!(
            parse(&format!("{VALID}{text}")).unwrap_err().to_string(),
            line
        );
    }
}

#[test]
fn what_later_versions_will_do_is_refused_until_they_do_it() {
    let complaint = parse(&format!("{VALID}[[third_party]]\n")).unwrap_err();
    assert_eq!(
        complaint.to_string(),
        "lwaftr.toml:19: third_party: [[third_party]] is not supported by this version"
    );
    let complaint = parse(&format!("{VALID}[log]\nleases = \"x\"\n"))
        .unwrap_err()
        .to_string();
    assert_eq!(
        complaint,
        "lwaftr.toml:20: log.leases: log.leases is not supported by this version"
    );
}

#[test]
fn all_independent_faults_are_reported_in_the_order_of_their_lines() {
    let text = VALID
        .replacen("psid = 1", "psid = 16", 1)
        .replacen("[1]", "[1, 1]", 1);
    let complaint = parse(&format!("{text}colour = 1\n"))
        .unwrap_err()
        .to_string();
    let keys: Vec<_> = complaint
        .lines()
        .map(|line| line.split(": ").nth(1).unwrap())
        .collect();
    assert_eq!(keys, ["dataplane.workers[1]", "softwire.binding[0].psid"]);
    let complaint = complaint_of_key("internet", "colour = 1\nsize = 2");
    assert_eq!(complaint.lines().count(), 2);
    assert!(
        complaint
            .starts_with("lwaftr.toml:5: internet.colour: unknown key, expected one of: device, ")
    );
}

#[test]
fn a_text_that_is_not_toml_names_its_line() {
    let complaint = complaint("control_core = 0", "control_core 0");
    assert!(
        complaint.starts_with("lwaftr.toml:3: not TOML: "),
        "{complaint}"
    );
    assert_eq!(complaint.lines().count(), 1);
    let missing = Config::read(Path::new("/nonexistent/lwaftr.toml"), Purpose::Run).unwrap_err();
    let expected =
        "/nonexistent/lwaftr.toml: cannot be read: No such file or directory (os error 2)";
    assert_eq!(missing.to_string(), expected);
}

#[test]
fn the_same_device_on_both_sides_is_on_a_stick() {
    let config = parse(&VALID.replace("3b:00.1", "3b:00.0")).unwrap();
    assert_eq!(
        config.wiring,
        Wiring::OnAStick("0000:3b:00.0".parse().unwrap())
    );
    assert_eq!(
        config.eal_arguments(),
        [
            "--no-telemetry",
            "-l",
            "0",
            "--in-memory",
            "-a",
            "0000:3b:00.0",
            "--log-level=error"
        ]
    );
}

#[test]
fn replay_needs_no_devices_and_no_cores() {
    let without = VALID.lines().filter(|line| {
        !["device", "workers", "control"]
            .iter()
            .any(|key| line.starts_with(key))
    });
    let text: String = without.map(|line| format!("{line}\n")).collect();
    assert!(parse(&text).is_err());
    let config = Config::parse(Path::new("lwaftr.toml"), &text, Purpose::Replay).unwrap();
    assert_eq!(config.wiring, Wiring::Files);
    assert_eq!(
        (config.dataplane.workers, config.dataplane.control_core),
        (vec![0], 0)
    );
}

#[test]
fn eal_arguments_are_those_of_the_configuration() {
    let text = VALID
        .replace(
            "control_core = 0",
            "control_core = 0\nmemory = \"no-huge\"\neal_args = [\"--iova-mode=va\"]",
        )
        .replace("0000:3b:00.0", "net_null0")
        .replace("0000:3b:00.1", "net_null1");
    let arguments = parse(&text).unwrap().eal_arguments();
    let expected = "--no-telemetry -l 0 --no-huge --no-shconf -m 112 --no-pci --log-level=error --iova-mode=va";
    assert_eq!(arguments.join(" "), expected);
}

#[test]
fn buffers_add_up_and_reassembly_has_at_most_a_quarter() {
    let buffers = parse(VALID).unwrap().buffers();
    assert_eq!(
        (buffers.descriptors, buffers.caches, buffers.bursts),
        (4096, 768, 6784)
    );
    assert_eq!(buffers.mbufs, 16_383);
    assert!(buffers.reassembly_share <= buffers.mbufs / 4);
    assert!(buffers.needed() + buffers.reassembly_share <= buffers.mbufs);
}

#[test]
fn mss_clamp_auto_is_what_fits_the_tunnel() {
    // The table in RFC 7596's surroundings: IPv6 path MTU 1500, tunnel MTU 1460, MSS 1420.
    assert_eq!(MssClamp::Auto.bytes(1500), Some(1420));
    assert_eq!(MssClamp::Auto.bytes(1280), Some(1200));
    assert_eq!(MssClamp::Bytes(1300).bytes(1500), Some(1300));
    assert_eq!(MssClamp::Off.bytes(1500), None);
}

const EXAMPLE: &str = include_str!("../../../lwaftr.example.toml");

/// The example with its optional keys switched on.
fn example_in_full() -> String {
    let uncommented = EXAMPLE.lines().map(|line| {
        let is_key = line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        if is_key { &line[1..] } else { line }
    });
    uncommented.map(|line| format!("{line}\n")).collect()
}

#[test]
fn the_example_is_accepted_as_it_is_and_with_every_key_switched_on() {
    parse(EXAMPLE).unwrap();
    parse(&example_in_full()).unwrap();
}

#[test]
fn the_example_shows_the_defaults() {
    let (short, full) = (parse(EXAMPLE).unwrap(), parse(&example_in_full()).unwrap());
    let settled = |config: &Config| {
        let internet = (
            config.internet.icmp,
            config.internet.fragment_cache,
            config.internet.link.mtu_bytes,
        );
        let access = (
            config.access.icmp,
            config.access.reassembly,
            config.access.link.mtu_bytes,
        );
        let dataplane = &config.dataplane;
        let loops = (
            dataplane.burst,
            dataplane.idle,
            dataplane.rx_descriptors,
            dataplane.tx_descriptors,
        );
        let softwire = &config.softwire;
        let tunnel = (
            softwire.hop_limit,
            softwire.dscp,
            softwire.mss_clamp,
            softwire.hairpinning,
        );
        (
            internet,
            access,
            loops,
            tunnel,
            config.pcp.clone().map(|mut pcp| {
                // An example: there is no group by default.
                pcp.recovery.multicast = None;
                pcp
            }),
            config.leases.clone(),
            config.pools[0].exclude_ports.clone(),
            config.log_level,
            config.socket.clone(),
        )
    };
    assert_eq!(settled(&short), settled(&full));
}

#[test]
fn the_example_shows_every_key_that_is_read() {
    let text = example_in_full();
    let source = Source::new(Path::new("lwaftr.example.toml"), &text);
    Config::from_source(&source, Path::new("lwaftr.example.toml"), Purpose::Run).unwrap();
    let document: toml::Table = text.parse().unwrap();
    let later = ["third_party", "log.leases"];
    for key in source.asked() {
        let shown = key
            .split('.')
            .try_fold(toml::Value::Table(document.clone()), |value, part| {
                let table = value.as_array().map_or(&value, |list| &list[0]);
                table.get(part).cloned()
            });
        assert_eq!(shown.is_some(), !later.contains(&key.as_str()), "{key}");
    }
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]a-z_0-9=\"\\n., {}#-]{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("{VALID}{text}"));
    }

    #[test]
    fn no_value_of_any_key_makes_the_reader_panic(line in 0_usize..18, value in "\\PC{0,20}") {
        let lines = VALID.lines().enumerate().map(|(n, text)| match text.split_once(" = ") {
            Some((key, _)) if n == line => format!("{key} = {value}\n"),
            _ => format!("{text}\n"),
        });
        let _ = parse(&lines.collect::<String>());
    }
}
