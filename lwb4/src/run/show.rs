//! What `lwb4 status`, `mappings` and `counters` are told.

use pcp::instant::Instant;
use serde_json::Map;
use serde_json::Value;
use serde_json::json;

use super::Lwb4;
use crate::api::Topic;

impl Lwb4 {
    /// The facts of this topic.
    pub(super) fn show(&self, topic: Topic, now: Instant) -> Value {
        match topic {
            Topic::Status => self.status(now),
            Topic::Mappings => self.mappings(now),
            Topic::Counters => Value::Object(self.counters()),
        }
    }

    fn status(&self, now: Instant) -> Value {
        let steer = &self.steer;
        let learned = &self.learning.learned;
        let prefixes = self.learning.prefixes.iter();
        let tunnel = steer.provisioning.tunnel();
        let held: Vec<_> = steer.provisioning.held().collect();
        let mtu = steer.link.as_ref().map(|link| link.path.tunnel(now));
        let (refused, refused_s_ago) = match steer.provisioning.refused() {
            Some((result, at)) => (Some(result.to_string()), Some(now.since(at).as_secs())),
            None => (None, None),
        };
        json!({
            "state": steer.provisioning.state().name(),
            "since_s": now.since(steer.provisioning.since()).as_secs(),
            "local": tunnel.map(|tunnel| tunnel.local),
            "remote": tunnel.map(|tunnel| tunnel.remote).or(steer.remote),
            "sets": held.iter().map(|held| held.set.to_string()).collect::<Vec<_>>(),
            "expire_s": held
                .iter()
                .map(|held| held.expires.map(|at| now.seconds_until(at)))
                .collect::<Vec<_>>(),
            "ports": held.iter().map(|held| held.set.count()).sum::<u32>(),
            "tunnel_mtu": mtu,
            "mechanism": self.learning.mechanism(),
            "pcp_server": steer.config.provisioning.pcp.server,
            "pcp_servers_not_asked": self.learning.not_asked,
            "learned_s_ago": self.learning.since.map(|at| now.since(at).as_secs()),
            "aftr_name": learned.aftr_name.as_ref().map(|name| name.value.to_string()),
            "name_servers": learned.dns_servers.as_ref().map(|known| &known.value),
            "prefixes": prefixes.map(|prefix| prefix.value.to_string()).collect::<Vec<_>>(),
            "device": self.forward.tun.name(),
            "granted": steer.happened.granted,
            "renewed": steer.happened.renewed,
            "unbound": steer.happened.unbound,
            "announced": steer.happened.announced,
            "refused": refused,
            "refused_s_ago": refused_s_ago,
            "wrong": Some(steer.complaint()).filter(|text| !text.is_empty()),
            "uptime_s": now.since(self.began).as_secs(),
            "version": env!("CARGO_PKG_VERSION"),
        })
    }

    fn mappings(&self, now: Instant) -> Value {
        let mut mappings: Vec<_> = self.forward.nat.mappings().collect();
        mappings.sort_unstable_by_key(|mapping| (mapping.internal, mapping.protocol));
        let rows = mappings.iter().map(|mapping| {
            json!({
                "protocol": protocol(mapping.protocol),
                "internal": mapping.internal,
                "external": mapping.external,
                "sessions": mapping.sessions,
                "pcp_s": mapping.wanted_until.map(|until| now.seconds_until(until)),
                "rests": mapping.is_resting,
            })
        });
        rows.collect()
    }

    fn counters(&self) -> Map<String, Value> {
        let counts = &self.forward.counts;
        let learned = &self.learning.counts;
        let happened = &self.steer.happened;
        let mut all = Map::new();
        for (name, count) in [
            ("sent-packets", counts.sent),
            ("sent-octets", counts.sent_octets),
            ("received-packets", counts.received),
            ("received-octets", counts.received_octets),
            ("not-sent-packets", counts.not_sent),
            ("not-delivered-packets", counts.not_delivered),
            ("odd-ecn-packets", counts.odd_ecn),
            ("drop-no-softwire", counts.no_softwire),
            ("pcp-granted", happened.granted),
            ("pcp-renewed", happened.renewed),
            ("pcp-lost", happened.lost),
            ("pcp-refused", happened.refused),
            ("pcp-announced", happened.announced),
            ("pcp-unbound", happened.unbound),
            ("dhcpv6-provided", learned.provided),
            ("dhcpv6-lost", learned.lost),
            ("dhcpv6-dropped-options", learned.dropped_options),
            ("dhcpv6-ignored-messages", learned.ignored_messages),
            ("dns-unresolved", self.learning.names.unresolved),
        ] {
            all.insert(name.to_owned(), count.into());
        }
        let drops = self.forward.drops.iter();
        all.extend(drops.map(|(name, count)| (format!("drop-{name}"), count.into())));
        let nat = self.forward.nat.counters().iter();
        all.extend(nat.map(|(name, count)| (name.to_owned(), count.into())));
        let pcp = self.steer.provisioning.drops().iter();
        all.extend(pcp.map(|(name, count)| (name.to_owned(), count.into())));
        let lan = self.lan.server.counters().named();
        all.extend(lan.map(|(name, count)| (format!("lan-pcp-{name}"), count.into())));
        all
    }
}

fn protocol(number: u8) -> String {
    match number {
        1 => "icmp".to_owned(),
        6 => "tcp".to_owned(),
        17 => "udp".to_owned(),
        33 => "dccp".to_owned(),
        132 => "sctp".to_owned(),
        136 => "udp-lite".to_owned(),
        other => other.to_string(),
    }
}
