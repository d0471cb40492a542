//! Leases outlive the daemon (T-18): whoever has one notices a restart by a pause, and by nothing else.

use programs::Outcome;

use crate::lab::Lab;
use crate::pcp::Scenario;
use crate::pcp::b4;
use crate::pcp::leasing::lease;
use crate::pcp::leasing::works;
use crate::pcp::same;

pub(super) const SCENARIOS: &[Scenario] = &[
    ("pcp_t_18_leases_outlive_a_sigterm", after_sigterm),
    ("pcp_t_18_leases_outlive_a_sigkill", after_sigkill),
];

fn after_sigterm(lab: &mut Lab) -> Outcome<()> {
    outlives(lab, |lab| {
        let (status, _) = lab.daemon.terminate()?;
        same("end", status.to_string(), "exit status: 0".to_owned())
    })
}

fn after_sigkill(lab: &mut Lab) -> Outcome<()> {
    outlives(lab, |lab| lab.daemon.kill())
}

fn outlives(lab: &mut Lab, end: fn(&mut Lab) -> Outcome<()>) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    works(lab, &ports)?;
    let epoch = b4::epoch(lab)?;
    end(lab)?;
    lab.start_again()?;
    // Before anybody has asked for anything.
    works(lab, &ports)?;
    lease(lab, &ports, "held")?;
    let later = b4::epoch(lab)?;
    // A client would take an epoch that fell, or jumped, for a loss of state (RFC 6887 s8.5).
    if !(epoch..=epoch + 60).contains(&later) {
        return Err(format!("epoch {epoch} went on as {later}").into());
    }
    same("set after the restart", b4::map(lab)?, ports.clone())?;
    works(lab, &ports)?;
    // What is given back stays so.
    b4::delete(lab)?;
    end(lab)?;
    lab.start_again()?;
    lease(lab, &ports, "resting")?;
    same("set after its rest", b4::map(lab)?, ports.clone())?;
    works(lab, &ports)
}
