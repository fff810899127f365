#!/usr/bin/env python3
"""Checks every number of `dropoff report` against a second, independent implementation.

    python3 scripts/verify.py path/to/dropoff            all cases
    python3 scripts/verify.py path/to/dropoff WORD       only cases whose title has WORD in it

Needs Python 3.11 and nothing else. The bundled logs of `testdata/` are read here with the modules csv
and gzip, and every number is worked out from `docs/DEFINITIONS.md`, plainly and slowly: chains are found
by trying every row that may come next, quantiles from sorted lists, the survival curve by going through
all entrants at every instant. Then the program is run with `-f json` and the whole `body` is compared:
the same fields, lists of the same length, integers and texts equal, other numbers to 1e-9 of their size.

Left out: `run` (files, dialects, clocks), `definition.hash` and `body_hash`, the wording of warnings.
Of the survival curve the program lists at most 24 points; each must be a point of the whole curve, the
first and the last among them, and all of them if they are not more than 24.

Steps and conditions are not parsed here: a case gives the text for the program and the same thing in
Python, each written by hand. Exit code 0 if all is equal, 1 if not, 2 on wrong usage.
"""

import csv
import functools
import gzip
import io
import json
import math
import subprocess
import sys
import time
from collections import Counter, defaultdict
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from zoneinfo import ZoneInfo

ROOT = Path(__file__).resolve().parent.parent
SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
Z95 = 1.959963984540054
STEP, FILE, STRICT = "step", "file", "strict"
PERSON, SESSION = "person", "session"
EDGES_S = [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400,
           2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400]


# ---------------------------------------------------------------------------------------------------------
# Times


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


# ---------------------------------------------------------------------------------------------------------
# What is asked


class Step:
    """A required step: its name in the report, which rows serve it, and what must not lie before it.

    `spoken` tells which event names it is about, for warning W01; None where it is about any."""

    def __init__(self, name, test, spoken=None, forbidden=()):
        self.name, self.test, self.spoken, self.forbidden = name, test, spoken, list(forbidden)


def named(*names, where=None):
    """A test of rows: one of these names, and a condition on the fields."""
    def test(row):
        return row.event in names and (where is None or where(row))
    return test


def step(name, *names, where=None, forbidden=()):
    names = names or (name,)
    return Step(name, named(*names, where=where), lambda event: event in names, forbidden)


class Funnel:
    """`optional` lists (name, test, required steps before it)."""

    def __init__(self, text, steps, optional=(), name="purchase", window_us=7 * DAY, unit=PERSON, tie=STEP):
        self.text, self.steps, self.optional, self.name = text, steps, list(optional), name
        self.window_us, self.unit, self.tie = window_us, unit, tie


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
                 quantiles=("0.25", "0.5", "0.75", "0.9", "0.95", "0.99"), method="type-7", config=None):
        self.title, self.log, self.extra = title, log, list(flags)
        self.funnels = funnels if isinstance(funnels, list) else [funnels]
        self.zone_name, self.zone = zone, ZoneInfo(zone)
        self.assume = ZoneInfo(assume or zone)
        self.start_text, self.end_text, self.as_of_text = start, end, as_of
        self.start, self.end, self.as_of = (text and read_time(text, self.zone) for text in (start, end, as_of))
        self.by, self.top, self.trend = list(by), top, trend
        self.where, self.where_text, self.timeout_us = where, where_text, timeout_us
        self.quantiles, self.method, self.config = quantiles, method, config

    def command(self):
        if self.config:
            return ["report", "--config", str(ROOT / self.config), "-f", "json", *self.extra]
        funnel = self.funnels[0]
        flags = ["report", *self.log.flags(), "--steps", funnel.text, "-f", "json", "--max-rejects", "100%",
                 "--unit", funnel.unit, "--tie", funnel.tie, "--time-zone", self.zone_name,
                 "--window", "none" if funnel.window_us is None else f"{funnel.window_us // SECOND}s",
                 "--session-timeout", f"{self.timeout_us // SECOND}s", "--top", str(self.top),
                 "--quantiles", ",".join(self.quantiles), "--quantile-method", self.method]
        for flag, text in (("--from", self.start_text), ("--to", self.end_text), ("--as-of", self.as_of_text),
                           ("--trend", self.trend), ("--where", self.where_text)):
            flags += [flag, text] if text else []
        flags += ["--by", ",".join(self.by)] if self.by else []
        return flags + self.extra


# ---------------------------------------------------------------------------------------------------------
# Reading


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
        """Every person's rows by time and, under `file`, by place; else by name and then the other columns
        that are read."""
        log, by = self.case.log, self.case.by

        def by_bytes(row):
            others = [row.session or "", *(row.fields[name] for name in by),
                      row.fields[log.value] if log.value else ""]
            return (row.time, (row.event or "").encode(), [text.encode() for text in others])

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
                     "filtered": self.filtered},
            "rejects": dict(self.rejects), "persons": len(self.rows_of), "sessions": len(rebuilt),
            "from": write_time(min(times, default=None)), "to": write_time(max(times, default=None)),
            "as_of": write_time(self.as_of),
            "rows_without_event": sum(row.event is None for row in self.used),
            "tied_rows": self.tied_rows, "log_sessions": log_sessions,
        }

    def warnings(self):
        """Pairs of code and number, in the order of the codes."""
        names = {row.event for row in self.used if row.event is not None}
        found = []
        for funnel in self.case.funnels:
            spoken = [one.spoken for one in funnel.steps] + [None for _ in funnel.optional]
            found += [("W01", 0) for test in spoken if test and not any(test(name) for name in names)]
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


# ---------------------------------------------------------------------------------------------------------
# Chains


