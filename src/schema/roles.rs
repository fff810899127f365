//! Roles of columns: what the user named, then what a known export layout says, then what names and
//! content say together. A wrong guess is worse than none: where two columns could play a role and
//! differ in the sample, none is chosen and the problem says which flag decides.

use super::facts::{Facts, present};
use super::profiles::{Profile, recognise};
use super::synonyms;
use super::words::{is_purchase, stage};
use crate::condition::{Quoted, suggest_nearest};
use crate::event::excerpt::excerpt;
use crate::human::shell_word;
use serde::Serialize;
use std::cell::OnceCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use super::facts::{ColumnKind, ColumnSample};

/// Most distinct values of a column that is called no more than `name` or `type` and still holds events.
const MAX_PLAIN_NAMES: usize = 200;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    User,
    Time,
    Event,
    /// Where rules look at URLs, or where no column holds events.
    Url,
    Session,
    Value,
    Currency,
}

impl Role {
    /// The flag that names the column.
    pub fn flag(self) -> &'static str {
        match self {
            Role::User => "--user",
            Role::Time => "--time",
            Role::Event => "--event",
            Role::Url => "--url",
            Role::Session => "--session",
            Role::Value => "--value",
            Role::Currency => "--currency",
        }
    }

    /// A run stops where one of these is missed.
    pub fn is_required(self) -> bool {
        matches!(self, Role::User | Role::Time | Role::Event | Role::Url)
    }

    fn label(self) -> &'static str {
        match self {
            Role::User => "person",
            Role::Time => "time",
            Role::Event => "event's name",
            Role::Url => "URL",
            Role::Session => "session",
            Role::Value => "value",
            Role::Currency => "currency",
        }
    }
}

/// What the user named, by flag or definition file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    /// The first that is present identifies the row; at least one must exist.
    pub user: Vec<String>,
    /// All of them are one id; the first must exist.
    pub user_together: bool,
    /// One column, or a date and a time of day; all must exist.
    pub time: Vec<String>,
    pub event: Option<String>,
    /// What all rows are called, where the file has no event column.
    pub event_name: Option<String>,
    pub url: Option<String>,
    /// Rules name events, so that no column need do so.
    pub has_rules: bool,
    /// Some of them look at URLs.
    pub rules_ask_url: bool,
    /// Rows have a time column for each thing that happened, which were named: there is no one time, and no
    /// event column.
    pub unpivot: bool,
    pub session: Option<String>,
    pub value: Option<String>,
    pub currency: Option<String>,
}

/// How much stands behind a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Either the name or the content says so, not both.
    Low,
    /// Name and content agree.
    High,
    /// A known layout has its column there.
    Layout,
    /// The user named it.
    Asked,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Choice {
    /// Place in the list of columns, from 0.
    pub column: usize,
    /// For people: ``name `user_id`; 612 values in 1,000 rows; text``.
    pub evidence: String,
    pub confidence: Confidence,
}

/// A column that could have played a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub column: String,
    pub evidence: String,
}

/// Why a role has no column.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RoleProblem {
    /// The user named a column that does not exist.
    #[error("there is no column `{column}` for the {}", role.label())]
    UnknownColumn { role: Role, column: String, nearest: Vec<String> },
    /// Several columns fit, and they differ.
    #[error("several columns could hold the {}: {}", role.label(), Listed(candidates))]
    Ambiguous { role: Role, candidates: Vec<Candidate> },
    /// No column fits; the candidates have the name without the content.
    #[error("no column was recognised as the {}{}", role.label(), Unfit(candidates))]
    NotFound { role: Role, candidates: Vec<Candidate> },
    /// One row a person, no event column and several time columns.
    #[error("there is no column of events, but one row a person with times in {}", columns.join(", "))]
    Wide { columns: Vec<String> },
}

