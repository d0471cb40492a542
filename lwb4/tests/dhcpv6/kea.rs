//! Kea, whose own definitions write the options of Lightweight 4over6.

use std::fs;
use std::path::Path;

use libtest_mimic::Trial;
use programs::Outcome;
use programs::Process;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::cpe;
use crate::link::End;
use crate::link::Link;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "kea: lw_021 a binding comes, is renewed and released",
            binding,
        ),
        Trial::test("kea: dh_016 a BR alone comes with an address", br_alone),
        Trial::test(
            "kea: dh_013 without its server a lease is rebound and lost",
            lost,
        ),
        Trial::test(
            "kea: dh_020 option 111 puts the AFTR's name first",
            priority,
        ),
    ]
}

fn binding() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _kea = kea(&link, &folder, &[BR, BIND, PORT_PARAMS])?;
    let mut cpe = cpe::start(&link, folder.path(), "both")?;
    let provided = cpe.wait_for("provided", PATIENCE)?;
    for part in [
        "2001:db8:aa::1000",
        "2001:db8:b4::/56",
        "for Some(20) s",
        "address: 192.0.2.5",
        "length: 5, psid: 13",
        "br: 2001:db8:af::1",
        "source: 2001:db8:b4::c000:205:d",
    ] {
        contains(&provided, part)?;
    }
    cpe.wait_for("sent 5", PATIENCE)?;
    let renewed = cpe.wait_for_times("provided", 2, PATIENCE)?;
    contains(&renewed, "for Some(20) s")?;
    cpe.close_input();
    cpe.wait_for("Lost", PATIENCE)?;
    cpe.wait_for("sent 8", PATIENCE)?;
    cpe.wait_for("released", PATIENCE)?;
    let printed = cpe.printed();
    match printed.matches("sent 8").count() {
        // Given up after four (RFC 8415 s7.6).
        1..4 => Ok(()),
        _ => Err(format!("the release was not answered:\n{printed}").into()),
    }
}

fn br_alone() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _kea = kea(&link, &folder, &[BR, PCP_SERVER])?;
    let mut cpe = cpe::start(&link, folder.path(), "address")?;
    let provided = cpe.wait_for("provided", PATIENCE)?;
    contains(&provided, "provided [2001:db8:aa::1000] []")?;
    contains(
        &provided,
        "Pcp { remote: Address(2001:db8:af::1), servers: [[192.0.0.1]] }",
    )
}

fn lost() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let mut kea = kea(&link, &folder, &[BR])?;
    let mut cpe = cpe::start(&link, folder.path(), "prefix")?;
    cpe.wait_for("provided", PATIENCE)?;
    kea.kill()?;
    cpe.wait_for("sent 5", PATIENCE)?;
    cpe.wait_for("sent 6", PATIENCE)?;
    cpe.wait_for("Lost", PATIENCE)?;
    cpe.wait_for_times("sent 1", 2, PATIENCE).map(drop)
}

fn priority() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _kea = kea(&link, &folder, &[BR, AFTR_NAME, PRIORITY])?;
    let mut cpe = cpe::start(&link, folder.path(), "options")?;
    let provided = cpe.wait_for("provided", PATIENCE)?;
    cpe.wait_for("sent 11", PATIENCE)?;
    contains(&provided, "remote: Name(")
}

/// Fails with the line if a part is not in it.
pub(crate) fn contains(line: &str, part: &str) -> Outcome<()> {
    if line.contains(part) {
        return Ok(());
    }
    Err(format!("no '{part}' in: {line}").into())
}

pub(crate) fn kea(link: &Link, folder: &TempDir, options: &[&str]) -> Outcome<Process> {
    let config = folder.path().join("kea.json");
    fs::write(&config, configuration(folder.path(), options))?;
    let mut command = link.command(End::Isp, "kea-dhcp6");
    command
        .arg("-c")
        .arg(&config)
        .env("KEA_PIDFILE_DIR", folder.path())
        .env("KEA_LOCKFILE_DIR", folder.path());
    let mut kea = Process::start(&mut command, folder.path(), "kea")?;
    kea.wait_for("DHCP6_STARTED", PATIENCE)?;
    Ok(kea)
}

fn configuration(folder: &Path, options: &[&str]) -> String {
    let dns = r#"{ "name": "dns-servers", "data": "2001:db8:aa::1" }"#;
    let container = r#"{ "name": "s46-cont-lw" }"#;
    let options = [&[dns, container], options].concat().join(",\n");
    let folder = folder.display();
    format!(
        r#"{{ "Dhcp6": {{
  "interfaces-config": {{ "interfaces": [ "isp" ] }},
  "lease-database": {{ "type": "memfile", "persist": false }},
  "server-id": {{ "type": "LL", "persist": false }},
  "control-socket": {{ "socket-type": "unix", "socket-name": "{folder}/socket" }},
  "preferred-lifetime": 16, "valid-lifetime": 20, "renew-timer": 5, "rebind-timer": 8,
  "option-data": [ {options} ],
  "subnet6": [ {{
    "id": 1, "subnet": "2001:db8:aa::/64", "interface": "isp",
    "pools": [ {{ "pool": "2001:db8:aa::1000 - 2001:db8:aa::1000" }} ],
    "pd-pools": [ {{ "prefix": "2001:db8:b4::", "prefix-len": 56, "delegated-len": 56 }} ]
  }} ],
  "loggers": [ {{ "name": "kea-dhcp6", "severity": "INFO", "output_options": [ {{ "output": "stdout" }} ] }} ]
}} }}"#
    )
}

pub(crate) const BR: &str =
    r#"{ "space": "s46-cont-lw-options", "name": "s46-br", "data": "2001:db8:af::1" }"#;
pub(crate) const BIND: &str = r#"{ "space": "s46-cont-lw-options", "name": "s46-v4v6bind",
    "data": "192.0.2.5, 2001:db8:b4::/56" }"#;
/// Of a prefix that whoever has an address of the link has.
pub(crate) const BIND_OF_LINK: &str = r#"{ "space": "s46-cont-lw-options", "name": "s46-v4v6bind",
    "data": "192.0.2.5, 2001:db8:aa::/64" }"#;
pub(crate) const PORT_PARAMS: &str =
    r#"{ "space": "s46-v4v6bind-options", "name": "s46-portparams", "data": "0, 13/5" }"#;
const PCP_SERVER: &str =
    r#"{ "code": 86, "csv-format": false, "data": "00000000000000000000FFFFC0000001" }"#;
const AFTR_NAME: &str =
    r#"{ "code": 64, "csv-format": false, "data": "0461667472076578616D706C6503636F6D00" }"#;
const PRIORITY: &str = r#"{ "code": 111, "csv-format": false, "data": "005E00400060" }"#;
