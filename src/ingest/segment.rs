//! The rows of one shard as bytes, on their way to a temporary file and back.
//!
//! A segment has texts of its own, numbered from 0. Reading it into a shard numbers them anew
//! among those that are there, so that any number of segments become one shard: the person of one
//! segment is the person of another if their ids are the same, byte by byte.
//!
//! Rows lie in blocks, a block in columns, each number in as few bytes as the block's span needs.
//! The form is private to one run of the program: it has no version and is not checked against
//! damage beyond its counts.

use super::batch::{NO_SESSION, RowLayout};
use super::events::Event;
use super::shard::Shard;
use super::texts::{TextKey, Texts};
use foldhash::fast::RandomState;
use std::io::{self, Read, Write};

/// Rows of a block.
const BLOCK_ROWS: usize = 4096;
/// Columns before those of the layout's words: time, person, kind.
const FIXED_COLUMNS: usize = 3;
/// Puts negative times before positive ones where they are compared as unsigned numbers.
const SIGN: u64 = 1 << 63;

/// Writes all that a shard holds.
pub fn write(shard: &Shard, layout: &RowLayout, out: &mut impl Write) -> io::Result<()> {
    write_texts(&shard.persons, out)?;
    write_texts(&shard.sessions, out)?;
    let mut block = Block::new(layout);
    let mut result = Ok(());
    let mut rows_left = shard.events.len();
    write_number(rows_left as u64, out)?;
    shard.events.for_each(|event, words| {
        block.columns[0].push(event.time_us as u64 ^ SIGN);
        block.columns[1].push(u64::from(event.person));
        block.columns[2].push(u64::from(event.kind));
        for (column, &word) in block.columns[FIXED_COLUMNS..].iter_mut().zip(words) {
            column.push(u64::from(word));
        }
        rows_left -= 1;
        if (block.columns[0].len() == BLOCK_ROWS || rows_left == 0) && result.is_ok() {
            result = block.write(out);
        }
    });
    result
}

/// Adds all that [`write`] wrote to a shard. `seed` is the same for all that is added to one shard.
pub fn read(
    source: &mut impl Read,
    layout: &RowLayout,
    seed: &RandomState,
    shard: &mut Shard,
) -> io::Result<()> {
    let persons = read_texts(source, seed, &mut shard.persons)?;
    let sessions = read_texts(source, seed, &mut shard.sessions)?;
    let mut rows_left = read_number(source)?;
    let mut block = Block::new(layout);
    while rows_left > 0 {
        let rows = rows_left.min(BLOCK_ROWS as u64) as usize;
        block.read(rows, source)?;
        block.add(layout, &persons, &sessions, shard)?;
        rows_left -= rows as u64;
    }
    Ok(())
}

/// Adds all that one shard holds to another.
pub fn join(from: &Shard, layout: &RowLayout, seed: &RandomState, shard: &mut Shard) -> io::Result<()> {
    let mut number = |from: &Texts, into: fn(&mut Shard) -> &mut Texts| -> Vec<u32> {
        from.iter().map(|text| into(shard).code(&TextKey::new(text, seed), || text)).collect()
    };
    let persons = number(&from.persons, |shard| &mut shard.persons);
    let sessions = number(&from.sessions, |shard| &mut shard.sessions);
    let mut row = Vec::new();
    let mut result = Ok(());
    from.events.for_each(|event, words| {
        row.clear();
        row.extend_from_slice(words);
        let added = add_row(event, &mut row, layout, &persons, &sessions, shard);
        result = std::mem::replace(&mut result, Ok(())).and(added);
    });
    result
}

fn add_row(
    event: Event,
    words: &mut [u32],
    layout: &RowLayout,
    persons: &[u32],
    sessions: &[u32],
    shard: &mut Shard,
) -> io::Result<()> {
    let person = *persons.get(event.person as usize).ok_or_else(damaged)?;
    if layout.session {
        let session = &mut words[layout.session_at()];
        if *session != NO_SESSION {
            *session = *sessions.get(*session as usize).ok_or_else(damaged)?;
        }
    }
    shard.events.push(Event { person, ..event }, words);
    Ok(())
}

fn write_texts(texts: &Texts, out: &mut impl Write) -> io::Result<()> {
    write_number(texts.len() as u64, out)?;
    for text in texts.iter() {
        write_number(text.len() as u64, out)?;
        out.write_all(text)?;
    }
    Ok(())
}

/// Adds texts to others; gives the new number of each.
fn read_texts(source: &mut impl Read, seed: &RandomState, texts: &mut Texts) -> io::Result<Vec<u32>> {
    let count = read_number(source)?;
    let mut text = Vec::new();
    (0..count)
        .map(|_| {
            let len = read_number(source)?;
            text.clear();
            if source.take(len).read_to_end(&mut text)? as u64 != len {
                return Err(damaged());
            }
            Ok(texts.code(&TextKey::new(&text, seed), || &text))
        })
        .collect()
}