impl RoleProblem {
    pub fn role(&self) -> Role {
        match self {
            RoleProblem::UnknownColumn { role, .. }
            | RoleProblem::Ambiguous { role, .. }
            | RoleProblem::NotFound { role, .. } => *role,
            RoleProblem::Wide { .. } => Role::Event,
        }
    }

    /// No column is known to hold events, which who only reads the rows need not know.
    pub fn is_no_event(&self) -> bool {
        matches!(
            self,
            RoleProblem::NotFound { role: Role::Event, .. }
                | RoleProblem::Ambiguous { role: Role::Event, .. }
        )
    }

    /// What to type.
    pub fn hint(&self) -> String {
        let flag = self.role().flag();
        match self {
            RoleProblem::UnknownColumn { nearest, .. } if !nearest.is_empty() => {
                format!("the nearest columns are {}", excerpt(nearest.join(", ")))
            }
            RoleProblem::UnknownColumn { .. } => format!("give {flag} a column of the file"),
            RoleProblem::Ambiguous { role: Role::User, candidates } => match candidates.as_slice() {
                [first, second, ..] => format!(
                    "choose one: --user {}, or give a list, of which the first present counts: --user {}",
                    shell_word(&first.column),
                    shell_word(&format!("{},{}", first.column, second.column))
                ),
                _ => "name it: --user COLUMN".to_owned(),
            },
            RoleProblem::Ambiguous { candidates, .. } => {
                let column = candidates.first().map_or("COLUMN", |candidate| candidate.column.as_str());
                format!("choose one, e.g. {flag} {}", shell_word(column))
            }
            RoleProblem::Wide { columns } => {
                let names: Vec<String> = columns.iter().map(|name| unpivot_name(name)).collect();
                format!(
                    "read every time as an event: --unpivot '{}'",
                    names.join(", ").replace('\'', "'\\''")
                )
            }
            RoleProblem::NotFound { role: Role::Event, .. } => {
                "name it: --event COLUMN; if all rows are one event: --event-name purchase".to_owned()
            }
            RoleProblem::NotFound { .. } => format!("name it: {flag} COLUMN"),
        }
    }
}

/// A column in a list of `--unpivot`.
fn unpivot_name(name: &str) -> String {
    let is_plain = !name.contains([',', '=', '\'', '*']) && name.trim() == name;
    if is_plain { name.to_owned() } else { Quoted(name).to_string() }
}

struct Listed<'a>(&'a [Candidate]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (k, candidate) in self.0.iter().enumerate() {
            write!(f, "{}`{}` ({})", if k == 0 { "" } else { ", " }, candidate.column, candidate.evidence)?;
        }
        Ok(())
    }
}

struct Unfit<'a>(&'a [Candidate]);

impl fmt::Display for Unfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            [] => Ok(()),
            candidates => write!(f, "; these have the name but not the content: {}", Listed(candidates)),
        }
    }
}

/// Who plays what, and what could not be told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Guess {
    /// The first that is present in a row identifies it.
    pub user: Vec<Choice>,
    /// All of them are one id.
    pub user_together: bool,
    /// One column, or a date and a time of day.
    pub time: Vec<Choice>,
    pub event: Option<Choice>,
    /// Only where it is needed: for rules, or for the event.
    pub url: Option<Choice>,
    pub session: Option<Choice>,
    pub value: Option<Choice>,
    pub currency: Option<Choice>,
    /// The known layout, if the columns are those of one.
    pub profile: Option<Profile>,
    /// In the order of the roles; those of optional roles do not stop a run.
    pub problems: Vec<RoleProblem>,
}

impl Guess {
    /// The first problem that stops a run: a required role without a column, or a named column
    /// that does not exist.
    pub fn required(&self) -> Result<(), &RoleProblem> {
        let stops = |problem: &&RoleProblem| {
            problem.role().is_required() || matches!(problem, RoleProblem::UnknownColumn { .. })
        };
        self.problems.iter().find(stops).map_or(Ok(()), Err)
    }
}

