//! What a choice of DHCPv6's offers does to the softwire (DH-040), and which PCP server is asked (PC-100).

use std::net::IpAddr;
use std::net::Ipv4Addr;

use pcp::instant::Instant;
use tracing::info;

use super::learning::Learning;
use super::steer::Steer;
use crate::config;
use crate::config::Config;
use crate::config::Dhcpv6Mode;
use crate::dhcpv6::choice::Choice;
use crate::dhcpv6::choice::ChoiceConfig;
use crate::dhcpv6::choice::Mechanism;
use crate::dhcpv6::choice::OnAftrName;
use crate::dhcpv6::choice::Remote;
use crate::dhcpv6::client::FOREVER;

impl Learning {
    /// The name of the mechanism, for people.
    pub(super) fn mechanism(&self) -> &'static str {
        match self.choice.mechanism {
            _ if self.mode == Dhcpv6Mode::Off => "configured",
            Mechanism::Dhcp { .. } => "dhcpv6",
            Mechanism::AwaitsPrefix { .. } => "awaits-prefix",
            Mechanism::Pcp { .. } => "pcp",
            Mechanism::DsLite { .. } => "ds-lite",
            Mechanism::None => "none",
        }
    }

    pub(super) fn choose(&mut self, choice: Choice, steer: &mut Steer, now: Instant) {
        let same = choice.mechanism == self.choice.mechanism;
        let until = choice.until.filter(|until| *until != FOREVER);
        if !same {
            info!("softwire: {:?}", choice.mechanism);
            self.not_asked.clear();
            if !matches!(choice.mechanism, Mechanism::Dhcp { .. }) {
                self.addresses.construct(None, &mut steer.netlink);
                // Sets of the configuration stay.
                if matches!(self.choice.mechanism, Mechanism::Dhcp { .. }) {
                    steer.provisioning.take_back(now);
                }
                steer.leave(now);
            }
        }
        match &choice.mechanism {
            Mechanism::Dhcp { set, br, source } => {
                let ends = Some((*br, *source));
                self.addresses.construct(ends, &mut steer.netlink);
                steer.config.tunnel.local = Some(*source);
                steer.remote = Some(*br);
                steer.provisioning.give(vec![*set], until, now);
            }
            Mechanism::Pcp { servers, .. } => {
                steer.config.tunnel.local = self.local;
                if !same {
                    self.choose_server(servers, steer);
                }
            }
            Mechanism::AwaitsPrefix { prefix } => {
                steer.complain(&format!("DHCPv6 binds {prefix}, which is none of ours"));
            }
            Mechanism::DsLite { aftr } => {
                steer.complain(&format!("DHCPv6 offers DS-Lite at {aftr} alone"));
            }
            Mechanism::None => steer.complain("DHCPv6 offers no lwAFTR"),
        }
        self.choice = choice;
    }

    /// Which PCP server is asked (PC-100): the first of option 86 that is inside the softwire, else the
    /// configured one. Those with IPv6 addresses are for DS-Lite routers, which ask in plain IPv6 (RFC 8585
    /// s4.3, DSLITE-3); an lwB4 asks through its softwire (RFC 6333 s5.7, TN-045), which is what the lwAFTR
    /// knows it by, and its port set would be the same (DH-041: a listener that lwAFTRs may have or not).
    fn choose_server(&mut self, servers: &[Vec<IpAddr>], steer: &mut Steer) {
        let all = || servers.iter().flatten().copied();
        let mut inside = all().filter_map(|address| match address {
            IpAddr::V4(address) => is_aftr(address).then_some(address),
            IpAddr::V6(_) => None,
        });
        let server = inside.next();
        steer.ask_at(server);
        let used = IpAddr::V4(steer.config.provisioning.pcp.server);
        self.not_asked = all().filter(|address| *address != used).collect();
        if !self.not_asked.is_empty() {
            let others = &self.not_asked;
            info!("PCP servers of option 86 that are not asked: {others:?}; {used} is");
        }
    }
}

/// A plain address without DHCPv6 is steered to from the start, and nothing has to be chosen.
pub(super) fn choosing(config: &Config) -> ChoiceConfig {
    let configured = match &config.tunnel.remote {
        Some(config::Remote::Address(_)) if config.dhcpv6.mode == Dhcpv6Mode::Off => None,
        Some(config::Remote::Address(address)) => Some(Remote::Address(*address)),
        Some(config::Remote::Name(name)) => Some(Remote::Name(name.clone())),
        None => None,
    };
    let on_aftr_name = if config.provisioning.pcp.on_aftr_name {
        OnAftrName::Pcp
    } else {
        OnAftrName::DsLite
    };
    ChoiceConfig {
        on_aftr_name,
        configured,
    }
}

/// Whether a lwAFTR may have this address inside the softwire (TN-040).
const fn is_aftr(address: Ipv4Addr) -> bool {
    matches!(address.octets(), [192, 0, 0, 1 | 3..=6])
}
