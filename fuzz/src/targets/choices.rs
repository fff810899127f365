//! Choices and texts drawn from the bytes of an input, so that the fuzzer finds them too.

/// Takes the first bytes of an input for choices.
pub struct Choices<'i> {
    pub rest: &'i [u8],
}

impl<'i> Choices<'i> {
    /// A number in `0..end`; 0 where the input has ended.
    pub fn below(&mut self, end: u8) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else { return 0 };
        self.rest = rest;
        first % end
    }

    /// A number of eight bytes, fewer at the end of the input.
    pub fn number(&mut self) -> u64 {
        let (bytes, rest) = self.rest.split_at(self.rest.len().min(8));
        self.rest = rest;
        bytes.iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    /// A text of up to 254 bytes, its length before it; what is not UTF-8 is replaced.
    pub fn text(&mut self) -> String {
        let length = usize::from(self.below(255)).min(self.rest.len());
        let (bytes, rest): (&'i [u8], &'i [u8]) = self.rest.split_at(length);
        self.rest = rest;
        String::from_utf8_lossy(bytes).into_owned()
    }
}
