//! The plan for people: tables that fit 80 columns.

use std::io;
use std::io::Write;

use comfy_table::ContentArrangement;
use comfy_table::Table;
use comfy_table::presets;

use super::Plan;
use super::plan::PortPlan;

/// Prints `plan`.
pub(super) fn plan(output: &mut impl Write, plan: &Plan) -> io::Result<()> {
    writeln!(output, "{} is valid. The daemon would use:\n", plan.config)?;
    writeln!(output, "{}\n", ports(plan))?;
    writeln!(output, "{}\n", cores_and_memory(plan))?;
    writeln!(output, "{}\n", softwires(plan))?;
    if !plan.pools.is_empty() {
        writeln!(output, "{}\n", pools(plan))?;
    }
    writeln!(output, "EAL arguments: {}", plan.eal_arguments.join(" "))?;
    for warning in &plan.warnings {
        writeln!(output, "warning: {warning}")?;
    }
    Ok(())
}

/// A column for each side: the longest device or address has half the width.
fn ports(plan: &Plan) -> Table {
    let mut table = table();
    let row = |name: &str, value: &dyn Fn(&PortPlan) -> String| {
        let values = plan.ports.iter().map(value);
        std::iter::once(name.to_owned())
            .chain(values)
            .collect::<Vec<_>>()
    };
    let or =
        |value: &Option<String>, absent: &str| value.clone().unwrap_or_else(|| absent.to_owned());
    table.set_header(row("port", &|port| port.side.to_owned()));
    table.add_row(row("device", &|port| port.device.clone()));
    table.add_row(row("MAC", &|port| or(&port.mac, "the device's own")));
    table.add_row(row("address", &|port| port.address.clone()));
    table.add_row(row("next hop", &|port| or(&port.next_hop, "by MAC only")));
    table.add_row(row("its MAC", &|port| or(&port.next_hop_mac, "found out")));
    table.add_row(row("MTU", &|port| port.mtu.to_string()));
    table.add_row(row("VLAN", &|port| {
        or(&port.vlan.map(|vlan| vlan.to_string()), "none")
    }));
    table
}

fn cores_and_memory(plan: &Plan) -> Table {
    let memory = &plan.memory;
    let workers: Vec<_> = plan.workers.iter().map(ToString::to_string).collect();
    let mut table = table();
    table.set_header(["cores and memory", ""]);
    table.add_row(["worker cores", &workers.join(", ")]);
    table.add_row(["control core", &plan.control_core.to_string()]);
    table.add_row([
        "packet memory",
        if memory.huge {
            "huge pages"
        } else {
            "ordinary pages"
        },
    ]);
    table.add_row([
        "buffers in descriptors",
        &memory.descriptor_buffers.to_string(),
    ]);
    table.add_row(["buffers in caches", &memory.cache_buffers.to_string()]);
    table.add_row([
        "buffers in bursts and rings",
        &memory.burst_buffers.to_string(),
    ]);
    table.add_row([
        "buffers for reassembly, at most",
        &memory.reassembly_buffers.to_string(),
    ]);
    table.add_row(["buffers in the pool", &memory.buffers.to_string()]);
    table.add_row(["pool (on each NUMA socket)", &mebibytes(memory.pool_bytes)]);
    table.add_row(["binding table", &mebibytes(memory.table_bytes)]);
    table.add_row(["sum", &mebibytes(memory.total_bytes)]);
    table.add_row(["socket", &plan.socket]);
    table
}

fn softwires(plan: &Plan) -> Table {
    let mut table = table();
    table.set_header(["softwires", ""]);
    for file in &plan.binding_files {
        table.add_row([format!("from {}", file.file), file.bindings.to_string()]);
    }
    for set in &plan.port_sets {
        let (a, k, ports) = (set.psid_offset, set.psid_length, set.ports_each);
        let split = match k {
            0 => "whole addresses".to_owned(),
            _ => format!("{ports} ports each (a={a} k={k})"),
        };
        table.add_row([
            split,
            format!("{} on {} addresses", set.softwires, set.addresses),
        ]);
    }
    table.add_row(["in all".to_owned(), plan.softwires.to_string()]);
    table.add_row(["BR addresses".to_owned(), br(plan)]);
    table
}

/// Two lines a pool: names and prefixes may be long.
fn pools(plan: &Plan) -> Table {
    let mut table = table();
    table.set_header(["pools", ""]);
    for pool in &plan.pools {
        table.add_row([pool.name.clone(), pool.prefix.clone()]);
        let size = match pool.psid_length {
            0 => "whole addresses".to_owned(),
            _ => format!("sets of {} ports", pool.ports_each),
        };
        table.add_row([
            format!("  {size}"),
            format!("{} to hand out, {} kept back", pool.sets, pool.kept_back),
        ]);
    }
    table.add_row([
        "subscribers served".to_owned(),
        plan.pool_subscribers.to_string(),
    ]);
    if let Some(store) = &plan.lease_store {
        table.add_row(["lease store".to_owned(), store.clone()]);
    }
    if let Some(store) = &plan.store {
        table.add_row(["  leases in it".to_owned(), store.leases.to_string()]);
        table.add_row(["  that do not fit".to_owned(), store.conflicts.to_string()]);
        for example in &store.examples {
            table.add_row([String::new(), example.clone()]);
        }
    }
    table
}

/// All of a few addresses, the first of many.
fn br(plan: &Plan) -> String {
    let shown = plan.br.len().min(MAX_SHOWN);
    let mut text = plan.br[..shown].join(", ");
    if shown < plan.br.len() {
        text += &format!(" and {} more", plan.br.len() - shown);
    }
    text
}

fn mebibytes(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

fn table() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_width(WIDTH);
    table
}

const MAX_SHOWN: usize = 4;
const WIDTH: u16 = 80;