class Search:
    """All chains of one unit. Rows are numbered in order; a chain that has served k steps and stands at row i
    is continued by every row that may serve step k + 1."""

    def __init__(self, rows, funnel, tie, window_us, forbid=True):
        self.rows, self.tie, self.window_us = rows, tie, window_us
        self.n = len(funnel.steps)
        self.serving = [[i for i, row in enumerate(rows) if one.test(row)] for one in funnel.steps]
        self.barred = [[i for i, row in enumerate(rows) if forbid and any(test(row) for test in one.forbidden)]
                       for one in funnel.steps]
        self.known = {}

    def limit(self, start):
        return math.inf if self.window_us is None else self.rows[start].time + self.window_us

    def followers(self, at, done, here, limit):
        """Rows that may serve the next step, in order. `here` holds the chain's rows of the present instant."""
        rows, now = self.rows, self.rows[at].time
        for j in self.serving[done]:
            then = rows[j].time
            if then > limit:
                break
            if self.tie == FILE:
                if j <= at or any(at < x < j for x in self.barred[done]):
                    continue
            else:
                if then < now or (self.tie == STRICT and then == now) or j in here:
                    continue
                if any(now < rows[x].time < then for x in self.barred[done]):
                    continue
            yield j

    def moved(self, at, j, here):
        same = self.rows[at].time == self.rows[j].time
        return here | {j} if same else frozenset([j])

    def furthest(self, at, done, here, limit):
        """The most steps that a chain standing here can serve in all."""
        if done == self.n:
            return done
        key = (at, done, here, limit)
        if key not in self.known:
            best = done
            for j in self.followers(at, done, here, limit):
                best = max(best, self.furthest(j, done + 1, self.moved(at, j, here), limit))
                if best == self.n:
                    break
            self.known[key] = best
        return self.known[key]

    def winner(self, entries):
        """Most steps, then the earliest start, then the earliest later rows."""
        level, start = 0, None
        for entry in entries:
            reached = self.furthest(entry, 1, frozenset([entry]), self.limit(entry))
            if reached > level:
                level, start = reached, entry
            if level == self.n:
                break
        if start is None:
            return []
        chain, here, limit = [start], frozenset([start]), self.limit(start)
        while len(chain) < level:
            for j in self.followers(chain[-1], len(chain), here, limit):
                after = self.moved(chain[-1], j, here)
                if self.furthest(j, len(chain) + 1, after, limit) == level:
                    chain.append(j)
                    here = after
                    break
        return chain

    def latest_alive(self, entries, as_of):
        """The start of the latest attempt that a row after `as_of` could still extend."""
        for entry in reversed(entries):
            if self.limit(entry) <= as_of:
                continue
            seen, heap = set(), [(entry, 1, frozenset([entry]))]
            while heap:
                state = heap.pop()
                if state in seen or state[1] == self.n:
                    continue
                seen.add(state)
                at, done, here = state
                behind = ((lambda x: x > at) if self.tie == FILE else
                          (lambda x: self.rows[x].time > self.rows[at].time))
                if not any(behind(x) for x in self.barred[done]):
                    return entry
                heap += [(j, done + 1, self.moved(at, j, here))
                         for j in self.followers(at, done, here, self.limit(entry))]
        return None


def attempts(search, first, may_enter):
    """How often a unit set out: greedily, an instant (under `file` a row) at a time."""
    rows, n, tie = search.rows, search.n, search.tie
    instants, i = [], first
    while i < len(rows):
        j = i + 1
        while tie != FILE and j < len(rows) and rows[j].time == rows[i].time:
            j += 1
        instants.append(range(i, j))
        i = j
    serving = [set(places) for places in search.serving]
    barred = [set(places) for places in search.barred]

    def climb(done, free):
        """The most steps that distinct rows of one instant serve from `done` on."""
        best = done
        if done < n:
            for place in free:
                if place in serving[done]:
                    further = done + 1 if tie == STRICT else climb(done + 1, [x for x in free if x != place])
                    best = max(best, further)
        return best

    count, started, done = 0, None, 0
    for instant in instants:
        now = rows[instant[0]].time
        if started is not None and search.window_us is not None and now - started > search.window_us:
            started = None
        if started is not None:
            reached = climb(done, list(instant))
            if reached > done:
                done = reached
                if done == n:
                    started = None
                continue
            if not any(place in barred[done] for place in instant):
                continue
            started = None
        if may_enter(now):
            reached = climb(0, list(instant))
            if reached > 0:
                count += 1
                started, done = (now, reached) if reached < n else (None, 0)
    return count


class Unit:
    """One unit of one funnel: everything the report may say of it."""

    def __init__(self, events, funnel, person, rows, sessions, low, high, start, end):
        self.person, self.all_rows, self.sessions, self.low = person, rows, sessions, low
        self.rows = rows[low:high]
        as_of = events.as_of
        search = Search(self.rows, funnel, funnel.tie, funnel.window_us)

        def may_enter(time_us):
            return (start is None or time_us >= start) and (end is None or time_us < end)

        entries = [i for i in search.serving[0] if may_enter(self.rows[i].time)]
        self.entered = bool(entries)
        if not entries:
            return
        self.entry = entries[0]
        self.chain = search.winner(entries)
        self.level = len(self.chain)
        self.times = [self.rows[i].time for i in self.chain]
        self.converted = self.level == search.n
        free = search
        if any(one.forbidden for one in funnel.steps) and not self.converted:
            free = Search(self.rows, funnel, funnel.tie, funnel.window_us, forbid=False)
        alive = None if self.converted else search.latest_alive(entries, as_of)
        if funnel.unit == SESSION and self.rows[-1].time + events.case.timeout_us <= as_of:
            alive = None
        if self.converted:
            self.status = "converted"
        elif free is not search and len(free.winner(entries)) > self.level:
            self.status = "excluded"
        else:
            self.status = "open" if alive is not None else "dropped"
        self.alive_since = None if alive is None else self.rows[alive].time
        self.mature = funnel.window_us is not None and self.rows[self.entry].time + funnel.window_us <= as_of
        self.attempts = attempts(search, self.entry, may_enter) if self.converted else None
        levels = {}
        for tie in (STEP, STRICT):
            other = search if tie == funnel.tie else Search(self.rows, funnel, tie, funnel.window_us)
            levels[tie] = len(other.winner([i for i in other.serving[0] if may_enter(self.rows[i].time)]))
        self.levels = levels
        self.began_elsewhere = 0 not in search.serving[0]
        self.seen_early = False
        if not self.converted:
            first, last = self.chain[0], self.chain[-1]
            self.seen_early = any(self.between(i, first, last, funnel.tie) for i in search.serving[self.level])
        self.used_optional = []
        for _, test, after in funnel.optional:
            if self.level > after:
                first, last = self.chain[after - 1], self.chain[after]
                self.used_optional.append(any(test(row) and self.between(i, first, last, funnel.tie)
                                              for i, row in enumerate(self.rows)))
            else:
                self.used_optional.append(None)

    def between(self, i, first, last, tie):
        """Whether a row that is not on the chain lies between two that are."""
        if i in self.chain:
            return False
        if tie == FILE:
            return first < i < last
        low, now, high = (self.rows[place].time for place in (first, i, last))
        return low <= now <= high if tie == STEP else low < now < high

    def duration(self):
        return self.times[-1] - self.times[0]

    def leaving(self):
        """Of the session that holds the row of the stage: its number, and the place of its last row."""
        place = self.low + self.chain[-1]
        return next((k, high - 1) for k, (low, high) in enumerate(self.sessions) if low <= place < high)


