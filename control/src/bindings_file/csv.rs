//! CSV: one line a binding, under the header `ipv4,psid_offset,psid_length,psid,b4,br`. Blank lines and
//! lines that begin with `#` are passed over.

use std::io::BufRead;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use lwaftr_dataplane::binding::Binding;
use lwaftr_dataplane::port_set::PortSet;
use lwaftr_dataplane::port_set::PortSplit;

use super::COLUMNS;
use super::Row;
use super::Step;
use super::error::ReadError;
use super::error::RowFault;
use super::field;
use super::field::Repeating;

/// Reads rows to the end of `input`; `step` gets each with the octets read so far.
pub(super) fn read(mut input: impl BufRead, step: &mut Step<'_>) -> Result<(), ReadError> {
    let mut parser = RowParser::default();
    let mut header_seen = false;
    let (mut line, mut bytes) = (0_u32, 0);
    let mut text = Vec::new();
    loop {
        text.clear();
        let read = input
            .read_until(b'\n', &mut text)
            .map_err(ReadError::Unreadable)?;
        if read == 0 {
            break;
        }
        (line, bytes) = (line + 1, bytes + read as u64);
        let at_line = |fault| ReadError::Row {
            line: line.into(),
            fault,
        };
        let row = text.trim_ascii();
        if row.is_empty() || row.starts_with(b"#") {
            continue;
        }
        if header_seen {
            let binding = parser.binding(row).map_err(at_line)?;
            step(Row { binding, line }, bytes);
        } else {
            check_header(row).map_err(at_line)?;
            header_seen = true;
        }
    }
    let no_header = RowFault::Header {
        found: String::new(),
    };
    if header_seen {
        Ok(())
    } else {
        Err(ReadError::Row {
            line: 1,
            fault: no_header,
        })
    }
}

/// Turns lines into bindings.
struct RowParser {
    ipv4: Repeating<Ipv4Addr>,
    b4: Repeating<Ipv6Addr>,
    br: Repeating<Ipv6Addr>,
}

impl Default for RowParser {
    fn default() -> Self {
        Self {
            ipv4: Repeating::ipv4("ipv4"),
            b4: Repeating::ipv6("b4"),
            br: Repeating::ipv6("br"),
        }
    }
}

impl RowParser {
    fn binding(&mut self, row: &[u8]) -> Result<Binding, RowFault> {
        let mut fields = columns(row);
        let mut all = [b"".as_slice(); COLUMNS.len()];
        for (n, field) in all.iter_mut().enumerate() {
            *field = fields.next().ok_or(RowFault::Columns { found: n })?;
        }
        let beyond = fields.count();
        if beyond > 0 {
            return Err(RowFault::Columns {
                found: COLUMNS.len() + beyond,
            });
        }
        let [ipv4, offset, length, psid, b4, br] = all;
        let ipv4 = self.ipv4.read(ipv4)?;
        let offset = field::number("psid_offset", offset, 16, "a number from 0 to 16")?;
        let length = field::number("psid_length", length, 16, "a number from 0 to 16")?;
        let psid = field::number("psid", psid, u16::MAX, "a number from 0 to 65535")?;
        let split = PortSplit::new(offset as u8, length as u8).map_err(RowFault::port_set)?;
        let ports = PortSet::new(split, psid).map_err(RowFault::port_set)?;
        let (b4, br) = (self.b4.read(b4)?, self.br.read(br)?);
        Binding::new(ipv4, ports, b4, br).map_err(RowFault::binding)
    }
}

/// The columns of a line. None of them can hold a comma, so quotes only need to be taken off.
fn columns(row: &[u8]) -> impl Iterator<Item = &[u8]> {
    row.split(|&byte| byte == b',').map(|field| {
        let field = field.trim_ascii();
        field
            .strip_prefix(b"\"")
            .and_then(|field| field.strip_suffix(b"\""))
            .unwrap_or(field)
    })
}

fn check_header(row: &[u8]) -> Result<(), RowFault> {
    let row = row.strip_prefix(BYTE_ORDER_MARK).unwrap_or(row);
    if columns(row).eq(COLUMNS.iter().map(|column| column.as_bytes())) {
        return Ok(());
    }
    Err(RowFault::Header {
        found: field::printable(row),
    })
}

/// Spreadsheets put it in front of UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
