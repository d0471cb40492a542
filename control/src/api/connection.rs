//! One client: its requests in, their answers out, in order.

use std::io;
use std::io::BufRead;
use std::io::BufReader;
use std::io::BufWriter;
use std::io::Write;
use std::net::Ipv6Addr;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;
use std::time::Instant;

use lwaftr_dataplane::binding::Binding;
use serde_json::Value;
use serde_json::json;

use super::Context;
use super::message::Answer;
use super::message::AnswerLine;
use super::message::CarriedFields;
use super::message::Hello;
use super::message::PortFields;
use super::message::ProgressFields;
use super::message::Request;
use super::message::RequestError;
use super::message::RequestLine;
use super::message::RowFields;
use super::message::Topic;
use super::message::VERSION;
use crate::bindings_file::Progress;
use crate::provisioning::LeaseError;
use crate::provisioning::LeaseFacts;
use crate::provisioning::LeasePage;
use crate::provisioning::LeaseService;
use crate::publisher::Change;
use crate::publisher::Found;
use crate::publisher::WriterGone;

/// Serves a client until it leaves.
pub(super) fn serve(stream: &UnixStream, context: &Context) -> io::Result<()> {
    // A client that reads no answers may hold up its own thread, but not for ever.
    stream.set_write_timeout(Some(PATIENCE))?;
    let mut connection = Connection {
        input: BufReader::with_capacity(MAX_LINE, stream),
        output: BufWriter::with_capacity(MAX_LINE, stream),
        context,
        batch: Vec::new(),
    };
    let hello = Hello {
        lwaftr: env!("CARGO_PKG_VERSION").to_owned(),
        api: VERSION,
    };
    serde_json::to_writer(&mut connection.output, &hello)?;
    connection.output.write_all(b"\n")?;
    connection.output.flush()?;
    while connection.turn()? {}
    Ok(())
}

struct Connection<'c> {
    input: BufReader<&'c UnixStream>,
    output: BufWriter<&'c UnixStream>,
    context: &'c Context,
    /// Changes that have arrived together, with the numbers of their requests.
    batch: Vec<(u64, Change)>,
}

