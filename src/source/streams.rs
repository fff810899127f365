//! Readers that unpack and convert: gzip members, zstd frames, other encodings to UTF-8.
//!
//! Each tells its faults apart as [`StreamFault`]; where a fault lies is known to the caller only.

use super::encoding::TextEncoding;
use encoding_rs::{Decoder, DecoderResult};
use flate2::bufread::GzDecoder;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Largest window of a zstd frame, as a power of two: 128 MiB, the most that `zstd` writes unasked.
const ZSTD_WINDOW_LOG_MAX: u32 = 27;
const INPUT_BUFFER_BYTES: usize = 128 << 10;

/// What is wrong with packed data. It travels inside an [`io::Error`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum StreamFault {
    #[error("truncated")]
    Truncated,
    #[error("wrong checksum")]
    Checksum,
    #[error("trailing bytes")]
    TrailingGarbage,
    #[error("{0}")]
    Corrupt(String),
    #[error("it unpacks to more than {most} bytes")]
    TooLarge {
        most: u64,
        /// Packed bytes that were read.
        packed: u64,
    },
    #[error("UTF-16 that has lost a byte")]
    LostByte {
        /// Its line, from 1, and the byte from which on the text makes no sense.
        line: u64,
        at: u64,
    },
    #[error("the file shrank")]
    Shrunk { expected: u64, at: u64 },
}

impl StreamFault {
    /// The fault that an error carries, if it is one of these.
    pub(super) fn of(error: &io::Error) -> Option<&StreamFault> {
        error.get_ref()?.downcast_ref()
    }

    /// The packed data is not what was packed: what comes before may be used all the same.
    pub(super) fn is_damage(&self) -> bool {
        !matches!(self, StreamFault::TooLarge { .. } | StreamFault::Shrunk { .. })
    }
}

impl From<StreamFault> for io::Error {
    fn from(fault: StreamFault) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, fault)
    }
}

pub(super) type BoxedRead = Box<dyn Read + Send>;

/// All members of a gzip stream, NUL padding behind the last one, and nothing else.
///
/// `flate2`'s own reader of many members takes padding for a damaged member, so members are told
/// apart here.
pub(super) struct GzipMembers<R: Read> {
    member: Option<GzDecoder<BufReader<R>>>,
    /// Set when padding was met.
    padding: Arc<AtomicBool>,
}

impl<R: Read> GzipMembers<R> {
    pub fn new(inner: R, padding: Arc<AtomicBool>) -> GzipMembers<R> {
        let buffered = BufReader::with_capacity(INPUT_BUFFER_BYTES, inner);
        GzipMembers { member: Some(GzDecoder::new(buffered)), padding }
    }

    /// The reader behind a member, if another member starts there.
    fn next_member(&self, mut input: BufReader<R>) -> io::Result<Option<BufReader<R>>> {
        let mut padded = false;
        loop {
            let ahead = input.fill_buf()?;
            let nuls = ahead.iter().take_while(|&&byte| byte == 0).count();
            match ahead.get(nuls) {
                None if ahead.is_empty() => {
                    self.padding.fetch_or(padded, Ordering::Relaxed);
                    return Ok(None);
                }
                None => {
                    padded = true;
                    input.consume(nuls);
                }
                Some(0x1F) if nuls == 0 && !padded => return Ok(Some(input)),
                Some(_) => return Err(StreamFault::TrailingGarbage.into()),
            }
        }
    }
}

impl<R: Read> Read for GzipMembers<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        while let Some(mut member) = self.member.take() {
            match member.read(buffer) {
                Ok(0) => self.member = self.next_member(member.into_inner())?.map(GzDecoder::new),
                Ok(read) => {
                    self.member = Some(member);
                    return Ok(read);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => self.member = Some(member),
                Err(error) => return Err(gzip_fault(error)),
            }
        }
        Ok(0)
    }
}

fn gzip_fault(error: io::Error) -> io::Error {
    match error.kind() {
        // It comes from below.
        _ if StreamFault::of(&error).is_some() || error.raw_os_error().is_some() => error,
        io::ErrorKind::UnexpectedEof => StreamFault::Truncated.into(),
        // The decoder has no kind of its own for a wrong checksum; a test guards these words.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            if error.to_string().contains("checksum") =>
        {
            StreamFault::Checksum.into()
        }
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => {
            StreamFault::Corrupt(error.to_string()).into()
        }
        _ => error,
    }
}

