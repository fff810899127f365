//! How values follow one another in records: what was learnt from the records read so far.
//!
//! The records of one input are written by one program, so that the text between two values (a
//! comma, blanks, a key, a colon) is nearly always one of very few texts, and which one follows
//! from the text before. Such a text is a joint here. Joints are kept as they were written, in a
//! graph of which comes after which, so that a walk compares bytes where it would otherwise
//! parse a key and look it up. What is learnt only ever saves time: a text that is not known is
//! parsed. Values are not this file's affair.

use super::scan::{BLOCK_BYTES, Block, Scan};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// A joint, by its place in the list.
pub(super) type JointId = u16;

/// The start of a record, before its first member.
pub(super) const RECORD: JointId = 0;
/// Stands for every text that was not learnt: nothing is known to follow it.
pub(super) const STRAY: JointId = 1;
/// No joint, in a list of followers: no record starts behind another member.
const NONE: JointId = RECORD;

const MAX_JOINTS: usize = 1024;
/// Longer texts are not learnt, so that they take no memory.
const MAX_BYTES: usize = 256;
/// With fewer followers, members that are left out at random take the walk off its graph.
const FOLLOWERS: usize = 4;
/// Look-ups of one container that are free, and the records that pay for a further one. Where
/// keys come in any order, or are data themselves, learning is of no use: this bounds its cost.
const FREE_LOOK_UPS: u64 = 256;
const RECORDS_A_LOOK_UP: u64 = 16;

/// The text before a value, or before the end of its object or array. A cache line, for these
/// are what a walk goes along.
#[derive(Debug, Clone)]
#[repr(align(64))]
struct Joint {
    /// The first bytes of the text, and one bit for each that belongs to it.
    head: Block,
    head_bits: u32,
    joint: Known,
    has_rest: bool,
    /// Those seen behind its value, the usual ones first.
    followers: [JointId; FOLLOWERS],
}

/// What is rarely asked about a joint.
#[derive(Debug, Clone, Default)]
struct Aside {
    /// What of the text does not fit into the head.
    rest: Box<[u8]>,
    /// The start of the object or array that is the value behind it; `NONE` as long as there was none.
    inner_object: JointId,
    inner_array: JointId,
    /// Of the start of an object or array: the joints inside of it.
    inside: HashMap<Box<[u8]>, JointId, RandomState>,
    /// How many of them were looked up.
    look_ups: u64,
}

/// What a walk has to know of a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    pub id: JointId,
    pub length: u16,
    pub leads: Leads,
}

/// What lies behind a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leads {
    /// The end of the object or array: the joint is its closing bracket.
    Out,
    /// A value that is not wanted.
    ToValue,
    /// The value of a wanted key, by its node of the reader.
    ToWanted(u32),
}

#[derive(Debug, Clone)]
pub(super) struct Shapes {
    joints: Vec<Joint>,
    /// Of each joint.
    asides: Vec<Aside>,
    records: u64,
}

impl Shapes {
    pub(super) fn new() -> Shapes {
        let mut shapes = Shapes { joints: Vec::new(), asides: Vec::new(), records: 0 };
        shapes.forget();
        shapes
    }

    pub(super) fn forget(&mut self) {
        self.joints.clear();
        self.asides.clear();
        self.records = 0;
        self.add_start();
        self.add_start();
    }

    /// To be called before each record. A full list is begun anew: what filled it may be long past.
    #[inline]
    pub(super) fn next_record(&mut self) {
        if self.joints.len() >= MAX_JOINTS {
            self.forget();
        }
        self.records += 1;
    }

    /// Which of the joints known to follow `behind` the text at `at` is.
    #[inline(always)]
    pub(super) fn follow<S: Scan>(
        &mut self,
        scan: S,
        behind: JointId,
        text: &[u8],
        at: usize,
    ) -> Option<Known> {
        let text = text.get(at..)?;
        let block = text.first_chunk()?;
        let followers = self.joints[usize::from(behind)].followers;
        for (rank, id) in followers.into_iter().enumerate() {
            if id == NONE {
                break;
            }
            let Joint { head, head_bits, joint, has_rest, .. } = &self.joints[usize::from(id)];
            if !scan.equal(block, head) & head_bits == 0
                && (!has_rest || text[BLOCK_BYTES..].starts_with(&self.asides[usize::from(id)].rest))
            {
                let joint = Known { id, ..*joint };
                if rank > 0 {
                    self.joints[usize::from(behind)].followers.swap(rank - 1, rank);
                }
                return Some(joint);
            }
        }
        None
    }

