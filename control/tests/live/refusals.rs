//! What cannot work is refused at the start: exit code 1 and one line that names it.

use std::path::Path;

use libtest_mimic::Trial;
use programs::Outcome;

use crate::daemon::Daemon;
use crate::daemon::Means;
use crate::daemon::Setup;
use crate::network::Network;

/// All refusals.
pub(crate) fn trials() -> Vec<Trial> {
    let refused = |name: &str, setup: Setup, words: &'static [&'static str]| {
        Trial::test(name.to_owned(), move || {
            let folder = tempfile::tempdir()?;
            let network = Network::up(None)?;
            refusal(&network, folder.path(), &setup, words)
        })
    };
    let standard = Setup::default;
    vec![
        refused(
            "a_worker_core_that_is_missing_is_refused_by_number",
            Setup {
                workers: vec![0, 999],
                queues: 2,
                ..standard()
            },
            &["dataplane.workers", "999"],
        ),
        refused(
            "an_interface_that_is_missing_is_refused_by_name",
            Setup {
                internet: "nowhere0",
                ..standard()
            },
            &["net_af_packet0,iface=nowhere0"],
        ),
        refused(
            "fewer_queues_than_workers_are_refused_with_both_numbers",
            Setup {
                workers: vec![0, 1],
                queues: 1,
                ..standard()
            },
            &["net_af_packet", "2", "1", "queue"],
        ),
        refused(
            "a_device_that_cannot_interrupt_is_refused_by_name",
            Setup {
                idle: "interrupt",
                ..standard()
            },
            &["dataplane.idle", "net_af_packet0", "pause"],
        ),
        refused(
            "memory_that_the_machine_has_not_is_refused",
            Setup {
                means: Means::NoHugePages,
                ..standard()
            },
            &["hugepages", "vm.nr_hugepages"],
        ),
        refused(
            "a_user_without_privileges_is_refused",
            Setup {
                means: Means::Nobody,
                ..standard()
            },
            &["net_af_packet0", "root"],
        ),
    ]
}

/// A daemon ends with exit code 1, and a line that has all `words`.
pub(crate) fn refusal(
    network: &Network,
    folder: &Path,
    setup: &Setup,
    words: &[&str],
) -> Outcome<()> {
    let (status, printed) = Daemon::refusal(network, folder, setup)?;
    if status.code() != Some(1) {
        return Err(format!("ended with {status}, not with exit code 1:\n{printed}").into());
    }
    let said = printed
        .lines()
        .any(|line| words.iter().all(|word| line.contains(word)));
    if said {
        Ok(())
    } else {
        Err(format!("no line has all of {words:?}:\n{printed}").into())
    }
}