impl Connection<'_> {
    /// Takes what has arrived, and answers it; tells whether more may come.
    fn turn(&mut self) -> io::Result<bool> {
        let arrived = self.input.fill_buf()?;
        if arrived.is_empty() {
            return Ok(false);
        }
        let Some(end) = arrived.iter().rposition(|&byte| byte == b'\n') else {
            return self.rest_of_a_line();
        };
        let lines = arrived[..end].to_vec();
        self.input.consume(end + 1);
        for line in lines.split(|&byte| byte == b'\n') {
            self.line(line)?;
        }
        self.finish_batch()?;
        self.output.flush()?;
        Ok(true)
    }

    /// A line that is not all there yet: waits for its end, within bounds.
    fn rest_of_a_line(&mut self) -> io::Result<bool> {
        let mut line = Vec::new();
        let read =
            io::Read::take(&mut self.input, MAX_LINE as u64 + 1).read_until(b'\n', &mut line)?;
        if line.pop() != Some(b'\n') {
            if read > MAX_LINE {
                self.answer(
                    None,
                    Answer::Error(RequestError::TooLong(MAX_LINE).to_string()),
                )?;
                self.output.flush()?;
            }
            return Ok(false);
        }
        self.line(&line)?;
        self.finish_batch()?;
        self.output.flush()?;
        Ok(true)
    }

    fn line(&mut self, line: &[u8]) -> io::Result<()> {
        if line.trim_ascii().is_empty() {
            return Ok(());
        }
        let (id, request) = parse(line);
        match (id, request) {
            (Some(id), Ok(Request::Change(change))) => {
                self.batch.push((id, change));
                if self.batch.len() >= MAX_BATCH {
                    self.finish_batch()
                } else {
                    Ok(())
                }
            }
            (id, Ok(request)) => {
                self.finish_batch()?;
                let answer = self.carry_out(id, request)?;
                self.answer(id, answer)
            }
            (id, Err(error)) => {
                self.finish_batch()?;
                self.answer(id, Answer::Error(error.to_string()))
            }
        }
    }

    fn finish_batch(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let (ids, changes): (Vec<_>, Vec<_>) = self.batch.drain(..).unzip();
        match self.context.softwires.change(changes) {
            Ok(answers) => ids
                .into_iter()
                .zip(answers)
                .try_for_each(|(id, answer)| match answer {
                    // By far the most frequent answer, so it is not assembled anew each time.
                    Ok(()) => writeln!(self.output, "{{\"id\":{id},\"ok\":null}}"),
                    Err(error) => self.answer(Some(id), Answer::Error(error.to_string())),
                }),
            Err(gone) => ids
                .into_iter()
                .try_for_each(|id| self.answer(Some(id), Answer::Error(gone.to_string()))),
        }
    }

    fn carry_out(&mut self, id: Option<u64>, request: Request) -> io::Result<Answer> {
        let softwires = &self.context.softwires;
        match request {
            Request::Change(change) => {
                Ok(done(softwires.change(vec![change]).map(|_| Value::Null)))
            }
            Request::Show(topic) => Ok(done(self.show(topic))),
            Request::Load(file) => self.load(id, &file),
            Request::Get(query) => match softwires.get(query) {
                Err(gone) => Ok(Answer::Error(gone.to_string())),
                Ok(found) => self.rows(id, found.iter().map(RowFields::from)),
            },
            Request::Who(PortFields { ipv4, port }) => {
                Ok(self.lease(|leases| leases.holder(ipv4, port)))
            }
            Request::Revoke(PortFields { ipv4, port }) => {
                Ok(self.lease(|leases| leases.revoke(ipv4, port)))
            }
            Request::Leases(whose) => self.leases(id, whose),
            Request::Announce => Ok(done(self.announce())),
            Request::Dump => match softwires.dump() {
                Err(gone) => Ok(Answer::Error(gone.to_string())),
                Ok(bindings) => self.rows(id, bindings.iter().map(RowFields::from)),
            },
        }
    }

    fn rows(
        &mut self,
        id: Option<u64>,
        rows: impl Iterator<Item = RowFields>,
    ) -> io::Result<Answer> {
        let mut count = 0_u64;
        for row in rows {
            self.answer(id, Answer::Row(row))?;
            count += 1;
        }
        Ok(Answer::Ok(json!({ "softwires": count })))
    }

    fn load(&mut self, id: Option<u64>, file: &Path) -> io::Result<Answer> {
        let softwires = self.context.softwires.clone();
        let mut last = Instant::now();
        let mut written = Ok(());
        let loaded = softwires.load(file, |progress| {
            if written.is_ok() && last.elapsed() >= PROGRESS_EVERY {
                last = Instant::now();
                let answer = Answer::Progress(progress.into());
                written = self.answer(id, answer).and_then(|()| self.output.flush());
            }
        });
        written?;
        Ok(match loaded {
            Ok(rows) => Answer::Ok(json!({ "softwires": rows })),
            Err(error) => Answer::Error(error.to_string()),
        })
    }

    /// One lease.
    fn lease(&self, ask: impl FnOnce(&LeaseService) -> Result<LeaseFacts, LeaseError>) -> Answer {
        let asked = || Ok::<_, ShowError>(serde_json::to_value(ask(self.leasing()?)?)?);
        done(asked())
    }

    /// The leases of a subscriber, or all of them, some at a time.
    fn leases(&mut self, id: Option<u64>, whose: Option<Ipv6Addr>) -> io::Result<Answer> {
        let mut count = 0;
        let mut place = Some(0);
        while let Some(from) = place {
            let asked = self.leasing().map(|leases| match whose {
                Some(b4) => leases
                    .subscriber(b4)
                    .map(|leases| LeasePage { leases, next: None }),
                None => leases.page(from),
            });
            let page = match asked {
                Ok(Ok(page)) => page,
                Ok(Err(error)) => return Ok(Answer::Error(error.to_string())),
                Err(error) => return Ok(Answer::Error(error.to_string())),
            };
            count += page.leases.len();
            for lease in page.leases {
                self.answer(id, Answer::Lease(lease))?;
            }
            place = page.next;
        }
        Ok(Answer::Ok(json!({ "leases": count })))
    }

    fn announce(&self) -> Result<Value, ShowError> {
        let told = self.leasing()?.announce()?;
        Ok(json!({ "lwb4s": told }))
    }

    fn leasing(&self) -> Result<&LeaseService, NoServer> {
        self.context.leases.as_ref().ok_or(NoServer)
    }

    fn show(&self, topic: Topic) -> Result<Value, ShowError> {
        let daemon = &self.context.daemon;
        Ok(match topic {
            Topic::Status => serde_json::to_value(daemon.status())?,
            Topic::Workers => serde_json::to_value(daemon.workers())?,
            Topic::Ports => serde_json::to_value(daemon.ports())?,
            Topic::Config => daemon.config(),
            Topic::Neighbours => serde_json::to_value(daemon.neighbours())?,
            Topic::Pcp => serde_json::to_value(self.leasing()?.pcp()?)?,
            Topic::Pools => serde_json::to_value(self.leasing()?.pools()?)?,
            Topic::Softwires => serde_json::to_value(self.context.softwires.summary()?)?,
            Topic::Counters => self.counters(|_, _| true)?,
            Topic::Drops => self.counters(|name, value| value > 0 && name.starts_with("drop-"))?,
        })
    }

    /// The counters in a flat object; one of them, RFC 8676's `active-softwire-num`, is the table's.
    fn counters(&self, wanted: impl Fn(&str, u64) -> bool) -> Result<Value, WriterGone> {
        let softwires = self.context.softwires.summary()?.softwires as u64;
        let counters = self.context.daemon.counters().into_iter();
        let all = counters.chain([("active-softwire-num", softwires)]);
        let wanted = all.filter(|&(name, value)| wanted(name, value));
        Ok(Value::Object(
            wanted
                .map(|(name, value)| (name.to_owned(), value.into()))
                .collect(),
        ))
    }

    fn answer(&mut self, id: Option<u64>, answer: Answer) -> io::Result<()> {
        serde_json::to_writer(&mut self.output, &AnswerLine { id, answer })?;
        self.output.write_all(b"\n")
    }
}

