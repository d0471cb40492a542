//! Settings of the kernel that the tunnel depends on. They are the operator's: reported, never changed.

use std::fmt;
use std::fs;
use std::path::Path;

/// How the kernel stands to a packet whose source it would answer by another interface (RFC 3704).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum ReversePath {
    /// It does not look.
    Off,
    /// It drops what it would answer by another interface.
    Strict,
    /// It drops what it could not answer at all.
    Loose,
}

/// What the kernel is set to; `None` where it does not say.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Settings {
    /// Whether IPv4 is forwarded.
    pub forwards: Option<bool>,
    /// The check of sources on the TUN device, the stricter of its own and all devices' setting.
    pub reverse_path: Option<ReversePath>,
}

impl Settings {
    /// Reads the settings for the device `tun`.
    #[must_use]
    pub fn read(tun: &str) -> Self {
        Self::read_below(Path::new("/proc/sys/net/ipv4"), tun)
    }

    fn read_below(folder: &Path, tun: &str) -> Self {
        let number = |name: &str| -> Option<u8> {
            fs::read_to_string(folder.join(name))
                .ok()?
                .trim()
                .parse()
                .ok()
        };
        let all = number("conf/all/rp_filter");
        let own = number(&format!("conf/{tun}/rp_filter"));
        Self {
            forwards: number("ip_forward").map(|value| value != 0),
            // The greater one counts (Documentation/networking/ip-sysctl.rst).
            reverse_path: all.max(own).map(|value| match value {
                0 => ReversePath::Off,
                1 => ReversePath::Strict,
                _ => ReversePath::Loose,
            }),
        }
    }

    /// What stands in the way of the LAN's traffic, each as one line for the operator. `takes_all` says
    /// whether the default route leads into the tunnel.
    #[must_use]
    pub fn obstacles(&self, takes_all: bool) -> Vec<Obstacle> {
        let mut obstacles = Vec::new();
        if self.forwards == Some(false) {
            obstacles.push(Obstacle::NoForwarding);
        }
        if self.reverse_path == Some(ReversePath::Strict) && !takes_all {
            obstacles.push(Obstacle::StrictReversePath);
        }
        obstacles
    }
}

/// A setting that stands in the way.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// LAN hosts reach nobody.
    NoForwarding,
    /// Answers from where no route leads into the tunnel are dropped.
    StrictReversePath,
}

impl fmt::Display for Obstacle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoForwarding => {
                "net.ipv4.ip_forward is 0: LAN hosts cannot use the tunnel, only this router can"
            }
            Self::StrictReversePath => {
                "rp_filter is strict: what comes from networks that are not routed into the tunnel is dropped"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(forward: &str, all: &str, own: &str) -> Settings {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        };
        write("ip_forward", forward);
        write("conf/all/rp_filter", all);
        write("conf/tun7/rp_filter", own);
        Settings::read_below(folder.path(), "tun7")
    }

    #[test]
    fn the_greater_check_of_sources_counts() {
        let check = |all, own| settings("1\n", all, own).reverse_path;
        assert_eq!(check("0\n", "0\n"), Some(ReversePath::Off));
        assert_eq!(check("1\n", "0\n"), Some(ReversePath::Strict));
        assert_eq!(check("1\n", "2\n"), Some(ReversePath::Loose));
    }

    #[test]
    fn obstacles_are_told_and_only_those() {
        assert_eq!(settings("1\n", "0\n", "0\n").obstacles(false), []);
        assert_eq!(settings("1\n", "1\n", "0\n").obstacles(true), []);
        assert_eq!(
            settings("0\n", "1\n", "0\n").obstacles(false),
            [Obstacle::NoForwarding, Obstacle::StrictReversePath]
        );
        assert_eq!(
            Settings::read_below(Path::new("/nowhere"), "x").obstacles(false),
            []
        );
    }
}
