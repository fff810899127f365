//! Who does what, and when.

use super::words::{CAMPAIGNS, CHANNELS, COUNTRIES, EVENTS, PRODUCTS};

/// 2025-03-01T00:00:00Z in ms since the Unix epoch, and the 30 days from there.
const START_MS: i64 = 1_740_787_200_000;
const SPAN_MS: i64 = 30 * DAY_MS;
const DAY_MS: i64 = 86_400_000;
const SECOND_MS: i64 = 1_000;
/// The longest gap inside a session, inclusive.
const TIMEOUT_MS: i64 = 1_800 * SECOND_MS;
const MOST_VISITS: u32 = 400;

/// In which order rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    Time,
    Shuffled,
}

/// How rows are spread over people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum People {
    /// About 17 rows a person, most of them from few.
    Usual,
    /// Every row is from someone else.
    Distinct,
    /// One person has nine tenths of the rows.
    OneBusy,
}

/// What to draw.
#[derive(Debug, Clone, Copy)]
pub struct Shape {
    pub rows: usize,
    pub seed: u64,
    pub order: Order,
    pub people: People,
}

impl Shape {
    /// The usual log of so many rows.
    pub fn usual(rows: usize) -> Shape {
        Shape { rows, seed: 1, order: Order::Time, people: People::Usual }
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Event {
    pub time_ms: i64,
    /// Index into [`Log::visits`].
    pub visit: u32,
    pub product: u32,
    /// Index into the names of events.
    pub name: u8,
    pub opens_visit: bool,
}

/// What the rows of a visit have in common.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit {
    pub person: u32,
    pub device: u8,
    pub channel: u8,
    pub country: u8,
    pub campaign: u8,
    pub crawler: bool,
}

/// All rows, in the order in which they are written.
pub struct Log {
    pub(super) seed: u64,
    pub(super) events: Vec<Event>,
    pub(super) visits: Vec<Visit>,
}

impl Log {
    pub fn draw(shape: Shape) -> Log {
        let mut log = Log { seed: shape.seed, events: Vec::with_capacity(shape.rows), visits: Vec::new() };
        match shape.people {
            People::Usual => {}
            People::Distinct => log.draw_distinct(shape.rows),
            People::OneBusy => log.draw_busy(shape.rows / 10 * 9),
        }
        let mut person = log.visits.last().map_or(0, |visit| visit.person + 1);
        while log.events.len() < shape.rows {
            let mut dice = Dice::new(shape.seed, u64::from(person));
            // About three rows in a thousand, as one crawler makes hundreds.
            if dice.below(40_000) == 0 {
                log.draw_crawler(person, &mut dice);
            } else {
                log.draw_person(person, &mut dice);
            }
            person += 1;
        }
        log.events.truncate(shape.rows);
        match shape.order {
            Order::Time => log.events.sort_unstable_by_key(|event| (event.time_ms, event.visit)),
            Order::Shuffled => {
                let mut dice = Dice::new(shape.seed, u64::MAX);
                for last in (1..log.events.len()).rev() {
                    log.events.swap(last, dice.below(last as u64 + 1) as usize);
                }
            }
        }
        log
    }

    fn draw_distinct(&mut self, rows: usize) {
        for person in 0..rows as u32 {
            let mut dice = Dice::new(self.seed, u64::from(person));
            self.visits.push(new_visit(person, &mut dice));
            let time_ms = START_MS + dice.below(SPAN_MS as u64) as i64;
            let name = dice.below(EVENTS.len() as u64) as u8;
            self.push(time_ms, product(&mut dice), name, true);
        }
    }

    fn draw_busy(&mut self, rows: usize) {
        let mut dice = Dice::new(self.seed, 0);
        self.visits.push(new_visit(0, &mut dice));
        let step_ms = (SPAN_MS / rows.max(1) as i64).max(1) as u64;
        let mut time_ms = START_MS;
        for row in 0..rows {
            self.push(time_ms, product(&mut dice), dice.below(EVENTS.len() as u64) as u8, row == 0);
            time_ms += 1 + dice.below(2 * step_ms - 1) as i64;
        }
    }

    /// Looks at product after product for hours, and never buys.
    fn draw_crawler(&mut self, person: u32, dice: &mut Dice) {
        self.visits.push(Visit { crawler: true, ..new_visit(person, dice) });
        let mut time_ms = START_MS + dice.below(SPAN_MS as u64) as i64;
        for row in 0..500 + dice.below(3_000) {
            self.push(time_ms, dice.below(PRODUCTS) as u32, VIEW, row == 0);
            time_ms += 300 + dice.below(5_000) as i64;
        }
    }

    fn draw_person(&mut self, person: u32, dice: &mut Dice) {
        let mut starts: Vec<i64> = (0..dice.visits()).map(|_| dice.moment()).collect();
        starts.sort_unstable();
        let home = new_visit(person, dice);
        let mut free_from = i64::MIN;
        for start in starts {
            let mut time_ms = start.max(free_from);
            let other_device = dice.below(6) == 0;
            let again = new_visit(person, dice);
            let device = if other_device { again.device } else { home.device };
            self.visits.push(Visit { device, country: home.country, ..again });
            let mut goods = product(dice);
            for (row, name) in visit_events(dice).into_iter().enumerate() {
                if name == VIEW && dice.below(2) == 0 {
                    goods = product(dice);
                }
                self.push(time_ms, goods, name, row == 0);
                time_ms += dice.gap_ms();
            }
            // Mostly long after, now and then within the timeout: then two visits are one session.
            let pause = if dice.below(16) == 0 { 60 * SECOND_MS } else { 2 * TIMEOUT_MS };
            free_from = time_ms + pause + dice.below(TIMEOUT_MS as u64) as i64;
        }
    }