/// Seven bits a byte, the lowest first; the last byte is below 128.
fn write_number(mut number: u64, out: &mut impl Write) -> io::Result<()> {
    while number >= 0x80 {
        out.write_all(&[number as u8 | 0x80])?;
        number >>= 7;
    }
    out.write_all(&[number as u8])
}

fn read_number(source: &mut impl Read) -> io::Result<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let mut byte = [0];
        source.read_exact(&mut byte)?;
        number |= u64::from(byte[0] & 0x7f) << shift;
        if byte[0] < 0x80 {
            return Ok(number);
        }
    }
    Err(damaged())
}

fn damaged() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the temporary file was changed by another program")
}

/// Some rows as columns, and the bytes of one column.
struct Block {
    columns: Vec<Vec<u64>>,
    bytes: Vec<u8>,
    /// One row's words.
    words: Vec<u32>,
}

impl Block {
    fn new(layout: &RowLayout) -> Block {
        let columns = vec![Vec::new(); FIXED_COLUMNS + layout.words()];
        Block { columns, bytes: Vec::new(), words: Vec::new() }
    }

    /// Writes all columns and empties them.
    fn write(&mut self, out: &mut impl Write) -> io::Result<()> {
        for numbers in &mut self.columns {
            let least = numbers.iter().copied().min().unwrap_or(0);
            let span = numbers.iter().copied().max().unwrap_or(0) - least;
            let width = (u64::BITS - span.leading_zeros()).div_ceil(8) as usize;
            self.bytes.clear();
            self.bytes.extend_from_slice(&least.to_le_bytes());
            self.bytes.push(width as u8);
            for number in numbers.drain(..) {
                self.bytes.extend_from_slice(&(number - least).to_le_bytes()[..width]);
            }
            out.write_all(&self.bytes)?;
        }
        Ok(())
    }

    fn read(&mut self, rows: usize, source: &mut impl Read) -> io::Result<()> {
        for numbers in &mut self.columns {
            let mut head = [0; 9];
            source.read_exact(&mut head)?;
            let [least @ .., width] = head;
            let (least, width) = (u64::from_le_bytes(least), usize::from(width));
            if width > 8 {
                return Err(damaged());
            }
            // Eight bytes are read for each number, also for the last one.
            self.bytes.clear();
            self.bytes.resize(rows * width + 8, 0);
            source.read_exact(&mut self.bytes[..rows * width])?;
            let mask = u64::MAX.checked_shr(64 - 8 * width as u32).unwrap_or(0);
            numbers.clear();
            numbers.extend((0..rows).map(|row| {
                let mut number = [0; 8];
                number.copy_from_slice(&self.bytes[row * width..row * width + 8]);
                (u64::from_le_bytes(number) & mask).wrapping_add(least)
            }));
        }
        Ok(())
    }

    fn add(
        &mut self,
        layout: &RowLayout,
        persons: &[u32],
        sessions: &[u32],
        shard: &mut Shard,
    ) -> io::Result<()> {
        let (fixed, rest) = self.columns.split_at(FIXED_COLUMNS);
        for (row, ((&time, &person), &kind)) in fixed[0].iter().zip(&fixed[1]).zip(&fixed[2]).enumerate() {
            self.words.clear();
            self.words.extend(rest.iter().map(|column| column[row] as u32));
            let event = Event { time_us: (time ^ SIGN) as i64, person: person as u32, kind: kind as u32 };
            add_row(event, &mut self.words, layout, persons, sessions, shard)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use proptest::test_runner::RngSeed;

    /// A row by texts: what a shard says of it, whatever the codes.
    type Row = (Vec<u8>, Option<Vec<u8>>, i64, u32, Vec<u32>);

    const PLAIN: RowLayout = RowLayout {
        ordinal: false,
        session: false,
        value: false,
        currency: false,
        dimensions: 0,
        received: false,
    };
    const FULL: RowLayout = RowLayout::FULL;

    fn shard_of(rows: &[Row], layout: &RowLayout, seed: &RandomState) -> Shard {
        let mut shard = Shard::default();
        for (person, session, time_us, kind, words) in rows {
            let person = shard.persons.code(&TextKey::new(person, seed), || person);
            let mut words = words[..layout.words()].to_vec();
            if layout.session {
                words[layout.session_at()] = match session {
                    Some(session) => shard.sessions.code(&TextKey::new(session, seed), || session),
                    None => NO_SESSION,
                };
            }
            shard.events.push(Event { time_us: *time_us, person, kind: *kind }, &words);
        }
        shard
    }

    fn rows_of(shard: &Shard, layout: &RowLayout) -> Vec<Row> {
        let persons: Vec<&[u8]> = shard.persons.iter().collect();
        let sessions: Vec<&[u8]> = shard.sessions.iter().collect();
        let mut rows = Vec::new();
        shard.events.for_each(|event, words| {
            let mut words = words.to_vec();
            let mut session = None;
            if layout.session {
                let code = std::mem::take(&mut words[layout.session_at()]);
                session = (code != NO_SESSION).then(|| sessions[code as usize].to_vec());
            }
            rows.push((persons[event.person as usize].to_vec(), session, event.time_us, event.kind, words));
        });
        rows
    }

    fn texts() -> impl Strategy<Value = Vec<u8>> {
        prop_oneof![
            8 => (0..40_u8).prop_map(|id| vec![b'u', id]),
            1 => Just(Vec::new()),
            1 => (1..400_usize).prop_map(|len| vec![b'x'; len]),
        ]
    }

    fn numbers() -> impl Strategy<Value = u32> {
        prop_oneof![4 => 0..3_u32, 2 => 0..70_000_u32, 1 => any::<u32>()]
    }

    fn rows(width: usize) -> impl Strategy<Value = Vec<Row>> {
        let times = prop_oneof![
            6 => (0..5_000_000_i64).prop_map(|us| 1_759_276_873_953_000 + us),
            1 => any::<i64>(),
            1 => prop_oneof![Just(i64::MIN), Just(i64::MAX), Just(0), Just(-1)],
        ];
        let words = proptest::collection::vec(numbers(), width);
        proptest::collection::vec((texts(), proptest::option::of(texts()), times, numbers(), words), 0..200)
    }

    /// As the layout keeps it: no session where there is none, and its word is not compared.
    fn kept(mut row: Row, layout: &RowLayout) -> Row {
        row.4.truncate(layout.words());
        if layout.session {
            row.4[layout.session_at()] = 0;
        } else {
            row.1 = None;
        }
        row
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 60, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..ProptestConfig::default()
        })]