/// All frames of a zstd stream.
pub(super) struct ZstdFrames<R: Read> {
    decoder: zstd::stream::read::Decoder<'static, BufReader<R>>,
    delivered: bool,
}

impl<R: Read> ZstdFrames<R> {
    pub fn new(inner: R) -> io::Result<ZstdFrames<R>> {
        let buffered = BufReader::with_capacity(INPUT_BUFFER_BYTES, inner);
        let mut decoder = zstd::stream::read::Decoder::with_buffer(buffered)?;
        decoder.window_log_max(ZSTD_WINDOW_LOG_MAX)?;
        Ok(ZstdFrames { decoder, delivered: false })
    }
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.decoder.read(buffer).map_err(|error| zstd_fault(error, self.delivered))?;
        self.delivered |= read > 0;
        Ok(read)
    }
}

fn zstd_fault(error: io::Error, delivered: bool) -> io::Error {
    let words = error.to_string();
    match error.kind() {
        _ if StreamFault::of(&error).is_some() || error.raw_os_error().is_some() => error,
        io::ErrorKind::UnexpectedEof => StreamFault::Truncated.into(),
        // As above: the library tells its faults by words, which a test guards.
        io::ErrorKind::Other if words.contains("checksum") => StreamFault::Checksum.into(),
        io::ErrorKind::Other if delivered && words.contains("Unknown frame") => {
            StreamFault::TrailingGarbage.into()
        }
        io::ErrorKind::Other => StreamFault::Corrupt(words).into(),
        _ => error,
    }
}

/// Converts a text to UTF-8 as it is read.
///
/// What cannot be converted becomes the byte 0xFF, which is not UTF-8 either: the record that
/// holds it is rejected and not changed in silence.
pub(super) struct Transcoded<R: Read> {
    input: BufReader<R>,
    decoder: Decoder,
    /// Converted bytes that wait; those from `taken` on.
    ready: Vec<u8>,
    taken: usize,
    finished: bool,
}

impl<R: Read> Transcoded<R> {
    /// `encoding` is that of the text behind its byte order mark.
    pub fn new(inner: R, encoding: TextEncoding) -> Transcoded<R> {
        Transcoded {
            input: BufReader::with_capacity(INPUT_BUFFER_BYTES, inner),
            decoder: encoding.0.new_decoder_without_bom_handling(),
            ready: vec![],
            taken: 0,
            finished: false,
        }
    }

    fn convert_more(&mut self) -> io::Result<()> {
        let ahead = self.input.fill_buf()?;
        let last = ahead.is_empty();
        // Three bytes at most for a character of one, and room for one split between reads.
        self.ready.resize(ahead.len() * 3 + 16, 0);
        let (result, read, written) =
            self.decoder.decode_to_utf8_without_replacement(ahead, &mut self.ready, last);
        self.ready.truncate(written);
        self.taken = 0;
        match result {
            DecoderResult::Malformed(_, _) => self.ready.push(0xFF),
            DecoderResult::InputEmpty => self.finished = last,
            DecoderResult::OutputFull => {}
        }
        self.input.consume(read);
        Ok(())
    }
}

impl<R: Read> Read for Transcoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.taken == self.ready.len() && !self.finished {
            self.convert_more()?;
        }
        let count = buffer.len().min(self.ready.len() - self.taken);
        buffer[..count].copy_from_slice(&self.ready[self.taken..self.taken + count]);
        self.taken += count;
        Ok(count)
    }
}

