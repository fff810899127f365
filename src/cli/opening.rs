//! How files are opened: what was typed and written, decided.

use super::args::InputArgs;
use super::failure::Failure;
use super::memory::read_bytes;
use super::setting::Settings;
use crate::definition::SourceTable;
use crate::source::OpenOptions;
use std::path::Path;

/// What a file of a stranger may unpack to.
const UNTRUSTED_DECOMPRESSED_BYTES: u64 = 10 << 30;

/// `temp_dir` is where temporary files lie if nothing else was typed.
pub fn open_options(
    args: &InputArgs,
    source: &SourceTable,
    settings: &Settings<'_>,
    temp_dir: &Path,
) -> Result<OpenOptions, Failure> {
    let setting = settings.of("--encoding", args.encoding.is_some(), "encoding");
    let encoding = source.encoding.as_deref().map(str::parse).transpose();
    let typed = args.max_decompressed.as_deref();
    let typed = typed.map(|text| read_bytes("--max-decompressed", text)).transpose()?;
    Ok(OpenOptions {
        encoding: encoding.map_err(|error: String| setting.wrong(error))?,
        salvage: args.salvage,
        max_decompressed: typed.or(args.untrusted.then_some(UNTRUSTED_DECOMPRESSED_BYTES)),
        temp_dir: Some(args.temp_dir.as_deref().unwrap_or(temp_dir).to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definition::DefinitionFile;

    fn options(args: &InputArgs, encoding: Option<&str>) -> Result<OpenOptions, Failure> {
        let file = DefinitionFile::default();
        let source = SourceTable { encoding: encoding.map(str::to_owned), ..SourceTable::default() };
        open_options(args, &source, &Settings { table: "source", file: &file }, Path::new("/room"))
    }

    #[test]
    fn strangers_may_unpack_to_ten_gibibytes_unless_another_size_is_typed() {
        let plain = options(&InputArgs::default(), None).expect("nothing is asked");
        assert_eq!(plain, OpenOptions { temp_dir: Some("/room".into()), ..OpenOptions::default() });
        let args = InputArgs { untrusted: true, ..InputArgs::default() };
        assert_eq!(options(&args, None).expect("a limit").max_decompressed, Some(10 << 30));
        let args = InputArgs { max_decompressed: Some("2MiB".to_owned()), ..args };
        assert_eq!(options(&args, None).expect("a limit").max_decompressed, Some(2 << 20));
    }

    #[test]
    fn what_is_no_size_and_no_encoding_is_a_usage_error() {
        for size in ["lots", "50%", ""] {
            let args = InputArgs { max_decompressed: Some(size.to_owned()), ..InputArgs::default() };
            assert_eq!(options(&args, None).expect_err("no size").exit.code(), 2, "{size:?}");
        }
        let failure = options(&InputArgs::default(), Some("latin9000")).expect_err("no encoding");
        assert_eq!(failure.exit.code(), 2);
        let latin = options(&InputArgs::default(), Some("latin1")).expect("an encoding");
        assert_eq!(latin.encoding.map(|encoding| encoding.label()).as_deref(), Some("windows-1252"));
    }
}
