//! `[nat]`: how packets are translated.

use std::net::Ipv4Addr;
use std::time::Duration;

use settings::Fault;
use settings::Section;
use settings::value;
use toml::de::DeValue;

use crate::nat::Filtering;
use crate::nat::Filterings;
use crate::nat::Identification;
use crate::nat::Limits;
use crate::nat::NatConfig;
use crate::nat::Timer;
use crate::nat::Timers;

/// Reads the section; `router` is where ICMP errors to LAN hosts come from.
pub(super) fn read(mut section: Section<'_>, router: Ipv4Addr) -> Option<NatConfig> {
    let default = NatConfig::new(router);
    let filtering = filterings(&mut section);
    let timers = timers(section.section("timers"));
    let limits = limits(section.section("limits"));
    let keep_parity = section.or("keep_parity", default.keep_parity, value::truth);
    let inbound_refresh = section.or("inbound_refresh", default.inbound_refresh, value::truth);
    let exhaustion = section.or("answer_exhaustion", default.answer_exhaustion, value::truth);
    let syn = section.or(
        "answer_unsolicited_syn",
        default.answer_unsolicited_syn,
        value::truth,
    );
    let per_second = section.or(
        "answers_per_second",
        default.answers_per_second,
        value::number(0..=100_000),
    );
    let identification = section.or("identification", default.identification, identification);
    let quarantine_s = section.or("quarantine_s", 120, value::number(0..=7440_u32));
    section.finish();
    Some(NatConfig {
        router,
        filtering: filtering?,
        timers: timers?,
        limits: limits?,
        keep_parity: keep_parity?,
        inbound_refresh: inbound_refresh?,
        answer_exhaustion: exhaustion?,
        answer_unsolicited_syn: syn?,
        answers_per_second: per_second?,
        identification: identification?,
        quarantine: Duration::from_secs(quarantine_s?.into()),
    })
}

/// One word for all protocols, or a table with a word for each.
fn filterings(section: &mut Section<'_>) -> Option<Filterings> {
    if !section.is_table("filtering") {
        let all = section.or("filtering", Filtering::default(), filtering)?;
        return Some(Filterings {
            tcp: all,
            udp: all,
            icmp: all,
        });
    }
    let mut table = section.section("filtering");
    let tcp = table.or("tcp", Filtering::default(), filtering);
    let udp = table.or("udp", Filtering::default(), filtering);
    let icmp = table.or("icmp", Filtering::default(), filtering);
    table.finish();
    Some(Filterings {
        tcp: tcp?,
        udp: udp?,
        icmp: icmp?,
    })
}

fn filtering(value: &DeValue<'_>) -> Result<Filtering, Fault> {
    let words = [
        ("endpoint-independent", Filtering::EndpointIndependent),
        ("address-dependent", Filtering::AddressDependent),
        (
            "address-and-port-dependent",
            Filtering::AddressAndPortDependent,
        ),
    ];
    let expected =
        "\"endpoint-independent\", \"address-dependent\" or \"address-and-port-dependent\"";
    value::word(&words, expected)(value)
}

fn timers(mut section: Section<'_>) -> Option<Timers> {
    let mut timers = Some(Timers::default());
    for (key, timer) in TIMERS {
        let default = Timers::default().seconds(timer);
        let range = timer.minimum()..=MAX_TIMER_S;
        let seconds = section.or(key, default, value::number(range));
        timers = timers
            .zip(seconds)
            .and_then(|(timers, seconds)| timers.with(timer, seconds).ok());
    }
    section.finish();
    timers
}

fn limits(mut section: Section<'_>) -> Option<Limits> {
    let default = Limits::default();
    let mut count = |key, default| {
        let read = section.or(key, default as u64, value::number(1..=MAX_COUNT));
        read.map(|count| count as usize)
    };
    let mappings = count("mappings", default.mappings);
    let mappings_per_host = count("mappings_per_host", default.mappings_per_host);
    let sessions = count("sessions", default.sessions);
    let sessions_per_mapping = count("sessions_per_mapping", default.sessions_per_mapping);
    let datagrams = count("datagrams", default.datagrams);
    let fragments = count("fragments", default.fragments);
    let fragment_octets = count("fragment_octets", default.fragment_octets);
    let timeout_s = section.or("fragment_timeout_s", 2, value::number(1..=60_u32));
    section.finish();
    Some(Limits {
        mappings: mappings?,
        mappings_per_host: mappings_per_host?,
        sessions: sessions?,
        sessions_per_mapping: sessions_per_mapping?,
        datagrams: datagrams?,
        fragments: fragments?,
        fragment_octets: fragment_octets?,
        fragment_timeout: Duration::from_secs(timeout_s?.into()),
    })
}

fn identification(value: &DeValue<'_>) -> Result<Identification, Fault> {
    let words = [
        ("keep", Identification::Keep),
        ("from-set", Identification::FromSet),
    ];
    value::word(&words, "\"keep\" or \"from-set\"")(value)
}

const TIMERS: [(&str, Timer); 5] = [
    ("udp_s", Timer::Udp),
    ("tcp_established_s", Timer::TcpEstablished),
    ("tcp_opening_s", Timer::TcpOpening),
    ("tcp_closing_s", Timer::TcpClosing),
    ("icmp_query_s", Timer::IcmpQuery),
];
/// A week.
const MAX_TIMER_S: u32 = 604_800;
/// What a large router has memory for.
const MAX_COUNT: u64 = 16_777_216;
