"""Chains, tries and blocks of one unit, by trying every row that may come next.

A `Search` holds the rows of one unit under one tie rule and answers what the definitions ask: the winning
chain, which attempts are alive, how often the unit set out. Whatever rows may serve which step, and what must
not lie in which gap, is worked out once for each row."""

import itertools
import math
from collections import defaultdict
from dataclasses import dataclass, field, replace

from .log import FILE, SECOND, STEP, STRICT

RUNNING, CONVERTED, EXPIRED, EXCLUDED, BLOCKED = "running", "converted", "expired", "excluded", "blocked"


@dataclass(frozen=True)
class Marks:
    """What one row may do: the steps it may serve, the gaps in which it is forbidden, and those in which an
    arrow does not allow it. Steps and gaps count from 0; gap k lies before step k + 1."""

    serves: frozenset
    breaks: frozenset
    blocks: frozenset
    optional: frozenset = frozenset()

    def part(self, first=0):
        """What orders rows of one instant: those that may do least come first."""
        lists = [[k - first for k in some if k >= first] for some in (self.serves, self.breaks, self.blocks)]
        return [sorted(some, reverse=True) for some in [*lists, self.optional]]


# Which of the steps already reached are meant, in gap k.
REACHED = {
    "nothing": lambda step, k: False,
    "any-reached": lambda step, k: step <= k,
    "after-first": lambda step, k: 1 <= step <= k,
    "last-reached": lambda step, k: step == k,
}


def marks_of(funnel, row, another_occurrence=frozenset(), another_value=frozenset()):
    """A row that is another occurrence than the wanted one matches these steps and may not serve them; the
    steps of another value it does not match at all."""
    matched = [k for k, one in enumerate(funnel.steps) if one.test(row) and k not in another_value]
    if funnel.row == "first":
        matched = matched[:1]
    serves = [k for k in matched if k not in another_occurrence]
    optional_gaps = {after - 1 for _, test, after in funnel.optional if test(row)}
    breaks, blocks = set(), set()
    for k, one in enumerate(funnel.steps[1:]):
        if any(test(row) for test in one.forbidden):
            breaks.add(k)
        repeats = any(REACHED[funnel.settings.repeats](step, k) for step in matched)
        admits = any(REACHED[funnel.settings.admits](step, k) for step in serves)
        is_stranger = not any(test(row) for test in one.ignore) and k not in optional_gaps and not admits
        if ("adjacent" in one.arrow and is_stranger) or \
                ("no-disorder" in one.arrow and matched and k + 1 not in matched) or \
                ("no-repeat" in one.arrow and repeats):
            blocks.add(k)
    optional = frozenset(place for place, (_, test, _) in enumerate(funnel.optional) if test(row))
    return Marks(frozenset(serves), frozenset(breaks), frozenset(blocks), optional)


@dataclass
class Found:
    """What is known of a unit before it is put into words. `served` holds the step of each row of the chain."""

    chain: list = field(default_factory=list)
    served: list = field(default_factory=list)
    alive: object = None
    frozen: str = None
    rows: int = 0


@dataclass
class Try:
    rows: list
    ended: str
    ended_at: int
    next: int


