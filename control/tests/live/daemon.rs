//! `lwaftr run` and what is asked of it.

use std::fs;
use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;
use std::process::ExitStatus;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use programs::Outcome;
use programs::Process;
use programs::run;
use programs::wait_until;
use serde_json::Value;

use crate::network::Network;
use crate::network::Place;

/// What differs between the daemons of the scenarios.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    /// Cores of the workers; each gets a queue on both ports.
    pub(crate) workers: Vec<u32>,
    /// The Internet side's interface.
    pub(crate) internet: &'static str,
    /// Queues of each port.
    pub(crate) queues: usize,
    /// What the devices are made of.
    pub(crate) driver: Driver,
    /// `dataplane.idle`.
    pub(crate) idle: &'static str,
    /// `internet.mtu`.
    pub(crate) internet_mtu: u16,
    /// `softwire.mss_clamp`.
    pub(crate) mss_clamp: &'static str,
    /// The MTU that the B4 shows its hosts.
    pub(crate) inner_mtu: u16,
    /// The MTU to which the B4 fragments by itself, last fragment first; else its kernel does.
    pub(crate) last_first: Option<u16>,
    /// The MTU behind a router on the way to the B4, if there is one.
    pub(crate) router_mtu: Option<u16>,
    /// Frames in each ring of a packet socket.
    pub(crate) frames: usize,
    /// `access.reassembly.max_packets`, if not the usual.
    pub(crate) reassembly: Option<u32>,
    /// What the daemon may use.
    pub(crate) means: Means,
    /// How the daemon is told where to send.
    pub(crate) next_hops: NextHops,
    /// Where the B4 has its port set from.
    pub(crate) provisioned: Provisioned,
}

/// Where the B4 has its port set from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Provisioned {
    /// From a binding of the configuration.
    Static,
    /// By PCP; this part of the configuration says from which pools.
    Pcp(String),
}

/// What the daemon may use of the machine.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Means {
    /// Everything, but it asks for no huge pages.
    Root,
    /// What a user without any capability may.
    Nobody,
    /// Everything, and it asks for huge pages where there are none.
    NoHugePages,
}

impl Means {
    /// What `dataplane.memory` asks for.
    const fn memory(self) -> &'static str {
        match self {
            Self::Root | Self::Nobody => "no-huge",
            Self::NoHugePages => "huge",
        }
    }

    /// The program and arguments before the daemon's own.
    const fn prefix(self) -> &'static [&'static str] {
        match self {
            Self::Root => &[],
            Self::Nobody => &[
                "setpriv",
                "--reuid=65534",
                "--regid=65534",
                "--clear-groups",
            ],
            // What the kernel shows of its huge pages, without any.
            Self::NoHugePages => &[
                "unshare",
                "--mount",
                "sh",
                "-c",
                r#"mount -t tmpfs none /sys/kernel/mm/hugepages && exec "$@""#,
                "sh",
            ],
        }
    }
}

/// What the configuration says of the next hops.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NextHops {
    /// Their Ethernet addresses.
    ByMac,
    /// Their IP addresses.
    ByAddress,
}

/// How the daemon reaches the network.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Driver {
    /// Packet sockets on the interfaces of the network.
    AfPacket,
    /// XDP sockets on the interfaces of the network.
    AfXdp,
    /// Interfaces that the daemon makes, `tap0` and `tap1`, bridged to those of the network.
    Tap,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            workers: vec![0],
            internet: "inet0",
            queues: 1,
            driver: Driver::AfPacket,
            idle: "pause",
            internet_mtu: 1500,
            mss_clamp: "\"auto\"",
            inner_mtu: 1460,
            last_first: None,
            router_mtu: None,
            // Rings that a burst cannot fill keep the order of a flow (see `configuration`).
            frames: 8192,
            reassembly: None,
            means: Means::Root,
            next_hops: NextHops::ByMac,
            provisioned: Provisioned::Static,
        }
    }
}

/// A daemon in its namespace.
#[derive(Debug)]
pub(crate) struct Daemon {
    process: Process,
    socket: PathBuf,
}

impl Daemon {
    /// Starts a daemon and waits until it answers.
    pub(crate) fn start(network: &Network, folder: &Path, setup: &Setup) -> Outcome<Self> {
        let mut daemon = Self::spawn(network, folder, setup)?;
        let answers = wait_until(START, || {
            daemon.process.has_ended() || daemon.show("status").is_ok()
        });
        if answers && !daemon.process.has_ended() {
            return Ok(daemon);
        }
        Err(format!("the daemon did not start:\n{}", daemon.printed()).into())
    }

