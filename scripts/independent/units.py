"""The units of a funnel, and everything that a report may say of each."""

from collections import Counter, defaultdict
from dataclasses import dataclass

from .chains import BLOCKED, CONVERTED, EXCLUDED, EXPIRED, Outcome, Search, level_of, marks_of, outcome_of
from .log import ATTEMPT, COLUMN, SESSION, STEP, STRICT, bucket_of


@dataclass
class Form:
    """The rows of a unit: their places among all rows of the person, and what each may do there."""

    places: list
    marks: list
    first_place: int = 0
    closes: object = None
    ends: object = None
    # The rows are those of one value; other rows of the person are not the unit's own.
    of_value: bool = False


class Person:
    """All rows of one person in order, with what the funnel makes of them."""

    def __init__(self, events, funnel, name, rows):
        self.events, self.funnel, self.name, self.rows = events, funnel, name, rows
        self.sessions = events.sessions(rows)
        self.base = [marks_of(funnel, row) for row in rows]
        # Steps that a row matches and may not serve, as it is another occurrence than the one that may.
        self.bites = [set() for _ in rows]
        self.spent = set()
        for k, one in enumerate(funnel.steps):
            if one.nth is None:
                continue
            matching = [i for i, mark in enumerate(self.base) if k in mark.serves]
            for number, i in enumerate(matching, 1):
                if number != one.nth:
                    self.bites[i].add(k)
            if len(matching) >= one.nth:
                self.spent.add(k)
        self.no_value = 0

    def marks(self, place, without=frozenset()):
        bites = self.bites[place]
        return marks_of(self.funnel, self.rows[place], bites, without) if bites or without else self.base[place]

    def end_of(self, place):
        """The last instant of a chain that starts at the row, beside the window."""
        end, time = self.funnel.chain_end, self.rows[place].time
        if end == "session":
            last = next(high - 1 for low, high in self.sessions if low <= place < high)
            return self.rows[last].time + self.events.case.timeout_us
        return bucket_of(time, {"same-day": "day", "same-week": "week"}[end], self.events.case.zone)[1] - 1

    def value(self, place):
        """That of the columns that tell units apart; None where the row lacks one."""
        values = tuple(self.rows[place].fields[name] for name in self.funnel.value_columns)
        return values if all(values) else None

    def split(self, places, **rest):
        """The units of a range of rows: one, or one for each value that is held."""
        if not self.funnel.hold:
            return [Form(places, [self.marks(place) for place in places], **rest)]
        held = frozenset(self.funnel.held_steps)
        is_held = {place for place in places if self.base[place].serves & held}
        values = list(dict.fromkeys(self.value(place) for place in places if place in is_held))
        self.no_value += sum(self.value(place) is None for place in is_held)
        forms = []
        for value in [value for value in values if value is not None]:
            marks = [self.marks(place, frozenset() if self.value(place) == value else held) for place in places]
            forms.append(Form(places, marks, of_value=True, **rest))
        return forms or [Form(places, [self.marks(place, held) for place in places], **rest)]

    def forms(self, as_stages=False):
        """The units that the funnel counts; or, for the stages of sessions, those of every session by itself."""
        funnel, everything = self.funnel, list(range(len(self.rows)))
        if funnel.unit == SESSION or as_stages:
            forms = []
            for low, high in self.sessions:
                closes = self.rows[high - 1].time + self.events.case.timeout_us
                forms += self.split(list(range(low, high)), first_place=low, closes=closes)
        elif funnel.unit == COLUMN:
            of_value = defaultdict(list)
            for place in everything:
                of_value[self.value(place)].append(place)
            self.no_value += len(of_value.pop(None, []))
            forms = [Form(places, [self.marks(place) for place in places], first_place=places[0], of_value=True)
                     for places in of_value.values()]
        else:
            forms = self.split(everything)
        if funnel.chain_end and not as_stages:
            for form in forms:
                form.ends = [self.end_of(place) for place in form.places]
        return forms

    def stages(self):
        """For each session the deepest level inside it, without a window."""
        if self.funnel.hold or any(one.nth for one in self.funnel.steps):
            forms = self.forms(as_stages=True)
        else:
            forms = [Form(list(range(low, high)), self.base[low:high], low) for low, high in self.sessions]
        deepest = Counter()
        for form in forms:
            times = [self.rows[place].time for place in form.places]
            level = level_of(Search(times, form.marks, self.funnel, self.funnel.tie, None))
            deepest[form.first_place] = max(deepest[form.first_place], level)
        return [deepest[low] for low, _ in self.sessions]


