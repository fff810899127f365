use super::*;
use polars::prelude as pl;
use polars::prelude::{IntoSeries, NamedFrom, NewChunkedArray};
use std::path::PathBuf;

#[derive(Default)]
struct Collect {
    rows: Vec<Vec<String>>,
    at: Vec<u64>,
    rejects: Vec<Reject>,
}

impl RecordSink for Collect {
    fn record(&mut self, at: RecordAt, fields: &[Field<'_>]) {
        let text = |field: &Field<'_>| match field {
            Field::Missing => "-".to_owned(),
            Field::Text(text) => String::from_utf8(text.to_vec()).unwrap(),
            Field::TimeUs(at_us) => format!("utc {at_us}"),
            Field::LocalTimeUs(local_us) => format!("local {local_us}"),
        };
        self.at.push(at.lines_before);
        self.rows.push(fields.iter().map(text).collect());
    }

    fn reject(&mut self, reject: Reject) {
        self.rejects.push(reject);
    }
}

/// A file in a folder of its own, written by polars in row groups of about `group_rows`.
fn written(columns: Vec<pl::Series>, group_rows: usize) -> (tempfile::TempDir, ParquetFile) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.parquet");
    let height = columns[0].len();
    let columns = columns.into_iter().map(pl::Column::from).collect();
    let mut frame = pl::DataFrame::new(height, columns).unwrap();
    let file = File::create(&path).unwrap();
    pl::ParquetWriter::new(file).with_row_group_size(Some(group_rows)).finish(&mut frame).unwrap();
    let file = ParquetFile::open(&path).unwrap();
    (folder, file)
}

/// All rows of one column.
fn column(file: &ParquetFile, at: usize) -> Vec<String> {
    let mut sink = Collect::default();
    for slice in file.slices() {
        file.decode_slice(slice, &[at], &mut sink).unwrap();
    }
    sink.rows.into_iter().map(|mut row| row.remove(0)).collect()
}

fn kinds(file: &ParquetFile) -> Vec<String> {
    file.columns().iter().map(|column| format!("{}: {}", column.path, column.kind)).collect()
}

