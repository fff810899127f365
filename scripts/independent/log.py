"""What a case asks of which log, and the rows of the log in the order of the definitions."""

import csv
import functools
import gzip
import io
import math
from collections import Counter, defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent.parent
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
STEP, FILE, STRICT = "step", "file", "strict"
PERSON, SESSION, ATTEMPT, COLUMN = "person", "session", "attempt", "column"


def microseconds(moment):
    """An aware datetime as integer microseconds since the epoch."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def read_time(text, zone):
    """ISO times with or without a zone, and YYYYMMDD. Python takes the earlier of two equal hours (fold 0)
    and moves a skipped hour forward, as the definitions ask."""
    moment = datetime.strptime(text, "%Y%m%d") if len(text) == 8 else datetime.fromisoformat(text)
    return microseconds(moment if moment.tzinfo else moment.replace(tzinfo=zone))


def write_time(time_us):
    """RFC 3339 in UTC without needless zeros."""
    if time_us is None:
        return None
    whole, rest = divmod(time_us, SECOND)
    text = (EPOCH + timedelta(seconds=whole)).strftime("%Y-%m-%dT%H:%M:%S")
    return text + (f".{rest:06d}".rstrip("0") if rest else "") + "Z"


def calendar_day(time_us, zone):
    return (EPOCH + timedelta(microseconds=time_us)).astimezone(zone).date()


def bucket_of(time_us, period, zone):
    """The calendar period that holds a time: its first instant and the first instant after it."""
    day = calendar_day(time_us, zone)
    if period == "day":
        first, after = day, day + timedelta(days=1)
    elif period == "week":
        first = day - timedelta(days=day.weekday())
        after = first + timedelta(days=7)
    else:
        first = day.replace(day=1)
        after = (first + timedelta(days=31)).replace(day=1)

    def midnight(date):
        return microseconds(datetime(date.year, date.month, date.day, tzinfo=zone))

    return midnight(first), midnight(after)


class Step:
    """A required step: its name in the report, which rows serve it, what must not lie before it, and what else it
    asks of the way to it. `ignore` are tests of rows that never break adjacency.

    `spoken` tells which event names it is about, for warning W01; None where it is about any."""

    def __init__(self, name, test, spoken=None, forbidden=(), within_us=None, after_us=0, arrow=(), ignore=(),
                 nth=None):
        self.name, self.test, self.spoken, self.forbidden = name, test, spoken, list(forbidden)
        self.within_us, self.after_us, self.arrow, self.ignore = within_us, after_us, arrow, list(ignore)
        self.nth = nth


def named(*names, where=None):
    """A test of rows: one of these names, and a condition on the fields."""
    def test(row):
        return row.event in names and (where is None or where(row))
    return test


def step(name, *names, where=None, forbidden=(), **terms):
    names = names or (name,)
    return Step(name, named(*names, where=where), lambda event: event in names, forbidden, **terms)


@dataclass(frozen=True)
class Settings:
    """What the rules of a tool are made of, beside what a key of its own says."""

    entry: str = "any"
    choice: str = "earliest-start"
    blocked: str = "voids-chain"
    # Steps already reached whose rows repeat, and those whose rows may lie where others may not.
    repeats: str = "any-reached"
    admits: str = "nothing"


class Funnel:
    """`optional` lists (name, test, required steps before it). `by_from` is a pair of a word and, for `step`, its
    number from 1."""

    def __init__(self, text, steps, optional=(), name="purchase", window_us=7 * DAY, unit=PERSON, tie=STEP,
                 shown=None, conditions=(), rules="dropoff", settings=Settings(), row="one", order="ordered",
                 anchor=False, open=False, exclusion="void", ends_exclusive=False, tolerance_us=0,
                 by_from=("first-entry", None), definition=None, flags=(), chain_end=None,
                 hold=(), held_steps=None, unit_column=None, overrides=(), listed=None, left_out=()):
        self.text, self.steps, self.optional, self.name = text, steps, list(optional), name
        self.shown, self.conditions = shown or text, conditions
        self.window_us, self.unit, self.tie = window_us, unit, tie
        self.rules, self.settings, self.row, self.order, self.anchor = rules, settings, row, order, anchor
        self.open, self.exclusion, self.ends_exclusive = open, exclusion, ends_exclusive
        self.tolerance_us, self.by_from = tolerance_us, by_from
        # A definition file with the steps, where they ask what `--steps` cannot, and the flags of the other keys.
        self.definition, self.flags = definition, list(flags)

        # `session`, `same-day`, `same-week`; columns to hold, and on which steps from 0; the column of the unit.
        self.chain_end, self.hold, self.unit_column, self.overrides = chain_end, list(hold), unit_column, list(overrides)
        # Every step with its keys, as the report lists them (None: not compared), and what other keys leave out of the rules.
        self.listed, self.left_out = listed, list(left_out)
        self.held_steps = held_steps if held_steps is not None else list(range(len(steps)))

    @property
    def value_columns(self):
        return [self.unit_column] if self.unit == COLUMN else self.hold

    @property
    def unit_name(self):
        return self.unit + ("-value" if self.hold else "")

    @property
    def longest_way_us(self):
        """The window, else all limits of gaps together."""
        if self.window_us is not None:
            return self.rules_window_us
        limits = [one.within_us for one in self.steps[1:]]
        return sum(limits) if limits and None not in limits else None

    @property
    def has_clusters(self):
        """Whether one person can have several units."""
        return self.unit != PERSON or bool(self.hold)

    @property
    def window_name(self):
        if self.chain_end:
            return self.chain_end
        return "total" if self.window_us is not None else "none" if self.longest_way_us is None else "per-step"

    @property
    def method(self):
        """How the program says that it finds winning chains."""
        if self.unit == ATTEMPT:
            return "tries"
        if self.order == "any":
            return "matching"
        if self.settings.choice != "earliest-start" or self.settings.entry == "successive":
            return "tries"
        if self.tolerance_us > 0 and self.tie == STEP:
            return "search"
        has_limits = any(one.within_us is not None or one.after_us for one in self.steps[1:])
        return "pareto-set" if has_limits or self.tolerance_us > 0 else "newest-start"

    def block(self, by):
        """What the report says of the definition."""
        within = [None if one.within_us is None else one.within_us / SECOND for one in self.steps[1:]]
        return {
            "steps": self.shown, "step_list": self.listed, "left_out": self.left_out, "unit": self.unit_name, "unit_columns": self.value_columns,
            "held_steps": [k + 1 for k in self.held_steps] if self.hold else None, "window": self.window_name,
            "window_s": None if self.window_us is None else self.window_us / SECOND,
            "window_end": "exclusive" if self.ends_exclusive else "inclusive",
            "within_s": within if any(limit is not None for limit in within) else None, "rules": self.rules,
            "overrides": self.overrides, "tie": self.tie, "tolerance_s": self.tolerance_us / SECOND, "row": self.row,
            "exclusion": self.exclusion, "method": self.method, "order": self.order,
            "anchor": "first" if self.anchor else None, "open": self.open, "by": by, "by_from": self.by_from_text}

    @property
    def rules_window_us(self):
        """The longest time from the first row to any other; times are whole microseconds."""
        return None if self.window_us is None else self.window_us - self.ends_exclusive

    @property
    def levels(self):
        """How levels are called."""
        if self.order == "any":
            return [f"{k} of {len(self.steps)} steps" for k in range(1, len(self.steps) + 1)]
        return [one.name for one in self.steps]

    @property
    def by_from_text(self):
        word, number = self.by_from
        return word if number is None else f"{word}={number}"


class Log:
    """How one bundled log is read. `users` may be several columns: the first that is not empty counts."""

    def __init__(self, path, users, time_column, event_column, session=None, value=None, currency=None,
                 event_name=None, columns=None):
        self.path, self.users, self.time_column = path, users, time_column
        self.event_column, self.session, self.value = event_column, session, value
        self.currency, self.event_name, self.columns = currency, event_name, columns

    def flags(self):
        flags = [str(ROOT / self.path), "--user", ",".join(self.users), "--time", self.time_column]
        flags += ["--event-name", self.event_name] if self.event_name else ["--event", self.event_column]
        for flag, column in (("--session", self.session), ("--value", self.value)):
            flags += [flag, column] if column else []
        if self.columns:
            flags += ["--no-header", "--columns", ",".join(self.columns)]
        return flags


class Row:
    """`place` is its number in the file; `person` a pair of the id's column and text; `value` in millionths."""

    __slots__ = ("person", "time", "event", "value", "fields", "place", "session")


