"""The units of a funnel, and everything that a report may say of each."""

from .chains import Search, level_of, marks_of, outcome_of
from .log import PERSON, SESSION, STEP, STRICT


class Unit:
    """One unit of one funnel. `places` are those of its rows among all rows of the person."""

    def __init__(self, events, funnel, person, rows, sessions, places, start, end):
        self.person, self.all_rows, self.sessions, self.places = person, rows, sessions, places
        self.rows = [rows[place] for place in places]
        self.funnel = funnel
        as_of, closes = events.as_of, None
        if funnel.unit == SESSION:
            closes = self.rows[-1].time + events.case.timeout_us

        def may_enter(time_us):
            return (start is None or time_us >= start) and (end is None or time_us < end)

        times, marks = [row.time for row in self.rows], [marks_of(funnel, row) for row in self.rows]
        search = Search(times, marks, funnel, funnel.tie, funnel.rules_window_us, may_enter, as_of, closes)
        found = outcome_of(search)
        self.status, self.level, self.entered_at = found.status, found.level, found.entered_at
        self.entered = self.status not in (None, "removed")
        if not self.entered:
            return
        self.entry, self.chain, self.served = found.entry, found.chain, found.served
        self.times = [times[i] for i in found.chain]
        self.converted = self.status == "converted"
        self.alive_since, self.attempts, self.seen_early = found.alive, found.attempts, found.seen_early
        window = funnel.rules_window_us
        self.mature = window is not None and times[self.entry] + window <= as_of
        parts = [times[i] for i, mark in enumerate(marks) if mark.serves or mark.breaks or mark.blocks
                 or any(test(self.rows[i]) for _, test, _ in funnel.optional)]
        self.levels = {STEP: self.level, STRICT: self.level}
        if len(set(parts)) < len(parts):
            self.levels = {tie: level_of(search.other(tie=tie)) for tie in (STEP, STRICT)}
        self.began_elsewhere = not self.is_entry(marks[0])
        self.used_optional = [self.uses(search, test, after) for _, test, after in funnel.optional]

    def is_entry(self, mark):
        if self.funnel.open or self.funnel.order == "any" and not self.funnel.anchor:
            return bool(mark.serves)
        return 0 in mark.serves

    def uses(self, search, test, after):
        """Whether a row of an optional step lies between the required ones; None where the chain lacks one of these."""
        if not (self.entered_at < after < self.level):
            return None
        first, last = (self.chain[after - 1 + side - self.entered_at] for side in (0, 1))
        return any(test(row) and i not in self.chain and search.lies_between(i, first, last)
                   for i, row in enumerate(self.rows))

    def has(self, step):
        """Whether the chain has this step, from 1; in any order at least so many."""
        return self.entered_at < step <= self.level

    def gap(self, step):
        """The time from this step to the next one, from 1, where the chain has both."""
        if not (self.has(step) and self.has(step + 1)):
            return None
        before, behind = (self.times[step - 1 + side - self.entered_at] for side in (0, 1))
        return max(behind - before, 0)

    def duration(self):
        return max(self.times[-1] - self.times[0], 0)

    def place(self, row):
        """Among all rows of the person."""
        return self.places[row]

    def leaving(self):
        """Of the session that holds the row of the stage: its number, and the place of its last row."""
        place = self.place(self.chain[-1])
        return next((k, high - 1) for k, (low, high) in enumerate(self.sessions) if low <= place < high)

    def completes_later(self):
        """Whether the person did what was missing after the window of the chain."""
        window = self.funnel.rules_window_us
        if window is None:
            return False
        later = [marks_of(self.funnel, row) for row in self.all_rows if row.time > self.times[0] + window]
        n = len(self.funnel.steps)
        missing = set(range(n)) - set(self.served) if self.funnel.order == "any" else {n - 1}
        return all(any(step in mark.serves for mark in later) for step in missing)

    # Segments.

    def entry_values(self, by):
        row = self.rows[self.entry]
        return tuple(row.fields[name] or None for name in by)

    def segment(self, by):
        """The values that the unit is counted under, None where it has no row to take them from; whether any is not
        that of the first entry, and whether any is that of a later row of the chain than its first."""
        word, number = self.funnel.by_from
        chain = [self.rows[i] for i in self.chain]
        values, late = [], False
        for name in by:
            if word == "first-entry":
                row = self.rows[self.entry]
            elif word == "person":
                known = [row for row in self.all_rows[:self.place(self.entry) + 1] if row.fields[name]]
                row = known[-1] if known else self.rows[self.entry]
            elif word == "step":
                if number - 1 not in self.served:
                    return None, False, False
                row = chain[self.served.index(number - 1)]
            else:
                known = [row for row in chain if row.fields[name]]
                row = known[0 if word == "first-seen" else -1] if known else chain[0]
            late |= word not in ("first-entry", "person") and row is not chain[0]
            values.append(row.fields[name] or None)
        return tuple(values), tuple(values) != self.entry_values(by), late


def units_of(events, funnel, start, end):
    """All units that entered."""
    found = []
    for person, rows in events.in_order(funnel.tie).items():
        sessions = events.sessions(rows)
        spans = {PERSON: [(0, len(rows))], SESSION: sessions}[funnel.unit]
        for low, high in spans:
            unit = Unit(events, funnel, person, rows, sessions, list(range(low, high)), start, end)
            if unit.entered:
                found.append(unit)
    return found


def stage_of(rows, funnel):
    """The level of a session's rows, without a window."""
    marks = [marks_of(funnel, row) for row in rows]
    return level_of(Search([row.time for row in rows], marks, funnel, funnel.tie, None))