fn only(series: pl::Series) -> (String, Vec<String>) {
    let (_folder, file) = written(vec![series], 10);
    (file.columns()[0].kind.to_string(), column(&file, 0))
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn scalars_become_texts() {
    let text = pl::Series::new("c".into(), [Some("ann"), None, Some(""), Some("א")]);
    assert_eq!(only(text), ("text".into(), strings(&["ann", "-", "", "א"])));
    let int = pl::Series::new("c".into(), [Some(i64::MIN), None, Some(-1), Some(i64::MAX)]);
    assert_eq!(
        only(int),
        ("int".into(), strings(&["-9223372036854775808", "-", "-1", "9223372036854775807"]))
    );
    let unsigned = pl::Series::new("c".into(), [u64::MAX, 0]);
    assert_eq!(only(unsigned), ("int".into(), strings(&["18446744073709551615", "0"])));
    let small = pl::Series::new("c".into(), [-128_i8, 127]);
    assert_eq!(only(small), ("int".into(), strings(&["-128", "127"])));
    let bool = pl::Series::new("c".into(), [Some(true), None, Some(false)]);
    assert_eq!(only(bool), ("bool".into(), strings(&["true", "-", "false"])));
    let bytes = pl::Series::new("c".into(), [b"raw".as_slice()]);
    assert_eq!(only(bytes), ("text".into(), strings(&["raw"])));
}

#[test]
fn floats_are_written_with_their_shortest_digits() {
    let doubles =
        [0.1, 12.0, -0.0, 0.1 + 0.2, 1e300, 5e-324, 1e-5, 9_007_199_254_740_993.0, f64::NAN, f64::INFINITY];
    let texts = [
        "0.1",
        "12",
        "-0",
        "0.30000000000000004",
        "1e300",
        "5e-324",
        "0.00001",
        "9007199254740992",
        "NaN",
        "inf",
    ];
    assert_eq!(only(pl::Series::new("c".into(), doubles)), ("float".into(), strings(&texts)));
    let floats = [0.1_f32, 16_777_216.0, 3e38];
    assert_eq!(
        only(pl::Series::new("c".into(), floats)),
        ("float".into(), strings(&["0.1", "16777216", "3e38"]))
    );
}

#[test]
fn decimals_are_exact() {
    let decimal = |raw: &[i128], scale| {
        let physical = pl::Int128Chunked::from_slice("c".into(), raw);
        only(physical.into_decimal_unchecked(38, scale).into_series())
    };
    assert_eq!(
        decimal(&[1250, -5, 0], 2),
        ("decimal with 2 places".into(), strings(&["12.50", "-0.05", "0.00"]))
    );
    assert_eq!(decimal(&[7], 0).1, ["7"]);
    let largest = 10_i128.pow(38) - 1;
    assert_eq!(decimal(&[-largest], 38).1, [format!("-0.{}", "9".repeat(38))]);
}

#[test]
fn times_keep_whether_they_have_a_zone() {
    let times = |raw: &[i64], unit, zone: Option<&str>| {
        let zone = zone.map(|name| pl::TimeZone::opt_try_new(Some(name)).unwrap().unwrap());
        only(pl::Int64Chunked::from_slice("c".into(), raw).into_datetime(unit, zone).into_series())
    };
    use pl::TimeUnit::*;
    let naive = "timestamp (no zone)";
    assert_eq!(
        times(&[1_666_684_195_526], Milliseconds, None),
        (naive.into(), strings(&["local 1666684195526000"]))
    );
    assert_eq!(times(&[1_666_684_195_526_001], Microseconds, None).1, ["local 1666684195526001"]);
    assert_eq!(times(&[-1, 1999], Nanoseconds, None).1, ["local -1", "local 1"]);
    let instants = times(&[1_666_684_195_526], Milliseconds, Some("UTC"));
    assert_eq!(instants, ("timestamp (UTC)".into(), strings(&["utc 1666684195526000"])));
    assert_eq!(times(&[i64::MAX], Milliseconds, Some("UTC")).1, [format!("utc {}", i64::MAX)]);
    let dates = pl::Int32Chunked::from_slice("c".into(), &[0, 20_484, -1]).into_date().into_series();
    assert_eq!(
        only(dates),
        ("date".into(), strings(&["local 0", "local 1769817600000000", "local -86400000000"]))
    );
}

fn structs() -> pl::Series {
    let price = pl::Series::new("price".into(), [Some(1.5), None, Some(2.5)]);
    let name = pl::Series::new("na.me".into(), [Some("a"), Some("b"), None]);
    let inner = [price, name];
    pl::StructChunked::from_series("props".into(), 3, inner.iter()).unwrap().into_series()
}

#[test]
fn fields_of_structs_are_columns_by_path() {
    let outer_user = pl::Series::new("user".into(), ["u1", "u2", "u3"]);
    let (_folder, file) = written(vec![structs(), outer_user], 10);
    assert_eq!(kinds(&file), ["props.price: float", "props.na.me: text", "user: text"]);
    assert_eq!(column(&file, 0), ["1.5", "-", "2.5"]);
    assert_eq!(column(&file, 1), ["a", "b", "-"]);
    let mut sink = Collect::default();
    file.decode_slice(file.slices()[0], &[2, 0], &mut sink).unwrap();
    assert_eq!(sink.rows, [["u1", "1.5"], ["u2", "-"], ["u3", "2.5"]]);
    assert_eq!(sink.at, [0, 1, 2]);
}

#[test]
fn inside_a_null_object_everything_is_missing() {
    let mask = pl::BooleanChunked::from_slice("m".into(), &[true, false, true]);
    let nulls = pl::Series::full_null("props".into(), 3, structs().dtype());
    let holed = structs().zip_with(&mask, &nulls).unwrap();
    let (_folder, file) = written(vec![holed], 10);
    assert_eq!(column(&file, 1), ["a", "-", "-"]);
}

#[test]
fn lists_and_times_of_day_are_columns_that_cannot_be_used() {
    let list = pl::Series::new("tags".into(), [pl::Series::new("".into(), ["a"])]);
    let time = pl::Int64Chunked::from_slice("at".into(), &[1]).into_time().into_series();
    let user = pl::Series::new("user".into(), ["u"]);
    let (_folder, file) = written(vec![list, time, user], 10);
    assert_eq!(kinds(&file), ["tags: list", "at: time of day", "user: text"]);
    let error = file.decode_slice(file.slices()[0], &[2, 0], &mut Collect::default()).unwrap_err();
    assert_eq!(error.to_string(), "column `tags` is of type list, which is not supported");
    let error = file.decode_slice(file.slices()[0], &[9], &mut Collect::default()).unwrap_err();
    assert!(matches!(error, ParquetError::NoSuchColumn(9)));
    assert_eq!(file.sample(5, &|_| true).unwrap(), [[None, None, Some("u".to_owned())]]);
}

#[test]
fn slices_are_even_parts_of_row_groups() {
    let numbers = pl::Series::new("n".into(), (0..20_i64).collect::<Vec<_>>());
    let (_folder, file) = written(vec![numbers], 10);
    let shape = |file: &ParquetFile| file.slices().iter().map(|s| (s.start_row, s.rows)).collect::<Vec<_>>();
    assert_eq!(shape(&file), [(0, 10), (10, 10)]);
    assert_eq!(column(&file, 0), (0..20).map(|n| n.to_string()).collect::<Vec<_>>());

    // A little more than two slices are two, two and a half are three.
    let count = 2 * SLICE_ROWS as i64 + 1;
    let (_folder, file) =
        written(vec![pl::Series::new("n".into(), (0..count).collect::<Vec<_>>())], count as usize);
    assert_eq!(shape(&file), [(0, 122_881), (122_881, 122_880)]);
    assert_eq!(column(&file, 0), (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
    assert_eq!(file.rows(), count as u64);
    let count = 5 * SLICE_ROWS as i64 / 2;
    let (_folder, file) =
        written(vec![pl::Series::new("n".into(), (0..count).collect::<Vec<_>>())], count as usize);
    assert_eq!(shape(&file), [(0, 102_400), (102_400, 102_400), (204_800, 102_400)]);
    assert_eq!(column(&file, 0), (0..count).map(|n| n.to_string()).collect::<Vec<_>>());
}

#[test]
fn an_empty_file_has_columns_and_no_slices() {
    let (_folder, file) = written(vec![pl::Series::new("n".into(), Vec::<i64>::new())], 10);
    assert_eq!((file.rows(), kinds(&file)), (0, strings(&["n: int"])));
    assert_eq!(column(&file, 0), Vec::<String>::new());
    assert_eq!(file.sample(3, &|_| true).unwrap(), Vec::<Vec<Option<String>>>::new());
}

#[test]
fn a_sample_is_the_first_rows_over_row_groups() {
    let numbers = pl::Series::new("n".into(), (0..25_i64).collect::<Vec<_>>());
    let times = pl::Int64Chunked::from_slice("t".into(), &[1_500_000; 25]);
    let times = times.into_datetime(pl::TimeUnit::Microseconds, None).into_series();
    let (_folder, file) = written(vec![numbers, times], 10);
    let rows = file.sample(12, &|_| true).unwrap();
    assert_eq!(rows.len(), 12);
    assert_eq!(rows[11], [Some("11".to_owned()), Some("1970-01-01T00:00:01.5".to_owned())]);
    assert_eq!(file.sample(0, &|_| true).unwrap().len(), 0);
    let rows = file.sample(1, &|path| path == "t").unwrap();
    assert_eq!(rows, [[None, Some("1970-01-01T00:00:01.5".to_owned())]]);
}

#[test]
fn rows_are_whole_across_blocks_of_them() {
    let names: Vec<Option<String>> = (0..600).map(|n| (n % 7 != 0).then(|| format!("name{n}"))).collect();
    let numbers: Vec<Option<i64>> = (0..600).map(|n| (n % 5 != 0).then_some(-n)).collect();
    let bytes: Vec<&[u8]> = (0..600).map(|n| if n == 300 { &b"\xff"[..] } else { b"sound" }).collect();
    let columns = vec![
        pl::Series::new("name".into(), names),
        pl::Series::new("number".into(), numbers),
        pl::Series::new("bytes".into(), bytes),
    ];
    let (_folder, file) = written(columns, 600);
    let mut sink = Collect::default();
    file.decode_slice(file.slices()[0], &[1, 2, 0], &mut sink).unwrap();
    assert_eq!(sink.at, (0..600).filter(|&row| row != 300).collect::<Vec<_>>());
    for (&row, fields) in sink.at.iter().zip(&sink.rows) {
        let name = if row % 7 == 0 { "-".to_owned() } else { format!("name{row}") };
        let number = if row % 5 == 0 { "-".to_owned() } else { format!("-{row}") };
        assert_eq!(*fields, [number, "sound".to_owned(), name], "{row}");
    }
    let [reject] = &sink.rejects[..] else { panic!("{:?}", sink.rejects) };
    assert_eq!((reject.slot, reject.at.lines_before), (Some(1), 300));
}

#[test]
fn threads_may_decode_slices_of_one_file() {
    let numbers = pl::Series::new("n".into(), (0..1000_i64).collect::<Vec<_>>());
    let (_folder, file) = written(vec![numbers], 100);
    let sum = |slice: Slice| -> i64 {
        let mut sink = Collect::default();
        file.decode_slice(slice, &[0], &mut sink).unwrap();
        sink.rows.iter().map(|row| row[0].parse::<i64>().unwrap()).sum()
    };
    let slices = file.slices();
    let total: i64 = std::thread::scope(|scope| {
        let running: Vec<_> = slices.iter().map(|&slice| scope.spawn(move || sum(slice))).collect();
        running.into_iter().map(|thread| thread.join().unwrap()).sum()
    });
    assert_eq!(total, 499_500);
}

#[test]
fn text_that_is_not_utf8_is_a_reject_of_its_row() {
    let bytes = pl::Series::new("c".into(), [b"ok".as_slice(), b"\xff", b"ok"]);
    let (_folder, file) = written(vec![bytes], 10);
    let mut sink = Collect::default();
    let end = file.decode_slice(file.slices()[0], &[0], &mut sink).unwrap();
    assert_eq!((end.records, sink.at), (3, vec![0, 2]));
    let [reject] = &sink.rejects[..] else { panic!("{:?}", sink.rejects) };
    assert_eq!((reject.code, reject.slot, reject.at.lines_before), (RejectCode::R03, Some(0), 1));
}

/// The bytes of a sound file, to be spoilt.
fn sound_bytes() -> Vec<u8> {
    let (folder, _file) = written(vec![pl::Series::new("n".into(), (0..100_i64).collect::<Vec<_>>())], 50);
    std::fs::read(folder.path().join("events.parquet")).unwrap()
}

fn read_bytes(bytes: &[u8]) -> Result<u64, ParquetError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    read_all(file.path())
}

/// Reads all usable columns of all slices; the first error is the answer.
fn read_all(path: &Path) -> Result<u64, ParquetError> {
    let file = ParquetFile::open(path)?;
    let mut rows = 0;
    let mut first_error = None;
    for (at, column) in file.columns().iter().enumerate() {
        let usable = !matches!(column.kind, ParquetKind::Unsupported(_));
        for slice in file.slices().into_iter().filter(|_| usable) {
            let mut sink = Collect::default();
            match file.decode_slice(slice, &[at], &mut sink) {
                Ok(end) => {
                    assert_eq!(end.records, (sink.rows.len() + sink.rejects.len()) as u64);
                    rows += end.records;
                }
                Err(error) => {
                    first_error.get_or_insert(error);
                }
            }
        }
    }
    first_error.map_or(Ok(rows), Err)
}

#[test]
fn a_nul_in_a_text_rejects_its_row_where_the_column_is_judged() {
    // Every length up to beyond the longest short text, with a NUL at every place; then texts without one.
    let mut texts: Vec<String> = Vec::new();
    for length in 1..=14 {
        texts.extend((0..length).map(|at| format!("{}\0{}", "x".repeat(at), "y".repeat(length - at - 1))));
    }
    let with_nul = texts.len();
    texts.extend((0..=14).map(|length| "\u{1}".repeat(length)));
    texts.extend(["\u{80}\u{ff}".to_owned(), "\u{7f}\u{100}\u{1000}".to_owned()]);
    let raw: Vec<&[u8]> = texts.iter().map(String::as_bytes).collect();
    for series in [pl::Series::new("a".into(), &texts), pl::Series::new("a".into(), raw)] {
        let (_folder, file) = written(vec![series], 1000);
        let read = |judged: bool| {
            let mut sink = Collect::default();
            for slice in file.slices() {
                file.decode_judging(slice, &[0], &[judged], &mut sink).unwrap();
            }
            sink
        };
        let judged = read(true);
        assert_eq!(
            judged.rows.iter().map(|row| &row[0]).collect::<Vec<_>>(),
            texts[with_nul..].iter().collect::<Vec<_>>()
        );
        assert_eq!(judged.rejects.len(), with_nul);
        for (row, reject) in judged.rejects.iter().enumerate() {
            assert_eq!(
                (reject.code, reject.slot, reject.at.lines_before),
                (RejectCode::R14, Some(0), row as u64)
            );
            assert_eq!(reject.excerpt, texts[row].as_bytes());
        }
        let unjudged = read(false);
        assert_eq!((unjudged.rows.len(), unjudged.rejects.len()), (texts.len(), 0));
    }
}

#[test]
fn a_file_that_is_cut_or_no_parquet_says_so() {
    let sound = sound_bytes();
    assert_eq!(read_bytes(&sound).unwrap(), 100);
    assert!(matches!(read_bytes(b""), Err(ParquetError::NotParquet)));
    assert!(matches!(read_bytes(b"PAR1PAR1PA"), Err(ParquetError::NotParquet)));
    assert!(matches!(read_bytes(b"user,time\n1,2\n3,4\n"), Err(ParquetError::NotParquet)));
    for cut in [1, 8, 9, sound.len() / 2] {
        let error = read_bytes(&sound[..sound.len() - cut]).unwrap_err();
        assert!(error.to_string().contains("cut off"), "{cut}: {error}");
    }
    // Bytes lost from the middle: the footer is whole, but what it points to has moved.
    let holed = [&sound[..4], &sound[24..]].concat();
    assert!(read_bytes(&holed).is_err());
    let mut long_footer = sound.clone();
    let at = sound.len() - 8;
    long_footer[at..at + 4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert!(matches!(read_bytes(&long_footer), Err(ParquetError::Damaged(_))));
}

#[test]
fn every_spoilt_byte_is_an_error_or_rows() {
    let sound = sound_bytes();
    let mut errors = 0;
    for at in 0..sound.len() {
        let mut spoilt = sound.clone();
        spoilt[at] ^= 0x55;
        match read_bytes(&spoilt) {
            Ok(rows) => assert_eq!(rows, 100, "byte {at}"),
            Err(_) => errors += 1,
        }
    }
    assert!(errors > 100, "{errors} of {} bytes matter", sound.len());
}

/// The folder of shared inputs, or `None` (said aloud) where it is not there.
fn shared(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("DROPOFF_SHARED").map_or_else(|| PathBuf::from("../shared"), PathBuf::from);
    let path = root.join(folder);
    if !path.exists() {
        eprintln!("SKIPPED: {} is not there; set DROPOFF_SHARED", path.display());
        return None;
    }
    Some(path)
}

fn files_under(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files_under(&path, into) } else { into.push(path) }
    }
}

/// The malformed files of apache/parquet-testing and apache/arrow-testing. Of those that the
/// decoder alone would abort the process on (it asks for more memory than there is), both are
/// refused before it sees them.
#[test]
fn malformed_files_are_errors_or_rows_never_a_crash() {
    let mut files = Vec::new();
    for folder in ["bad/parquet-testing", "bad/arrow-testing"] {
        let Some(folder) = shared(folder) else { return };
        files_under(&folder, &mut files);
    }
    let mut refused_first = Vec::new();
    let mut errors = 0;
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let result = read_all(path);
        errors += usize::from(result.is_err());
        if name.contains("5992530547310592") || name.contains("4819270771146752") {
            refused_first.push(matches!(result, Err(ParquetError::NotParquet | ParquetError::Damaged(_))));
        }
        // The two sound ones, the second written by PyArrow 2.0 with mislabelled pages.
        if name == "alltypes-java.parquet" || name == "ARROW-17100.parquet" {
            assert!(result.unwrap() > 0, "{name}");
        }
    }
    assert_eq!(files.len(), 158);
    assert!(errors > 140, "{errors}");
    assert_eq!(refused_first, [true, true]);
}

/// aws-clickstream-analytics, test data; the count is that of its README.
#[test]
fn a_real_export_is_read() {
    let Some(path) = shared("data/aws-clickstream/test.snappy.parquet") else { return };
    let file = ParquetFile::open(&path).unwrap();
    assert_eq!(file.rows(), 2153);
    let find = |path: &str| file.columns().iter().position(|column| column.path == path).unwrap();
    let wanted = ["user_pseudo_id", "event_name", "event_timestamp", "geo.country"].map(find);
    let mut sink = Collect::default();
    for slice in file.slices() {
        file.decode_slice(slice, &wanted, &mut sink).unwrap();
    }
    assert_eq!(sink.rows.len(), 2153);
    assert!(sink.rows.iter().all(|row| row[0] != "-" && row[1] != "-"), "ids and names are never null");
    let is_millis = |text: &str| text.len() == 13 && text.bytes().all(|b| b.is_ascii_digit());
    assert!(sink.rows.iter().all(|row| is_millis(&row[2])));
    assert!(
        matches!(&file.columns()[find("event_params")].kind, ParquetKind::Unsupported(name) if name == "list")
    );
}
