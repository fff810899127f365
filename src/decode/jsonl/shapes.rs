//! How values follow one another in records: what was learnt from the records read so far.
//!
//! The records of one input are written by one program, so that the text between two values (a
//! comma, blanks, a key, a colon) is nearly always one of very few texts, and which one follows
//! from the text before. Such a text is a joint here. Joints are kept as they were written, in a
//! graph of which comes after which, so that a walk compares bytes where it would otherwise
//! parse a key and look it up. What is learnt only ever saves time: a text that is not known is
//! parsed. Values are not this file's affair.

use super::scan::{BLOCK_BYTES, Block, Scan};

/// A joint, by its place in the list.
pub(super) type JointId = u16;

/// The start of a record, before its first member.
pub(super) const RECORD: JointId = 0;
/// Stands for every text that was not learnt: nothing is known to follow it.
pub(super) const STRAY: JointId = 1;
/// No joint, in a list of followers: no record starts behind another member.
const NONE: JointId = RECORD;

const MAX_JOINTS: usize = 1024;
/// With fewer followers, members that are left out at random take the walk off its graph.
const FOLLOWERS: usize = 4;
/// Longer texts are not learnt.
const MAX_BYTES: usize = 256;
/// Look-ups of one container that are free, and the records that pay for a further one. Where
/// keys come in any order, or are data themselves, learning is of no use: this bounds its cost.
const FREE_LOOK_UPS: u64 = 256;
const RECORDS_A_LOOK_UP: u64 = 16;

/// The text before a value, or before the end of its object or array.
#[derive(Debug, Clone)]
struct Joint {
    /// The first bytes of the text, and one bit for each that belongs to it.
    head: Block,
    head_bits: u32,
    /// What does not fit into the head.
    rest: Box<[u8]>,
    joint: Known,
    /// The start of the object or array it belongs to.
    container: JointId,
    /// The start of the object or array that is the value behind it; `NONE` as long as there was none.
    inner_object: JointId,
    inner_array: JointId,
    /// Those seen behind its value, the usual ones first.
    followers: [JointId; FOLLOWERS],
    /// Of the start of a container: look-ups of its joints.
    look_ups: u64,
}

/// What a walk has to know of a joint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Known {
    /// Where the walk stands behind it. All elements of an array are one place, its start.
    pub id: JointId,
    pub length: u32,
    /// It is the closing bracket.
    pub closes: bool,
    /// The wanted key it holds, as a node of the reader.
    pub node: Option<usize>,
}

/// A text as it was parsed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Parsed<'t> {
    pub text: &'t [u8],
    pub closes: bool,
    pub in_array: bool,
    pub node: Option<usize>,
}

#[derive(Debug, Clone)]
pub(super) struct Shapes {
    joints: Vec<Joint>,
    records: u64,
}

impl Shapes {
    pub(super) fn new() -> Shapes {
        let mut shapes = Shapes { joints: Vec::new(), records: 0 };
        shapes.forget();
        shapes
    }

    pub(super) fn forget(&mut self) {
        self.joints.clear();
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

    /// Which of the joints known to follow `behind` the text at `at` is. `block` holds the first
    /// bytes of that text.
    #[inline(always)]
    pub(super) fn follow<S: Scan>(
        &mut self,
        scan: S,
        behind: JointId,
        text: &[u8],
        at: usize,
        block: &Block,
    ) -> Option<Known> {
        let followers = self.joints[usize::from(behind)].followers;
        for (rank, id) in followers.into_iter().enumerate() {
            if id == NONE {
                break;
            }
            let Joint { head, head_bits, rest, joint, .. } = &self.joints[usize::from(id)];
            if scan.equal(block, head) & head_bits == *head_bits
                && (rest.is_empty() || text[at + BLOCK_BYTES..].starts_with(rest))
            {
                let joint = *joint;
                if rank > 0 {
                    self.joints[usize::from(behind)].followers.swap(rank - 1, rank);
                }
                return Some(joint);
            }
        }
        None
    }

    /// Notes what was read behind `behind`, in `container`. The joint is `STRAY` where nothing is learnt.
    #[inline(never)]
    pub(super) fn learn(&mut self, behind: JointId, container: JointId, parsed: Parsed<'_>) -> Known {
        let length = parsed.text.len() as u32;
        let stray = Known { id: STRAY, length, closes: parsed.closes, node: parsed.node };
        if container == STRAY || parsed.text.len() > MAX_BYTES {
            return stray;
        }
        let paid = FREE_LOOK_UPS + self.records / RECORDS_A_LOOK_UP;
        let look_ups = &mut self.joints[usize::from(container)].look_ups;
        if *look_ups >= paid {
            return stray;
        }
        *look_ups += 1;
        let is_it = |known: &Joint| known.container == container && known.holds(parsed.text);
        let at = self.joints.iter().position(is_it).unwrap_or(self.joints.len());
        if at == self.joints.len() {
            if at == MAX_JOINTS {
                return stray;
            }
            let id = if parsed.in_array { container } else { at as JointId };
            self.add(parsed.text, Known { id, ..stray }, container);
        }
        if behind != STRAY {
            let followers = &mut self.joints[usize::from(behind)].followers;
            let free = followers.iter().position(|&id| id == NONE).unwrap_or(FOLLOWERS - 1);
            followers[free] = at as JointId;
        }
        self.joints[at].joint
    }

    /// The start of the object or array that is the value behind a joint; `STRAY` where none is kept.
    #[inline]
    pub(super) fn inner(&mut self, joint: JointId, is_array: bool) -> JointId {
        let known = &self.joints[usize::from(joint)];
        let inner = if is_array { known.inner_array } else { known.inner_object };
        if inner != NONE {
            return inner;
        }
        if joint == STRAY || self.joints.len() == MAX_JOINTS {
            return STRAY;
        }
        let start = self.add_start();
        let known = &mut self.joints[usize::from(joint)];
        *(if is_array { &mut known.inner_array } else { &mut known.inner_object }) = start;
        start
    }

    /// A start has no text and follows nothing.
    fn add_start(&mut self) -> JointId {
        let start = self.joints.len() as JointId;
        self.add(b"", Known { id: start, length: 0, closes: false, node: None }, NONE);
        start
    }

    fn add(&mut self, text: &[u8], joint: Known, container: JointId) {
        let (start, rest) = text.split_at(text.len().min(BLOCK_BYTES));
        let mut head = [0; BLOCK_BYTES];
        head[..start.len()].copy_from_slice(start);
        self.joints.push(Joint {
            head,
            head_bits: ((1_u64 << start.len()) - 1) as u32,
            rest: rest.into(),
            joint,
            container,
            inner_object: NONE,
            inner_array: NONE,
            followers: [NONE; FOLLOWERS],
            look_ups: 0,
        });
    }
}

impl Joint {
    /// Whether it is this text, which is not empty.
    fn holds(&self, text: &[u8]) -> bool {
        self.joint.length as usize == text.len()
            && text.starts_with(&self.head[..text.len().min(BLOCK_BYTES)])
            && text.ends_with(&self.rest)
    }
}
