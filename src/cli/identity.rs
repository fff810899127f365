//! What was asked of people's ids and of repeated events.

use super::args::InputArgs;
use super::failure::Failure;
use super::identity_map::read_map;
use super::plan::InputPlan;
use super::privacy::random_bytes;
use super::setting::{Setting, Settings};
use crate::condition::SyntaxError;
use crate::decode::time::read_duration_us;
use crate::definition::{DedupeTable, DefinitionFile, IdentityTable, OneOrMore};
use crate::identity::Stitch;
use crate::ingest::plan::{Columns, Dedupe, IdentityPlan};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// As typed and written, not yet held against the columns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityRequest {
    pub stitch: Stitch,
    pub stitch_is_typed: bool,
    pub map: Option<PathBuf>,
    pub map_is_typed: bool,
    pub dedupe: DedupeRequest,
    /// With a key: as written, and in µs.
    pub dedupe_window: Option<(String, i64)>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DedupeRequest {
    #[default]
    Nothing,
    Key(Vec<String>),
    Exact,
}

impl IdentityRequest {
    pub fn resolve(args: &InputArgs, file: &DefinitionFile) -> Result<IdentityRequest, Failure> {
        let mut request = IdentityRequest {
            stitch_is_typed: args.stitch.is_some(),
            map: args.identity.clone().or_else(|| file.identity.map.as_ref().map(PathBuf::from)),
            map_is_typed: args.identity.is_some(),
            dedupe: dedupe(args, file)?,
            ..IdentityRequest::default()
        };
        if let Some(name) = args.stitch.as_ref().or(file.identity.stitch.as_ref()) {
            request.stitch = Stitch::from_name(name).ok_or_else(|| {
                request.stitch_setting(file).wrong(format!("{name:?} is not none, forward or both"))
            })?;
        }
        if request.map.as_deref() == Some(Path::new("-")) {
            return Err(request.map_setting(file).wrong("a map is a file: standard input is for the log"));
        }
        request.dedupe_window = dedupe_window(args, file, &request.dedupe)?;
        Ok(request)
    }

    /// Where faults of the way of stitching are told.
    pub fn stitch_setting<'f>(&self, file: &'f DefinitionFile) -> Setting<'f> {
        Settings { table: "identity", file }.of("--stitch", self.stitch_is_typed, "stitch")
    }

    /// Where faults of the map are told.
    pub fn map_setting<'f>(&self, file: &'f DefinitionFile) -> Setting<'f> {
        Settings { table: "identity", file }.of("--identity", self.map_is_typed, "map")
    }

    /// As a definition file says it, which names the map by what `name` gives.
    pub fn table(&self, name: impl Fn(&Path) -> String) -> IdentityTable {
        let stitch = (self.stitch != Stitch::None).then(|| self.stitch.name().to_owned());
        IdentityTable { stitch, map: self.map.as_deref().map(name) }
    }

    /// What repeats, as a definition file says it.
    pub fn dedupe_table(&self) -> DedupeTable {
        let window = self.dedupe_window.as_ref().map(|(text, _)| text.clone());
        match &self.dedupe {
            DedupeRequest::Nothing => DedupeTable::default(),
            DedupeRequest::Key(key) => {
                DedupeTable { key: Some(OneOrMore::More(key.clone())), window, ..DedupeTable::default() }
            }
            DedupeRequest::Exact => DedupeTable { exact: Some(true), ..DedupeTable::default() },
        }
    }

    /// Several columns that are one id together are no person with a device, nor ids of a map.
    fn check_together(&self, users: &[String], file: &DefinitionFile) -> Result<(), Failure> {
        let setting = match (self.stitch, &self.map) {
            (Stitch::None, None) => return Ok(()),
            (Stitch::None, Some(_)) => self.map_setting(file),
            _ => self.stitch_setting(file),
        };
        Err(setting
            .wrong(format!("{} are one id together", users.join(" and ")))
            .hint("name columns that are ids by themselves: --user user_id,device_id"))
    }

    /// Columns of the key of events.
    pub fn key(&self) -> Vec<String> {
        match &self.dedupe {
            DedupeRequest::Key(key) => key.clone(),
            DedupeRequest::Nothing | DedupeRequest::Exact => Vec::new(),
        }
    }

    /// What the reading does. `compares` where other ways of stitching are wanted beside the one
    /// that was asked for.
    pub fn plan(
        &self,
        input: &InputPlan,
        columns: &Columns,
        compares: bool,
    ) -> Result<IdentityPlan, Failure> {
        let users = &columns.user;
        if columns.user_together {
            self.check_together(users, &input.file)?;
        }
        if self.stitch != Stitch::None && users.len() < 2 {
            return Err(self
                .stitch_setting(&input.file)
                .wrong("there is only one person column")
                .hint("name the person's column and then the device's: --user user_id,device_id"));
        }
        let map = self.map.as_ref().map(|path| read_map(path, users, &input.zone, &input.open).map(Arc::new));
        Ok(IdentityPlan {
            stitch: self.stitch,
            map: map.transpose()?,
            dedupe: match self.dedupe {
                DedupeRequest::Nothing => Dedupe::Nothing,
                DedupeRequest::Key(_) => Dedupe::Key,
                DedupeRequest::Exact => Dedupe::Exact,
            },
            dedupe_window_us: self.dedupe_window.as_ref().map(|(_, window_us)| *window_us),
            session_timeout_us: input.session_timeout_us,
            compares,
            hash_key: random_bytes(),
        })
    }
}

