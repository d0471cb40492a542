use settings::Source;

use super::*;

const EXAMPLE: &str = include_str!("../../../lwb4.example.toml");

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(Path::new("lwb4.toml"), text).map_err(|errors| errors.to_string())
}

/// The example with its optional keys switched on; of two that exclude each other the first.
fn example_in_full() -> String {
    let uncommented = EXAMPLE.lines().map(|line| {
        let is_key = line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
        if is_key && !line.starts_with("#remote_name") {
            &line[1..]
        } else {
            line
        }
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
    assert_eq!(short.nat, full.nat);
    assert_eq!(short.dhcpv6, full.dhcpv6);
    assert_eq!(short.socket, full.socket);
    assert_eq!(short.log_level, full.log_level);
    let with_group = Pcp {
        announce_group: full.provisioning.pcp.announce_group,
        ..short.provisioning.pcp
    };
    assert_eq!(with_group, full.provisioning.pcp);
    let shown = Tunnel {
        wan: full.tunnel.wan.clone(),
        local: full.tunnel.local,
        access_mtu: full.tunnel.access_mtu,
        ..short.tunnel
    };
    assert_eq!(shown, full.tunnel);
    let shown = Lan {
        interfaces: full.lan.interfaces.clone(),
        ..short.lan
    };
    assert_eq!(shown, full.lan);
}

#[test]
fn the_example_shows_every_key_that_is_read() {
    let text = example_in_full();
    let source = Source::new(Path::new("lwb4.example.toml"), &text);
    Config::from_source(&source, Path::new("lwb4.example.toml")).unwrap();
    for key in source.asked() {
        let name = key.rsplit('.').next().unwrap();
        let is_shown = |line: &str| {
            let line = line.trim_start_matches('#');
            line.starts_with(&format!("{name} = ")) || line.ends_with(&format!("{name}]]"))
        };
        let is_table = ["[{key}]", "[{key}.", "[[{key}."]
            .iter()
            .any(|table| EXAMPLE.contains(&table.replace("{key}", &key)));
        assert!(is_table || EXAMPLE.lines().any(is_shown), "{key}");
    }
}

#[test]
fn faults_are_named_by_file_line_and_key() {
    for (text, fault) in [
        (
            "[tunnel]\nremote = \"::1\"\n",
            "lwb4.toml:2: tunnel.remote: \"::1\" found, expected a unicast IPv6 address",
        ),
        (
            "[tunnel]\n",
            "lwb4.toml:1: tunnel.remote: missing, expected the lwAFTR's address, or remote_name, or dhcpv6.mode",
        ),
        (
            "[tunnel]\nremote = \"2001:db8::1\"\nremote_name = \"a.example\"\n",
            "lwb4.toml:3: tunnel.remote_name: there is an address in tunnel.remote, expected one of the two",
        ),
        (
            "[tunnel]\nremote = \"2001:db8::1\"\n[nat.timers]\nudp_s = 119\n",
            "lwb4.toml:4: nat.timers.udp_s: 119 is out of range, expected 120 to 604800",
        ),
        (
            "[dhcpv6]\nmode = \"own\"\n[tunnel]\n",
            "lwb4.toml:3: tunnel.wan: missing, expected the interface that DHCPv6 runs on, like \"eth1\"",
        ),
        (
            "[tunnel]\nremote = \"2001:db8::1\"\n[[provisioning.set]]\nipv4 = \"192.0.2.1\"\npsid_length = 6\npsid = 64\n",
            "lwb4.toml:6: provisioning.set[0].psid: PSID 64 is out of range for PSID length 6",
        ),
        (
            "[tunnel]\nremote = \"2001:db8::1\"\nroutes = [\"192.0.2.1/24\"]\n",
            "lwb4.toml:3: tunnel.routes[0]: \"192.0.2.1/24\" found, expected an IPv4 prefix like \"198.51.100.0/24\"",
        ),
        (
            "[tunnel]\nremote_name = \"aftr.example\"\n[dns]\nservers = [\"192.0.2.53\"]\n",
            "lwb4.toml:4: dns.servers[0]: \"192.0.2.53\" found, expected a name server's IPv6 address like",
        ),
        (
            "[tunnel]\nremote = \"2001:db8::1\"\nmoon = 1\n",
            "lwb4.toml:3: tunnel.moon: unknown key, expected one of: ",
        ),
    ] {
        let found = parse(text).unwrap_err();
        assert!(found.starts_with(fault), "{found}");
    }
}

#[test]
fn every_independent_fault_is_found_in_one_pass() {
    let text = "[tunnel]\nremote = 1\nmtu = 10\n[pcp]\nmax_sets = 0\n";
    assert_eq!(parse(text).unwrap_err().lines().count(), 3);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_the_reader_panic(text in "[\\[\\]a-z_0-9=\"\\n., {}#-]{0,200}") {
        let _ = parse(&text);
        let _ = parse(&format!("{EXAMPLE}{text}"));
    }
}
