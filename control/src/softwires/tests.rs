//! Bindings of a configuration meet each other and our own addresses.

use lwaftr_dataplane::table::Publisher;

use super::*;
use crate::config::Purpose;

const CONFIG: &str = r#"[internet]
ipv4 = "10.0.0.1"
next_hop_mac = "02:00:00:00:00:01"
[access]
ipv6 = "2001:db8:af::1"
next_hop_mac = "02:00:00:00:00:02"
[softwire]
binding_files = ["one.csv", "two.json"]
save_file = "saved.csv"
br = ["2001:db8:af::9"]
[[softwire.binding]]
ipv4 = "192.0.2.1"
psid_length = 6
psid = 1
b4 = "2001:db8::1"
br = "2001:db8:af::1"
"#;
const HEADER: &str = "ipv4,psid_offset,psid_length,psid,b4,br\n";
const JSON: &str = r#"{"ietf-softwire-br:br-instances":{"binding":{"bind-instance":[{"name":"x",
"binding-table":{"binding-entry":[{"binding-ipv6info":"2001:db8::3","binding-ipv4-addr":"192.0.2.3",
"port-set":{"psid-len":0,"psid":0},"br-ipv6-addr":"2001:db8:af::3"}]}}]}}}"#;

/// The softwires of the configuration with these rows in `one.csv`; the folder's name is left out of errors.
fn read(rows: &str) -> Result<Softwires, String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("lwaftr.toml");
    fs::write(&file, CONFIG).unwrap();
    fs::write(folder.path().join("one.csv"), format!("{HEADER}{rows}")).unwrap();
    fs::write(folder.path().join("two.json"), JSON).unwrap();
    let config = Config::read(&file, Purpose::Replay).unwrap();
    let prefix = format!("{}/", folder.path().display());
    Softwires::read(&config, |_, _| ()).map_err(|error| error.to_string().replace(&prefix, ""))
}

#[test]
fn bindings_of_the_configuration_and_its_files_make_one_table() {
    let softwires = read("192.0.2.1,0,6,2,2001:db8::2,2001:db8:af::2\n").unwrap();
    let brs: Vec<_> = br_addresses(&softwires.br)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        brs,
        [
            "2001:db8:af::1",
            "2001:db8:af::2",
            "2001:db8:af::3",
            "2001:db8:af::9"
        ]
    );
    let rows: Vec<_> = Publisher::new(softwires.builder).iter().collect();
    let mut found: Vec<_> = rows
        .iter()
        .map(|row| {
            (
                row.binding.b4().to_string(),
                softwires.origins.name(row.origin),
            )
        })
        .map(|(b4, origin)| format!("{b4} {}", origin.rsplit('/').next().unwrap()))
        .collect();
    found.sort();
    assert_eq!(
        found,
        [
            "2001:db8::1 lwaftr.toml",
            "2001:db8::2 one.csv",
            "2001:db8::3 two.json"
        ]
    );
    assert_eq!(softwires.files.len(), 2);
}

#[test]
fn a_binding_that_does_not_fit_is_named_by_file_and_line() {
    for (row, complaint) in [
        (
            "192.0.2.1,0,6,1,2001:db8::2,2001:db8:af::1",
            "192.0.2.1 a=0 k=6 psid=1 is bound already, to B4 2001:db8::1",
        ),
        (
            "192.0.2.1,0,5,1,2001:db8::2,2001:db8:af::1",
            "192.0.2.1 is split with a=0 k=6, so a binding with a=0 k=5 does not fit",
        ),
        (
            "10.0.0.1,0,0,0,2001:db8::2,2001:db8:af::1",
            "IPv4 address 10.0.0.1 is this lwAFTR's own",
        ),
        (
            "192.0.2.9,0,0,0,2001:db8:af::1,2001:db8:af::2",
            "B4 address 2001:db8:af::1 is this lwAFTR's own",
        ),
        (
            "192.0.2.9,0,0,0,2001:db8:af::9,2001:db8:af::1",
            "B4 address 2001:db8:af::9 is this lwAFTR's own",
        ),
    ] {
        assert_eq!(
            read(&format!("# x\n{row}\n")).unwrap_err(),
            format!("one.csv:3: {complaint}")
        );
    }
    assert_eq!(
        read("192.0.2.1\n").unwrap_err().split(": ").next(),
        Some("one.csv:2")
    );
}

#[test]
fn a_file_has_one_origin_however_its_path_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("b.csv");
    fs::write(&file, HEADER).unwrap();
    let mut origins = Origins::new(&folder.path().join("lwaftr.toml"));
    let origin = origins.of_file(&file).unwrap();
    assert_eq!(
        origins.of_file(&folder.path().join(".").join("b.csv")),
        Ok(origin)
    );
    assert_ne!(origins.of_file(&folder.path().join("c.csv")), Ok(origin));
    assert_eq!(origins.name(Origins::LIVE), "live");
    assert!(origins.name(Origins::CONFIG).ends_with("lwaftr.toml"));
}
