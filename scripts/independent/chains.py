"""Chains, attempts and the status of units, by trying every row that may come next."""

import math

from .log import FILE, SESSION, STEP, STRICT


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
    while tie != FILE and first > 0 and rows[first - 1].time == rows[first].time:
        first -= 1
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