fn dedupe(args: &InputArgs, file: &DefinitionFile) -> Result<DedupeRequest, Failure> {
    let written = &file.dedupe;
    let key = match args.dedupe_key.as_slice() {
        [] if args.dedupe_exact => return Ok(DedupeRequest::Exact),
        [] => written.key.clone().map_or_else(Vec::new, OneOrMore::into_vec),
        typed => return Ok(DedupeRequest::Key(typed.to_vec())),
    };
    let settings = Settings { table: "dedupe", file };
    let of_key = settings.of("--dedupe-key", false, "key");
    match (key.is_empty(), written.exact == Some(true)) {
        _ if key.is_empty() && written.key.is_some() => Err(of_key.wrong("it names no column")),
        (true, true) => Ok(DedupeRequest::Exact),
        (true, false) => Ok(DedupeRequest::Nothing),
        (false, false) => Ok(DedupeRequest::Key(key)),
        (false, true) => {
            let exact = settings.of("--dedupe-exact", false, "exact");
            Err(exact.against(&of_key, "rows are alike in a key, or in every column: leave one out"))
        }
    }
}

/// How far behind the row that is kept others with its key may lie.
fn dedupe_window(
    args: &InputArgs,
    file: &DefinitionFile,
    dedupe: &DedupeRequest,
) -> Result<Option<(String, i64)>, Failure> {
    let window =
        Settings { table: "dedupe", file }.of("--dedupe-window", args.dedupe_window.is_some(), "window");
    let Some(text) = args.dedupe_window.clone().or_else(|| file.dedupe.window.clone()) else {
        return Ok(None);
    };
    if !matches!(dedupe, DedupeRequest::Key(_)) {
        return Err(window.wrong("it goes with a key alone").hint("name the columns with --dedupe-key"));
    }
    let window_us = read_duration_us(&text)
        .map_err(|(error, span)| window.syntax(&text, SyntaxError::new(error.to_string(), span)))?;
    Ok(Some((text, window_us)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_outrank_the_definition_file() {
        let file = "[identity]\nstitch = \"both\"\nmap = \"a.csv\"\n[dedupe]\nkey = \"event_id\"\n";
        let file = DefinitionFile::parse(file, "x.toml").expect("a definition");
        let of = |args: InputArgs| IdentityRequest::resolve(&args, &file).expect("a request");
        let written = of(InputArgs::default());
        assert_eq!((written.stitch, written.map.as_deref()), (Stitch::Both, Some(Path::new("a.csv"))));
        assert_eq!(written.key(), ["event_id"]);
        let typed = of(InputArgs {
            stitch: Some("none".to_owned()),
            dedupe_exact: true,
            identity: Some(PathBuf::from("b.csv")),
            ..InputArgs::default()
        });
        assert_eq!((typed.stitch, typed.dedupe), (Stitch::None, DedupeRequest::Exact));
        assert_eq!(typed.map, Some(PathBuf::from("b.csv")));
        let both = DefinitionFile::parse("[dedupe]\nkey = [\"a\", \"b\"]\nexact = true\n", "x.toml");
        let both = IdentityRequest::resolve(&InputArgs::default(), &both.expect("a definition"));
        assert!(both.is_err());
    }
}