    /// Starts a daemon that is expected to refuse; gives how it ended and what it printed.
    pub(crate) fn refusal(
        network: &Network,
        folder: &Path,
        setup: &Setup,
    ) -> Outcome<(ExitStatus, String)> {
        let mut daemon = Self::spawn(network, folder, setup)?;
        let status = daemon.process.wait(START)?;
        Ok((status, daemon.printed()))
    }

    fn spawn(network: &Network, folder: &Path, setup: &Setup) -> Outcome<Self> {
        let (file, socket) = (folder.join("lwaftr.toml"), folder.join("lwaftr.sock"));
        fs::write(&file, configuration(setup, &socket))?;
        if setup.means == Means::Nobody {
            // So that it is not the configuration that it may not read, nor the socket it may not make.
            fs::set_permissions(folder, Permissions::from_mode(0o777))?;
        }
        let mut words = setup.means.prefix().iter().copied().chain([LWAFTR]);
        let mut command = network.command(Place::Aftr, words.next().unwrap_or(LWAFTR));
        command.args(words).args(["run", "-c"]).arg(file);
        // Where DPDK leaves its files for whoever is not root.
        command.env("XDG_RUNTIME_DIR", folder);
        Ok(Self {
            process: Process::start(&mut command, folder, "lwaftr")?,
            socket,
        })
    }

    /// What `lwaftr show TOPIC --json` prints.
    pub(crate) fn show(&self, topic: &str) -> Outcome<Value> {
        Ok(serde_json::from_str(
            &self.ask(&["show", topic, "--json"])?,
        )?)
    }

    /// What `lwaftr` with these arguments, asking this daemon, prints.
    pub(crate) fn ask(&self, arguments: &[&str]) -> Outcome<String> {
        let mut command = Command::new(LWAFTR);
        run(command.args(arguments).arg("--socket").arg(&self.socket))
    }

    /// A counter of `show counters`.
    pub(crate) fn counter(&self, name: &str) -> Outcome<u64> {
        let counters = self.show("counters")?;
        counters[name]
            .as_u64()
            .ok_or_else(|| format!("no counter is called {name}").into())
    }

    /// A counter has moved; gives how far.
    pub(crate) fn moved(&self, name: &str) -> Outcome<u64> {
        match self.counter(name)? {
            0 => Err(format!("{name} has not moved").into()),
            counted => Ok(counted),
        }
    }

    /// Packets that each worker has received.
    pub(crate) fn received(&self) -> Outcome<Vec<u64>> {
        self.of_each_worker("received")
    }

    /// Packets that each worker has dropped.
    pub(crate) fn dropped(&self) -> Outcome<Vec<u64>> {
        self.of_each_worker("dropped")
    }

    fn of_each_worker(&self, what: &str) -> Outcome<Vec<u64>> {
        let workers = self.show("workers")?;
        let workers = workers.as_array().ok_or("show workers gives no list")?;
        let number = |worker: &Value| worker[what].as_u64().unwrap_or(0);
        Ok(workers.iter().map(number).collect())
    }

    /// The counters of drops that moved.
    pub(crate) fn drops(&self) -> Outcome<Vec<(String, u64)>> {
        let counters = self.show("counters")?;
        let all = counters.as_object().ok_or("the counters are no object")?;
        let drops = all.iter().filter(|(name, _)| name.starts_with("drop-"));
        let drops = drops.map(|(name, value)| (name.clone(), value.as_u64().unwrap_or(0)));
        Ok(drops.filter(|(_, value)| *value > 0).collect())
    }

    /// `lwaftr softwire VERB --file -` with these rows.
    pub(crate) fn change(&self, verb: &str, rows: &str) -> Outcome<()> {
        let mut command = Command::new(LWAFTR);
        command
            .args(["softwire", verb, "--file", "-", "--socket"])
            .arg(&self.socket);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut client = command.spawn()?;
        let mut input = client.stdin.take().ok_or("no standard input")?;
        let written = input.write_all(rows.as_bytes());
        drop(input);
        let output = client.wait_with_output()?;
        if !output.status.success() {
            let complaint = String::from_utf8_lossy(&output.stderr);
            return Err(format!("softwire {verb}: {}: {complaint}", output.status).into());
        }
        Ok(written?)
    }