class Case:
    """One run of the program: a log, flags, and what the flags mean."""

    def __init__(self, title, log, funnels, flags=(), zone="UTC", assume=None, start=None, end=None, as_of=None,
                 by=(), top=20, trend=None, where=None, where_text=None, timeout_us=30 * MINUTE,
                 quantiles=("0.25", "0.5", "0.75", "0.9", "0.95", "0.99"), method="type-7", config=None,
                 window=None):
        self.title, self.log, self.extra = title, log, list(flags)
        self.funnels = funnels if isinstance(funnels, list) else [funnels]
        self.zone_name, self.zone = zone, ZoneInfo(zone)
        self.assume = ZoneInfo(assume or zone)
        self.start_text, self.end_text, self.as_of_text = start, end, as_of
        self.start, self.end, self.as_of = (text and read_time(text, self.zone) for text in (start, end, as_of))
        self.by, self.top, self.trend = list(by), top, trend
        self.where, self.where_text, self.timeout_us = where, where_text, timeout_us
        self.quantiles, self.method, self.config = quantiles, method, config
        # As typed; that of the first funnel where nothing else is.
        self.window = window

    def window_text(self):
        window_us = self.funnels[0].window_us
        return self.window or ("none" if window_us is None else f"{window_us // SECOND}s")

    def command(self):
        if self.config:
            return ["report", "--config", str(ROOT / self.config), "-f", "json", *self.extra]
        funnel = self.funnels[0]
        steps = ["--config", funnel.definition] if funnel.definition else ["--steps", funnel.text]
        flags = ["report", *self.log.flags(), *steps, "-f", "json", "--max-rejects", "100%", *funnel.flags,
                 "--unit", f"column:{funnel.unit_column}" if funnel.unit == COLUMN else funnel.unit, "--tie", funnel.tie, "--time-zone", self.zone_name,
                 "--window", self.window_text(),
                 "--session-timeout", f"{self.timeout_us // SECOND}s", "--top", str(self.top),
                 "--quantiles", ",".join(self.quantiles), "--quantile-method", self.method]
        for flag, text in (("--from", self.start_text), ("--to", self.end_text), ("--as-of", self.as_of_text),
                           ("--trend", self.trend), ("--where", self.where_text)):
            flags += [flag, text] if text else []
        flags += ["--by", ",".join(self.by)] if self.by else []
        flags += ["--by-from", funnel.by_from_text] if self.by and funnel.by_from[0] != "first-entry" else []
        return flags + self.extra


