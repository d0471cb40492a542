//! Both formats say the same bindings, and every fault names file, line, column and value.

use std::io::Write;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;
use proptest::prelude::*;

use super::*;

const HEADER: &str = "ipv4,psid_offset,psid_length,psid,b4,br";
const ROW: &str = "192.0.2.1,6,8,52,2001:db8:b4::1,2001:db8::1";

fn read_text(format: Format, text: &[u8]) -> Result<Vec<Row>, String> {
    let name = if format == Format::Csv {
        "b.csv"
    } else {
        "b.json"
    };
    let mut rows = Vec::new();
    stream(text, format, Path::new(name), |row| rows.push(row))
        .map_err(|error| error.to_string())?;
    Ok(rows)
}

fn csv_complaint(text: &str) -> String {
    read_text(Format::Csv, text.as_bytes()).unwrap_err()
}

fn binding() -> Binding {
    let ports = PortSet::new(PortSplit::new(6, 8).unwrap(), 0x34).unwrap();
    let (b4, br) = (
        "2001:db8:b4::1".parse().unwrap(),
        "2001:db8::1".parse().unwrap(),
    );
    Binding::new(Ipv4Addr::new(192, 0, 2, 1), ports, b4, br).unwrap()
}

#[test]
fn csv_rows_are_read_with_their_lines() {
    let text = format!(
        "# exported\n\n{HEADER}\r\n{ROW}\r\n\n \"192.0.2.1\" , 6,8,53,2001:db8:b4::1,2001:db8::1"
    );
    let rows = read_text(Format::Csv, text.as_bytes()).unwrap();
    assert_eq!(
        rows[0],
        Row {
            binding: binding(),
            line: 4
        }
    );
    assert_eq!((rows[1].line, rows[1].binding.ports().psid()), (6, 53));
    assert_eq!(rows.len(), 2);
}

#[test]
fn a_csv_fault_is_one_line_with_file_line_column_and_value() {
    let row = |row: &str| csv_complaint(&format!("{HEADER}\n{ROW}\n{row}\n"));
    for (text, line) in [
        (
            "192.0.2.1,6,8",
            "b.csv:3: 3 columns found, expected the 6 of ipv4,psid_offset,psid_length,psid,b4,br",
        ),
        (
            "192.0.2.1,6,8,1,2001:db8::2,2001:db8::1,",
            "b.csv:3: 7 columns found, expected the 6 of ipv4,psid_offset,psid_length,psid,b4,br",
        ),
        (
            "192.0.2,6,8,1,2001:db8::2,2001:db8::1",
            "b.csv:3: ipv4: \"192.0.2\" found, expected an IPv4 address",
        ),
        (
            "192.0.2.1,17,8,1,2001:db8::2,2001:db8::1",
            "b.csv:3: psid_offset: \"17\" found, expected a number from 0 to 16",
        ),
        (
            "192.0.2.1,6,-1,1,2001:db8::2,2001:db8::1",
            "b.csv:3: psid_length: \"-1\" found, expected a number from 0 to 16",
        ),
        (
            "192.0.2.1,6,8,65536,2001:db8::2,2001:db8::1",
            "b.csv:3: psid: \"65536\" found, expected a number from 0 to 65535",
        ),
        (
            "192.0.2.1,6,8,,2001:db8::2,2001:db8::1",
            "b.csv:3: psid: \"\" found, expected a number from 0 to 65535",
        ),
        (
            "192.0.2.1,6,8,256,2001:db8::2,2001:db8::1",
            "b.csv:3: psid: PSID 256 is out of range for PSID length 8",
        ),
        (
            "192.0.2.1,10,8,1,2001:db8::2,2001:db8::1",
            "b.csv:3: psid_length: PSID offset 10 and PSID length 8 need more than the 16 bits of a port",
        ),
        (
            "192.0.2.1,6,8,1,2001:db8::x,2001:db8::1",
            "b.csv:3: b4: \"2001:db8::x\" found, expected an IPv6 address",
        ),
        (
            "192.0.2.1,6,8,1,2001:db8::2,",
            "b.csv:3: br: \"\" found, expected an IPv6 address",
        ),
        (
            "127.0.0.1,6,8,1,2001:db8::2,2001:db8::1",
            "b.csv:3: ipv4: IPv4 address 127.0.0.1 cannot be bound: not a unicast address for subscribers",
        ),
        (
            "192.0.2.1,6,8,1,2001:db8::1,2001:db8::1",
            "b.csv:3: b4: B4 and BR are both 2001:db8::1: the tunnel would end where it begins",
        ),
    ] {
        assert_eq!(row(text), line);
    }
    let header = "expected the header ipv4,psid_offset,psid_length,psid,b4,br";
    assert_eq!(
        csv_complaint(ROW),
        format!("b.csv:1: \"{ROW}\" found, {header}")
    );
    assert_eq!(csv_complaint(""), format!("b.csv:1: \"\" found, {header}"));
    assert_eq!(
        csv_complaint("# nothing\n"),
        format!("b.csv:1: \"\" found, {header}")
    );
}

