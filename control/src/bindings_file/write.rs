//! Writing bindings in either format, row by row.

use std::io;
use std::io::Write;

use lwaftr_dataplane::binding::Binding;
use thiserror::Error;

use super::COLUMNS;
use super::Format;
use super::entry::MAX_PSID_LEN;

/// A file of bindings being written. Call [`Writer::finish`], or JSON stays open-ended.
pub struct Writer<W> {
    output: W,
    format: Format,
    rows: u64,
}

impl<W: Write> Writer<W> {
    /// Begins a file on `output`, which should be buffered.
    ///
    /// # Errors
    /// When the output takes nothing.
    pub fn begin(mut output: W, format: Format) -> io::Result<Self> {
        match format {
            Format::Csv => writeln!(output, "{}", COLUMNS.join(","))?,
            Format::Json => output.write_all(JSON_HEAD.as_bytes())?,
        }
        Ok(Self {
            output,
            format,
            rows: 0,
        })
    }

    /// Writes one binding.
    ///
    /// # Errors
    /// When the output takes nothing, or the format has no word for the binding.
    pub fn row(&mut self, binding: &Binding) -> Result<(), WriteError> {
        match self.format {
            Format::Csv => self.csv_row(binding)?,
            Format::Json => self.json_row(binding)?,
        }
        self.rows += 1;
        Ok(())
    }

    /// Ends the file and gives the output back, flushed.
    ///
    /// # Errors
    /// When the output takes nothing.
    pub fn finish(mut self) -> io::Result<W> {
        if self.format == Format::Json {
            self.output.write_all(JSON_TAIL.as_bytes())?;
        }
        self.output.flush()?;
        Ok(self.output)
    }

    fn csv_row(&mut self, binding: &Binding) -> io::Result<()> {
        let (ports, split) = (binding.ports(), binding.ports().split());
        let (ipv4, b4, br) = (binding.ipv4(), binding.b4(), binding.br());
        let (offset, length, psid) = (split.offset(), split.length(), ports.psid());
        writeln!(self.output, "{ipv4},{offset},{length},{psid},{b4},{br}")
    }

    fn json_row(&mut self, binding: &Binding) -> Result<(), WriteError> {
        let (ports, split) = (binding.ports(), binding.ports().split());
        let (ipv4, b4, br) = (binding.ipv4(), binding.b4(), binding.br());
        let (offset, length, psid) = (split.offset(), split.length(), ports.psid());
        if length > MAX_PSID_LEN {
            return Err(WriteError::PsidLength(*binding));
        }
        let separator = if self.rows == 0 { "" } else { "," };
        write!(
            self.output,
            "{separator}\n{{\"binding-ipv6info\":\"{b4}\",\"binding-ipv4-addr\":\"{ipv4}\",\
             \"port-set\":{{\"psid-offset\":{offset},\"psid-len\":{length},\"psid\":{psid}}},\
             \"br-ipv6-addr\":\"{br}\"}}"
        )?;
        Ok(())
    }
}

/// Why a binding cannot be written.
#[derive(Debug, Error)]
pub enum WriteError {
    /// The output takes nothing.
    #[error(transparent)]
    Output(#[from] io::Error),
    /// RFC 8676 bounds `psid-len` to 15.
    #[error("{} {} cannot be said in RFC 8676, where PSID lengths end at 15", .0.ipv4(), .0.ports())]
    PsidLength(Binding),
}

const JSON_HEAD: &str = "{\"ietf-softwire-br:br-instances\":{\"binding\":{\"bind-instance\":[\
     {\"name\":\"lwaftr\",\"binding-table\":{\"binding-entry\":[";
const JSON_TAIL: &str = "\n]}}]}}}\n";
