//! One question to the server, repeated until it is answered (RFC 6887 s8.1, s8.3).

use std::io;
use std::io::Write;
use std::net::SocketAddr;
use std::net::UdpSocket;
use std::time::Duration;

use pcp::client::Answer;
use pcp::client::Exchange;
use pcp::client::MapRequest;
use pcp::client::Step;
use pcp::instant::Instant;
use pcp::result_code::ResultCode;
use pcp::wire::Response;
use pcp::wire::ResponseHeader;

use crate::cli::Format;
use crate::cli::ServerArgs;
use crate::clock::Clock;
use crate::error::Error;
use crate::report;
use crate::report::Mapped;
use crate::socket;
use crate::wanted::Exactness;
use crate::wanted::Wanted;

/// Asks for a mapping, or for its end.
pub(crate) fn map(
    args: &ServerArgs,
    wanted: &Wanted,
    format: Format,
    output: &mut impl Write,
) -> Result<(), Error> {
    let mut asking = Asking::new(args)?;
    let mut request = wanted.request;
    let mut mapped = asking.map(&request)?;
    let strict = mapped.header.result == ResultCode::MalformedRequest;
    if let Some(other) = request.spelled_otherwise().filter(|_| strict) {
        request = other;
        mapped = asking.map(&request)?;
    }
    if wanted.exactness == Exactness::Exact
        && let Some(grant) = mapped.grant
        && Some((grant.address, grant.ports.first())) != request.suggestion
    {
        let delete = MapRequest {
            lifetime_s: 0,
            otherwise: pcp::client::Otherwise::AnythingElse,
            ..request
        };
        asking.map(&delete)?;
        return Err(Error::NotExact {
            server: asking.server,
            address: grant.address,
            port: grant.ports.first(),
        });
    }
    report::mapped(&mapped, format, output)?;
    asking.check(&mapped.header)
}

/// Asks for the epoch (PC-141).
pub(crate) fn announce(
    args: &ServerArgs,
    format: Format,
    output: &mut impl Write,
) -> Result<(), Error> {
    let mut asking = Asking::new(args)?;
    let own = asking.socket_address()?.ip();
    let now = asking.clock.now();
    let exchange = Exchange::announce(asking.server, own, now, now + args.timeout);
    let (header, round_trip) = asking.answer(exchange, |response| response.header)?;
    report::announced(
        asking.server.ip(),
        &header,
        Some(round_trip),
        format,
        output,
    )?;
    asking.check(&header)
}

/// The way to a server.
struct Asking {
    server: SocketAddr,
    socket: UdpSocket,
    clock: Clock,
    timeout: Duration,
}

impl Asking {
    fn new(args: &ServerArgs) -> Result<Self, Error> {
        Ok(Self {
            server: SocketAddr::new(args.server, args.port),
            socket: socket::asking(args)?,
            clock: Clock::start(),
            timeout: args.timeout,
        })
    }

    fn map(&mut self, request: &MapRequest) -> Result<Mapped, Error> {
        let own = self.socket_address()?.ip();
        let now = self.clock.now();
        let until = now + self.timeout;
        let exchange = Exchange::map(self.server, own, request, now, until)?;
        let read = |response: &Response<'_>| {
            let has_any =
                response.header.result == ResultCode::Success && response.header.lifetime_s > 0;
            let grant = request.grant(response).filter(|_| has_any);
            (response.header, grant)
        };
        let ((header, grant), round_trip) = self.answer(exchange, read)?;
        Ok(Mapped {
            server: self.server.ip(),
            nonce: request.nonce,
            header,
            grant,
            round_trip,
        })
    }

    /// Sends and waits until there is an answer, and takes what is wanted out of it. A round trip is
    /// counted from the last time that the request was sent.
    fn answer<T>(
        &mut self,
        mut exchange: Exchange,
        read: impl FnOnce(&Response<'_>) -> T,
    ) -> Result<(T, Duration), Error> {
        let mut buffer = [0; 2048];
        let mut random = || fastrand::u64(..);
        let mut trouble = None;
        let mut sent = self.clock.now();
        loop {
            let until = match exchange.poll(self.clock.now(), &mut random) {
                Step::Send(request) => {
                    sent = self.clock.now();
                    // A network that is down may come back before patience ends.
                    trouble = self.socket.send(request).err().or(trouble);
                    continue;
                }
                Step::Wait(until) => until,
                Step::GiveUp => return Err(self.no_answer(trouble)),
            };
            let received = socket::receive(&self.socket, &mut buffer, self.left(until));
            match received {
                // The system says that nobody listens there; it is asked again all the same.
                Err(error) => trouble = Some(error),
                Ok(None) => {}
                Ok(Some((from, octets))) => match exchange.receive(from, octets) {
                    None => {}
                    Some(Answer::OtherVersion { supported }) => {
                        return Err(Error::OtherVersion {
                            server: self.server,
                            supported,
                        });
                    }
                    Some(Answer::Response(response)) => {
                        return Ok((read(&response), self.clock.now().since(sent)));
                    }
                },
            }
        }
    }

    fn left(&self, until: Instant) -> Duration {
        until.since(self.clock.now())
    }

    fn no_answer(&self, trouble: Option<io::Error>) -> Error {
        Error::NoAnswer {
            server: self.server,
            timeout: self.timeout,
            trouble,
        }
    }

    fn socket_address(&self) -> Result<SocketAddr, Error> {
        self.socket.local_addr().map_err(|error| Error::Socket {
            what: "ask",
            address: self.server,
            error,
        })
    }

    fn check(&self, header: &ResponseHeader) -> Result<(), Error> {
        match header.result {
            ResultCode::Success => Ok(()),
            result => Err(Error::Refused {
                server: self.server,
                result,
                lifetime_s: header.lifetime_s,
            }),
        }
    }
}
