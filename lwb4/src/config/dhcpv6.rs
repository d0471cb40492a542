//! `[dhcpv6]`: what the access network says about the softwire.

use settings::Fault;
use settings::Section;
use settings::value;
use toml::de::DeValue;

/// What DHCPv6 is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Dhcpv6 {
    /// Who asks.
    pub mode: Mode,
    /// Whether an address is asked for (IA_NA).
    pub address: bool,
    /// Whether a prefix is asked for (IA_PD).
    pub prefix: bool,
}

/// Who asks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Mode {
    /// Nobody; the configuration says everything.
    Off,
    /// The lwB4, on the WAN interface.
    Own,
    /// The router's own client, whose hook tells us what it learned.
    External,
}

impl Dhcpv6 {
    pub(super) fn read(mut section: Section<'_>) -> Option<Self> {
        let mode = section.or("mode", Mode::Off, mode);
        let address = section.or("address", false, value::truth);
        let prefix = section.or("prefix", false, value::truth);
        section.finish();
        Some(Self {
            mode: mode?,
            address: address?,
            prefix: prefix?,
        })
    }
}

fn mode(value: &DeValue<'_>) -> Result<Mode, Fault> {
    let words = [
        ("off", Mode::Off),
        ("own", Mode::Own),
        ("external", Mode::External),
    ];
    value::word(&words, "\"off\", \"own\" or \"external\"")(value)
}
