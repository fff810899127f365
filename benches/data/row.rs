//! Rows as texts, and texts as CSV and JSON Lines.

use super::draw::{Event, Log, Visit, mix};
use super::words::{
    AGENTS, BRANDS, CAMPAIGNS, CATEGORIES, CHANNELS, COUNTRIES, CRAWLER, DEVICES, EVENTS, SEARCHES,
};
use jiff::Timestamp;
use std::fmt::Write as _;
use std::io::{self, Write};

pub const COLUMNS: [&str; 14] = [
    "event_time",
    "event_type",
    "product_id",
    "category_code",
    "brand",
    "price",
    "user_id",
    "user_session",
    "device",
    "channel",
    "country",
    "campaign",
    "referrer",
    "user_agent",
];

/// The first columns, of which a narrow log has no more.
pub const NARROW: usize = 8;

const PRODUCT: usize = 2;
const PRICE: usize = 5;

/// How rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Jsonl,
}

/// One row: a text a column; an empty text stands for none.
#[derive(Debug, Default)]
pub struct Row {
    pub time_ms: i64,
    pub cells: [String; COLUMNS.len()],
}

impl Row {
    fn set(&mut self, log: &Log, event: &Event) {
        let visit = &log.visits[event.visit as usize];
        let goods = mix(u64::from(event.product) ^ 0xA5A5);
        let of_visit = mix(log.seed ^ u64::from(event.visit) << 20);
        self.time_ms = event.time_ms;
        self.cells.iter_mut().for_each(String::clear);
        let [time, name, product, category, brand, price, user, session, rest @ ..] = &mut self.cells;
        push_time(time, event.time_ms);
        name.push_str(EVENTS[usize::from(event.name)]);
        // Writing to a string cannot fail.
        let _ = write!(product, "{}", 2_000_000 + 3 * event.product);
        category.push_str(pick(&CATEGORIES, goods));
        brand.push_str(pick(&BRANDS, goods >> 8));
        let cents = 95 + (goods >> 16) % 400 * (1 + (goods >> 32) % 400);
        let _ = write!(price, "{}.{:02}", cents / 100, cents % 100);
        let _ = write!(user, "u_{:016x}", mix(u64::from(visit.person) ^ mix(log.seed)));
        let more = mix(of_visit);
        let _ = write!(
            session,
            "{:08x}-{:04x}-4{:03x}-8{:03x}-{:012x}",
            of_visit >> 32,
            of_visit & 0xFFFF,
            (of_visit >> 16) & 0xFFF,
            more >> 52,
            more & 0xFFFF_FFFF_FFFF
        );
        let [device, channel, country, campaign, referrer, agent] = rest;
        device.push_str(DEVICES[usize::from(visit.device)]);
        channel.push_str(CHANNELS[usize::from(visit.channel)]);
        country.push_str(COUNTRIES[usize::from(visit.country)]);
        campaign.push_str(CAMPAIGNS[usize::from(visit.campaign)]);
        push_referrer(referrer, event, visit, of_visit, goods);
        agent.push_str(match visit.crawler {
            true => CRAWLER,
            false => pick(AGENTS[usize::from(visit.device)], mix(u64::from(visit.person))),
        });
    }
}

fn pick<'t>(texts: &[&'t str], bits: u64) -> &'t str {
    texts[(bits % 256) as usize * texts.len() / 256]
}

/// The page before: of the shop, or for the first row of a visit where the visitor came from.
fn push_referrer(out: &mut String, event: &Event, visit: &Visit, of_visit: u64, goods: u64) {
    let channel = CHANNELS[usize::from(visit.channel)];
    let _ = match (event.opens_visit, channel) {
        (false, _) => {
            let category = CATEGORIES[5 + (goods % 15) as usize];
            write!(
                out,
                "https://shop.example.com/goods/{category}/{}?from=list&place={}",
                event.product,
                goods % 97
            )
        }
        (true, "direct") => Ok(()),
        (true, "organic" | "paid_search") => {
            write!(
                out,
                "https://search.example.net/?q={}&hl=en&id={of_visit:016x}",
                pick(&SEARCHES, of_visit)
            )
        }
        (true, "newsletter") => {
            write!(out, "https://mail.example.com/open?list=weekly&issue=2025-10&reader={of_visit:016x}")
        }
        (true, _) => {
            write!(
                out,
                "https://{channel}.example.org/out?to=https%3A%2F%2Fshop.example.com%2F&c={of_visit:016x}"
            )
        }
    };
}

/// `2025-03-01T08:00:00.000Z`.
fn push_time(out: &mut String, time_ms: i64) {
    let time = Timestamp::from_millisecond(time_ms).expect("the 30 days are in the calendar");
    let _ = write!(out, "{time:.3}");
}

impl Log {
    /// Gives every row to `take`, in the order of the log. The row is lent: it is filled anew for the next.
    pub fn for_each_row<E>(&self, mut take: impl FnMut(&Row) -> Result<(), E>) -> Result<(), E> {
        let mut row = Row::default();
        self.events.iter().try_for_each(|event| {
            row.set(self, event);
            take(&row)
        })
    }

    /// Writes the first `columns` columns of all rows.
    pub fn write(&self, format: Format, columns: usize, out: &mut dyn Write) -> io::Result<()> {
        let mut line = Vec::new();
        if format == Format::Csv {
            writeln!(out, "{}", COLUMNS[..columns].join(","))?;
        }
        self.for_each_row(|row| {
            line.clear();
            match format {
                Format::Csv => push_csv(&mut line, &row.cells[..columns]),
                Format::Jsonl => push_json(&mut line, &row.cells[..columns]),
            }
            line.push(b'\n');
            out.write_all(&line)
        })
    }

    /// As [`Log::write`], into memory, with all columns.
    pub fn to_bytes(&self, format: Format) -> Vec<u8> {
        let mut bytes = Vec::new();
        self.write(format, COLUMNS.len(), &mut bytes).expect("memory takes all");
        bytes
    }
}

fn push_csv(line: &mut Vec<u8>, cells: &[String]) {
    for (column, cell) in cells.iter().enumerate() {
        if column > 0 {
            line.push(b',');
        }
        if cell.contains([',', '"']) {
            line.push(b'"');
            line.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
            line.push(b'"');
        } else {
            line.extend_from_slice(cell.as_bytes());
        }
    }
}

fn push_json(line: &mut Vec<u8>, cells: &[String]) {
    for (column, cell) in cells.iter().enumerate() {
        line.extend_from_slice(if column == 0 { b"{\"" } else { b",\"" });
        line.extend_from_slice(COLUMNS[column].as_bytes());
        line.extend_from_slice(b"\":");
        if cell.is_empty() {
            line.extend_from_slice(b"null");
        } else if column == PRODUCT || column == PRICE {
            line.extend_from_slice(cell.as_bytes());
        } else {
            line.push(b'"');
            line.extend_from_slice(cell.replace('"', "\\\"").as_bytes());
            line.push(b'"');
        }
    }
    line.push(b'}');
}