fn json(entry: &str) -> String {
    format!(
        "{{\n \"ietf-softwire-br:br-instances\": {{\"binding\": {{\"bind-instance\": [{{\"name\": \"x\",\n\
         \"softwire-num-max\": 5, \"vendor:colour\": [1],\n \"binding-table\": {{\"binding-entry\": [\n{entry}\n]}}}}]}}}}\n}}"
    )
}

const ENTRY: &str = r#"{"binding-ipv6info": "2001:db8:b4::1\/128",
 "binding-ipv4-addr": "192.0.2.1",
 "port-set": {"psid-offset": 6, "psid-len": 8, "psid": 52},
 "br-ipv6-addr": "2001:db8::1"}"#;

#[test]
fn rfc_8676_entries_are_read_with_their_lines() {
    let whole = r#"{"br-ipv6-addr":"2001:db8::1","port-set":{"psid-len":0,"psid":0},"x:y":{},"binding-ipv4-addr":"192.0.2.2","binding-ipv6info":"2001:db8:b4::2"}"#;
    let rows = read_text(Format::Json, json(&format!("{ENTRY},\n{whole}")).as_bytes()).unwrap();
    assert_eq!(
        rows[0],
        Row {
            binding: binding(),
            line: 5
        }
    );
    assert_eq!((rows[1].line, rows[1].binding.ports()), (9, PortSet::WHOLE));
    assert_eq!(rows.len(), 2);
}

#[test]
fn an_empty_table_is_no_fault_but_another_document_is() {
    assert_eq!(read_text(Format::Json, json("").as_bytes()), Ok(Vec::new()));
    let complaint = read_text(Format::Json, b"{\"x\": 1}").unwrap_err();
    assert_eq!(
        complaint,
        "b.json:1: ietf-softwire-br:br-instances: missing"
    );
}

#[test]
fn a_json_fault_is_one_line_with_file_line_member_and_value() {
    for (from, to, line) in [
        (
            "192.0.2.1",
            "192.0.2",
            "b.json:6: binding-entry[0].binding-ipv4-addr: \"192.0.2\" found, expected an IPv4 address",
        ),
        (
            "1\\/128",
            "\\/64",
            "b.json:5: binding-entry[0].binding-ipv6info: \"2001:db8:b4::/64\" found, expected an IPv6 address, or a prefix of length 128",
        ),
        (
            "\"psid\": 52",
            "\"psid\": \"52\"",
            "b.json:7: binding-entry[0].port-set.psid: \"52\" found, expected a number from 0 to 65535",
        ),
        (
            "\"psid\": 52",
            "\"psid\": 5.5",
            "b.json:7: binding-entry[0].port-set.psid: \"5.5\" found, expected a number from 0 to 65535",
        ),
        (
            "\"psid\": 52",
            "\"psid\": -1",
            "b.json:7: binding-entry[0].port-set.psid: \"-1\" found, expected a number from 0 to 65535",
        ),
        (
            "\"psid\": 52",
            "\"psid\": null",
            "b.json:7: binding-entry[0].port-set.psid: \"null\" found, expected a number from 0 to 65535",
        ),
        (
            "\"psid\": 52",
            "\"psid\": [1]",
            "b.json:7: binding-entry[0].port-set.psid: \"a list\" found, expected a number from 0 to 65535",
        ),
        (
            "\"psid\": 52",
            "\"psid\": 256",
            "b.json:8: binding-entry[0].port-set.psid: PSID 256 is out of range for PSID length 8",
        ),
        (
            "\"psid-len\": 8",
            "\"psid-len\": 16",
            "b.json:7: binding-entry[0].port-set.psid-len: \"16\" found, expected a number from 0 to 15",
        ),
        (
            "\"psid-len\": 8",
            "\"psid-len\": 11",
            "b.json:8: binding-entry[0].port-set.psid-len: PSID offset 6 and PSID length 11 need more than the 16 bits of a port",
        ),
        (
            "\"psid-len\": 8,",
            "",
            "b.json:8: binding-entry[0].port-set.psid-len: missing",
        ),
        (
            "psid-offset\": 6",
            "psid-offset\": 17",
            "b.json:7: binding-entry[0].port-set.psid-offset: \"17\" found, expected a number from 0 to 16",
        ),
        (
            "psid-offset\"",
            "offset\"",
            "b.json:7: binding-entry[0].port-set.offset: unknown member, expected one of psid-offset, psid-len, psid",
        ),
        (
            "br-ipv6-addr",
            "br-addr",
            "b.json:8: binding-entry[0].br-addr: unknown member, expected one of binding-ipv6info, binding-ipv4-addr, port-set, br-ipv6-addr",
        ),
        (
            "192.0.2.1",
            "224.0.0.1",
            "b.json:8: binding-entry[0].binding-ipv4-addr: IPv4 address 224.0.0.1 cannot be bound: not a unicast address for subscribers",
        ),
    ] {
        assert!(ENTRY.contains(from), "{from}");
        let entry = ENTRY.replacen(from, to, 1);
        assert_eq!(
            read_text(Format::Json, json(&entry).as_bytes()).unwrap_err(),
            line
        );
    }
    let bent = [b"{\n\"a\":\"".as_slice(), b"\xff\"}"].concat();
    assert_eq!(
        read_text(Format::Json, &bent).unwrap_err(),
        "b.json:2: not UTF-8"
    );
    let wrong = json(&ENTRY.replace("\"2001:db8::1\"}", "\"2001:db8::x\"}"));
    assert_eq!(
        read_text(Format::Json, wrong.as_bytes()).unwrap_err(),
        "b.json:8: binding-entry[0].br-ipv6-addr: \"2001:db8::x\" found, expected an IPv6 address"
    );
    let cut = json(ENTRY).replace("]}}]}}", "");
    let complaint = read_text(Format::Json, cut.as_bytes()).unwrap_err();
    assert!(
        complaint.starts_with("b.json:") && !complaint.contains("column"),
        "{complaint}"
    );
}

