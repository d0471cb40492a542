//! `[dataplane]`: cores, memory and the rhythm of the poll loops.

use settings::Fault;
use settings::Section;
use settings::value;

use super::eal;
use super::impossible::Impossible;

/// Settings of the poll loops and of what they share.
#[derive(Clone, Debug)]
pub struct Dataplane {
    /// The cores that run one poll loop each; at least one, each once.
    pub workers: Vec<u32>,
    /// The core of the control thread and its helpers.
    pub control_core: u32,
    /// Where packet buffers live.
    pub memory: Memory,
    /// Further EAL arguments, none of which contradicts those that the daemon builds.
    pub eal_args: Vec<String>,
    /// Packets that a worker takes at once.
    pub burst: usize,
    /// Packet buffers of a pool, when the operator wants other than the derived number.
    pub mempool_size: Option<u32>,
    /// Receive descriptors of each queue.
    pub rx_descriptors: u16,
    /// Transmit descriptors of each queue.
    pub tx_descriptors: u16,
    /// Whether packets and octets are counted for each softwire.
    pub softwire_counters: bool,
    /// What an empty poll loop does.
    pub idle: Idle,
}

/// Where packet buffers live.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Memory {
    /// Anonymous huge pages.
    Huge,
    /// Ordinary pages: for functional tests, much slower.
    NoHuge,
}

/// What an empty poll loop does.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Idle {
    /// Polls again at once: least latency, all of the core.
    Spin,
    /// Rests for an instruction's while between empty polls.
    Pause,
    /// Sleeps until a device interrupts; all of them must be able to.
    Interrupt,
}

impl Dataplane {
    /// Reads the section. Without devices, as for `replay`, one worker and its core need no mention.
    pub(super) fn read(mut section: Section<'_>, cores_required: bool) -> Option<Self> {
        let cores = cores(&mut section, cores_required);
        let memories = [("huge", Memory::Huge), ("no-huge", Memory::NoHuge)];
        let memory = section.or(
            "memory",
            Memory::Huge,
            value::word(&memories, "\"huge\" or \"no-huge\""),
        );
        let idles = [
            ("spin", Idle::Spin),
            ("pause", Idle::Pause),
            ("interrupt", Idle::Interrupt),
        ];
        let expected = "\"spin\", \"pause\" or \"interrupt\"";
        let idle = section.or("idle", Idle::Pause, value::word(&idles, expected));
        let eal_args = eal_args(&mut section);
        let burst = section.or("burst", DEFAULT_BURST, value::number(1..=MAX_BURST));
        let mempool_size = section.optional("mempool_size", value::number(256..=MAX_POOL));
        let rx_descriptors = section.or(
            "rx_descriptors",
            DEFAULT_DESCRIPTORS,
            value::number(64..=32768),
        );
        let tx_descriptors = section.or(
            "tx_descriptors",
            DEFAULT_DESCRIPTORS,
            value::number(64..=32768),
        );
        let softwire_counters = section.or("softwire_counters", false, value::truth);
        let (workers, control_core) = cores?;
        let dataplane = Self {
            workers,
            control_core,
            memory: memory?,
            eal_args: eal_args?,
            burst: burst?.into(),
            mempool_size: mempool_size?,
            rx_descriptors: rx_descriptors?,
            tx_descriptors: tx_descriptors?,
            softwire_counters: softwire_counters?,
            idle: idle?,
        };
        section.finish();
        Some(dataplane)
    }
}

fn cores(section: &mut Section<'_>, required: bool) -> Option<(Vec<u32>, u32)> {
    let core = || value::number(0..=MAX_CORE);
    let workers = section.list("workers", core());
    let control_core = if required {
        section.required("control_core", "the core for control, like 0", core())
    } else {
        section.or("control_core", 0, core())
    };
    let mut workers = workers?;
    for (position, worker) in workers.iter().enumerate() {
        if workers[..position].contains(worker) {
            let found = worker.to_string();
            section.fault_at("workers", Some(position), Fault::Repeated { found });
            return None;
        }
    }
    if workers.is_empty() {
        if required {
            section.fault(
                "workers",
                Fault::Missing {
                    expected: "a list of cores, like [1]",
                },
            );
            return None;
        }
        workers.push(0);
    }
    Some((workers, control_core?))
}

fn eal_args(section: &mut Section<'_>) -> Option<Vec<String>> {
    let arguments = section.list("eal_args", value::text)?;
    let mut conflicts = arguments.iter().enumerate().filter_map(|(n, argument)| {
        let instead = eal::built_from(argument)?;
        Some((
            n,
            Impossible::EalConflict {
                argument: argument.clone(),
                instead,
            },
        ))
    });
    let first = conflicts.next();
    let Some((n, fault)) = first else {
        drop(conflicts);
        return Some(arguments);
    };
    section.fault_at("eal_args", Some(n), fault);
    conflicts.for_each(|(n, fault)| section.fault_at("eal_args", Some(n), fault));
    None
}

const DEFAULT_BURST: u8 = 32;
/// The largest burst that a table lookup takes in one go.
const MAX_BURST: u8 = 64;
const DEFAULT_DESCRIPTORS: u16 = 1024;
/// Debian's DPDK is built for this many cores (RTE_MAX_LCORE), fewer than Linux numbers.
const MAX_CORE: u32 = 1023;
const MAX_POOL: u32 = (1 << 23) - 1;