class Search:
    """One unit under one tie rule. `marks` are those of its rows, `ends` the last instant for a chain that
    starts at each row beside the window, `spent` the steps that no later row can serve."""

    def __init__(self, times, marks, funnel, tie, window_us, may_enter=lambda time: True, as_of=math.inf,
                 closes=None, ends=None, spent=frozenset(), forbid=True, first=0):
        self.times, self.marks, self.funnel, self.tie = times, marks, funnel, tie
        self.window_us, self.entry_test, self.as_of, self.closes = window_us, may_enter, as_of, closes
        self.ends, self.spent, self.forbid, self.first = ends, spent, forbid, first
        self.n = len(funnel.steps) - first
        self.many = funnel.row == "many"
        self.tolerance = funnel.tolerance_us
        self.goes_back = tie == STEP and self.tolerance > 0
        self.serving = [[i for i, mark in enumerate(marks) if k + first in mark.serves] for k in range(self.n)]
        barred = [[i for i, mark in enumerate(marks) if forbid and k + first in mark.breaks] for k in range(self.n)]
        blocked = [[i for i, mark in enumerate(marks) if k + first in mark.blocks] for k in range(self.n)]
        self.barred, self.stopping = barred, [sorted({*a, *b}) for a, b in zip(barred, blocked)]
        self.known, self.known_moments = {}, None

    def other(self, **changes):
        """The same unit otherwise."""
        keys = dict(times=self.times, marks=self.marks, funnel=self.funnel, tie=self.tie, window_us=self.window_us,
                    may_enter=self.entry_test, as_of=self.as_of, closes=self.closes, ends=self.ends,
                    spent=self.spent, forbid=self.forbid, first=self.first)
        return Search(**{**keys, **changes})

    def until(self, row):
        return self.other(times=self.times[:row], marks=self.marks[:row],
                          ends=None if self.ends is None else self.ends[:row])

    # What the funnel asks of a step, from the first one that this search knows.

    def within(self, gap):
        limit = self.funnel.steps[gap + 1 + self.first].within_us
        return math.inf if limit is None else limit

    def after(self, gap):
        return self.funnel.steps[gap + 1 + self.first].after_us

    def limit(self, start):
        window = math.inf if self.window_us is None else self.times[start] + self.window_us
        return window if self.ends is None else min(window, self.ends[start])

    # Moments: rows of one instant that have a part, or under `file` single ones.

    def same_moment(self, a, b):
        return a == b if self.tie == FILE else self.times[a] == self.times[b]

    def moments(self):
        if self.known_moments is None:
            self.known_moments = found = []
            for i, mark in enumerate(self.marks):
                if not (mark.serves or mark.breaks or mark.blocks):
                    continue
                if found and self.same_moment(found[-1][0], i):
                    found[-1].append(i)
                else:
                    found.append([i])
        return self.known_moments

    def is_inside(self, x, first, last):
        if self.tie == FILE:
            return first < x < last
        return self.times[first] < self.times[x] < self.times[last]

    def is_behind(self, x, last):
        return x > last if self.tie == FILE else self.times[x] > self.times[last]

    def lies_between(self, x, first, last):
        if self.tie == STEP:
            return self.times[first] <= self.times[x] <= self.times[last]
        return self.is_inside(x, first, last)

    # Entries.

    def is_entry(self, row):
        """Whether the row is one by what it serves."""
        if self.funnel.order == "any" and not self.funnel.anchor:
            return bool(self.marks[row].serves)
        return self.first in self.marks[row].serves

    def first_entry(self):
        return next((i for i in range(len(self.times)) if self.is_entry(i) and self.entry_test(self.times[i])), None)

    def may_start(self, row):
        if not self.entry_test(self.times[row]):
            return False
        if self.funnel.settings.entry == "first":
            entry = self.first_entry()
            return entry is None or self.same_moment(entry, row)
        return True

    # Chains in order: the best of all.

    def followers(self, at, done, here, limit):
        """Rows that may serve the next step, in order. `here` holds the rows that are used and could be met again:
        those of the present instant, or with a tolerance all of the chain."""
        now = self.times[at]
        for j in self.serving[done]:
            then = self.times[j]
            if then > limit:
                break
            apart = max(then - now, 0)
            if apart < self.after(done - 1) or apart > self.within(done - 1):
                continue
            if self.tie == FILE:
                if j < at or (j == at and not self.many):
                    continue
            elif self.tie == STRICT:
                if then <= now + self.tolerance:
                    continue
            elif then < now - self.tolerance or (j in here and not self.many):
                continue
            if any(self.is_inside(x, at, j) for x in self.stopping[done - 1]):
                continue
            yield j

    def moved(self, at, j, here):
        if self.many:
            return frozenset()
        return here | {j} if self.goes_back or self.times[at] == self.times[j] else frozenset([j])

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

    def entries(self):
        return [i for i in self.serving[0] if self.may_start(i)]

    def rank(self, rows):
        """What orders ways of one length: when, by what sort of rows, by which rows."""
        when = [i if self.tie == FILE else self.times[i] for i in rows]
        return when, [self.marks[i].part(self.first) for i in rows], list(rows)

    def best_chain(self):
        """Most steps, then the earliest start, then the earliest later rows; times first."""
        level, start = 0, None
        for entry in self.entries():
            reached = self.furthest(entry, 1, frozenset([entry]), self.limit(entry))
            if reached > level:
                level, start = reached, entry
            if level == self.n:
                break
        if start is None:
            return []
        # All ways on that are equally early so far, one for each sort of rows.
        starts = [i for i in self.entries() if self.same_moment(i, start)]
        starts = [i for i in starts if self.furthest(i, 1, frozenset([i]), self.limit(i)) == level]
        ways = [([i], frozenset([i])) for i in starts]
        while len(ways[0][0]) < level:
            longer = []
            for chain, here in ways:
                limit = self.limit(chain[0])
                for j in self.followers(chain[-1], len(chain), here, limit):
                    after = self.moved(chain[-1], j, here)
                    if self.furthest(j, len(chain) + 1, after, limit) == level:
                        longer.append(([*chain, j], after))
            first = min(self.rank(chain)[0] for chain, _ in longer)
            alike = {}
            for chain, here in sorted(longer, key=lambda way: self.rank(way[0])):
                when, parts, rows = self.rank(chain)
                if when == first:
                    alike.setdefault((str(parts), rows[-1]) if self.many else str(parts), (chain, here))
            ways = list(alike.values())
        return min((chain for chain, _ in ways), key=self.rank)

    def is_alive(self, start, at, done):
        """Whether a row after the end of observation could still serve step `done`."""
        if done == self.n or done + self.first in self.spent:
            return False
        if any(self.is_behind(x, at) for x in self.stopping[done - 1]):
            return False
        apart = self.after(done - 1)
        if self.tie == STRICT and self.tolerance > 0:
            apart = max(apart, self.tolerance + 1)
        earliest = max(self.times[at] + apart, self.as_of + 1)
        until = min(self.times[at] + self.within(done - 1), self.limit(start))
        return earliest <= until and (self.closes is None or earliest <= self.closes)

    def latest_alive(self):
        """The start of the latest chain that a row after the end of observation could still extend."""
        for entry in reversed(self.entries()):
            if self.limit(entry) <= self.as_of:
                continue
            seen, heap = set(), [(entry, 1, frozenset([entry]))]
            while heap:
                state = heap.pop()
                if state in seen or state[1] == self.n:
                    continue
                seen.add(state)
                at, done, here = state
                if self.is_alive(entry, at, done):
                    return self.times[entry]
                # What is alive does not ask which rows lie further back, where rows may go back in time.
                heap += [(j, done + 1, frozenset([j]) if self.goes_back else self.moved(at, j, here))
                         for j in self.followers(at, done, here, self.limit(entry))]
        return None

    # Tries: the first row for each step.

    def run(self, moment, step):
        """The longest run of steps from `step` on that rows of one moment serve; of those the first rows."""
        best = []

        def extend(rows):
            nonlocal best
            if len(rows) > len(best) or (len(rows) == len(best) and self.rank(rows) < self.rank(best)):
                best = rows
            done = step + len(rows)
            if done == self.n or (rows and (self.tie == STRICT or self.after(done - 1) > 0)):
                return
            for i in moment:
                if done + self.first in self.marks[i].serves and (self.many or i not in rows):
                    extend([*rows, i])

        extend([])
        return best

    def follow(self, moments, number):
        """The try that starts in a moment, if it serves the first step."""
        start = moments[number]
        rows = self.run(start, 0)
        if not rows or not self.may_start(start[0]):
            return None
        if len(rows) == self.n:
            return Try(rows, CONVERTED, start[0], start[-1] + 1)
        for later in range(number + 1, len(moments)):
            moment = moments[later]
            gap = len(rows) - 1
            apart = self.times[moment[0]] - self.times[rows[-1]]
            if self.times[moment[0]] > self.limit(rows[0]) or apart > self.within(gap):
                return Try(rows, EXPIRED, moment[0], moment[0])
            run = self.run(moment, len(rows))
            if run and apart >= self.after(gap) and (self.tie != STRICT or apart > self.tolerance):
                rows = rows + run
                if len(rows) == self.n:
                    return Try(rows, CONVERTED, moment[0], moment[-1] + 1)
                continue
            if any(i in self.barred[gap] for i in moment):
                return Try(rows, EXCLUDED, moment[0], moment[0])
            if any(i in self.stopping[gap] for i in moment):
                return Try(rows, BLOCKED, moment[0], moment[0])
        return Try(rows, RUNNING, len(self.times), len(self.times))

    def tries(self, entry):
        """`any`: every moment of the first step begins one; `first`: one alone; `successive`: none inside another."""
        found, moments = [], self.moments()
        for number, moment in enumerate(moments):
            if entry == "first" and found or entry == "successive" and found and moment[0] < found[-1].next:
                continue
            one = self.follow(moments, number)
            found += [one] if one else []
        return found

    def attempts(self):
        """Tries that follow one another, or the first one where the rules look at no other."""
        return self.tries("first" if self.funnel.settings.entry == "first" else "successive")

    def best_try(self, tries):
        is_latest = self.funnel.settings.choice == "latest-start"

        def rank(one):
            start, last = self.times[one.rows[0]], self.times[one.rows[-1]]
            if self.tie == FILE:
                start, last = one.rows[0], one.rows[-1]
            return (-len(one.rows), last, -start) if is_latest else (-len(one.rows), start)

        return min(tries, key=rank, default=None)

    def throws_away(self):
        """Whether an exclusion throws away the try that meets it."""
        return self.funnel.settings.choice == "latest-start" and self.funnel.exclusion != "void"

    def best_sound_try(self, tries):
        """Where exclusions throw tries away. Each step remembers its newest try, and a try that met an exclusion
        still makes the next step known; at the deepest step known a sound try has to stand."""
        stands = defaultdict(list)
        for one in tries:
            stands[len(one.rows)].append(one)
        deepest = max(stands, default=0)
        for lost in tries:
            if lost.ended == EXCLUDED and self.comes_one_further(lost, tries):
                deepest = max(deepest, len(lost.rows) + 1)
        at_row = {}
        for one in stands[deepest]:
            place = next(moment[0] for moment in self.moments() if one.rows[-1] in moment)
            at_row[place] = one
        return next((at_row[place] for place in sorted(at_row) if at_row[place].ended != EXCLUDED), None)

    def comes_one_further(self, lost, tries):
        level, gap = len(lost.rows), len(lost.rows) - 1
        for moment in self.moments():
            if moment[0] <= lost.ended_at:
                continue
            time = self.times[moment[0]]
            apart = time - self.times[lost.rows[-1]]
            least = max(self.after(gap), self.tolerance + 1 if self.tie == STRICT and self.tolerance else 0)
            if any(level + self.first in self.marks[i].serves for i in moment) and \
                    time <= self.limit(lost.rows[0]) and least <= apart <= self.within(gap):
                return True
            for one in tries:
                if one.rows[0] > lost.rows[0] and len(one.rows) >= level and one.rows[gap] in moment and \
                        (len(one.rows) == level or one.rows[level] not in moment):
                    return False
        return False

    def freeze(self):
        """What the first attempt met that may not go on: the place and what it was."""
        settings = self.funnel.settings
        freezes = self.funnel.exclusion != "void" or settings.blocked == "ends-search"
        if settings.choice == "latest-start" or not freezes:
            return None
        for one in self.attempts():
            if (one.ended == EXCLUDED and self.funnel.exclusion != "void") or \
                    (one.ended == BLOCKED and settings.blocked == "ends-search"):
                return one
        return None

    # Steps in any order.

    def forbids(self, row):
        return any(row in barred for barred in self.barred)

    def blocks_from(self, start, rows, heed=True):
        """All ways to give rows of `rows`, the first of which lies in the moment `start`, distinct steps."""
        inside = [i for i in rows if not self.is_before(i, start) and self.times[i] <= self.limit(start[0])]
        if heed:
            stop = next((i for i in inside if self.forbids(i) and self.is_behind(i, start[0])), None)
            if stop is not None:
                inside = [i for i in inside if not self.is_behind(i, stop)]
        choices = [[None, *(i for i in inside if k in self.marks[i].serves)] for k in range(self.n)]
        if self.funnel.anchor:
            choices[0] = [i for i in choices[0] if i in start]
        for rows_of in itertools.product(*choices):
            block = sorted((i, k) for k, i in enumerate(rows_of) if i is not None)
            used = [self.times[i] if self.tie == STRICT else i for i, _ in block]
            is_new = self.many and self.tie != STRICT or len(set(used)) == len(used)
            if block and is_new and block[0][0] in start:
                yield block

    def is_before(self, row, moment):
        return row < moment[0]

    def start_moments(self):
        return [moment for moment in self.moments() if self.may_start(moment[0])]

    def best_block(self):
        """Most steps; then the earliest moments, rows and steps."""
        best, best_rank = [], None
        for start in self.start_moments():
            for block in self.blocks_from(start, range(len(self.times))):
                block = sorted(block, key=lambda served: (*self.rank([served[0]]), served[1]))
                rank = (-len(block), *self.rank([i for i, _ in block]), [k for _, k in block])
                if best_rank is None or rank < best_rank:
                    best, best_rank = block, rank
        return best

    def latest_block_alive(self):
        if self.closes is not None and self.closes <= self.as_of:
            return None
        for start in reversed(self.start_moments()):
            if self.limit(start[0]) <= self.as_of:
                continue
            if any(self.forbids(i) and self.is_behind(i, start[0]) for i in range(len(self.times))):
                continue
            for block in self.blocks_from(start, start):
                if set(range(self.n)) - {k for _, k in block} - self.spent:
                    return self.times[start[0]]
        return None

    def block_attempts(self):
        """A moment that serves a step starts one unless one is running; all steps, the end of the window and a
        forbidden row end it."""
        def size(start, end):
            return max((len(block) for block in self.blocks_from(start, range(end), heed=False)), default=0)

        count, number, moments = 0, 0, self.moments()
        while number < len(moments):
            start = moments[number]
            served = size(start, start[-1] + 1) if self.may_start(start[0]) else 0
            number += 1
            if not served:
                continue
            count += 1
            while served < self.n and number < len(moments):
                moment = moments[number]
                if self.times[moment[0]] > self.limit(start[0]):
                    break
                more = size(start, moment[-1] + 1)
                if any(self.forbids(i) for i in moment):
                    number += more > served
                    break
                served = more
                number += 1
        return count

    # All together.

    def solve(self):
        funnel, settings = self.funnel, self.funnel.settings
        if self.first_entry() is None:
            return Found(rows=len(self.times))
        if funnel.order == "any":
            block = self.best_block()
            return Found([i for i, _ in block], [k for _, k in block], self.latest_block_alive(), None,
                         len(self.times))
        frozen = self.freeze()
        watched = self.until(frozen.ended_at) if frozen else self
        found = Found(frozen=frozen.ended if frozen else None, rows=len(watched.times))
        if settings.choice != "earliest-start" or settings.entry == "successive":
            tries = watched.tries(settings.entry)
            winner = watched.best_try(tries)
            if self.throws_away() and self.forbid:
                sound = watched.best_sound_try(tries)
                found.frozen = None if sound else EXCLUDED
                winner = sound or winner
            found.chain = winner.rows if winner else []
            running = [one for one in tries if one.ended == RUNNING]
            alive = [watched.times[one.rows[0]] for one in running
                     if watched.is_alive(one.rows[0], one.rows[-1], len(one.rows))]
            found.alive = max(alive, default=None)
        else:
            found.chain, found.alive = watched.best_chain(), watched.latest_alive()
        if found.frozen:
            found.alive = None
        found.served = list(range(len(found.chain)))
        return found