    /// Processor time that the threads called `name` have used.
    pub(crate) fn thread_time(&self, name: &str) -> Outcome<Duration> {
        let tasks = format!("/proc/{}/task", self.process.id());
        let mut total = None;
        for task in fs::read_dir(tasks)? {
            let task = task?.path();
            if fs::read_to_string(task.join("comm"))?.trim() != name {
                continue;
            }
            // Documentation/scheduler/sched-stats.rst: the first number is the time on a CPU, in ns.
            let statistics = fs::read_to_string(task.join("schedstat"))?;
            let nanoseconds = statistics.split_whitespace().next().unwrap_or_default();
            *total.get_or_insert(Duration::ZERO) += Duration::from_nanos(nanoseconds.parse()?);
        }
        total.ok_or_else(|| format!("no thread is called {name}").into())
    }

    /// The daemon prints `text` within some time.
    pub(crate) fn says(&mut self, text: &str) -> Outcome<()> {
        self.process.wait_for(text, START).map(drop)
    }

    /// What the daemon has printed.
    pub(crate) fn printed(&self) -> String {
        self.process.printed()
    }

    /// Whether the daemon still runs.
    pub(crate) fn is_running(&mut self) -> bool {
        !self.process.has_ended()
    }

    /// Ends the daemon at once, wherever it is.
    pub(crate) fn kill(&mut self) -> Outcome<()> {
        self.process.kill()
    }

    /// Sends SIGTERM and waits for the end; gives how it ended and how long that took.
    pub(crate) fn terminate(&mut self) -> Outcome<(ExitStatus, Duration)> {
        let sent = Instant::now();
        self.process.terminate()?;
        Ok((self.process.wait(START)?, sent.elapsed()))
    }
}

fn configuration(setup: &Setup, socket: &Path) -> String {
    let Setup {
        workers,
        internet,
        queues,
        driver,
        idle,
        internet_mtu,
        mss_clamp,
        frames,
        ..
    } = setup;
    // With several queues the driver asks the kernel for fan-out with roll-over: from a ring that is
    // nearly full packets go to another queue, and overtake. Rings that a burst cannot fill keep the
    // order of a flow; DPDK 22.11 has no switch for it.
    let rings = format!("qpairs={queues},framecnt={frames}");
    let (internet_device, access_device) = match driver {
        Driver::AfPacket => (
            format!("net_af_packet0,iface={internet},{rings}"),
            format!("net_af_packet1,iface=access0,{rings}"),
        ),
        Driver::AfXdp => (
            format!("net_af_xdp0,iface={internet}"),
            "net_af_xdp1,iface=access0".to_owned(),
        ),
        Driver::Tap => (
            "net_tap0,iface=tap0".to_owned(),
            "net_tap1,iface=tap1".to_owned(),
        ),
    };
    let (internet_next_hop, access_next_hop) = match setup.next_hops {
        NextHops::ByMac => (
            "next_hop_mac = \"02:00:00:00:01:fe\"",
            "next_hop_mac = \"02:00:00:00:02:fe\"",
        ),
        NextHops::ByAddress => (
            "next_hop = \"203.0.113.10\"",
            "next_hop = \"2001:db8:ac::fe\"",
        ),
    };
    let softwires = match &setup.provisioned {
        Provisioned::Static => BINDING,
        Provisioned::Pcp(pools) => pools,
    };
    let reassembly = setup.reassembly.map_or_else(String::new, |max_packets| {
        format!("reassembly = {{ max_packets = {max_packets} }}")
    });
    let memory = setup.means.memory();
    let socket = socket.display();
    format!(
        r#"
[dataplane]
workers = {workers:?}
control_core = 0
memory = "{memory}"
idle = "{idle}"

[internet]
device = "{internet_device}"
mac = "02:00:00:00:01:01"
ipv4 = "203.0.113.1/24"
{internet_next_hop}
mtu = {internet_mtu}

[access]
device = "{access_device}"
mac = "02:00:00:00:02:01"
ipv6 = "2001:db8:ac::1/64"
{access_next_hop}
mtu = 1500
{reassembly}

[softwire]
mss_clamp = {mss_clamp}

{softwires}
[api]
socket = "{socket}"
"#
    )
}

/// The B4's port set where it is static.
const BINDING: &str = r#"
[[softwire.binding]]
ipv4 = "192.0.2.1"
psid_offset = 0
psid_length = 6
psid = 1
b4 = "2001:db8:b4::1"
br = "2001:db8:af::1"
"#;
const LWAFTR: &str = env!("CARGO_BIN_EXE_lwaftr");
/// Enough for a start on a loaded machine.
const START: Duration = Duration::from_secs(30);