def units_of(events, funnel, start, end):
    """All units that entered."""
    found = []
    for person, rows in events.in_order(funnel.tie).items():
        sessions = events.sessions(rows)
        spans = sessions if funnel.unit == SESSION else [(0, len(rows))]
        for low, high in spans:
            unit = Unit(events, funnel, person, rows, sessions, low, high, start, end)
            if unit.entered:
                found.append(unit)
    return found


# ---------------------------------------------------------------------------------------------------------
# Statistics


def quantile(values, q, method):
    """Exact, in fractions. `values` are sorted."""
    if not values:
        return None
    q = Fraction(q)
    if method == "nearest-rank":
        return Fraction(values[max(math.ceil(q * len(values)), 1) - 1])
    place = q * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def seconds(value):
    return None if value is None else float(Fraction(value) / SECOND)


def key_of(q):
    text = f"{Decimal(q) * 100:f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return "p" + text.replace(".", "_")


def spread(case, values):
    values = sorted(values)
    n = len(values)
    found = {"n": n, "mean_s": seconds(Fraction(sum(values), n)) if n else None,
             "least_s": seconds(values[0]) if n else None, "most_s": seconds(values[-1]) if n else None}
    found |= {key_of(q) + "_s": seconds(quantile(values, q, case.method)) for q in case.quantiles}
    return found


def spread_of_counts(case, values):
    values = sorted(values)
    n = len(values)
    found = {"n": n, "mean": sum(values) / n if n else None, "least": values[0] if n else None,
             "most": values[-1] if n else None}
    for q in case.quantiles:
        value = quantile(values, q, case.method)
        found[key_of(q)] = None if value is None else float(value)
    return found


def share(part, whole):
    return part / whole if whole else None


def wilson(p, n):
    if not n:
        return None
    middle = (p + Z95 ** 2 / (2 * n)) / (1 + Z95 ** 2 / n)
    half = Z95 / (1 + Z95 ** 2 / n) * math.sqrt(p * (1 - p) / n + Z95 ** 2 / (4 * n * n))
    return [0.0 if p == 0 else middle - half, 1.0 if p == 1 else middle + half]


def interval(funnel, base, hits):
    """95 % for the share of `hits` (units) among `base` (units); persons are clusters of sessions."""
    n, x = len(base), sum(map(hits, base))
    if n == 0:
        return None
    if funnel.unit == PERSON:
        return wilson(x / n, n)
    per_person = defaultdict(lambda: [0, 0])
    for unit in base:
        per_person[unit.person][0] += 1
        per_person[unit.person][1] += hits(unit)
    people = len(per_person)
    if x in (0, n):
        return wilson(x / n, people)
    p = Fraction(x, n)
    # The variance of a ratio over clusters, over that of as many independent units.
    scatter = sum((y - p * m) ** 2 for m, y in per_person.values())
    effect = (scatter * CLUSTER_FACTOR(people) / n ** 2) / (p * (1 - p) / n)
    return wilson(float(p), float(min(max(n / effect if effect else n, 1), n)))


def CLUSTER_FACTOR(people):
    return Fraction(people, people - 1) if people > 1 else 1


def survival_curve(observations):
    """Kaplan-Meier with Greenwood's interval on the log-log scale, going through everybody at every time.

    `observations` are pairs of a time and whether it is a purchase."""
    points = [{"t_s": 0.0, "not_yet": 1.0, "ci95": [1.0, 1.0], "at_risk": len(observations)}]
    alive, greenwood = Fraction(1), Fraction(0)
    for when in sorted({when for when, bought in observations if bought}):
        at_risk = sum(other >= when for other, _ in observations)
        bought = sum(other == when and is_purchase for other, is_purchase in observations)
        alive *= Fraction(at_risk - bought, at_risk)
        if at_risk > bought:
            greenwood += Fraction(bought, at_risk * (at_risk - bought))
        ci95 = None
        if alive > 0:
            log = math.log(alive)
            swing = Z95 * math.sqrt(greenwood) / abs(log)
            ci95 = sorted(math.exp(log * math.exp(sign * swing)) for sign in (-1, 1))
        point = {"t_s": seconds(when), "not_yet": float(alive), "ci95": ci95, "at_risk": at_risk}
        if when == 0:
            points = []
        points.append(point)
    return points


# ---------------------------------------------------------------------------------------------------------
# The parts of a report


