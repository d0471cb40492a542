//! Things that stand in lines, all of them in memory that is there from the start.
//!
//! ```text
//!  places: [ a ][ p ][   ][ b ][ q ][ c ][   ]
//!  line 1:   a ─────────► b ───────► c          oldest first, when things join as they come
//!  line 2:        p ──────────► q
//!  free:               ──────────────────► ...
//! ```
//!
//! Joining, leaving from anywhere, and moving a whole line behind another take a few stores each. A
//! thing stays in its place for as long as it stands in any line, so that an index may refer to it.
//!
//! Who owns a [`Line`] owns what stands in it. A line is given to the [`Places`] that its things are
//! in and to no others; whoever keeps both keeps this.

use std::mem;

/// Where a thing is while it stands in a line.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Place(u32);

/// Room for things, a fixed number of them.
#[derive(Debug)]
pub(crate) struct Places<T> {
    nodes: Box<[Node<T>]>,
    free: Line,
}

/// Things one behind the other.
#[derive(Debug, Default)]
pub(crate) struct Line {
    /// The first and the last, if there is any.
    ends: Option<(Place, Place)>,
    len: usize,
}

#[derive(Debug)]
struct Node<T> {
    /// Absent in a free place.
    thing: Option<T>,
    before: Option<Place>,
    behind: Option<Place>,
}

impl Line {
    /// How many things stand in it.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether nothing stands in it.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Where its first thing is.
    pub(crate) fn first(&self) -> Option<Place> {
        self.ends.map(|(first, _)| first)
    }
}

impl<T> Places<T> {
    /// Room for `capacity` things, of which there can be 2^32 at most.
    pub(crate) fn new(capacity: usize) -> Self {
        let vacant = || Node {
            thing: None,
            before: None,
            behind: None,
        };
        let mut nodes: Box<[_]> = (0..capacity).map(|_| vacant()).collect();
        let mut free = Line::default();
        for place in (0..=u32::MAX).take(capacity).map(Place) {
            link(&mut nodes, &mut free, place);
        }
        Self { nodes, free }
    }

    /// How many things are here, in whatever lines.
    pub(crate) fn len(&self) -> usize {
        self.nodes.len() - self.free.len
    }

    /// Whether all places are taken.
    pub(crate) fn is_full(&self) -> bool {
        self.free.is_empty()
    }

    /// The thing in this place.
    pub(crate) fn at(&self, place: Place) -> Option<&T> {
        self.nodes[place.index()].thing.as_ref()
    }

    /// The thing in this place, to change.
    pub(crate) fn at_mut(&mut self, place: Place) -> Option<&mut T> {
        self.nodes[place.index()].thing.as_mut()
    }

    /// Puts a thing at the end of `line`; it comes back when all places are taken.
    pub(crate) fn push(&mut self, line: &mut Line, thing: T) -> Result<Place, T> {
        let Some(place) = self.free.first() else {
            return Err(thing);
        };
        unlink(&mut self.nodes, &mut self.free, place);
        self.nodes[place.index()].thing = Some(thing);
        link(&mut self.nodes, line, place);
        Ok(place)
    }

    /// Takes the first thing of `line`.
    pub(crate) fn pop(&mut self, line: &mut Line) -> Option<T> {
        line.first().and_then(|place| self.remove(line, place))
    }

    /// Takes the thing in this place out of `line`, where it stands.
    pub(crate) fn remove(&mut self, line: &mut Line, place: Place) -> Option<T> {
        let thing = self.nodes[place.index()].thing.take()?;
        unlink(&mut self.nodes, line, place);
        // The place is the next to be taken: its memory is near now, so what is free stands in line
        // with the latest first.
        let rest = mem::take(&mut self.free);
        link(&mut self.nodes, &mut self.free, place);
        join(&mut self.nodes, &mut self.free, rest);
        Some(thing)
    }

    /// Moves the thing in this place from where it stands in `from` to the end of `to`.
    pub(crate) fn move_over(&mut self, from: &mut Line, place: Place, to: &mut Line) {
        unlink(&mut self.nodes, from, place);
        link(&mut self.nodes, to, place);
    }

    /// Moves the thing in this place to the end of `line`, where it stands already.
    pub(crate) fn move_back(&mut self, line: &mut Line, place: Place) {
        unlink(&mut self.nodes, line, place);
        link(&mut self.nodes, line, place);
    }

    /// Puts all that stands in `from` at the end of `to`.
    pub(crate) fn join(&mut self, to: &mut Line, from: Line) {
        join(&mut self.nodes, to, from);
    }
}

impl Place {
    const fn index(self) -> usize {
        self.0 as usize
    }
}

fn link<T>(nodes: &mut [Node<T>], line: &mut Line, place: Place) {
    let single = Line {
        ends: Some((place, place)),
        len: 1,
    };
    join(nodes, line, single);
}

fn join<T>(nodes: &mut [Node<T>], to: &mut Line, from: Line) {
    let Some((from_first, from_last)) = from.ends else {
        return;
    };
    let mut first = from_first;
    if let Some((to_first, to_last)) = to.ends {
        nodes[to_last.index()].behind = Some(from_first);
        nodes[from_first.index()].before = Some(to_last);
        first = to_first;
    }
    to.ends = Some((first, from_last));
    to.len += from.len;
}

