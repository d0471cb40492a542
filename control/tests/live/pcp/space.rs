//! A lease store on a disk that is full: leases that are known go on, new ones wait for space (PC-045).

use std::fs;
use std::fs::File;
use std::fs::OpenOptions;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use programs::Outcome;
use programs::run;
use programs::wait_until;
use tempfile::TempDir;

use crate::lab::Lab;
use crate::pcp::b4;
use crate::pcp::leased;
use crate::pcp::leasing::works;
use crate::pcp::pool;
use crate::pcp::same;

pub(super) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "pcp_a_disk_too_small_gets_no_new_leases_until_it_grows",
            || on_disk(SMALL, grows),
        ),
        Trial::test("pcp_a_full_disk_keeps_its_leases_and_no_others", || {
            on_disk(LARGE, fills_up)
        }),
    ]
}

/// A file system of its own, in memory.
struct Disk(TempDir);

impl Disk {
    fn mount(size: &str) -> Outcome<Self> {
        let folder = tempfile::tempdir()?;
        let options = format!("size={size}");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &options, "lwaftr-live"]);
        run(mount.arg(folder.path()))?;
        Ok(Self(folder))
    }

    fn store(&self) -> PathBuf {
        self.0.path().join("leases")
    }

    fn resize(&self, size: &str) -> Outcome<()> {
        let options = format!("remount,size={size}");
        let mut mount = Command::new("mount");
        run(mount.args(["-o", &options]).arg(self.0.path())).map(drop)
    }

    /// Takes all the space that is left, in a file.
    fn fill(&self) -> Outcome<PathBuf> {
        let path = self.0.path().join("filler");
        let mut dd = Command::new("dd");
        let output = format!("of={}", path.display());
        // It fails when nothing is left, as it shall.
        dd.args(["if=/dev/zero", "bs=64K", "status=none", &output])
            .output()?;
        Ok(path)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Nobody is left who could act on a failure. Lazily, because the daemon may still be ending.
        let _ = run(Command::new("umount").arg("-l").arg(self.0.path()));
    }
}

/// A scenario whose daemon keeps its leases on a disk of this size.
fn on_disk(size: &str, scenario: fn(&mut Lab, &Disk) -> Outcome<()>) -> Outcome<()> {
    let disk = Disk::mount(size)?;
    let store = format!("{:?}", disk.store());
    let mut lab = Lab::open(&leased(&pool(6).replace("\"leases\"", &store)))?;
    scenario(&mut lab, &disk).map_err(|failed| {
        let message = failed.message().unwrap_or_default();
        format!("{message}\nthe daemon printed:\n{}", lab.daemon.printed()).into()
    })
}

fn grows(lab: &mut Lab, disk: &Disk) -> Outcome<()> {
    b4::is_refused(lab, "NO_RESOURCES")?;
    disk.resize(LARGE)?;
    granted_again(lab)?;
    let ports = b4::provision(lab)?;
    works(lab, &ports)
}

fn fills_up(lab: &mut Lab, disk: &Disk) -> Outcome<()> {
    let ports = b4::provision(lab)?;
    lab.daemon.terminate()?;
    // As after a copy to another disk, which reserves nothing.
    for place in ["checkpoint.0", "checkpoint.1"] {
        release_space(&disk.store().join(place))?;
    }
    let filler = disk.fill()?;
    lab.start_again()?;
    works(lab, &ports)?;
    same("grants", &lab.daemon.show("pcp")?["grants"], &false.into())?;
    same("set on a full disk", b4::map(lab)?, ports.clone())?;
    // What is given back is not had again: whether others are told so is the same question.
    b4::delete(lab)?;
    b4::is_refused(lab, "NO_RESOURCES")?;
    fs::remove_file(filler)?;
    granted_again(lab)?;
    same("set after its rest", b4::map(lab)?, ports.clone())?;
    works(lab, &ports)
}

fn release_space(path: &Path) -> Outcome<()> {
    let octets = File::open(path)?.metadata()?.len();
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(0)?;
    Ok(file.set_len(octets)?)
}

/// New leases are granted by themselves.
fn granted_again(lab: &Lab) -> Outcome<()> {
    let grants = || {
        lab.daemon
            .show("pcp")
            .is_ok_and(|pcp| pcp["grants"] == true)
    };
    if wait_until(Duration::from_secs(10), grants) {
        Ok(())
    } else {
        Err("new leases are not granted though there is space".into())
    }
}

/// Room for two journal files of 32 MiB, and not for both checkpoints of their leases.
const SMALL: &str = "160M";
/// Room for all.
const LARGE: &str = "320M";
