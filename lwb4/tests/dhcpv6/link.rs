//! Two namespaces and the link between them, gone again when the scenario ends.

use std::ffi::OsStr;
use std::process;
use std::process::Command;
use std::sync::atomic::AtomicU32;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use programs::Outcome;
use programs::run;

/// A customer's `wan` and its provider's `isp`.
#[derive(Debug)]
pub(crate) struct Link {
    name: String,
}

/// An end of it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Cpe,
    Isp,
}

impl Link {
    /// Makes the namespaces, and the link with 2001:db8:aa::1/64 at the provider's end.
    pub(crate) fn up() -> Outcome<Self> {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let link = Self {
            name: format!("wd-{}-{number}", process::id()),
        };
        let (cpe, isp) = (link.namespace(End::Cpe), link.namespace(End::Isp));
        let ip = |words: String| run(Command::new("ip").args(words.split_whitespace()));
        for namespace in [&cpe, &isp] {
            ip(format!("netns add {namespace}"))?;
            let quiet = "net.ipv6.conf.default.accept_dad=0";
            ip(format!("netns exec {namespace} sysctl -q -w {quiet}"))?;
            ip(format!("-n {namespace} link set lo up"))?;
        }
        ip(format!(
            "link add wan netns {cpe} type veth peer name isp netns {isp}"
        ))?;
        ip(format!(
            "-n {isp} address add 2001:db8:aa::1/64 dev isp nodad"
        ))?;
        ip(format!("-n {isp} link set isp up"))?;
        ip(format!("-n {cpe} link set wan up"))?;
        ip(format!(
            "-n {cpe} address add 2001:db8:aa::2/64 dev wan nodad"
        ))?;
        ip(format!(
            "-n {cpe} route add default via 2001:db8:aa::1 dev wan"
        ))?;
        link.settle()?;
        Ok(link)
    }

    /// Servers that start before their interface has its link-local address hear nothing on it.
    fn settle(&self) -> Outcome<()> {
        for _ in 0..500 {
            let mut look = Command::new("ip");
            look.args(["-n", &self.namespace(End::Isp), "-6", "address", "show"]);
            let shown = look.args(["dev", "isp", "scope", "link"]).output()?;
            let shown = String::from_utf8_lossy(&shown.stdout);
            if shown.contains("fe80") && !shown.contains("tentative") {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(10));
        }
        Err("isp gets no link-local address".into())
    }

    /// A command that runs `program` at an end.
    pub(crate) fn command(&self, end: End, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command
            .args(["netns", "exec", &self.namespace(end)])
            .arg(program);
        command
    }

    fn namespace(&self, end: End) -> String {
        let end = match end {
            End::Cpe => "cpe",
            End::Isp => "isp",
        };
        format!("{}-{end}", self.name)
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for end in [End::Cpe, End::Isp] {
            // Nobody is left who could act on a failure.
            let _ = run(Command::new("ip").args(["netns", "delete", &self.namespace(end)]));
        }
    }
}

static NUMBER: AtomicU32 = AtomicU32::new(0);