def conversion(case, funnel, units):
    n = len(funnel.steps)
    reached = [[unit for unit in units if unit.level >= k] for k in range(n + 1)]
    lost_in_all = len(units) - len(reached[n])
    steps = []
    for k in range(1, n + 1):
        stopped = [unit for unit in units if unit.level == k < n]
        by_status = Counter(unit.status for unit in stopped)
        def hits(unit, k=k):
            return unit.level >= k
        steps.append({
            "step": k, "name": funnel.steps[k - 1].name, "reached": len(reached[k]),
            "of_first": share(len(reached[k]), len(units)),
            "of_previous": share(len(reached[k]), len(reached[k - 1])) if k > 1 else None,
            "of_first_ci95": interval(funnel, units, hits) if k > 1 else None,
            "of_previous_ci95": interval(funnel, reached[k - 1], hits) if k > 1 else None,
            "lost": len(stopped), "lost_dropped": by_status["dropped"], "lost_open": by_status["open"],
            "lost_excluded": by_status["excluded"],
            "share_of_loss": share(len(stopped), lost_in_all) if k < n else None,
        })
    mature = [unit for unit in units if unit.mature]
    bought = sum(unit.converted for unit in mature)
    optional = []
    for place, (name, _, after) in enumerate(funnel.optional):
        passed = [unit for unit in units if unit.level > after]
        users = [unit for unit in passed if unit.used_optional[place]]
        others = [unit for unit in passed if not unit.used_optional[place]]
        optional.append({
            "name": name, "after_step": after, "before_step": after + 1, "passed": len(passed), "used": len(users),
            "used_share": share(len(users), len(passed)),
            "conversion_with": share(sum(unit.converted for unit in users), len(users)),
            "conversion_without": share(sum(unit.converted for unit in others), len(others)),
        })
    still_open = sum(unit.status == "open" for unit in units)
    return {
        "steps": steps,
        "mature": None if funnel.window_us is None else {
            "n": len(mature), "converted": bought, "share": share(bought, len(mature)),
            "ci95": interval(funnel, mature, lambda unit: unit.converted)},
        "bounds": [share(len(reached[n]), len(units)), share(len(reached[n]) + still_open, len(units))]
        if still_open else None,
        "optional": optional,
    }


def top_names(names):
    """The five most frequent, by bytes where equally frequent, and `(other)` for the rest."""
    counts = Counter("(no name)" if name is None else name for name in names)
    ranked = sorted(counts.items(), key=lambda item: (-item[1], item[0].encode()))
    listed = [{"event": name, "n": n} for name, n in ranked[:5]]
    rest = sum(n for _, n in ranked[5:])
    return listed + ([{"event": "(other)", "n": rest}] if rest else [])


def abandonment(case, funnel, units):
    stages = []
    for k in range(1, len(funnel.steps)):
        here = [unit for unit in units if unit.level == k]
        dropped = [unit for unit in here if unit.status == "dropped"]
        last, following, stayed, values, came_back, later = [], [], [], [], 0, 0
        for unit in dropped:
            number, place = unit.leaving()
            row = unit.all_rows[place]
            last.append(row.event)
            stayed.append(row.time - unit.times[-1])
            if number + 1 < len(unit.sessions):
                came_back += 1
                following.append(unit.all_rows[unit.sessions[number + 1][0]].event)
            if funnel.window_us is not None:
                limit = unit.times[0] + funnel.window_us
                rows = BOUGHT_LATER_ROWS(unit)
                later += any(funnel.steps[-1].test(other) and other.time > limit for other in rows)
            known = [other.value for other in unit.all_rows[:place + 1] if other.value is not None]
            values += known[-1:]
        went_on = sorted(unit.times[k] - unit.times[k - 1] for unit in units if unit.level > k)
        nexts = top_names(following)
        if len(dropped) > came_back:
            nexts.append({"event": "(none)", "n": len(dropped) - came_back})
        value = None
        if case.log.value:
            middle = quantile(sorted(values), "0.5", case.method)
            value = {"n": len(values), "sum": float(Fraction(sum(values), 1_000_000)),
                     "p50": None if middle is None else float(middle / 1_000_000), "currency": case.log.currency}
        status = Counter(unit.status for unit in here)
        stages.append({
            "step": k, "name": funnel.steps[k - 1].name, "dropped": status["dropped"], "open": status["open"],
            "excluded": status["excluded"], "seen_early": sum(unit.seen_early for unit in here),
            "last_events": top_names(last), "next_events": nexts,
            "left_after_p50_s": seconds(quantile(sorted(stayed), "0.5", case.method)),
            "went_on_after_p50_s": seconds(quantile(went_on, "0.5", case.method)),
            "came_back": came_back, "came_back_share": share(came_back, len(dropped)), "bought_later": later,
            "value": value,
        })
    return {"stages": stages}


def BOUGHT_LATER_ROWS(unit):
    return unit.all_rows


def time_to_purchase(case, funnel, units, as_of):
    buyers = [unit for unit in units if unit.converted]
    found = spread(case, [unit.duration() for unit in buyers])
    sessions, days, rows = [], [], []
    for unit in buyers:
        place = unit.low + unit.chain[-1]
        sessions.append(sum(low <= place for low, _ in unit.sessions))
        days.append(len({calendar_day(row.time, case.zone) for row in unit.all_rows[:place + 1]}))
        rows.append(place + 1)
    whole = sum(unit.duration() for unit in buyers)
    steps = []
    for k in range(1, len(funnel.steps)):
        gaps = [unit.times[k] - unit.times[k - 1] for unit in units if unit.level > k]
        of_buyers = sum(unit.times[k] - unit.times[k - 1] for unit in buyers)
        steps.append({"from": k, "to": k + 1, "share_of_time": share(of_buyers, whole)} | spread(case, gaps))
    bins = Counter()
    for unit in buyers:
        bins[next((i for i, edge in enumerate(EDGES_S) if unit.duration() <= edge * SECOND), len(EDGES_S))] += 1
    histogram = [{"over_s": float(EDGES_S[i - 1]) if i else None,
                  "to_s": float(EDGES_S[i]) if i < len(EDGES_S) else None, "n": bins[i]}
                 for i in range(min(bins), max(bins) + 1)] if bins else []
    watched = []
    for unit in units:
        if unit.converted:
            watched.append((unit.duration(), True))
        elif unit.status == "open":
            watched.append((as_of - unit.alive_since, False))
        else:
            watched.append((math.inf if funnel.window_us is None else funnel.window_us, False))
    curve = survival_curve(watched) if watched else []
    return found | {
        "since_first_entry": spread(case, [unit.times[-1] - unit.rows[unit.entry].time for unit in buyers]),
        "since_first_event": spread(case, [unit.times[-1] - unit.rows[0].time for unit in buyers]),
        "attempts_mean": share(sum(unit.attempts for unit in buyers), len(buyers)),
        "sessions_until": spread_of_counts(case, sessions), "active_days_until": spread_of_counts(case, days),
        "events_until": spread_of_counts(case, rows), "steps": steps, "histogram": histogram,
        "survival": Curve(curve),
        "survival_median_s": next((point["t_s"] for point in curve if point["not_yet"] <= 0.5), None),
    }


