//! What the daemon refuses at its start, because somebody relies on a lease that could not go on: exit code
//! 1 and one line.

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;

use programs::Outcome;
use programs::wait_until;

use crate::daemon::Provisioned;
use crate::lab::Lab;
use crate::pcp::Scenario;
use crate::pcp::b4;
use crate::pcp::leasing::works;
use crate::pcp::pool;
use crate::pcp::pool_of;
use crate::refusals::refusal;
use crate::scenarios::TRANSFER;

pub(super) const SCENARIOS: &[Scenario] = &[
    (
        "pcp_a_corrupt_lease_store_is_refused_by_file_and_octet",
        corrupt,
    ),
    ("pcp_a_lease_store_in_use_is_refused", in_use),
    (
        "pcp_leases_that_fit_no_pool_are_refused_with_their_number",
        pools_changed,
    ),
    (
        "pcp_a_static_binding_over_a_lease_is_refused_at_start",
        binding_over_lease,
    ),
];

fn corrupt(lab: &mut Lab) -> Outcome<()> {
    b4::map(lab)?;
    lab.daemon.terminate()?;
    let journal = lab.folder().join("leases/journal.0000");
    // A segment begins with its header; its first record stands in the next block.
    for (at, words) in [
        (20, ["journal.0000", "damaged", "lwaftr lease restore"]),
        (
            4096 + 20,
            ["journal.0000", "damaged", "lwaftr lease restore"],
        ),
    ] {
        flip(&journal, at)?;
        lab.refuses_to_start(Provisioned::Pcp(pool(6)), &words)?;
        flip(&journal, at)?;
    }
    lab.start_again()
}

/// Flips an octet; twice is as good as never.
fn flip(file: &Path, at: u64) -> Outcome<()> {
    let file = OpenOptions::new().read(true).write(true).open(file)?;
    let mut octet = [0];
    file.read_exact_at(&mut octet, at)?;
    octet[0] ^= 0xff;
    Ok(file.write_all_at(&octet, at)?)
}

fn in_use(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    let store = lab.folder().join("leases");
    let elsewhere = tempfile::tempdir()?;
    let softwires = pool(6).replace("\"leases\"", &format!("{store:?}"));
    let setup = crate::pcp::leased(&softwires);
    refusal(
        &lab.network,
        elsewhere.path(),
        &setup,
        &["leases", "in use"],
    )?;
    works(lab, &ports)
}

fn pools_changed(lab: &mut Lab) -> Outcome<()> {
    let file = lab.folder().join("others.json");
    let file = file.to_string_lossy();
    let arguments = ["2001:db8:af::1", "10", &file];
    let mut others = lab.script(crate::network::Place::B4, "subscribers.py", &arguments)?;
    let granted = || {
        let pcp = lab.daemon.show("pcp");
        pcp.is_ok_and(|pcp| pcp["held"].as_u64() > Some(5))
    };
    if !wait_until(TRANSFER, granted) {
        return Err("nothing was granted".into());
    }
    others.terminate()?;
    others.succeed(TRANSFER)?;
    let pcp = lab.daemon.show("pcp")?;
    let count = format!("{} live leases", pcp["held"]);
    lab.daemon.terminate()?;
    for other in [pool(5), pool_of("198.51.100.0/24", 6)] {
        lab.refuses_to_start(Provisioned::Pcp(other), &[&count, "192.0.2."])?;
    }
    lab.start_again()
}

fn binding_over_lease(lab: &mut Lab) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    lab.daemon.terminate()?;
    let binding = format!(
        r#"
[[softwire.binding]]
ipv4 = "{}"
psid_length = 6
psid = {}
b4 = "2001:db8:b5::1"
br = "2001:db8:af::1"
"#,
        ports.address,
        ports.first >> 10
    );
    let with_binding = Provisioned::Pcp(binding + &pool(6));
    lab.refuses_to_start(
        with_binding,
        &["live lease", &ports.address, "2001:db8:b4::1"],
    )?;
    lab.start_again()?;
    works(lab, &ports)
}