fn unlink<T>(nodes: &mut [Node<T>], line: &mut Line, place: Place) {
    let node = &mut nodes[place.index()];
    let (before, behind) = (node.before.take(), node.behind.take());
    if let Some(before) = before {
        nodes[before.index()].behind = behind;
    }
    if let Some(behind) = behind {
        nodes[behind.index()].before = before;
    }
    line.ends = line.ends.and_then(|(first, last)| {
        let first = if first == place { behind? } else { first };
        let last = if last == place { before? } else { last };
        Some((first, last))
    });
    line.len -= 1;
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thing_too_many_comes_back() {
        let mut places = Places::new(2);
        let mut line = Line::default();
        places.push(&mut line, 'a').unwrap();
        places.push(&mut line, 'b').unwrap();
        assert!(places.is_full());
        assert_eq!(places.push(&mut line, 'c'), Err('c'));
        assert_eq!(places.pop(&mut line), Some('a'));
        assert!(places.push(&mut line, 'c').is_ok());
        assert_eq!(Places::new(0).push(&mut Line::default(), 1), Err(1));
    }

    #[test]
    fn things_leave_from_anywhere_and_the_others_keep_their_order() {
        for leaving in 0..3 {
            let mut places = Places::new(3);
            let mut line = Line::default();
            let stand = [0, 1, 2].map(|thing| places.push(&mut line, thing).unwrap());
            assert_eq!(places.remove(&mut line, stand[leaving]), Some(leaving));
            assert_eq!(places.at(stand[leaving]), None);
            let others = [places.pop(&mut line), places.pop(&mut line)];
            let expected = [0, 1, 2].into_iter().filter(|thing| *thing != leaving);
            assert!(others.into_iter().eq(expected.map(Some)));
            assert_eq!((places.pop(&mut line), places.len()), (None, 0));
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(usize),
        Pop(usize),
        Remove(usize, usize),
        MoveOver(usize, usize, usize),
        MoveBack(usize, usize),
        Join(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        let line = 0..LINES;
        prop_oneof![
            line.clone().prop_map(Step::Push),
            line.clone().prop_map(Step::Push),
            line.clone().prop_map(Step::Push),
            line.clone().prop_map(Step::Pop),
            (line.clone(), 0..9_usize).prop_map(|(line, nth)| Step::Remove(line, nth)),
            (line.clone(), 0..9_usize, line.clone())
                .prop_map(|(from, nth, to)| Step::MoveOver(from, nth, to)),
            (line.clone(), 0..9_usize).prop_map(|(line, nth)| Step::MoveBack(line, nth)),
            (line.clone(), line).prop_map(|(to, from)| Step::Join(to, from)),
        ]
    }

    /// Lines of things and, for comparison, the same in vectors.
    struct Both {
        places: Places<u32>,
        lines: [Line; LINES],
        slow: [Vec<(u32, Place)>; LINES],
        next: u32,
    }

    impl Both {
        fn take(&mut self, step: Step) {
            match step {
                Step::Push(line) => {
                    self.next += 1;
                    let pushed = self.places.push(&mut self.lines[line], self.next);
                    let count: usize = self.slow.iter().map(Vec::len).sum();
                    assert_eq!(pushed.is_ok(), count < CAPACITY);
                    if let Ok(place) = pushed {
                        self.slow[line].push((self.next, place));
                    }
                }
                Step::Pop(line) => {
                    let slow = (!self.slow[line].is_empty()).then(|| self.slow[line].remove(0).0);
                    assert_eq!(self.places.pop(&mut self.lines[line]), slow);
                }
                Step::Remove(line, nth) if nth < self.slow[line].len() => {
                    let (thing, place) = self.slow[line].remove(nth);
                    let removed = self.places.remove(&mut self.lines[line], place);
                    assert_eq!(removed, Some(thing));
                }
                Step::MoveOver(from, nth, to) if from != to && nth < self.slow[from].len() => {
                    let moved = self.slow[from].remove(nth);
                    self.slow[to].push(moved);
                    let [from, to] = self.lines.get_disjoint_mut([from, to]).unwrap();
                    self.places.move_over(from, moved.1, to);
                }
                Step::MoveBack(line, nth) if nth < self.slow[line].len() => {
                    let moved = self.slow[line].remove(nth);
                    self.slow[line].push(moved);
                    self.places.move_back(&mut self.lines[line], moved.1);
                }
                Step::Join(to, from) if to != from => {
                    let moved = std::mem::take(&mut self.slow[from]);
                    self.slow[to].extend(moved);
                    let joining = std::mem::take(&mut self.lines[from]);
                    self.places.join(&mut self.lines[to], joining);
                }
                _ => {}
            }
        }

        fn check(&self) {
            for (line, slow) in self.lines.iter().zip(&self.slow) {
                assert_eq!(line.len(), slow.len());
                assert_eq!(line.first(), slow.first().map(|(_, place)| *place));
                for (thing, place) in slow {
                    assert_eq!(self.places.at(*place), Some(thing));
                }
            }
        }
    }

    proptest! {
        #[test]
        fn lines_are_what_vectors_are(steps in prop::collection::vec(step(), 0..200)) {
            let mut both = Both {
                places: Places::new(CAPACITY),
                lines: Default::default(),
                slow: Default::default(),
                next: 0,
            };
            for step in steps {
                both.take(step);
                both.check();
            }
            for line in 0..LINES {
                while !both.slow[line].is_empty() {
                    both.take(Step::Pop(line));
                }
            }
            both.check();
        }
    }

    const LINES: usize = 3;
    const CAPACITY: usize = 12;
}