class Curve:
    """A whole curve, of which the program may list a part."""

    def __init__(self, points):
        self.points = points


def counts(units):
    status = Counter(unit.status for unit in units)
    return {"entered": len(units)} | {name: status[name] for name in ("converted", "dropped", "open", "excluded")}


def session_stages(events, funnel):
    """Every session that starts in the range of entries, by the level of its own rows without a window."""
    case, levels = events.case, Counter()
    for rows in events.in_order(funnel.tie).values():
        for low, high in events.sessions(rows):
            first = rows[low].time
            if (case.start is not None and first < case.start) or (case.end is not None and first >= case.end):
                continue
            search = Search(rows[low:high], funnel, funnel.tie, None)
            levels[len(search.winner(search.serving[0]))] += 1
    return [{"step": k, "n": levels[k]} for k in range(len(funnel.steps) + 1)]


def value_at(case, row):
    return tuple(row.fields[name] or None for name in case.by)


def segments(events, funnel, units):
    case, parts = events.case, defaultdict(list)
    if not case.by:
        return []
    for unit in units:
        parts[value_at(case, unit.rows[unit.entry])].append(unit)
    ranked = sorted(parts, key=lambda key: (-len(parts[key]), [(text or "").encode() for text in key]))
    listed = [(dict(zip(case.by, key)), False, parts[key]) for key in ranked[:case.top]]
    rest = [unit for key in ranked[case.top:] for unit in parts[key]]
    if rest:
        listed.append(({name: "(other)" for name in case.by}, True, rest))
    return [{"by": by, "other": other} | counts(part) | {
        "conversion": conversion(case, funnel, part), "abandonment": abandonment(case, funnel, part),
        "time_to_purchase": time_to_purchase(case, funnel, part, events.as_of)} for by, other, part in listed]


def trend(events, funnel):
    """Every calendar period with an entry as a funnel of its own; and how many units are in several."""
    case = events.case
    if not case.trend:
        return [], 0
    buckets = {bucket_of(row.time, case.trend, case.zone) for row in events.used if funnel.steps[0].test(row)}
    found, seen = [], Counter()
    for low, high in sorted(buckets):
        start = low if case.start is None else max(low, case.start)
        end = high if case.end is None else min(high, case.end)
        units = units_of(events, funnel, start, end) if start < end else []
        if units:
            seen.update((unit.person, unit.low) for unit in units)
            mature = funnel.window_us is not None and high + funnel.window_us <= events.as_of
            found.append({"from": write_time(low), "to": write_time(high), "mature": mature} | counts(units) |
                         {"conversion": conversion(case, funnel, units)})
    return found, sum(n > 1 for n in seen.values())


def funnel_block(events, funnel):
    case = events.case
    units = units_of(events, funnel, case.start, case.end)
    buckets, in_several = trend(events, funnel)
    n = len(funnel.steps)
    moved = sum(value_at(case, unit.rows[unit.entry]) != value_at(case, unit.rows[unit.chain[0]]) for unit in units)
    return {"name": funnel.name, "definition": {
        "steps": funnel.text, "unit": funnel.unit,
        "window_s": None if funnel.window_us is None else funnel.window_us / SECOND, "rules": "dropoff",
        "tie": funnel.tie, "by": case.by}} | counts(units) | {
        "removed": 0, "conversion": conversion(case, funnel, units),
        "abandonment": abandonment(case, funnel, units),
        "time_to_purchase": time_to_purchase(case, funnel, units, events.as_of),
        "session_stages": session_stages(events, funnel), "segments": segments(events, funnel, units),
        "trend": buckets, "in_several_buckets": in_several,
        "ties": {"units": sum(unit.levels[STEP] != unit.levels[STRICT] for unit in units),
                 "conversion_strict": share(sum(unit.levels[STRICT] == n for unit in units), len(units)),
                 "conversion_step": share(sum(unit.levels[STEP] == n for unit in units), len(units))},
        "began_elsewhere": sum(unit.began_elsewhere for unit in units), "segment_moved": moved,
    }


def body(case):
    events = Events(case)
    first = case.funnels[0]
    found = {"definition": {
        "unit": first.unit, "window_s": None if first.window_us is None else first.window_us / SECOND,
        "rules": "dropoff", "tie": first.tie, "session_timeout_s": case.timeout_us / SECOND,
        "time_zone": case.zone_name, "from": write_time(case.start), "to": write_time(case.end),
        "where": case.where_text, "quantile_method": case.method, "top": case.top}}
    found["input"] = events.input_block()
    found["funnels"] = [funnel_block(events, funnel) for funnel in case.funnels]
    found["warnings"] = [{"code": code, "n": n} for code, n in events.warnings()]
    return found


# ---------------------------------------------------------------------------------------------------------
# Cases

SHOP = Log("testdata/retentioneering-ecom.csv.gz", ["user_id"], "timestamp", "event", session="session_id")
TRACKER = Log("testdata/snowplow-ecommerce.csv", ["user", "session"], "timestamp", "event", session="session",
              value="revenue")
TRACKER_USERS = Log("testdata/snowplow-ecommerce.csv", ["user"], "timestamp", "event", session="session",
                    value="price")
IBM_COLUMNS = ["customer_id", "time_stamp", "click_event_type", "product_name", "product_category", "product_price",
               "total_price_of_basket", "total_number_of_items_in_basket",
               "total_number_of_distinct_items_in_basket", "session_duration"]
TILL = Log("testdata/ibm-clickstream.csv", ["customer_id"], "time_stamp", "click_event_type",
           value="total_price_of_basket", columns=IBM_COLUMNS)
