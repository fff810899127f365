//! The Thrift compact protocol, as far as Parquet's footers and page headers need it.
//!
//! Reading never goes beyond the bytes it was given and never reserves more than they can hold.
//! Every reader returns `None` for bytes that are not what they should be.

/// Structures inside one another; statistics in a page header are the deepest at four.
const MAX_DEPTH: u32 = 32;

/// The type of a field or list element on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wire {
    True,
    False,
    I8,
    I16,
    I32,
    I64,
    Double,
    Binary,
    List,
    Map,
    Struct,
}

impl Wire {
    fn from_nibble(nibble: u8) -> Option<Wire> {
        Some(match nibble {
            1 => Wire::True,
            2 => Wire::False,
            3 => Wire::I8,
            4 => Wire::I16,
            5 => Wire::I32,
            6 => Wire::I64,
            7 => Wire::Double,
            8 => Wire::Binary,
            // Lists and sets look the same.
            9 | 10 => Wire::List,
            11 => Wire::Map,
            12 => Wire::Struct,
            _ => return None,
        })
    }
}

#[derive(Debug, Clone)]
pub(super) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0, depth: 0 }
    }

    /// All that is read from.
    pub(super) fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// Bytes read so far.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    fn byte(&mut self) -> Option<u8> {
        let byte = *self.bytes.get(self.at)?;
        self.at += 1;
        Some(byte)
    }

    fn take(&mut self, count: u64) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let taken = rest.get(..usize::try_from(count).ok()?)?;
        self.at += taken.len();
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0_u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// An integer of 16, 32 or 64 bits.
    pub(super) fn int(&mut self) -> Option<i64> {
        let zigzag = self.varint()?;
        Some((zigzag >> 1) as i64 ^ -((zigzag & 1) as i64))
    }

    pub(super) fn binary(&mut self) -> Option<&'a [u8]> {
        let length = self.varint()?;
        self.take(length)
    }

    /// Calls `field` for each field of a structure; it has to consume the field's value.
    /// Booleans have none: their type is their value, and `skip` of them does nothing.
    pub(super) fn fields(
        &mut self,
        mut field: impl FnMut(i16, Wire, &mut Reader<'a>) -> Option<()>,
    ) -> Option<()> {
        self.deeper()?;
        let mut id = 0_i16;
        loop {
            let header = self.byte()?;
            if header == 0 {
                self.depth -= 1;
                return Some(());
            }
            let wire = Wire::from_nibble(header & 0x0f)?;
            id = match header >> 4 {
                0 => i16::try_from(self.int()?).ok()?,
                delta => id.checked_add(i16::from(delta))?,
            };
            field(id, wire, self)?;
        }
    }

    /// The elements of a list of structures.
    pub(super) fn list<T>(
        &mut self,
        mut element: impl FnMut(&mut Reader<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let (count, wire) = self.list_header()?;
        if wire != Some(Wire::Struct) && count > 0 {
            return None;
        }
        // The count is not to be trusted with an allocation; elements have a byte at least.
        let mut list = Vec::new();
        for _ in 0..count {
            list.push(element(self)?);
        }
        Some(list)
    }

    fn list_header(&mut self) -> Option<(u64, Option<Wire>)> {
        let header = self.byte()?;
        let count = match header >> 4 {
            15 => self.varint()?,
            count => u64::from(count),
        };
        Some((count, Wire::from_nibble(header & 0x0f)))
    }

    fn deeper(&mut self) -> Option<()> {
        self.depth += 1;
        (self.depth <= MAX_DEPTH).then_some(())
    }

    /// Steps over the value of a field.
    pub(super) fn skip(&mut self, wire: Wire) -> Option<()> {
        match wire {
            Wire::True | Wire::False => {}
            Wire::I8 => {
                self.byte()?;
            }
            Wire::I16 | Wire::I32 | Wire::I64 => {
                self.varint()?;
            }
            Wire::Double => {
                self.take(8)?;
            }
            Wire::Binary => {
                self.binary()?;
            }
            Wire::Struct => self.fields(|_, wire, reader| reader.skip(wire))?,
            Wire::List => {
                let (count, element) = self.list_header()?;
                self.deeper()?;
                for _ in 0..count {
                    self.skip_element(element?)?;
                }
                self.depth -= 1;
            }
            Wire::Map => {
                let count = self.varint()?;
                if count > 0 {
                    let types = self.byte()?;
                    let (key, value) = (Wire::from_nibble(types >> 4)?, Wire::from_nibble(types & 0x0f)?);
                    self.deeper()?;
                    for _ in 0..count {
                        self.skip_element(key)?;
                        self.skip_element(value)?;
                    }
                    self.depth -= 1;
                }
            }
        }
        Some(())
    }

    /// As [`Reader::skip`], but a boolean inside a list is a byte.
    fn skip_element(&mut self, wire: Wire) -> Option<()> {
        match wire {
            Wire::True | Wire::False => self.byte().map(|_| ()),
            other => self.skip(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn integers_are_zigzag_varints() {
        for (bytes, value) in [
            (&[0][..], 0),
            (&[1], -1),
            (&[2], 1),
            (&[0x7f], -64),
            (&[0x80, 1], 64),
            (&[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1], i64::MIN),
        ] {
            assert_eq!(Reader::new(bytes).int(), Some(value), "{bytes:?}");
        }
        assert_eq!(Reader::new(&[0x80; 11]).int(), None);
        assert_eq!(Reader::new(&[0x80]).int(), None);
        assert_eq!(Reader::new(&[]).int(), None);
    }

    #[test]
    fn fields_are_numbered_by_steps_and_unknown_ones_skipped() {
        // Field 1: i32 5; field 3: binary "ab"; field 4: true; field 200 (long form): list of two i8.
        let bytes = [0x15, 10, 0x28, 2, b'a', b'b', 0x11, 0x09, 0x90, 3, 0x23, 7, 8, 0];
        let mut seen = Vec::new();
        let mut reader = Reader::new(&bytes);
        reader.fields(|id, wire, reader| {
            seen.push((id, wire));
            reader.skip(wire)
        });
        assert_eq!(seen, [(1, Wire::I32), (3, Wire::Binary), (4, Wire::True), (200, Wire::List)]);
        assert_eq!(reader.at(), bytes.len());
    }

    #[test]
    fn nesting_and_lengths_are_bounded() {
        assert_eq!(Reader::new(&[0x1c; 100_000]).skip(Wire::Struct), None);
        assert_eq!(Reader::new(&[0x19; 100_000]).skip(Wire::List), None);
        assert_eq!(Reader::new(&[0xff, 0xff, 0xff, 0xff, 0x0f]).binary(), None);
        assert_eq!(Reader::new(&[0xfc, 0xff, 0xff, 0xff, 0xff, 0x0f]).list(|r| r.byte()), None);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_or_hang(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut reader = Reader::new(&bytes);
            if reader.skip(Wire::Struct).is_some() {
                prop_assert!(reader.at() <= bytes.len());
            }
        }
    }
}