#[test]
fn a_file_is_read_by_its_name_and_progress_ends_at_all_of_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [
        ("b.csv", format!("{HEADER}\n{ROW}\n")),
        ("b.json", json(ENTRY)),
    ] {
        let file = folder.path().join(name);
        std::fs::File::create(&file)
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        let mut last = None;
        let rows = read(&file, |progress| last = Some(progress)).unwrap();
        assert_eq!(rows[0].binding, binding());
        let total_bytes = text.len() as u64;
        assert_eq!(
            last,
            Some(Progress {
                rows: 1,
                bytes: total_bytes,
                total_bytes
            })
        );
    }
    let error = read(Path::new("/nonexistent/b.csv"), |_| ())
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "/nonexistent/b.csv: cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn a_psid_length_that_rfc_8676_cannot_say_is_refused_when_writing_json() {
    let ports = PortSet::new(PortSplit::new(0, 16).unwrap(), 7).unwrap();
    let binding = Binding::new(binding().ipv4(), ports, binding().b4(), binding().br()).unwrap();
    let mut writer = Writer::begin(Vec::new(), Format::Json).unwrap();
    let error = writer.row(&binding).unwrap_err().to_string();
    assert_eq!(
        error,
        "192.0.2.1 a=0 k=16 psid=7 cannot be said in RFC 8676, where PSID lengths end at 15"
    );
}

prop_compose! {
    fn any_binding(max_length: u8)(
        (offset, length) in (0_u8..=16).prop_flat_map(move |offset| {
            (Just(offset), 0..=max_length.min(16 - offset))
        }),
        psid in any::<u16>(),
        ipv4 in 0x0100_0000_u32..0x7f00_0000,
        b4 in 1_u64..,
        br in 0_u16..4,
    ) -> Binding {
        let split = PortSplit::new(offset, length).unwrap();
        let ports = PortSet::new(split, psid & (split.sets() - 1) as u16).unwrap();
        let b4 = Ipv6Addr::from(0x2001_0db8_u128 << 96 | u128::from(b4));
        let br = Ipv6Addr::from(0x2001_0db9_u128 << 96 | u128::from(br));
        Binding::new(Ipv4Addr::from(ipv4), ports, b4, br).unwrap()
    }
}

fn written(bindings: &[Binding], format: Format) -> Vec<u8> {
    let mut writer = Writer::begin(Vec::new(), format).unwrap();
    bindings
        .iter()
        .for_each(|binding| writer.row(binding).unwrap());
    writer.finish().unwrap()
}

proptest! {
    #[test]
    fn what_is_written_reads_back(csv in prop::collection::vec(any_binding(16), 0..20), json in prop::collection::vec(any_binding(15), 0..20)) {
        for (bindings, format) in [(csv, Format::Csv), (json, Format::Json)] {
            let rows = read_text(format, &written(&bindings, format)).unwrap();
            let read: Vec<_> = rows.iter().map(|row| row.binding).collect();
            prop_assert_eq!(read, bindings);
        }
    }

    #[test]
    fn no_octets_make_a_reader_panic(noise in prop::collection::vec(any::<u8>(), 0..80), at in 0_usize..300) {
        for (format, text) in [(Format::Csv, format!("{HEADER}\n{ROW}\n")), (Format::Json, json(ENTRY))] {
            let mut text = text.into_bytes();
            let at = at.min(text.len());
            let _ = read_text(format, &noise);
            text.splice(at..at, noise.iter().copied());
            let _ = read_text(format, &text);
            text.truncate(at);
            let _ = read_text(format, &text);
        }
    }
}
