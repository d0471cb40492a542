//! What the server has heard and said, counted.

use pcp::result_code::ResultCode;
use pcp::wire::Opcode;

/// Numbers since start.
#[derive(Clone, Debug)]
pub struct Counters {
    /// Answers, by opcode and result.
    answers: [[u64; RESULTS]; OPCODES],
    /// Datagrams that got no answer (PC-001, PC-002, PC-003, PC-005).
    pub silent: u64,
    /// Announcements sent without being asked (PC-142).
    pub announcements: u64,
    /// Mapping Updates sent (PC-145).
    pub updates: u64,
    /// Mappings that ran out.
    pub expired: u64,
    /// Mappings that a change of the port sets ended.
    pub lost: u64,
}

impl Default for Counters {
    fn default() -> Self {
        Self {
            answers: [[0; RESULTS]; OPCODES],
            silent: 0,
            announcements: 0,
            updates: 0,
            expired: 0,
            lost: 0,
        }
    }
}

impl Counters {
    /// Counts the answer to a request.
    pub(super) fn count(&mut self, opcode: Opcode, result: ResultCode) {
        let (row, column) = cell(opcode, result);
        self.answers[row][column] += 1;
    }

    /// Answers of one kind.
    #[must_use]
    pub fn answers(&self, opcode: Opcode, result: ResultCode) -> u64 {
        let (row, column) = cell(opcode, result);
        self.answers[row][column]
    }

    /// Every number that is not 0, by its name: `map-success`, `peer-user-ex-quota`, `silent`.
    pub fn named(&self) -> impl Iterator<Item = (String, u64)> {
        let answers = self.answers.iter().zip(OPCODE_NAMES);
        let answers = answers.flat_map(|(row, opcode)| {
            row.iter().enumerate().map(move |(code, count)| {
                let result = ResultCode::from(code as u8).to_string();
                let result = result.to_lowercase().replace(['_', ' '], "-");
                (format!("{opcode}-{result}"), *count)
            })
        });
        let others = [
            ("silent", self.silent),
            ("announcements", self.announcements),
            ("updates", self.updates),
            ("expired", self.expired),
            ("lost", self.lost),
        ];
        let others = others.map(|(name, count)| (name.to_owned(), count));
        answers.chain(others).filter(|(_, count)| *count > 0)
    }
}

fn cell(opcode: Opcode, result: ResultCode) -> (usize, usize) {
    let row = match opcode {
        Opcode::Announce => 0,
        Opcode::Map => 1,
        Opcode::Peer => 2,
        Opcode::Other(_) => 3,
    };
    (row, usize::from(result.code()).min(RESULTS - 1))
}

const OPCODE_NAMES: [&str; OPCODES] = ["announce", "map", "peer", "other"];

const OPCODES: usize = 4;

/// Results of RFC 6887; the server says no others.
const RESULTS: usize = 14;