@dataclass
class Outcome:
    """One unit, closed or open. `served` are steps of the whole funnel; `chain` places in the unit's rows."""

    status: str = None
    level: int = 0
    chain: list = field(default_factory=list)
    served: list = field(default_factory=list)
    entered_at: int = 0
    entry: int = None
    alive: object = None
    free_level: int = 0
    attempts: object = None
    seen_early: bool = False
    used_optional: list = field(default_factory=list)
    negative_gaps: int = 0


def closed_outcome(search):
    """Also what is alive, whether the unit converted or not."""
    funnel, n = search.funnel, search.n
    found = search.solve()
    out = Outcome(chain=found.chain, served=[k + search.first for k in found.served], level=len(found.chain),
                  entry=search.first_entry(), used_optional=[None] * len(funnel.optional))
    if out.entry is None:
        return out, None
    converted = out.level == n
    out.free_level = out.level
    if not converted and any(search.barred):
        out.free_level = len(search.other(forbid=False).solve().chain)
    if converted:
        out.status = "converted"
    elif found.frozen == EXCLUDED or (out.free_level > out.level and not search.throws_away()):
        out.status = "removed" if funnel.exclusion == "remove" else "excluded"
    else:
        out.status = "open" if found.alive is not None else "dropped"
    out.alive = None if converted else found.alive
    watched = search.until(found.rows)
    if funnel.order == "any":
        out.attempts = watched.block_attempts() if converted else None
        return out, found.alive
    out.attempts = len(watched.attempts()) if converted else None
    times = [search.times[i] for i in out.chain]
    out.negative_gaps = sum(b < a for a, b in zip(times, times[1:]))
    if not converted:
        first, last = out.chain[0], out.chain[-1]
        out.seen_early = any(search.lies_between(i, first, last) and i not in out.chain
                             for i in search.serving[out.level])
    return out, found.alive