MUSIC = Log("testdata/cdnow-purchases.csv", ["master_id"], "date", None, value="dollars", event_name="purchase")
MUSIC_USD = Log("testdata/cdnow-purchases.csv", ["master_id"], "date", None, value="dollars", currency="USD",
                event_name="purchase")


def number(text):
    return Decimal(text) if text else None


def shop(**rest):
    names = "product_view, add_to_cart, shipping_details, payment_details, purchase"
    return Funnel(names, [step(name) for name in names.split(", ")], **rest)


def shop_not_cart(**rest):
    """Alternatives, a glob, an optional step, forbidden events in two gaps."""
    return Funnel(
        "catalog|search, product_view, !home|promo*, add_to_cart, filter_results?, Form=*_details, !payment_error, purchase",
        [step("catalog|search", "catalog", "search"), step("product_view"),
         step("add_to_cart", forbidden=[lambda row: row.event == "home" or (row.event or "").startswith("promo")]),
         Step("Form", lambda row: (row.event or "").endswith("_details"), lambda event: event.endswith("_details")),
         step("purchase", forbidden=[named("payment_error")])],
        optional=[("filter_results", named("filter_results"), 3)], **rest)


def shop_first_gap(**rest):
    """A forbidden event in the first gap, so that an attempt can die before its window ends."""
    return Funnel("product_view, !home, add_to_cart, purchase",
                  [step("product_view"), step("add_to_cart", forbidden=[named("home")]), step("purchase")], **rest)


def shop_again(**rest):
    return Funnel("purchase, search?, purchase", [step("purchase"), step("purchase")],
                  optional=[("search", named("search"), 1)], **rest)


def shop_conditions(**rest):
    def mail(row):
        return row.fields["platform"] in ("mobile", "tablet") and row.fields["acquisition_channel"] != "email"
    return Funnel(
        "product_view[platform in ('mobile', 'tablet') and not acquisition_channel = 'email'], "
        "[user_lifecycle ~ 'l*' or platform = 'tablet'], cart|add_to_cart, purchase",
        [step("product_view[platform in ('mobile', 'tablet') and not acquisition_channel = 'email']",
              "product_view", where=mail),
         Step("[user_lifecycle ~ 'l*' or platform = 'tablet']",
              lambda row: row.event is not None and (row.fields["user_lifecycle"].startswith("l")
                                                     or row.fields["platform"] == "tablet")),
         step("cart|add_to_cart", "cart", "add_to_cart"), step("purchase")], **rest)


def till(**rest):
    return Funnel(
        "Browse=browsing, Basket=add_to_cart, Checkout=checkout, !logout_without_purchase, Purchase=logout_with_purchase",
        [step("Browse", "browsing"), step("Basket", "add_to_cart"), step("Checkout", "checkout"),
         step("Purchase", "logout_with_purchase", forbidden=[named("logout_without_purchase")])], **rest)


def till_many_gaps(**rest):
    """Steps that one row can serve in turn, an event forbidden in every gap, and an optional step."""
    cheap = named("add_to_cart", where=lambda row: (number(row.fields["product_price"]) or 0) < 10)
    return Funnel(
        "login|browsing, !logout*, browsing, !add_to_cart[product_price < 10], add_to_cart, browsing?, add_to_cart|checkout, "
        "!logout_without_purchase, logout_with_purchase",
        [step("login|browsing", "login", "browsing"),
         step("browsing", forbidden=[lambda row: (row.event or "").startswith("logout")]),
         step("add_to_cart", forbidden=[cheap]), step("add_to_cart|checkout", "add_to_cart", "checkout"),
         step("logout_with_purchase", forbidden=[named("logout_without_purchase")])],
        optional=[("browsing", named("browsing"), 3)], **rest)


def tracker(**rest):
    return Funnel("View=product_view|list_view, Cart=add_to_cart, Checkout=checkout_step, Purchase=transaction",
                  [step("View", "product_view", "list_view"), step("Cart", "add_to_cart"),
                   step("Checkout", "checkout_step"), step("Purchase", "transaction")], **rest)


def tracker_visit(text=None, **rest):
    return Funnel(
        text or "List=list_view, Click=list_click?, Cart=add_to_cart, !remove_from_cart, Purchase=transaction[revenue > 0]",
        [step("List", "list_view"), step("Cart", "add_to_cart"),
         step("Purchase", "transaction", where=lambda row: (number(row.fields["revenue"]) or 0) > 0,
              forbidden=[named("remove_from_cart")])],
        optional=[("Click", named("list_click"), 1)], **rest)