        #[test]
        fn segments_and_a_rest_become_one_shard(
            parts in proptest::collection::vec(rows(FULL.words()), 1..4), rest in rows(FULL.words()),
        ) {
            for layout in [PLAIN, FULL] {
                let mut whole = Shard::default();
                let mut expected = Vec::new();
                let joined = RandomState::default();
                for part in &parts {
                    // Every run has tables of its own.
                    let seed = RandomState::default();
                    let mut bytes = Vec::new();
                    write(&shard_of(part, &layout, &seed), &layout, &mut bytes).expect("memory takes all");
                    let mut source = bytes.as_slice();
                    read(&mut source, &layout, &joined, &mut whole).expect("what was written");
                    prop_assert!(source.is_empty(), "all of it is read");
                    expected.extend(part.iter().cloned().map(|row| kept(row, &layout)));
                }
                let in_memory = shard_of(&rest, &layout, &RandomState::default());
                join(&in_memory, &layout, &joined, &mut whole).expect("it is sound");
                expected.extend(rest.iter().cloned().map(|row| kept(row, &layout)));
                prop_assert_eq!(rows_of(&whole, &layout), expected);
                let mut persons: Vec<&[u8]> = whole.persons.iter().collect();
                persons.sort_unstable();
                prop_assert!(persons.windows(2).all(|pair| pair[0] < pair[1]), "each person once");
            }
        }
    }

    #[test]
    fn many_rows_are_several_blocks_and_few_bytes() {
        let seed = RandomState::default();
        let row = |row: i64| (b"u".to_vec(), None, 1_759_276_873_000_000 + row * 1_000, 3, Vec::new());
        let rows: Vec<Row> = (0..3 * BLOCK_ROWS as i64 + 1).map(row).collect();
        let mut bytes = Vec::new();
        write(&shard_of(&rows, &PLAIN, &seed), &PLAIN, &mut bytes).expect("memory takes all");
        // 4,096 ms are some 2^22 µs, 3 bytes; the one person and the one kind take none.
        assert!(bytes.len() < rows.len() * 3 + 200, "{}", bytes.len());
        let mut shard = Shard::default();
        read(&mut bytes.as_slice(), &PLAIN, &seed, &mut shard).expect("what was written");
        assert_eq!(rows_of(&shard, &PLAIN), rows);
    }

    #[test]
    fn a_file_cut_short_or_changed_is_an_error() {
        let seed = RandomState::default();
        let rows: Vec<Row> =
            (0..20).map(|row| (vec![b'u', row], None, i64::from(row), 1, vec![7; FULL.words()])).collect();
        let mut bytes = Vec::new();
        write(&shard_of(&rows, &FULL, &seed), &FULL, &mut bytes).expect("memory takes all");
        for len in 0..bytes.len() {
            let mut shard = Shard::default();
            assert!(read(&mut &bytes[..len], &FULL, &seed, &mut shard).is_err(), "{len}");
        }
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0xff;
            // Whatever comes of it, no panic.
            let _ = read(&mut changed.as_slice(), &FULL, &seed, &mut Shard::default());
        }
    }
}
