//! The permanent codes, with a line each: of rejected rows, of warnings, and of what stops a run.
//!
//! The tables of the manual say the same, which is tested, as is that no other code stands in the source.

/// One code, and what it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    pub code: &'static str,
    pub meaning: &'static str,
}

/// Codes of one sort.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CodeList {
    pub title: &'static str,
    pub codes: &'static [Code],
}

const fn code(code: &'static str, meaning: &'static str) -> Code {
    Code { code, meaning }
}

/// All of them, by sort.
pub const LISTS: [CodeList; 3] = [
    CodeList { title: "Rejected rows: they are counted under their code and not used", codes: REJECTS },
    CodeList { title: "Warnings: what they are about is used, counted and shown", codes: WARNINGS },
    CodeList { title: "Stops: no result is written", codes: STOPS },
];

const REJECTS: &[Code] = &[
    code("R01", "fewer fields than the header, or than the format of an access log"),
    code(
        "R02",
        "more fields than the header, and the extra ones are not all empty; a line that goes on behind its format",
    ),
    code("R03", "not UTF-8"),
    code("R04", "time unreadable or empty; with --dst reject also one that the clocks skipped or repeated"),
    code(
        "R05",
        "time out of range: before --min-time (1990), exactly 1970-01-01T00:00:00, or in the year 9999 and later",
    ),
    code("R07", "no person"),
    code("R09", "a value that is not a number; in access logs also status and bytes"),
    code("R10", "not a JSON object"),
    code("R11", "JSON nested more than 128 deep"),
    code("R13", "record over 2 MiB, or field over --max-field (64 KiB)"),
    code(
        "R14",
        "a NUL byte in a column that the source names, or anywhere in a line of an access log; 512 and more in a row are a \
         hole in the file",
    ),
    code(
        "R15",
        "a quote that is never closed: the run stops, unless --salvage; in access logs one inside a value that is not \
         escaped",
    ),
    code(
        "R16",
        "the header line again, inside the data: the same line, or a row whose time is the name of its column; does not count \
         against --max-rejects",
    ),
    code("R17", "a time after --as-of"),
];

const WARNINGS: &[Code] = &[
    code(
        "W01",
        "no row can serve a step, or has the name of one of its alternatives, forbidden or ignored events, or a rule \
         names no row; the nearest names",
    ),
    code("W02", "times without a zone, read as UTC"),
    code(
        "W03",
        "files with the same content; or more than half of the rows repeat another: is the export in here twice? \
         (inspect, validate)",
    ),
    code(
        "W04",
        "rows that repeat another in person, time, event and all other columns read; they are counted (inspect, \
         validate)",
    ),
    code("W05", "times in an hour that the zone skips or has twice"),
    code("W06", "over 5 % of the rows share person and time with another; or times have no time of day"),
    code("W07", "a file changed while it was read; it was read to its first size"),
    code(
        "W08",
        "people with a row whose time is more than an hour from when it was received (--received-time; inspect, validate)",
    ),
    code("W09", "more than 0.1 % of the rows are of an id such as 0, null or undefined (inspect, validate)"),
    code("W10", "one person of more than ten has more than 10 % of the rows"),
    code(
        "W11",
        "event names that are alike but for case, blanks, signs of no width or the form of their letters (NFKC); of ids of \
         people too (inspect, validate)",
    ),
    code("W12", "half of the ids or more look like e-mail addresses (inspect, validate)"),
    code("W13", "session ids of the log that several people have (inspect, validate)"),
    code("W14", "nobody has a full window behind them: the data span less than the window"),
    code("W15", "fewer than 30 people, or fewer than 30 units that entered a funnel"),
    code("W16", "rows without an event name"),
    code("W17", "an input is empty, or holds no row"),
    code("W18", "an input lacks a column that is read; it is empty in all its rows"),
    code("W19", "the same file under two names; it is read once"),
    code("W20", "the form or the compression is another than the name says; the content decides"),
    code("W21", "repeated column names"),
    code("W22", "negative values"),
    code(
        "W23",
        "units in a segment by a later row of their chain than the first, which only those reach who go on (by_from)",
    ),
    code("W24", "a damaged file was used as far as it goes (--salvage)"),
    code("W25", "links and special files in a directory that were not read"),
    code("W27", "a file with times after the clock of this run"),
    code("W28", "times that name no zone in a file where others do"),
    code("W29", "segments and buckets of the trend that --min-cell keeps from being shown"),
];

const STOPS: &[Code] = &[
    code("E-F01", "a path that does not exist"),
    code("E-F02", "a pattern that no file matches, or that is none"),
    code("E-F03", "a directory without logs"),
    code("E-F04", "files, directories or lists of files that cannot be read"),
    code("E-F06", "no input holds a row, or none that can be used"),
    code("E-F08", "compressed data that end too early or are damaged"),
    code("E-F09", "compressed data with a wrong checksum"),
    code("E-F11", "bytes behind compressed data that belong to none"),
    code(
        "E-F14",
        "a JSON array, or objects over several lines, that cannot be read to its end: cut off, or not JSON",
    ),
    code("E-F16", "a file without a column that is needed"),
    code("E-F20", "no temporary copy can be written of an input that can be read but once"),
    code("E-F21", "standard input is a terminal, or no file is named"),
    code("E-F23", "a file that shrank while it was read"),
    code("E-F24", "a file that was there when the run began and is gone"),
    code("E-F27", "a compressed file that unpacks to more than --max-decompressed"),
    code("E-F28", "a damaged Parquet file, or a file that holds neither text nor Parquet"),
    code("E-F29", "a Parquet column, or a kind of Parquet file, that is not read"),
    code("E-F30", "a file that cannot be read on"),
    code("E-C03", "UTF-16 without a byte order mark"),
    code("E-C05", "a file with a hole of NUL bytes"),
    code("E-C11", "most records do not have as many fields as the header, or no delimiter is found"),
    code("E-C21", "no header"),
    code("E-C22", "a needed column name that stands twice"),
    code("E-C24", "a named column that no input has, or a role that no column plays"),
    code("E-J12", "a column that holds arrays or objects where single values are needed"),
    code("E-T01", "times in more than one format, or in none that is known"),
    code("E-T02", "epoch times of more than one unit, or of one that their size does not tell"),
    code("E-T03", "dates whose day and month cannot be told apart"),
    code("E-U09", "a map of ids that contradicts itself"),
    code("E-U13", "values in more than one currency"),
    code("E-O01", "an output that cannot be written"),
    code("E-O02", "an output that could not be written to its end"),
    code("E-O03", "an output that is an input or another output"),
    code("E-O04", "an output that is no regular file"),
    code("E-O11", "a time zone that is not known"),
    code("E-O21", "a definition file that cannot be read or says what cannot be"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_stands_once_and_in_order() {
        for list in [REJECTS, WARNINGS] {
            assert!(list.is_sorted_by(|a, b| a.code < b.code));
        }
        let mut all: Vec<&str> = LISTS.iter().flat_map(|list| list.codes).map(|known| known.code).collect();
        let n = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), n);
    }
}