def all_cases():
    """What is run. Every log, every rule, every breakdown; and the example files as they are."""
    cases = []

    def add(*arguments, **rest):
        cases.append(Case(*arguments, **rest))

    windows = [("1h", HOUR), ("1d", DAY), ("7d", 7 * DAY), ("none", None)]
    for words, window in windows:
        for unit in (PERSON, SESSION):
            for tie in (STEP, STRICT):
                add(f"shop, window {words}, {unit}, {tie}", SHOP, shop(window_us=window, unit=unit, tie=tie))
    for make in (shop_not_cart, shop_first_gap):
        for unit in (PERSON, SESSION):
            for words, window in windows[1:]:
                add(f"{make.__name__}, window {words}, {unit}", SHOP, make(window_us=window, unit=unit))
    add("shop_not_cart, file", SHOP, shop_not_cart(tie=FILE))
    add("shop_first_gap, strict", SHOP, shop_first_gap(tie=STRICT))
    add("shop, as-of in the middle", SHOP, shop(), as_of="2024-04-15")
    add("shop, as-of, session, none", SHOP, shop(unit=SESSION, window_us=None), as_of="2024-05-05T15:24:00")
    add("shop_first_gap, as-of in the middle", SHOP, shop_first_gap(), as_of="2024-05-05")
    add("shop_first_gap, as-of in the middle, none", SHOP, shop_first_gap(window_us=None), as_of="2024-05-05")
    add("shop, as-of after the end", SHOP, shop(window_us=30 * DAY), as_of="2024-07-20")
    add("shop, from and to", SHOP, shop(), start="2024-03-01", end="2024-04-01")
    add("shop, from and to, session", SHOP, shop(unit=SESSION, window_us=HOUR), start="2024-03-01T12:00:00",
        end="2024-04-01")
    add("shop, from, Jerusalem", SHOP, shop(tie=STRICT), zone="Asia/Jerusalem", assume="UTC", start="2024-05-01",
        flags=["--assume-time-zone", "UTC"])
    add("shop, naive times of Jerusalem", SHOP, shop(), zone="Asia/Jerusalem", start="2024-03-29", end="2024-06-01")
    add("shop, by one", SHOP, shop(), by=["platform"])
    add("shop, by one, top 3", SHOP, shop(), by=["acquisition_channel"], top=3)
    add("shop, by two, top 3", SHOP, shop(), by=["platform", "acquisition_channel"], top=3)
    add("shop, by two, top 3, session", SHOP, shop(unit=SESSION), by=["user_cohort", "user_lifecycle"], top=3)
    add("shop_not_cart, by one, top 3, none", SHOP, shop_not_cart(window_us=None), by=["user_cohort"], top=3)
    for period in ("week", "month"):
        for zone in ("UTC", "Asia/Jerusalem"):
            flags = ["--assume-time-zone", "UTC"]
            add(f"shop, trend by {period} in {zone}", SHOP, shop(), trend=period, zone=zone, assume="UTC", flags=flags)
    add("shop, trend by day of a month in Jerusalem", SHOP, shop(window_us=DAY), trend="day", zone="Asia/Jerusalem",
        assume="UTC", flags=["--assume-time-zone", "UTC"], start="2024-03-20T12:00", end="2024-04-05")
    add("shop, trend by month, session, by one", SHOP, shop(unit=SESSION), trend="month", by=["platform"],
        start="2024-02-10", end="2024-05-20")
    add("shop_not_cart, trend by week, none", SHOP, shop_not_cart(window_us=None), trend="week")
    add("shop, nearest rank", SHOP, shop(), method="nearest-rank", quantiles=("0.05", "0.5", "0.9", "0.999", "1"))
    add("shop_again", SHOP, shop_again(window_us=30 * DAY))
    add("shop_again, session", SHOP, shop_again(unit=SESSION, window_us=None))
    add("shop_again, strict, nearest rank", SHOP, shop_again(window_us=60 * DAY, tie=STRICT), method="nearest-rank")
    add("shop_conditions", SHOP, shop_conditions(window_us=None))
    add("shop_conditions, session, by two", SHOP, shop_conditions(unit=SESSION), by=["platform", "user_lifecycle"],
        top=3)
    add("shop, where", SHOP, shop(), where=lambda row: row.fields["platform"] != "mobile" and row.event != "home",
        where_text="platform != 'mobile' and not event = 'home'")
    add("shop, timeout of 5 minutes", SHOP, shop(), timeout_us=5 * MINUTE)
    add("shop, timeout of 5 minutes, session", SHOP, shop(unit=SESSION), timeout_us=5 * MINUTE)
    add("shop, a step that nobody does", SHOP, Funnel("product_view, nosuch, purchase", [
        step("product_view"), step("nosuch"), step("purchase")]))
    add("shop, a condition that nothing fulfils", SHOP, Funnel("product_view, purchase[platform = 'fridge']", [
        step("product_view"), step("purchase[platform = 'fridge']", "purchase", where=lambda row: False)]))

    for tie in (STEP, FILE, STRICT):
        for words, window in [("1m", MINUTE), ("3m", 3 * MINUTE), ("none", None)]:
            add(f"till, window {words}, {tie}", TILL, till(window_us=window, tie=tie))
            add(f"till_many_gaps, window {words}, {tie}", TILL, till_many_gaps(window_us=window, tie=tie))
    add("till_many_gaps, session of 20 s", TILL, till_many_gaps(window_us=2 * MINUTE, unit=SESSION),
        timeout_us=20 * SECOND)
    add("till_many_gaps, session of 20 s, strict, as-of", TILL,
        till_many_gaps(window_us=2 * MINUTE, unit=SESSION, tie=STRICT), timeout_us=20 * SECOND,
        as_of="2020-07-30T23:23:00")
    add("till, as-of in the middle, by one, top 3", TILL, till(window_us=2 * MINUTE), as_of="2020-07-30T23:23:00",
        by=["product_category"], top=3)
    add("till_many_gaps, by two, top 3", TILL, till_many_gaps(window_us=2 * MINUTE),
        by=["product_category", "product_name"], top=3)
    add("till, by one, top 3, file", TILL, till(window_us=2 * MINUTE, tie=FILE), by=["product_name"], top=3)
    add("till, from and to, nearest rank", TILL, till(window_us=2 * MINUTE), start="2020-07-30T23:19:00",
        end="2020-07-30T23:22:30", method="nearest-rank")
    add("till, where price", TILL, till(window_us=3 * MINUTE),
        where=lambda row: number(row.fields["total_price_of_basket"]) <= Decimal("120.5"),
        where_text="total_price_of_basket <= 120.5")
    add("till, browsing twice", TILL, Funnel("browsing, browsing, add_to_cart, add_to_cart", [
        step("browsing"), step("browsing"), step("add_to_cart"), step("add_to_cart")], window_us=3 * MINUTE))

    for words, window in windows:
        for unit in (PERSON, SESSION):
            add(f"tracker, window {words}, {unit}", TRACKER, tracker(window_us=window, unit=unit))
            add(f"tracker_visit, window {words}, {unit}", TRACKER, tracker_visit(window_us=window, unit=unit))
    add("tracker, one column of persons, by one", TRACKER_USERS, tracker(), by=["n_products"], top=3)
    add("tracker, one column of persons, strict, by two", TRACKER_USERS, tracker(tie=STRICT),
        by=["checkout_step", "n_products"], top=3)
    add("tracker, trend by week, as-of", TRACKER, tracker(), trend="week", as_of="2022-12-01", zone="Asia/Jerusalem")

    for tie in (STEP, STRICT, FILE):
        for words, window in [("30d", 30 * DAY), ("none", None)]:
            add(f"music, twice, window {words}, {tie}", MUSIC, Funnel("purchase, purchase", [
                step("purchase"), step("purchase")], window_us=window, tie=tie))
    add("music, twice, nearest rank, trend", MUSIC, Funnel("purchase, purchase", [
        step("purchase"), step("purchase")], window_us=90 * DAY), method="nearest-rank", trend="month",
        end="1997-09-01", zone="Asia/Jerusalem")
    add("music, a large and a small one, by number", MUSIC, Funnel("purchase[cds >= 3], purchase[cds < 3]", [
        step("purchase[cds >= 3]", "purchase", where=lambda row: int(row.fields["cds"]) >= 3),
        step("purchase[cds < 3]", "purchase", where=lambda row: int(row.fields["cds"]) < 3)],
        window_us=60 * DAY), by=["cds"], top=3)
    add("music, as-of in the middle, session", MUSIC, Funnel("purchase, purchase", [
        step("purchase"), step("purchase")], window_us=60 * DAY, unit=SESSION), as_of="1997-12-31",
        timeout_us=20 * DAY)

    names = ("View", "Cart", "Shipping", "Payment", "Purchase")
    events = ("product_view", "add_to_cart", "shipping_details", "payment_details", "purchase")
    add("examples/ecom.toml", SHOP, Funnel(", ".join(map("=".join, zip(names, events))), [
        step(name, event) for name, event in zip(names, events)]), config="examples/ecom.toml")
    add("examples/ibm.toml", TILL, till(window_us=3 * MINUTE), config="examples/ibm.toml")
    add("examples/snowplow.toml", TRACKER, [tracker(window_us=DAY), tracker_visit(
        window_us=None, unit=SESSION, name="visit")], config="examples/snowplow.toml")
    add("examples/cdnow.toml", MUSIC_USD, Funnel("First=purchase, Second=purchase, Third=purchase", [
        step("First", "purchase"), step("Second", "purchase"), step("Third", "purchase")], name="repeat",
        window_us=182 * DAY, tie=STRICT), config="examples/cdnow.toml", zone="America/New_York", end="1997-04-01",
        trend="month", where=lambda row: Decimal(row.fields["dollars"]) > 0, where_text="dollars > 0")
    return cases


