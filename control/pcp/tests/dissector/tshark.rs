//! Wireshark on the command line.

use std::collections::BTreeMap;
use std::process::Command;

use crate::capture::Capture;

/// What the dissector finds in a frame, by our names; what it does not find is not there.
pub(crate) type Fields = BTreeMap<&'static str, String>;

/// Reads every frame. A machine without tshark fails, because nothing is proved there.
pub(crate) fn read(capture: &Capture) -> Vec<Fields> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("messages.pcap");
    capture.write(&path);
    let output = Command::new("tshark")
        .args([
            "-n",
            "-T",
            "fields",
            "-E",
            "separator=;",
            "-E",
            "aggregator=,",
        ])
        .args(["-o", "ip.check_checksum:TRUE"])
        .args(FIELDS.iter().flat_map(|(_, field)| ["-e", *field]))
        .arg("-r")
        .arg(&path)
        .output()
        .expect("tshark is missing: scripts/setup --test installs it");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "tshark fails: {errors}");
    let lines = String::from_utf8(output.stdout).expect("text");
    lines.lines().map(fields).collect()
}

fn fields(line: &str) -> Fields {
    FIELDS
        .iter()
        .zip(line.split(';'))
        .filter(|(_, value)| !value.is_empty() && *value != TOO_NEW)
        .map(|((name, _), value)| (*name, value.to_owned()))
        .collect()
}

/// Our names and the dissector's. It has one field for a value in requests and another for the same in
/// responses; both are looked for, so that one in the wrong kind of message is noticed.
const FIELDS: &[(&str, &str)] = &[
    ("malformed", "_ws.malformed"),
    ("expert", "_ws.expert.message"),
    ("ipv4 source", "ip.src"),
    ("ipv4 checksum", "ip.checksum.status"),
    ("server port", "udp.port"),
    ("version", "portcontrol.version"),
    ("response", "portcontrol.r"),
    ("opcode", "portcontrol.opcode"),
    ("result", "portcontrol.result_code"),
    ("requested lifetime", "portcontrol.lifetime_req"),
    ("lifetime", "portcontrol.lifetime_rsp"),
    ("epoch", "portcontrol.epoch_time"),
    ("client", "portcontrol.client_ip"),
    ("map nonce", "portcontrol.map.nonce"),
    ("map protocol", "portcontrol.map.protocol"),
    ("map internal port", "portcontrol.map.internal_port"),
    (
        "map suggested port",
        "portcontrol.map.req_sug_external_port",
    ),
    (
        "map suggested address",
        "portcontrol.map.req_sug_external_ip",
    ),
    (
        "map assigned port",
        "portcontrol.map.rsp_assigned_external_port",
    ),
    (
        "map assigned address",
        "portcontrol.map.rsp_assigned_ext_ip",
    ),
    ("peer nonce", "portcontrol.peer.nonce"),
    ("peer protocol", "portcontrol.peer.protocol"),
    ("peer internal port", "portcontrol.peer.internal_port"),
    (
        "peer suggested port",
        "portcontrol.peer.req_sug_external_port",
    ),
    (
        "peer suggested address",
        "portcontrol.peer.req_sug_external_ip",
    ),
    (
        "peer assigned port",
        "portcontrol.peer.rsp_assigned_external_port",
    ),
    (
        "peer assigned address",
        "portcontrol.peer.rsp_assigned_ext_ip",
    ),
    ("remote port", "portcontrol.peer.remote_peer_port"),
    ("remote address", "portcontrol.peer.remote_peer_ip"),
    ("options", "portcontrol.option.code"),
    ("option lengths", "portcontrol.option.length"),
    ("third party", "portcontrol.option.third_party.internal_ip"),
    (
        "filter prefix length",
        "portcontrol.option.filter.prefix_length",
    ),
    ("filter port", "portcontrol.option.filter.remote_peer_port"),
    ("filter address", "portcontrol.option.filter.remote_peer_ip"),
    ("description", "portcontrol.option.description"),
    ("set size", "portcontrol.option.portset.size"),
    // An old draft's names: RFC 7753 has the first internal port there.
    (
        "set first in request",
        "portcontrol.option.portset.req_sug_first_external_port",
    ),
    (
        "set first in response",
        "portcontrol.option.portset.rsp_assigned_first_external_port",
    ),
    ("set parity", "portcontrol.option.portset.parity"),
];

/// Wireshark 4.0 does not know THIRD_PARTY_ID of RFC 7843 and says so; code and length it reads.
const TOO_NEW: &str = "Unknown option: 13";