    /// An event of the latest visit.
    fn push(&mut self, time_ms: i64, product: u32, name: u8, opens_visit: bool) {
        let visit = self.visits.len() as u32 - 1;
        self.events.push(Event { time_ms, visit, product, name, opens_visit });
    }
}

const VIEW: u8 = 0;
const CART: u8 = 1;
const CHECKOUT: u8 = 2;
const PURCHASE: u8 = 3;
const SEARCH: u8 = 4;
/// Names from here on belong to no step of any funnel.
const FIRST_OTHER: u8 = 5;

/// Indices of event names: the steps of what the visit leads to, among views and other events.
fn visit_events(dice: &mut Dice) -> Vec<u8> {
    let steps: &[u8] = match dice.below(1_000) {
        0..=22 => &[VIEW, CART, CHECKOUT, PURCHASE],
        // Bought with one click; paid for before the last page was logged; a saved cart bought.
        23 => &[VIEW, CART, PURCHASE],
        24..=25 => &[VIEW, CART, PURCHASE, CHECKOUT],
        26..=30 => &[CHECKOUT, PURCHASE],
        31..=52 => &[VIEW, CART, CHECKOUT],
        53..=110 => &[VIEW, CART],
        111..=114 => &[CART],
        _ => &[],
    };
    let others = (dice.around(4, 152) as usize).clamp(usize::from(steps.is_empty()), 150);
    let mut events = Vec::with_capacity(steps.len() + others);
    let mut steps_left = steps.iter();
    for left in (1..=steps.len() + others).rev() {
        if dice.below(left as u64) < steps_left.len() as u64 {
            events.extend(steps_left.next());
        } else {
            events.push(match dice.below(10) {
                0..=5 => VIEW,
                6 => SEARCH,
                _ => FIRST_OTHER + dice.below(EVENTS.len() as u64 - u64::from(FIRST_OTHER)) as u8,
            });
        }
    }
    events
}

fn new_visit(person: u32, dice: &mut Dice) -> Visit {
    let channel = dice.below(CHANNELS.len() as u64) as u8;
    // Who comes directly or by a search was sent by no campaign.
    let campaign = if channel < 2 { 0 } else { dice.below(CAMPAIGNS.len() as u64) as u8 };
    let country = dice.below(COUNTRIES.len() as u64).min(dice.below(COUNTRIES.len() as u64)) as u8;
    let device = [0, 0, 0, 0, 1, 1, 1, 2, 3, 3][dice.below(10) as usize];
    Visit { person, device, channel, country, campaign, crawler: false }
}

/// Few products are looked at often.
fn product(dice: &mut Dice) -> u32 {
    (0..3).map(|_| dice.below(PRODUCTS)).min().unwrap_or(0) as u32
}

/// A sequence of 64-bit numbers (`SplitMix64`; Steele, Lea and Flood 2014).
pub(super) struct Dice(u64);

pub(super) fn mix(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}

impl Dice {
    /// Everyone has dice of their own, so that the people of a short log are among those of a long one.
    fn new(seed: u64, person: u64) -> Dice {
        Dice(mix(mix(seed) ^ person))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number in `0..end`.
    fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(end)) >> 64) as u64
    }

    /// The largest k with k^-1.4 ≥ u for a u of `(0, 1]`, told by k^7 u^5 ≤ 1.
    fn visits(&mut self) -> u32 {
        let u = ((self.next() >> 11) + 1) as f64 / (1_u64 << 53) as f64;
        let u5 = u * u * u * u * u;
        let reaches = |visits: &u32| {
            let k = f64::from(*visits);
            k * k * k * k * k * k * k * u5 <= 1.0
        };
        (2..=MOST_VISITS).take_while(reaches).last().unwrap_or(1)
    }

    /// About log-normal around a median; `spread` is the deviation in octaves, times 111.
    fn around(&mut self, median: i64, spread: i64) -> i64 {
        // Four even draws add up to nearly a bell, of deviation 37,837.
        let bell: i64 = (0..4).map(|_| self.below(65_536) as i64).sum::<i64>() - 131_070;
        let octaves = bell * spread / 64;
        // 2^x is 1 + x between whole octaves: near enough, and no function of a platform.
        let mantissa = 65_536 + (octaves & 65_535);
        let scaled = median * mantissa;
        let shift = 16 - (octaves >> 16);
        if shift >= 0 { scaled >> shift } else { scaled << -shift }
    }

    /// Time to the next event of a visit: mostly seconds; at times exactly the timeout, one
    /// millisecond more, or around it.
    fn gap_ms(&mut self) -> i64 {
        match self.below(1_000) {
            0 => TIMEOUT_MS,
            1 => TIMEOUT_MS + 1,
            2..=4 => TIMEOUT_MS - 300 * SECOND_MS + self.below(1_200 * SECOND_MS as u64) as i64,
            _ => self.around(18 * SECOND_MS, 176).clamp(1, TIMEOUT_MS - 300 * SECOND_MS),
        }
    }

    /// A moment of the 30 days, by day more often than by night.
    fn moment(&mut self) -> i64 {
        let hour = self.below(24).max(self.below(20)) as i64;
        let day = self.below((SPAN_MS / DAY_MS) as u64) as i64;
        START_MS + day * DAY_MS + hour * 3_600 * SECOND_MS + self.below(3_600 * SECOND_MS as u64) as i64
    }
}