def outcome_of(search):
    """Of an open funnel: the longest run of consecutive steps, then the one that begins with the smallest."""
    if not search.funnel.open:
        return closed_outcome(search)[0]
    parts, alive = [], []
    for first in range(len(search.funnel.steps)):
        part, living = closed_outcome(search.other(first=first))
        parts.append(part)
        alive.append(living)
    n = len(parts)
    if all(part.entry is None for part in parts):
        return Outcome()
    best = max(range(n), key=lambda first: (parts[first].level, -first))
    chosen = parts[best]
    free = max(part.free_level for part in parts)
    converted = best + chosen.level == n
    living = max((time for time in alive if time is not None), default=None)
    status = "converted" if converted else "excluded" if free > chosen.level else \
        "open" if living is not None else "dropped"
    return replace(chosen, level=best + chosen.level, entered_at=best, status=status,
                   entry=min(part.entry for part in parts if part.entry is not None),
                   alive=None if converted else living)


def level_of(search):
    """The last step reached, in any order how many; 0 for those who did not enter."""
    if search.funnel.open:
        lengths = [(len(search.other(first=first).solve().chain), first) for first in range(len(search.funnel.steps))]
        length, first = max(lengths, key=lambda pair: (pair[0], -pair[1]))
        return first + length if length else 0
    return len(search.solve().chain)