/// Reads until the buffer is full or the input ends.
pub(super) fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match reader.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(text).expect("memory can be written");
        encoder.finish().expect("memory can be written")
    }

    fn zstd(text: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::Encoder::new(Vec::new(), 1).expect("level 1 exists");
        encoder.include_checksum(true).expect("checksums exist");
        encoder.write_all(text).expect("memory can be written");
        encoder.finish().expect("memory can be written")
    }

    /// The text, or the fault after how many bytes of it.
    fn unpack(mut reader: impl Read) -> Result<Vec<u8>, (usize, StreamFault)> {
        let mut text = Vec::new();
        match reader.read_to_end(&mut text) {
            Ok(_) => Ok(text),
            Err(error) => {
                let fault = error.get_ref().and_then(|inner| inner.downcast_ref::<StreamFault>());
                Err((text.len(), fault.unwrap_or_else(|| panic!("not a fault: {error}")).clone()))
            }
        }
    }

    fn gunzip(bytes: &[u8]) -> (Result<Vec<u8>, (usize, StreamFault)>, bool) {
        let padding = Arc::new(AtomicBool::new(false));
        let text = unpack(GzipMembers::new(bytes, Arc::clone(&padding)));
        (text, padding.load(Ordering::Relaxed))
    }

    #[test]
    fn all_gzip_members_are_read_and_padding_is_told() {
        let two = [gzip(b"one\n"), gzip(b""), gzip(b"two\n")].concat();
        assert_eq!(gunzip(&two), (Ok(b"one\ntwo\n".to_vec()), false));
        let padded = [&two[..], &[0; 70_000]].concat();
        assert_eq!(gunzip(&padded), (Ok(b"one\ntwo\n".to_vec()), true));
    }

    #[test]
    fn gzip_faults_are_told_apart() {
        let whole = gzip(b"some text\n");
        for cut in 3..whole.len() {
            let fault = gunzip(&whole[..cut]).0.expect_err("a part is not a whole");
            assert_eq!(fault.1, StreamFault::Truncated, "{cut}");
        }
        let mut wrong = whole.clone();
        let checksum = wrong.len() - 8;
        wrong[checksum] ^= 1;
        assert_eq!(gunzip(&wrong).0, Err((10, StreamFault::Checksum)));
        for garbage in [&b"x"[..], b"\0x", b"\0\x1f\x8b"] {
            let fault = gunzip(&[&whole[..], garbage].concat()).0;
            assert_eq!(fault, Err((10, StreamFault::TrailingGarbage)));
        }
        let mut damaged = whole;
        damaged[10] = 0xFF;
        assert!(matches!(gunzip(&damaged).0, Err((_, StreamFault::Corrupt(_)))));
    }

    #[test]
    fn all_zstd_frames_are_read_and_faults_are_told_apart() {
        let unzstd = |bytes: &[u8]| unpack(ZstdFrames::new(bytes).expect("a decoder can be made"));
        let whole = zstd(b"some text\n");
        assert_eq!(unzstd(&[&whole[..], &zstd(b"more\n")].concat()), Ok(b"some text\nmore\n".to_vec()));
        for cut in 5..whole.len() {
            assert_eq!(unzstd(&whole[..cut]).expect_err("a part").1, StreamFault::Truncated, "{cut}");
        }
        let mut wrong = whole.clone();
        if let Some(checksum) = wrong.last_mut() {
            *checksum ^= 1;
        }
        assert_eq!(unzstd(&wrong).expect_err("checksum").1, StreamFault::Checksum);
        let garbage = unzstd(&[&whole[..], b"garbage"].concat());
        assert_eq!(garbage, Err((10, StreamFault::TrailingGarbage)));
    }

    #[test]
    fn utf_16_is_converted_and_what_cannot_be_is_left_invalid() {
        let text = "a,שלום,😀\n".repeat(50_000);
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(
            unpack(Transcoded::new(&little[..], TextEncoding(encoding_rs::UTF_16LE))),
            Ok(text.clone().into_bytes())
        );
        assert_eq!(
            unpack(Transcoded::new(&big[..], TextEncoding(encoding_rs::UTF_16BE))),
            Ok(text.into_bytes())
        );
        let lone = [b'a', 0, 0x00, 0xD8, b'b', 0];
        assert_eq!(
            unpack(Transcoded::new(&lone[..], TextEncoding(encoding_rs::UTF_16LE))),
            Ok(b"a\xFFb".to_vec())
        );
        // 0xD9 is no letter of windows-1255.
        let hebrew = TextEncoding(encoding_rs::WINDOWS_1255);
        let text = unpack(Transcoded::new(&b"\xF9\xD9\xED"[..], hebrew));
        assert_eq!(text, Ok([&b"\xD7\xA9"[..], b"\xFF", b"\xD7\x9D"].concat()));
        assert_eq!(unpack(Transcoded::new(&b""[..], TextEncoding(encoding_rs::UTF_16LE))), Ok(vec![]));
    }
}
