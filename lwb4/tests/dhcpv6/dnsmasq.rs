//! dnsmasq, as small routers and labs have it.

use libtest_mimic::Trial;
use programs::Outcome;
use programs::Process;
use tempfile::TempDir;

use crate::PATIENCE;
use crate::cpe;
use crate::kea::contains;
use crate::link::End;
use crate::link::Link;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test(
            "dnsmasq: dh_001 the AFTR's name comes without a lease",
            name,
        ),
        Trial::test(
            "dnsmasq: dh_015 the container comes with an address",
            container,
        ),
        Trial::test("dnsmasq: dh_010 a broken container is dropped", broken),
    ]
}

fn name() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _dnsmasq = dnsmasq(
        &link,
        &folder,
        &[
            "2001:db8:aa::,static,64",
            "64,04:61:66:74:72:07:65:78:61:6d:70:6c:65:03:63:6f:6d:00",
        ],
        &[AFTR],
    )?;
    let mut cpe = cpe::start(&link, folder.path(), "options")?;
    let provided = cpe.wait_for("provided", PATIENCE)?;
    contains(&provided, "remote: Name(")?;
    contains(&provided, "dns Some([2001:db8:aa::1])")?;
    let resolved = cpe.wait_for("resolved", PATIENCE)?;
    contains(&resolved, "aftr.example.com Some(2001:db8:af::1)")
}

fn container() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let _dnsmasq = dnsmasq(&link, &folder, &[LEASES, CONTAINER], &[AFTR])?;
    let mut cpe = cpe::start(&link, folder.path(), "address")?;
    let provided = cpe.wait_for("provided", PATIENCE)?;
    contains(&provided, "provided [2001:db8:aa::1000]")?;
    contains(&provided, "source: 2001:db8:aa::c000:205:d")
}

fn broken() -> Outcome<()> {
    let (link, folder) = (Link::up()?, tempfile::tempdir()?);
    let without_br = &CONTAINER[..CONTAINER.len() - 20 * 3];
    let _dnsmasq = dnsmasq(&link, &folder, &[LEASES, without_br], &[AFTR])?;
    let mut cpe = cpe::start(&link, folder.path(), "address")?;
    cpe.wait_for("Dropped(Missing { container: 96, code: 90 })", PATIENCE)?;
    contains(&cpe.wait_for("provided", PATIENCE)?, "None s: None")
}

/// `words` are a range and options of DHCPv6, `hosts` names and their addresses.
pub(crate) fn dnsmasq(
    link: &Link,
    folder: &TempDir,
    words: &[&str; 2],
    hosts: &[&str],
) -> Outcome<Process> {
    let [range, option] = words;
    let mut command = link.command(End::Isp, "dnsmasq");
    command
        .args([
            "--no-daemon",
            "--no-resolv",
            "--no-hosts",
            "--conf-file=/dev/null",
        ])
        .args(["--interface=isp", "--bind-interfaces", "--log-dhcp"])
        .args(["--user=root", "--pid-file", "--log-facility=-"])
        .arg(format!(
            "--dhcp-leasefile={}",
            folder.path().join("leases").display()
        ))
        .arg(format!("--dhcp-range={range}"))
        .arg(format!("--dhcp-option=option6:{option}"))
        .arg("--dhcp-option=option6:dns-server,[2001:db8:aa::1]")
        .args(hosts.iter().map(|host| format!("--host-record={host}")));
    let mut dnsmasq = Process::start(&mut command, folder.path(), "dnsmasq")?;
    dnsmasq.wait_for("cleared cache", PATIENCE)?;
    Ok(dnsmasq)
}

const AFTR: &str = "aftr.example.com,2001:db8:af::1";
const LEASES: &str = "2001:db8:aa::1000,2001:db8:aa::1000,64,2m";
/// DH-015 with the prefix of the link, 2001:db8:aa::/64.
const CONTAINER: &str = "96,00:5c:00:15:c0:00:02:05:40:20:01:0d:b8:00:aa:00:00:\
    00:5d:00:04:00:05:68:00:\
    00:5a:00:10:20:01:0d:b8:00:af:00:00:00:00:00:00:00:00:00:01";
