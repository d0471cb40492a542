//! The client alone, answer by answer, and against the server over a network that is not kind.

mod alone;
mod both_ends;
mod once;

use std::time::Duration;

use super::*;
use crate::instant::Instant;
use crate::wire::MapPayload;
use crate::wire::Parity;
use crate::wire::Payload;
use crate::wire::PcpOption;
use crate::wire::PortSetOption;
use crate::wire::Request;
use crate::wire::ResponseHeader;
use crate::wire::SERVER_PORT;

const AFTR: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 1));
const B4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 0, 2));

fn config() -> ClientConfig {
    ClientConfig {
        server: AFTR,
        own: B4,
        nonce: Nonce::new([7; 12]),
        goal: Goal::PortSet(PortRange::ALL),
        lifetime_s: 3600,
        suggestion: None,
    }
}

/// Always the middle.
fn middle() -> u64 {
    u64::MAX / 2
}

/// What a test answers with.
#[derive(Clone, Copy, Debug)]
struct Answer {
    result: ResultCode,
    lifetime_s: u32,
    epoch_s: u32,
    external: ([u8; 4], u16),
    /// Size and First Internal Port.
    port_set: Option<(u16, u16)>,
}

impl Answer {
    /// 2048 ports from 26624 of 192.0.2.5, for an hour.
    const GRANT: Self = Self {
        result: ResultCode::Success,
        lifetime_s: 3600,
        epoch_s: 100,
        external: ([192, 0, 2, 5], 26624),
        port_set: Some((2048, 26624)),
    };

    fn refusal(result: ResultCode, lifetime_s: u32) -> Self {
        Self {
            result,
            lifetime_s,
            ..Self::GRANT
        }
    }

    /// The response to a request of the client's.
    fn to(&self, request: &[u8]) -> Message {
        let request = Request::parse(request, B4, crate::wire::Enabled::Map).unwrap();
        let Payload::Map(map) = request.payload else {
            panic!("no MAP");
        };
        let header = ResponseHeader {
            opcode: crate::wire::Opcode::Map,
            result: self.result,
            lifetime_s: self.lifetime_s,
            epoch_s: self.epoch_s,
        };
        let map = MapPayload {
            external_address: self.external.0.into(),
            external_port: self.external.1,
            ..map
        };
        let mut message = Message::response(&header, &Payload::Map(map));
        if let Some((size, first_internal_port)) = self.port_set {
            message
                .push(&PcpOption::PortSet(PortSetOption {
                    size,
                    first_internal_port,
                    parity: Parity::Any,
                }))
                .unwrap();
        }
        message
    }
}

/// A client, its clock, and what it has to say.
struct Bench {
    client: Client,
    now: Instant,
}

impl Bench {
    fn started() -> (Self, Message) {
        Self::with(config())
    }

    fn with(config: ClientConfig) -> (Self, Message) {
        let mut bench = Self {
            client: Client::new(config),
            now: Instant::from_secs(1000),
        };
        bench.client.start(bench.now);
        let request = bench.sent();
        (bench, request)
    }

    /// A client that has its set, and the request that got it.
    fn bound() -> (Self, Message) {
        let (mut bench, request) = Self::started();
        bench.hear(&Answer::GRANT.to(&request));
        assert!(matches!(bench.actions()[..], [Action::Bound(_)]));
        (bench, request)
    }

    fn actions(&mut self) -> Vec<Action> {
        std::iter::from_fn(|| self.client.poll(self.now, &mut middle)).collect()
    }

    /// The one message that is sent now.
    fn sent(&mut self) -> Message {
        match &self.actions()[..] {
            [Action::Send(message)] => (**message).clone(),
            other => panic!("{other:?}"),
        }
    }

    fn hear(&mut self, octets: &[u8]) {
        self.client
            .receive((AFTR, SERVER_PORT), octets, self.now, &mut middle);
    }

    /// Waits for the next thing to do and says after how many seconds it came.
    fn wait(&mut self) -> f64 {
        let due = self.client.due().unwrap();
        let waited = due.since(self.now);
        self.now = self.now.max(due);
        waited.as_secs_f64()
    }

    fn pass(&mut self, seconds: u64) {
        self.now = self.now + Duration::from_secs(seconds);
    }
}