/// The request of a line, and its number as far as that can be read.
pub(super) fn parse(line: &[u8]) -> (Option<u64>, Result<Request, RequestError>) {
    match serde_json::from_slice::<RequestLine>(line) {
        Ok(request) => (Some(request.id), request.try_into()),
        Err(error) => {
            #[derive(serde::Deserialize)]
            struct Numbered {
                id: u64,
            }
            let id = serde_json::from_slice::<Numbered>(line)
                .ok()
                .map(|numbered| numbered.id);
            (id, Err(error.into()))
        }
    }
}

fn done<E: std::fmt::Display>(result: Result<Value, E>) -> Answer {
    result.map_or_else(|error| Answer::Error(error.to_string()), Answer::Ok)
}

/// There are no leases to speak of.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("this daemon has no PCP server: its configuration has no [pcp]")]
struct NoServer;

#[derive(Debug, thiserror::Error)]
enum ShowError {
    #[error(transparent)]
    Gone(#[from] WriterGone),
    #[error(transparent)]
    NoServer(#[from] NoServer),
    #[error(transparent)]
    Leases(#[from] LeaseError),
    #[error("cannot be said in JSON: {0}")]
    Json(#[from] serde_json::Error),
}

impl From<&Binding> for RowFields {
    fn from(binding: &Binding) -> Self {
        Self {
            binding: binding.into(),
            origin: None,
            carried: None,
        }
    }
}

impl From<&Found> for RowFields {
    fn from(found: &Found) -> Self {
        Self {
            binding: (&found.binding).into(),
            origin: Some(found.origin.clone()),
            carried: found.carried.map(|carried| CarriedFields {
                down_packets: carried.down_packets,
                down_bytes: carried.down_bytes,
                up_packets: carried.up_packets,
                up_bytes: carried.up_bytes,
            }),
        }
    }
}

impl From<Progress> for ProgressFields {
    fn from(progress: Progress) -> Self {
        let Progress {
            rows,
            bytes,
            total_bytes,
        } = progress;
        Self {
            rows,
            bytes,
            total_bytes,
        }
    }
}

/// Octets of a request line; also what is taken from a client at once.
pub(super) const MAX_LINE: usize = 1 << 16;
/// Changes that go to the writing thread together.
const MAX_BATCH: usize = 1024;
const PROGRESS_EVERY: Duration = Duration::from_millis(100);
const PATIENCE: Duration = Duration::from_secs(30);