/// Finds the columns of all roles. All samples have the same rows.
pub fn guess(columns: &[ColumnSample<'_>], asked: &Asked) -> Guess {
    let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
    let facts = columns.iter().map(|_| OnceCell::new()).collect();
    let mut guesser = Guesser { columns, facts, profile: recognise(&names), problems: Vec::new() };
    let user = guesser.user(asked);
    let time = guesser.time(asked);
    let event = guesser.event(asked);
    let url = guesser.url(asked, event.is_some());
    let session = guesser.session(asked, user.first());
    let value = guesser.value(asked, event.as_ref());
    let currency = guesser.currency(asked, value.as_ref());
    guesser.tell_wide(user.first());
    let Guesser { profile, problems, .. } = guesser;
    let together = profile.as_ref().is_some_and(|profile| profile.user_together);
    let user_together = user.len() > 1 && if asked.user.is_empty() { together } else { asked.user_together };
    Guess { user, user_together, time, event, url, session, value, currency, profile, problems }
}

struct Guesser<'a> {
    columns: &'a [ColumnSample<'a>],
    /// Counted when asked for: most columns are told by their names to play no part.
    facts: Vec<OnceCell<Facts>>,
    profile: Option<Profile>,
    problems: Vec<RoleProblem>,
}

impl Guesser<'_> {
    fn facts(&self, column: usize) -> &Facts {
        self.facts[column].get_or_init(|| Facts::new(&self.columns[column]))
    }

    fn user(&mut self, asked: &Asked) -> Vec<Choice> {
        let named: Vec<Choice> = asked.user.iter().filter_map(|name| self.asked_choice(name)).collect();
        if let Some(missing) = asked.user.first().filter(|_| named.is_empty()) {
            self.unknown(Role::User, missing);
        }
        if !asked.user.is_empty() {
            return named;
        }
        let known = self.layout_users();
        if !known.is_empty() {
            return known;
        }
        let tiers = self.tiers(synonyms::user_tier, |_, _| true);
        let mut best = first_tier(&tiers);
        // A person known in some rows only, beside an id that all rows have: whom to count is
        // the user's to say.
        if best.iter().all(|&k| !self.facts(k).full()) {
            let full = tiers.iter().find(|&&(tier, k)| tier < 2 && self.facts(k).full());
            best.extend(full.map(|&(_, k)| k));
        }
        let host_only = tiers.first().is_some_and(|&(tier, _)| tier == 2);
        let confidence = if host_only { Confidence::Low } else { Confidence::High };
        self.settle(Role::User, best, Vec::new(), confidence).into_iter().collect()
    }

    fn time(&mut self, asked: &Asked) -> Vec<Choice> {
        if asked.unpivot {
            return Vec::new();
        }
        if !asked.time.is_empty() {
            let mut named = Vec::new();
            for name in &asked.time {
                match self.asked_choice(name) {
                    Some(choice) => named.push(choice),
                    None => self.unknown(Role::Time, name),
                }
            }
            return named;
        }
        if let Some(choice) =
            self.profile_choice(|profile| profile.time.as_ref(), |facts| facts.holds_times())
        {
            return vec![choice];
        }
        let tiers = self.tiers(synonyms::time_tier, |facts, _| facts.holds_times());
        let mut best = first_tier(&tiers);
        let mut confidence = Confidence::High;
        if best.is_empty() {
            confidence = Confidence::Low;
            best = self.where_facts(Facts::holds_date_times);
        }
        let unfit = self.tiers(|name| synonyms::time_tier(name).filter(|&tier| tier < 3), |_, _| true);
        let unfit = unfit.into_iter().map(|(_, k)| k).collect();
        let Some(choice) = self.settle(Role::Time, best, unfit, confidence) else { return Vec::new() };
        let clock = |&k: &usize| synonyms::is_clock(&self.columns[k].name);
        let clocks: Vec<usize> = self.where_facts(Facts::holds_clocks).into_iter().filter(clock).collect();
        match clocks.as_slice() {
            &[clock] if self.facts(choice.column).holds_dates_alone() => {
                vec![choice, self.choice(clock, Confidence::High)]
            }
            _ => vec![choice],
        }
    }

    /// Where no column names events, and every row is another person's, several time columns are what
    /// happened: says so in the place of what is missing.
    fn tell_wide(&mut self, user: Option<&Choice>) {
        let is_missing =
            |problem: &RoleProblem| matches!(problem, RoleProblem::NotFound { role: Role::Event, .. });
        let is_one_row_each = user.is_some_and(|user| {
            let facts = self.facts(user.column);
            facts.present > 1 && facts.distinct == facts.present
        });
        if !is_one_row_each || !self.problems.iter().any(is_missing) {
            return;
        }
        let times = self.where_facts(|facts| facts.holds_date_times() || facts.holds_dates_alone());
        if times.len() > 1 {
            let columns = times.iter().map(|&k| self.columns[k].name.clone()).collect();
            self.problems.retain(|problem| !matches!(problem.role(), Role::Time | Role::Event));
            self.problems.insert(0, RoleProblem::Wide { columns });
        }
    }

    fn event(&mut self, asked: &Asked) -> Option<Choice> {
        if asked.event.is_some() {
            return self.asked_or_unknown(Role::Event, asked.event.as_ref());
        }
        if asked.event_name.is_some() || asked.unpivot {
            return None;
        }
        if let Some(choice) = self.profile_choice(|profile| profile.event.as_ref(), |_| true) {
            return Some(choice);
        }
        if self.profile.as_ref().is_some_and(|profile| profile.event.is_none()) {
            self.problems.push(RoleProblem::NotFound { role: Role::Event, candidates: Vec::new() });
            return None;
        }
        let holds_names = |facts: &Facts| {
            !facts.holds_times() && !facts.holds_numbers() && !facts.holds_switches() && facts.repeats()
        };
        let tiers = self.tiers(synonyms::event_tier, |facts, tier| {
            holds_names(facts) && (tier < 2 || facts.distinct <= MAX_PLAIN_NAMES)
        });
        let mut best = first_tier(&tiers);
        let mut confidence =
            if tiers.first().is_some_and(|&(tier, _)| tier < 2) { Confidence::High } else { Confidence::Low };
        if best.is_empty() {
            confidence = Confidence::Low;
            best = self.where_facts(holds_names);
            best.retain(|&k| self.facts(k).distinct <= MAX_PLAIN_NAMES && self.tells_a_purchase(k));
            best.retain(|&k| !self.holds_urls(k));
        }
        let unfit = self.tiers(|name| synonyms::event_tier(name).filter(|&tier| tier < 2), |_, _| true);
        let unfit = unfit.into_iter().map(|(_, k)| k).collect();
        self.settle(Role::Event, best, unfit, confidence)
    }

    /// The column of URLs where rules look at them, or where nothing else names the events: then
    /// that no column holds events is no problem any more.
    fn url(&mut self, asked: &Asked, has_event: bool) -> Option<Choice> {
        let names_events = !has_event && asked.event_name.is_none() && !asked.unpivot;
        if asked.url.is_none() && !asked.rules_ask_url && !names_events {
            return None;
        }
        let choice = if asked.url.is_some() {
            self.asked_or_unknown(Role::Url, asked.url.as_ref())
        } else {
            let mut tiers = self.tiers(synonyms::url_tier, |_, _| true);
            tiers.retain(|&(_, k)| self.holds_urls(k));
            let best = first_tier(&tiers);
            if asked.rules_ask_url {
                self.settle(Role::Url, best, Vec::new(), Confidence::High)
            } else {
                // Several that differ leave the question what the events are as it was.
                best.first().filter(|_| best.len() == 1).map(|&k| self.choice(k, Confidence::High))
            }
        };
        if names_events && (choice.is_some() || asked.has_rules) {
            self.problems.retain(|problem| {
                !matches!(problem, RoleProblem::NotFound { role: Role::Event, candidates } if candidates.is_empty())
            });
        }
        choice
    }

    /// Whether a column is called like URLs and nearly all of its values are paths or have a scheme.
    fn holds_urls(&self, column: usize) -> bool {
        let values: Vec<&str> = self.columns[column].values.iter().filter_map(present).collect();
        let is_url = |value: &&&str| value.starts_with('/') || value.contains("://");
        let urls = values.iter().filter(is_url).count();
        synonyms::url_tier(&self.columns[column].name).is_some() && urls > 0 && urls * 10 >= values.len() * 9
    }

    fn session(&mut self, asked: &Asked, user: Option<&Choice>) -> Option<Choice> {
        if asked.session.is_some() {
            return self.asked_or_unknown(Role::Session, asked.session.as_ref());
        }
        let mut choice = self
            .profile_choice(|profile| profile.session.as_ref(), |_| true)
            .filter(|choice| self.is_set(choice.column));
        if choice.is_none() {
            let mut tiers = self.tiers(synonyms::session_tier, |_, _| true);
            tiers.retain(|&(_, k)| self.is_set(k));
            if tiers.is_empty() {
                return None;
            }
            choice = self.settle(Role::Session, first_tier(&tiers), Vec::new(), Confidence::High);
        }
        let mut choice = choice?;
        if let Some(user) = user {
            choice.evidence.push_str(&self.nesting(choice.column, user.column));
        }
        Some(choice)
    }

    /// Some exports write -1 or 0 where there is no session.
    fn is_set(&self, column: usize) -> bool {
        let values = &self.columns[column].values;
        values.iter().filter_map(present).any(|value| !matches!(value.trim(), "-1" | "0"))
    }

    /// How the sessions lie to the persons in the sample.
    fn nesting(&self, session: usize, user: usize) -> String {
        let mut users: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (session, user) in self.columns[session].values.iter().zip(&self.columns[user].values) {
            if let (Some(session), Some(user)) = (present(session), present(user)) {
                users.entry(session).or_default().insert(user);
            }
        }
        match users.values().filter(|users| users.len() > 1).count() {
            0 => "; each within one person".to_owned(),
            shared => format!("; {shared} of {} with several persons", users.len()),
        }
    }

    fn value(&mut self, asked: &Asked, event: Option<&Choice>) -> Option<Choice> {
        if asked.value.is_some() {
            return self.asked_or_unknown(Role::Value, asked.value.as_ref());
        }
        if let Some(choice) = self.profile_choice(|profile| profile.value.as_ref(), Facts::holds_numbers) {
            return Some(choice);
        }
        let named = self.tiers_even_empty(synonyms::value_tier);
        let sales = self.purchase_rows(asked, event);
        let mut fitting = named.clone();
        fitting.retain(|&(_, k)| {
            self.facts(k).holds_numbers() && !self.is_per_piece(k) && self.fits_sales(k, &sales)
        });
        let best = first_tier(&fitting);
        if best.is_empty() {
            return None;
        }
        // Without a sale in the sample only the name can decide, and an empty column of a name as
        // plain may be the one that sales fill.
        let as_plain = |&(tier, k): &(usize, usize)| tier <= fitting[0].0 && !best.contains(&k);
        if sales.is_empty() && named.iter().any(as_plain) {
            let candidates = named.iter().map(|&(_, k)| self.candidate(k)).collect();
            self.problems.push(RoleProblem::Ambiguous { role: Role::Value, candidates });
            return None;
        }
        let confidence = if sales.is_empty() { Confidence::Low } else { Confidence::High };
        let mut choice = self.settle(Role::Value, best, Vec::new(), confidence)?;
        if !sales.is_empty() {
            let filled = self.amounts(choice.column, &sales);
            choice.evidence.push_str(&format!("; an amount in {filled} of {} purchases", sales.len()));
        }
        Some(choice)
    }

    /// Sample rows that are sales by their event's name.
    fn purchase_rows(&self, asked: &Asked, event: Option<&Choice>) -> Vec<usize> {
        let rows = 0..self.columns.first().map_or(0, |column| column.values.len());
        match (event, &asked.event_name) {
            (Some(event), _) => {
                let values = &self.columns[event.column].values;
                rows.filter(|&row| values.get(row).and_then(present).is_some_and(is_purchase)).collect()
            }
            (None, Some(name)) if is_purchase(name) => rows.collect(),
            _ => Vec::new(),
        }
    }

    /// Purchases that have an amount other than zero in this column.
    fn amounts(&self, column: usize, sales: &[usize]) -> usize {
        let values = &self.columns[column].values;
        let amount = |row: &&usize| {
            let value = values.get(**row).and_then(present);
            value.and_then(|value| value.trim().parse::<f64>().ok()).is_some_and(|amount| amount != 0.0)
        };
        sales.iter().filter(amount).count()
    }

    fn fits_sales(&self, column: usize, sales: &[usize]) -> bool {
        self.amounts(column, sales).saturating_mul(5) >= sales.len().saturating_mul(4)
    }

    /// A price beside a count of pieces is not what the sale brought.
    fn is_per_piece(&self, column: usize) -> bool {
        let counts = |k: &usize| synonyms::is_quantity(&self.columns[*k].name) && self.facts(*k).distinct > 1;
        let price =
            super::words::words(&self.columns[column].name).last().is_some_and(|word| word == "price");
        price
            && synonyms::value_tier(&self.columns[column].name) == Some(1)
            && (0..self.columns.len()).any(|k| counts(&k))
    }

    fn currency(&mut self, asked: &Asked, value: Option<&Choice>) -> Option<Choice> {
        if asked.currency.is_some() {
            return self.asked_or_unknown(Role::Currency, asked.currency.as_ref());
        }
        let value = value?;
        if let Some(choice) = self.profile_choice(|profile| profile.currency.as_ref(), |_| true) {
            return Some(choice);
        }
        let code = |value: &str| {
            value.trim().len() == 3 && value.trim().bytes().all(|byte| byte.is_ascii_alphabetic())
        };
        let codes = |k: &usize| self.columns[*k].values.iter().filter_map(present).all(code);
        let tiers = self.tiers(|name| synonyms::is_currency(name).then_some(0), |_, _| true);
        let found: Vec<usize> = first_tier(&tiers).into_iter().filter(codes).collect();
        // With several, only one that shares its first word with the value belongs to it.
        let prefix = |k: usize| super::words::words(&self.columns[k].name).into_iter().next();
        let near: Vec<usize> = found.iter().copied().filter(|&k| prefix(k) == prefix(value.column)).collect();
        match (found.as_slice(), near.as_slice()) {
            (&[only], _) | (_, &[only]) => Some(self.choice(only, Confidence::High)),
            _ => None,
        }
    }

    /// Whether the values include a sale and a stage before it.
    fn tells_a_purchase(&self, column: usize) -> bool {
        let values = self.columns[column].values.iter().filter_map(present);
        let stages: BTreeSet<_> = values.filter_map(stage).map(|(stage, _)| stage).collect();
        stages.len() > 1 && stages.contains(&super::words::Stage::Purchase)
    }

    /// One of the candidates, if there is one or if they hold the same; otherwise a problem.
    fn settle(
        &mut self,
        role: Role,
        best: Vec<usize>,
        unfit: Vec<usize>,
        confidence: Confidence,
    ) -> Option<Choice> {
        let Some((&first, others)) = best.split_first() else {
            let candidates = unfit.into_iter().map(|k| self.candidate(k)).collect();
            self.problems.push(RoleProblem::NotFound { role, candidates });
            return None;
        };
        if others.iter().any(|&k| self.columns[k].values != self.columns[first].values) {
            let candidates = best.iter().map(|&k| self.candidate(k)).collect();
            self.problems.push(RoleProblem::Ambiguous { role, candidates });
            return None;
        }
        Some(self.choice(first, confidence))
    }

    /// Usable columns with their tier, best first, then in the order of the file.
    fn tiers(
        &self,
        tier_of: impl Fn(&str) -> Option<usize>,
        fits: impl Fn(&Facts, usize) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut tiers = self.tiers_even_empty(tier_of);
        tiers.retain(|&(tier, k)| self.facts(k).usable() && fits(self.facts(k), tier));
        tiers
    }

    fn tiers_even_empty(&self, tier_of: impl Fn(&str) -> Option<usize>) -> Vec<(usize, usize)> {
        let named = self.columns.iter().enumerate();
        let mut tiers: Vec<(usize, usize)> =
            named.filter_map(|(k, column)| tier_of(&column.name).map(|tier| (tier, k))).collect();
        tiers.sort_unstable();
        tiers
    }

    fn where_facts(&self, fits: impl Fn(&Facts) -> bool) -> Vec<usize> {
        (0..self.columns.len()).filter(|&k| self.facts(k).usable() && fits(self.facts(k))).collect()
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    fn choice(&self, column: usize, confidence: Confidence) -> Choice {
        let evidence = format!("name `{}`; {}", self.columns[column].name, self.facts(column).describe());
        Choice { column, evidence, confidence }
    }

    fn candidate(&self, column: usize) -> Candidate {
        Candidate { column: self.columns[column].name.clone(), evidence: self.facts(column).describe() }
    }

    fn asked_choice(&self, name: &str) -> Option<Choice> {
        let column = self.place(name)?;
        let evidence = format!("as asked; {}", self.facts(column).describe());
        Some(Choice { column, evidence, confidence: Confidence::Asked })
    }

    fn asked_or_unknown(&mut self, role: Role, name: Option<&String>) -> Option<Choice> {
        let choice = self.asked_choice(name?);
        if choice.is_none() {
            self.unknown(role, name?);
        }
        choice
    }

    fn unknown(&mut self, role: Role, column: &str) {
        let present = self.columns.iter().map(|column| column.name.as_str());
        let nearest = suggest_nearest(column, present, 3);
        self.problems.push(RoleProblem::UnknownColumn { role, column: column.to_owned(), nearest });
    }

    fn profile_choice(
        &self,
        column: impl Fn(&Profile) -> Option<&String>,
        fits: impl Fn(&Facts) -> bool,
    ) -> Option<Choice> {
        let profile = self.profile.as_ref()?;
        // A column that is empty in the sample gives way to what the others say.
        let place = self.place(column(profile)?)?;
        let sound = self.facts(place).usable() && fits(self.facts(place));
        sound.then(|| self.described_by(profile, place))
    }

    /// The persons' columns of the known layout; none if the sample has nothing in any of them.
    fn layout_users(&self) -> Vec<Choice> {
        let Some(profile) = &self.profile else { return Vec::new() };
        let columns: Vec<usize> = profile.user.iter().filter_map(|name| self.place(name)).collect();
        if !columns.iter().any(|&k| self.facts(k).usable()) {
            return Vec::new();
        }
        // An id that is empty in the sample may be filled in later rows: it stays on the list.
        columns.into_iter().map(|k| self.described_by(profile, k)).collect()
    }

    fn described_by(&self, profile: &Profile, column: usize) -> Choice {
        let Choice { evidence, .. } = self.choice(column, Confidence::Layout);
        Choice {
            column,
            evidence: format!("{} layout; {evidence}", profile.name),
            confidence: Confidence::Layout,
        }
    }
}

/// The columns of the best tier.
fn first_tier(tiers: &[(usize, usize)]) -> Vec<usize> {
    let Some(&(best, _)) = tiers.first() else { return Vec::new() };
    tiers.iter().take_while(|&&(tier, _)| tier == best).map(|&(_, k)| k).collect()
}
#[cfg(test)]
mod tests;
