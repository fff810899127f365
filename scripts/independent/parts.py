"""The parts of a report, put together from units."""

import math
from collections import Counter, defaultdict
from fractions import Fraction

from .log import Events, SECOND, STEP, STRICT, bucket_of, calendar_day, write_time
from .chains import Search, units_of
from .statistics import interval, quantile, seconds, share, spread, spread_of_counts, survival_curve

EDGES_S = [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400,
           2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400]


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
                later += any(funnel.steps[-1].test(other) and other.time > limit for other in unit.all_rows)
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
        elif unit.status == "dropped" and funnel.window_us is not None:
            watched.append((funnel.window_us, False))
        else:
            limit = math.inf if funnel.window_us is None else funnel.window_us
            watched.append((min(limit, as_of - unit.times[0]), False))
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
        "steps": funnel.shown, "unit": funnel.unit,
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
    immature = [block["entered"] for block in found["funnels"]
                if block["entered"] and block["conversion"]["mature"] and not block["conversion"]["mature"]["n"]]
    found["warnings"] = [{"code": code, "n": n}
                         for code, n in [*events.warnings(), *(("W14", entered) for entered in immature)]]
    return found