# ---------------------------------------------------------------------------------------------------------
# Comparing


class Comparison:
    """Counts equal values by the part of the report that they stand in, and keeps the differences."""

    def __init__(self):
        self.equal, self.differences = Counter(), []

    def part_of(self, path):
        names = [name for name in path if isinstance(name, str)]
        if names[:1] != ["funnels"]:
            return names[0] if names else "(fields)"
        rest = names[1:] or ["(list)"]
        return " ".join(rest[:2]) if rest[0] in ("segments", "trend") else rest[0]

    def values(self, path, ours, theirs):
        if isinstance(ours, Curve):
            return self.curve(path, ours.points, theirs)
        if isinstance(ours, dict) and isinstance(theirs, dict):
            self.leaf(path, sorted(ours), sorted(theirs))
            for name in ours.keys() & theirs.keys():
                self.values([*path, name], ours[name], theirs[name])
        elif isinstance(ours, list) and isinstance(theirs, list):
            self.leaf(path, len(ours), len(theirs))
            for place, (one, other) in enumerate(zip(ours, theirs)):
                self.values([*path, place], one, other)
        else:
            self.leaf(path, ours, theirs)

    def leaf(self, path, ours, theirs):
        both_numbers = type(ours) in (int, float) and type(theirs) in (int, float)
        if both_numbers and float in (type(ours), type(theirs)):
            same = math.isclose(ours, theirs, rel_tol=1e-9, abs_tol=1e-12)
        else:
            same = ours == theirs and type(ours) is type(theirs)
        if same:
            self.equal[self.part_of(path)] += 1
        else:
            self.differences.append((path, ours, theirs))

    def curve(self, path, points, theirs):
        at = {point["t_s"]: point for point in points}
        if len(points) <= 24:
            self.leaf([*path, "points"], len(points), len(theirs))
        else:
            self.leaf([*path, "points"], True, 2 <= len(theirs) <= 24)
        if points and theirs:
            self.leaf([*path, "first"], points[0]["t_s"], theirs[0]["t_s"])
        times = [point["t_s"] for point in theirs]
        self.leaf([*path, "times"], sorted(set(times)), times)
        for place, point in enumerate(theirs):
            self.values([*path, place], at.get(point["t_s"]), point)


def cleaned(report):
    """The body without what is not compared."""
    found = report["body"]
    assert len(found["definition"].pop("hash")) == 64 and len(report["body_hash"]) == 64
    for warning in found["warnings"]:
        assert warning.pop("message")
    return found


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    program, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else ""
    total, failed = Counter(), 0
    cases = [case for case in all_cases() if wanted in case.title]
    for case in cases:
        began = time.monotonic()
        done = subprocess.run([program, *case.command()], capture_output=True, text=True, cwd=ROOT)
        if done.returncode not in (0, 3) or not done.stdout:
            print(f"FAILED {case.title}: exit {done.returncode}: {done.stderr.strip()}")
            failed += 1
            continue
        comparison = Comparison()
        comparison.values([], body(case), cleaned(json.loads(done.stdout)))
        total.update(comparison.equal)
        verdict = "differs" if comparison.differences else "equal"
        print(f"{verdict:8}{sum(comparison.equal.values()):8,} values{time.monotonic() - began:6.1f} s  {case.title}",
              flush=True)
        for path, ours, theirs in comparison.differences[:SHOWN]:
            print(f"        {'.'.join(map(str, path))}: here {ours!r}, there {theirs!r}")
        if len(comparison.differences) > SHOWN:
            print(f"        and {len(comparison.differences) - SHOWN} more")
        failed += bool(comparison.differences)
    print(f"\n{'part of the report':34}{'equal values':>14}")
    for part, n in sorted(total.items()):
        print(f"{part:34}{n:14,}")
    print(f"{'all':34}{sum(total.values()):14,}\n\n{len(cases)} cases, {failed} with differences")
    return 1 if failed else 0


SHOWN = 12


if __name__ == "__main__":
    sys.exit(main())