@functools.cache
def records(path, columns):
    """All records of a CSV file as dictionaries."""
    data = (ROOT / path).read_bytes()
    text = (gzip.decompress(data) if path.endswith(".gz") else data).decode("utf-8")
    return list(csv.DictReader(io.StringIO(text, newline=""), fieldnames=columns))


class Events:
    """The used rows of a case by person, in order, with what the report says of the input."""

    def __init__(self, case):
        log, self.case = case.log, case
        self.rejects, self.filtered = Counter(), 0
        self.read = 0
        used = []
        columns = tuple(log.columns) if log.columns else None
        for place, record in enumerate(records(log.path, columns)):
            self.read += 1
            row = Row()
            row.person = next(((name, record[name]) for name in log.users if record[name]), None)
            row.time = read_time(record[log.time_column], case.assume) if record[log.time_column] else None
            if row.time is None:
                self.rejects["R04"] += 1
                continue
            if row.person is None:
                self.rejects["R07"] += 1
                continue
            if case.as_of is not None and row.time > case.as_of:
                self.rejects["R17"] += 1
                continue
            row.event = log.event_name or record[log.event_column] or None
            row.value = int(Decimal(record[log.value]) * 1_000_000) if log.value and record[log.value] else None
            row.session = (record[log.session] or None) if log.session else None
            row.fields, row.place = record, place
            if case.where and not case.where(row):
                self.filtered += 1
                continue
            used.append(row)
        self.used = used
        self.as_of = case.as_of if case.as_of is not None else max((row.time for row in used), default=None)
        self.rows_of = defaultdict(list)
        for row in used:
            self.rows_of[row.person].append(row)

    def in_order(self, tie):
        """Every person's rows by time and, under `file`, by place; else by name, by what the conditions of
        the steps found, and then by the other columns that are read."""
        log, by = self.case.log, self.case.by

        def by_bytes(row):
            found = [bool(test(row)) for funnel in self.case.funnels for test in funnel.conditions]
            columns = by + [name for funnel in self.case.funnels for name in funnel.value_columns if name not in by]
            segments = [(row.fields[name] or "").encode() for name in columns]
            value = -math.inf if row.value is None else row.value
            return (row.time, (row.event or "").encode(), found, (row.session or "").encode(), value, segments)

        key = (lambda row: (row.time, row.place)) if tie == FILE else by_bytes
        return {person: sorted(rows, key=key) for person, rows in self.rows_of.items()}

    def sessions(self, rows):
        """Pairs of first place and place behind the last, for rows in order of time."""
        cuts = [i for i in range(len(rows)) if i == 0 or rows[i].time - rows[i - 1].time > self.case.timeout_us]
        return list(zip(cuts, cuts[1:] + [len(rows)]))

    def input_block(self):
        ordered = self.in_order(STEP)
        rebuilt = [frozenset(row.place for row in rows[low:high])
                   for rows in ordered.values() for low, high in self.sessions(rows)]
        tied = Counter((row.person, row.time) for row in self.used)
        own = defaultdict(set)
        for row in self.used:
            if row.session is not None:
                own[row.person, row.session].add(row.place)
        whole = set(rebuilt)
        log_sessions = None
        if self.case.log.session:
            log_sessions = {"sessions": len(own), "identical": sum(frozenset(rows) in whole for rows in own.values()),
                            "rows_without_id": sum(row.session is None for row in self.used)}
        times = [row.time for row in self.used]
        self.tied_rows = sum(n for n in tied.values() if n > 1)
        return {
            "rows": {"read": self.read, "used": len(self.used), "rejected": sum(self.rejects.values()),
                     "filtered": self.filtered, "duplicates": 0},
            "rejects": dict(self.rejects), "persons": len(self.rows_of), "sessions": len(rebuilt),
            "from": write_time(min(times, default=None)), "to": write_time(max(times, default=None)),
            "as_of": write_time(self.as_of),
            "rows_without_event": sum(row.event is None for row in self.used),
            "tied_rows": self.tied_rows, "log_sessions": log_sessions,
            # None of these is asked for here.
            "cohort": None, "dedupe": None, "identity": None, "wide": None,
        }

    def warnings(self):
        """Pairs of code and number, in the order of the codes."""
        names = {row.event for row in self.used if row.event is not None}
        found = []
        for funnel in self.case.funnels:
            for one in funnel.steps:
                named = not one.spoken or any(one.spoken(name) for name in names)
                found += [("W01", 0)] if not named or not any(one.test(row) for row in self.used) else []
        n, most = len(self.used), max(map(len, self.rows_of.values()), default=0)
        nameless = sum(row.event is None for row in self.used)
        negative = sum(row.value is not None and row.value < 0 for row in self.used)
        for code, holds, count in (
                ("W06", self.tied_rows > 0.05 * n, self.tied_rows),
                ("W10", most > 0.1 * n and len(self.rows_of) > 10, most),
                ("W15", 0 < len(self.rows_of) < 30, len(self.rows_of)),
                ("W16", nameless > 0, nameless), ("W22", negative > 0, negative)):
            found += [(code, count)] if holds else []
        return found
