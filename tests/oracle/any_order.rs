//! Steps in any order: every set of rows, with every way to give them steps.

use super::{Found, Live, World};
use dropoff::funnel::engine::Tie;
use dropoff::funnel::options::RowUse;
use std::cmp::Reverse;

/// Rows, each with a step; in the order of rows, then of steps.
type Block = Vec<(usize, usize)>;

impl World<'_> {
    pub fn found_in_any_order(&self, anchored: bool) -> Found {
        let blocks = self.blocks_of(0..self.log.len(), anchored);
        let ordered = blocks.iter().map(|block| {
            let mut block = block.clone();
            block.sort_by_key(|&(row, step)| (self.first_of_moment(row), self.part(row), row, step));
            block
        });
        let best = ordered.min_by_key(|block| {
            let (rows, steps): (Vec<usize>, Vec<usize>) = block.iter().copied().unzip();
            (Reverse(block.len()), self.rank(&rows), steps)
        });
        let best = best.unwrap_or_default();
        Found {
            served: best.iter().map(|&(_, step)| step as u16).collect(),
            live: blocks.iter().filter_map(|block| self.live_block(block)).collect(),
            chain: best.into_iter().map(|(row, _)| row).collect(),
            frozen: None,
            rows: self.log.len(),
        }
    }

    fn blocks_of(&self, rows: std::ops::Range<usize>, anchored: bool) -> Vec<Block> {
        let mut blocks = Vec::new();
        self.add_to(&rows, &mut Vec::new(), &mut blocks);
        blocks.retain(|block| !block.is_empty() && self.is_block(block, anchored));
        blocks
    }

    fn add_to(&self, rows: &std::ops::Range<usize>, block: &mut Block, blocks: &mut Vec<Block>) {
        blocks.push(block.clone());
        for row in rows.clone() {
            for step in 0..self.steps() {
                let is_next = block.last().is_none_or(|&last| last < (row, step));
                let is_new = block.iter().all(|&(used, served)| {
                    let is_other_row = match self.tie {
                        Tie::Strict => self.time(used) != self.time(row),
                        Tie::Step | Tie::File => self.options().row == RowUse::Many || used != row,
                    };
                    served != step && is_other_row
                });
                if is_next && is_new && self.serves(row, step) {
                    block.push((row, step));
                    self.add_to(rows, block, blocks);
                    block.pop();
                }
            }
        }
    }

    fn is_block(&self, block: &Block, anchored: bool) -> bool {
        let (first, last) = (block[0].0, block[block.len() - 1].0);
        let is_opened = block.iter().any(|&(row, step)| step == 0 && self.is_one_moment(row, first));
        self.may_start(first)
            && (!anchored || is_opened)
            && self.is_in_time(first, last)
            && !(0..self.log.len()).any(|row| self.is_inside(row, first, last) && self.forbids(row))
    }

    fn forbids(&self, row: usize) -> bool {
        (0..self.steps()).any(|gap| self.breaks(row, gap))
    }

    /// What a row of another step after the end of observation could do for a block.
    fn live_block(&self, block: &Block) -> Option<Live> {
        let first = block[0].0;
        let is_wanted = |step: usize| {
            self.known.spent.get(step) != Some(&true) && block.iter().all(|&(_, served)| served != step)
        };
        let is_forbidden = (0..self.log.len()).any(|row| self.is_behind(row, first) && self.forbids(row));
        let until = self.end(first);
        let fits = |bound: Option<i64>| bound.is_none_or(|bound| bound > self.seen.as_of_us);
        let is_alive = (0..self.steps()).any(is_wanted) && !is_forbidden;
        (is_alive && fits(until) && fits(self.seen.closes_us)).then(|| (self.time(first), until))
    }

    /// Counts attempts, each followed to its end before the next is looked for.
    pub fn attempts_in_any_order(&self, anchored: bool) -> u32 {
        let size = |from: usize, to: usize| {
            let blocks = self.blocks_of_attempt(from, to, anchored);
            blocks.iter().map(Vec::len).max().unwrap_or(0)
        };
        let mut count = 0;
        let mut at = 0;
        while at < self.log.len() {
            let end = |row: usize| {
                (row..self.log.len()).find(|&other| !self.is_one_moment(row, other)).unwrap_or(self.log.len())
            };
            let mut served = size(at, end(at));
            if served == 0 {
                at = end(at);
                continue;
            }
            count += 1;
            let start = at;
            at = end(at);
            while served < self.steps() && at < self.log.len() && self.is_in_time(start, at) {
                let more = size(start, end(at));
                let is_forbidden = (at..end(at)).any(|row| self.forbids(row));
                if is_forbidden {
                    at = if more > served { end(at) } else { at };
                    break;
                }
                served = more;
                at = end(at);
            }
        }
        count
    }

    /// Blocks of the rows of an attempt: forbidden rows are what ends it, so they do not matter inside.
    fn blocks_of_attempt(&self, from: usize, to: usize, anchored: bool) -> Vec<Block> {
        let world = World { exclusions: false, ..*self };
        let mut blocks = world.blocks_of(from..to, anchored);
        blocks.retain(|block| self.is_one_moment(block[0].0, from));
        blocks
    }
}