def attempts_of(search):
    """Every attempt as an outcome of its own."""
    funnel, found = search.funnel, []
    if search.first_entry() is None:
        return found
    frozen = search.freeze()
    for one in search.attempts():
        if frozen and one.rows[0] >= frozen.ended_at:
            continue
        alive = None
        if not frozen and one.ended not in (CONVERTED, EXPIRED, EXCLUDED, BLOCKED) and \
                search.is_alive(one.rows[0], one.rows[-1], len(one.rows)):
            alive = search.times[one.rows[0]]
        removed = "removed" if funnel.exclusion == "remove" else "excluded"
        status = {CONVERTED: "converted", EXCLUDED: removed}.get(one.ended, "dropped" if alive is None else "open")
        level, n = len(one.rows), len(funnel.steps)
        seen_early = level < n and any(
            search.lies_between(i, one.rows[0], one.rows[-1]) and i not in one.rows for i in search.serving[level])
        found.append(Outcome(status, level, one.rows, list(range(level)), 0, one.rows[0], alive, level, 1,
                             seen_early))
    return found


class Unit:
    """One unit of one funnel with its outcome."""

    def __init__(self, person, form, search, found):
        funnel, events = person.funnel, person.events
        self.of, self.form, self.funnel, self.search, self.found = person, form, funnel, search, found
        self.person, self.all_rows, self.sessions, self.places = person.name, person.rows, person.sessions, form.places
        self.rows = [person.rows[place] for place in form.places]
        self.status, self.level, self.entered_at = found.status, found.level, found.entered_at
        self.entry, self.chain, self.served = found.entry, found.chain, found.served
        self.times = [self.rows[i].time for i in found.chain]
        self.converted = self.status == "converted"
        self.removed = self.status == "removed"
        self.alive_since, self.attempts, self.seen_early = found.alive, found.attempts, found.seen_early
        self.negative_gaps = found.negative_gaps
        is_attempt = funnel.unit == ATTEMPT
        entry_end = self.end_of_way(self.entry)
        self.mature = entry_end is not None and entry_end <= events.as_of
        self.first_event = self.rows[self.entry].time if is_attempt else person.rows[form.first_place].time
        self.began_elsewhere = not is_attempt and not self.is_entry(person.base[form.first_place])
        self.levels = {STEP: self.level, STRICT: self.level}
        if not is_attempt:
            self.levels = {tie: level_of(search.other(tie=tie)) for tie in (STEP, STRICT)}
        self.used_optional = [self.uses(test, after) for _, test, after in funnel.optional]

    def is_entry(self, mark):
        if self.funnel.open or self.funnel.order == "any" and not self.funnel.anchor:
            return bool(mark.serves)
        return 0 in mark.serves

    def end_of_way(self, row):
        """The last instant that a chain which starts at the row can use, where there is one."""
        way = self.funnel.longest_way_us
        ends = [] if way is None else [self.rows[row].time + way]
        ends += [] if self.form.ends is None else [self.form.ends[row]]
        return min(ends, default=None)

    def way(self):
        """How long the winning chain could be, where there is a limit."""
        if self.form.ends is None:
            return self.funnel.longest_way_us
        return self.end_of_way(self.chain[0]) - self.times[0]

    def uses(self, test, after):
        """Whether a row of an optional step lies between the required ones; None where the chain lacks one of these."""
        if not (self.entered_at < after < self.level):
            return None
        first, last = (self.chain[after - 1 + side - self.entered_at] for side in (0, 1))
        return any(test(row) and i not in self.chain and self.search.lies_between(i, first, last)
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
        """Whether what was missing was done after the chain could go on no longer."""
        if self.funnel.rules_window_us is not None or self.form.ends is not None:
            limit = self.end_of_way(self.chain[0])
        else:
            within = self.funnel.steps[self.level].within_us if self.funnel.order != "any" else None
            limit = None if within is None else self.times[-1] + within
        if limit is None:
            return False
        rows = zip(self.rows, self.form.marks) if self.form.of_value else zip(self.all_rows, self.of.base)
        later = [mark for row, mark in rows if row.time > limit]
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


def people_of(events, funnel):
    return [Person(events, funnel, name, rows) for name, rows in events.in_order(funnel.tie).items()]


def units_of(people, start, end):
    """All units that have an entry, those that are removed among them."""
    found = []
    for person in people:
        funnel, events = person.funnel, person.events

        def may_enter(time_us):
            return (start is None or time_us >= start) and (end is None or time_us < end)

        for form in person.forms():
            times = [person.rows[place].time for place in form.places]
            search = Search(times, form.marks, funnel, funnel.tie, funnel.rules_window_us, may_enter, events.as_of,
                            form.closes, form.ends, frozenset(person.spent))
            outcomes = attempts_of(search) if funnel.unit == ATTEMPT else [outcome_of(search)]
            found += [Unit(person, form, search, one) for one in outcomes if one.status is not None]
    return found