    /// Notes that `text` was parsed behind `behind`, in `container`. The joint is `STRAY` where
    /// nothing is learnt. `None` for a text too long to be a joint.
    pub(super) fn learn(
        &mut self,
        behind: JointId,
        container: JointId,
        text: &[u8],
        leads: Leads,
    ) -> Option<Known> {
        let length = u16::try_from(text.len()).ok()?;
        let stray = Known { id: STRAY, length, leads };
        if container == STRAY || text.len() > MAX_BYTES {
            return Some(stray);
        }
        let paid = FREE_LOOK_UPS + self.records / RECORDS_A_LOOK_UP;
        let Aside { inside, look_ups, .. } = &mut self.asides[usize::from(container)];
        if *look_ups >= paid {
            return Some(stray);
        }
        *look_ups += 1;
        let id = match inside.get(text) {
            Some(&id) => id,
            None if self.joints.len() == MAX_JOINTS => return Some(stray),
            None => {
                let id = self.joints.len() as JointId;
                inside.insert(text.into(), id);
                self.add(text, Known { id, ..stray });
                id
            }
        };
        if behind != STRAY {
            let followers = &mut self.joints[usize::from(behind)].followers;
            let free = followers.iter().position(|&id| id == NONE).unwrap_or(FOLLOWERS - 1);
            followers[free] = id;
        }
        Some(self.joints[usize::from(id)].joint)
    }

    /// The start of the object or array that is the value behind a joint; `STRAY` where none is kept.
    #[inline]
    pub(super) fn inner(&mut self, joint: JointId, is_array: bool) -> JointId {
        let aside = &self.asides[usize::from(joint)];
        let inner = if is_array { aside.inner_array } else { aside.inner_object };
        if inner != NONE {
            return inner;
        }
        if joint == STRAY || self.joints.len() == MAX_JOINTS {
            return STRAY;
        }
        let start = self.add_start();
        let aside = &mut self.asides[usize::from(joint)];
        *(if is_array { &mut aside.inner_array } else { &mut aside.inner_object }) = start;
        start
    }

    /// A start has no text and follows nothing.
    fn add_start(&mut self) -> JointId {
        let start = self.joints.len() as JointId;
        self.add(b"", Known { id: start, length: 0, leads: Leads::ToValue });
        start
    }

    fn add(&mut self, text: &[u8], joint: Known) {
        let (start, rest) = text.split_at(text.len().min(BLOCK_BYTES));
        let mut head = [0; BLOCK_BYTES];
        head[..start.len()].copy_from_slice(start);
        self.joints.push(Joint {
            head,
            head_bits: ((1_u64 << start.len()) - 1) as u32,
            joint,
            has_rest: !rest.is_empty(),
            followers: [NONE; FOLLOWERS],
        });
        self.asides.push(Aside { rest: rest.into(), ..Aside::default() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_joint_in_its_container_and_another_elsewhere() {
        let mut shapes = Shapes::new();
        let mut learn = |behind, container, text: &[u8]| {
            shapes.learn(behind, container, text, Leads::ToValue).map(|joint| joint.id)
        };
        let a = learn(RECORD, RECORD, b"\"a\":").unwrap();
        let b = learn(a, RECORD, b",\"b\":").unwrap();
        assert_eq!(learn(b, RECORD, b",\"b\":"), Some(b));
        assert_eq!(learn(a, STRAY, b",\"b\":"), Some(STRAY));
        assert_eq!(learn(a, RECORD, &[b','; MAX_BYTES + 1]), Some(STRAY));
        assert_eq!(learn(a, RECORD, &[b','; 65_536]), None);
        let inner = shapes.inner(a, false);
        assert_eq!(shapes.inner(a, false), inner);
        assert_ne!(shapes.inner(a, true), inner);
        assert_eq!(shapes.inner(STRAY, false), STRAY);
        let other = shapes.learn(inner, inner, b",\"b\":", Leads::ToValue).unwrap();
        assert!(other.id != b && other.id != STRAY);
    }

    #[test]
    fn ever_new_keys_are_learnt_ever_more_rarely_and_forgotten_in_the_end() {
        let mut shapes = Shapes::new();
        let mut forgotten = 0;
        for record in 1..=50_000_u64 {
            let before = shapes.joints.len();
            shapes.next_record();
            forgotten += u32::from(shapes.joints.len() < before);
            shapes.learn(RECORD, RECORD, format!("\"{record}\":").as_bytes(), Leads::ToValue);
            if record == 1000 {
                // The record, what is stray, 256 that are free and one in 16 records.
                assert_eq!(shapes.joints.len(), 2 + 256 + 62);
            }
            assert!(shapes.joints.len() <= MAX_JOINTS && shapes.asides.len() == shapes.joints.len());
        }
        // 1022 joints take (1022 - 256) * 16 = 12,256 records.
        assert_eq!(forgotten, 4);
    }
}
