"""The parts of a report, put together from units."""

import math
from collections import Counter, defaultdict
from fractions import Fraction

from .log import Events, SECOND, STEP, STRICT, bucket_of, calendar_day, write_time
from .units import stage_of, units_of
from .statistics import interval, quantile, seconds, share, spread, spread_of_counts, survival_curve

EDGES_S = [0, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400,
           2 * 86400, 3 * 86400, 7 * 86400, 14 * 86400, 30 * 86400, 90 * 86400, 365 * 86400]


def conversion(case, funnel, units):
    n = len(funnel.steps)
    reached = [None, *([unit for unit in units if unit.has(k)] for k in range(1, n + 1))]
    bought_in_all = [unit for unit in units if unit.converted]
    steps = []
    for k in range(1, n + 1):
        stopped = [unit for unit in units if unit.level == k < n]
        by_status = Counter(unit.status for unit in stopped)
        entrants = [unit for unit in units if unit.entered_at == k - 1]
        before = [unit for unit in units if unit.has(k - 1) or unit.entered_at == k - 1] if k > 1 else []
        def hits(unit, k=k):
            return unit.has(k)
        steps.append({
            "step": k, "name": funnel.levels[k - 1], "reached": len(reached[k]), "entrants": len(entrants),
            "of_first": share(len(reached[k]), len(units)),
            "of_previous": share(len(reached[k]), len(before)) if k > 1 else None,
            "of_first_ci95": interval(funnel, units, hits) if k > 1 or funnel.open else None,
            "of_previous_ci95": interval(funnel, before, hits) if k > 1 else None,
            "lost": len(stopped), "lost_dropped": by_status["dropped"], "lost_open": by_status["open"],
            "lost_excluded": by_status["excluded"],
            "share_of_loss": share(len(stopped), len(units) - len(bought_in_all)) if k < n else None,
        })
    named_steps = []
    for k in range(n if funnel.order == "any" else 0):
        def serves(unit, k=k):
            return k in unit.served
        did = sum(map(serves, units))
        named_steps.append({"step": k + 1, "name": funnel.steps[k].name, "served": did,
                            "of_entered": share(did, len(units)), "of_entered_ci95": interval(funnel, units, serves)})
    mature = [unit for unit in units if unit.mature]
    bought = sum(unit.converted for unit in mature)
    optional = []
    for place, (name, _, after) in enumerate(funnel.optional):
        passed = [unit for unit in units if unit.used_optional[place] is not None]
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
        "bounds": [share(len(bought_in_all), len(units)), share(len(bought_in_all) + still_open, len(units))]
        if still_open else None,
        "optional": optional, "named_steps": named_steps,
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
            later += unit.completes_later()
            known = [other.value for other in unit.all_rows[:place + 1] if other.value is not None]
            values += known[-1:]
        went_on = sorted(unit.gap(k) for unit in units if unit.gap(k) is not None)
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
            "step": k, "name": funnel.levels[k - 1], "dropped": status["dropped"], "open": status["open"],
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
        place = unit.place(unit.chain[-1])
        sessions.append(sum(low <= place for low, _ in unit.sessions))
        days.append(len({calendar_day(row.time, case.zone) for row in unit.all_rows[:place + 1]}))
        rows.append(place + 1)
    whole = sum(unit.gap(k) or 0 for unit in buyers for k in range(1, len(funnel.steps)))
    steps = []
    for k in range(1, len(funnel.steps)):
        gaps = [unit.gap(k) for unit in units if unit.gap(k) is not None]
        of_buyers = sum(unit.gap(k) or 0 for unit in buyers)
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
            watched.append((funnel.rules_window_us, False))
        else:
            limit = math.inf if funnel.window_us is None else funnel.rules_window_us
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
            levels[stage_of(rows[low:high], funnel)] += 1
    return [{"step": k, "n": levels[k]} for k in range(len(funnel.steps) + 1)]


def segments(events, funnel, units):
    case, parts = events.case, defaultdict(list)
    if not case.by:
        return []
    for unit in units:
        parts[unit.segment(case.by)[0]].append(unit)
    without = parts.pop(None, [])
    ranked = sorted(parts, key=lambda key: (-len(parts[key]), [(text or "").encode() for text in key]))
    listed = [(dict(zip(case.by, key)), False, False, parts[key]) for key in ranked[:case.top]]
    if without:
        listed.append(({name: f"(no step {funnel.by_from[1]})" for name in case.by}, False, True, without))
    rest = [unit for key in ranked[case.top:] for unit in parts[key]]
    if rest:
        listed.append(({name: "(other)" for name in case.by}, True, False, rest))
    return [{"by": by, "other": other, "no_row": no_row} | counts(part) | {
        "conversion": conversion(case, funnel, part), "abandonment": abandonment(case, funnel, part),
        "time_to_purchase": time_to_purchase(case, funnel, part, events.as_of)}
        for by, other, no_row, part in listed]


def trend(events, funnel):
    """Every calendar period with an entry as a funnel of its own; and how many units are in several."""
    case = events.case
    if not case.trend:
        return [], 0
    may_enter = funnel.steps if funnel.open or funnel.order == "any" else funnel.steps[:1]
    buckets = {bucket_of(row.time, case.trend, case.zone) for row in events.used
               if any(one.test(row) for one in may_enter)}
    found, seen = [], Counter()
    for low, high in sorted(buckets):
        start = low if case.start is None else max(low, case.start)
        end = high if case.end is None else min(high, case.end)
        units = units_of(events, funnel, start, end) if start < end else []
        if units:
            seen.update((unit.person, unit.places[0]) for unit in units)
            mature = funnel.window_us is not None and high + funnel.window_us <= events.as_of
            found.append({"from": write_time(low), "to": write_time(high), "mature": mature} | counts(units) |
                         {"conversion": conversion(case, funnel, units)})
    return found, sum(n > 1 for n in seen.values())


def funnel_block(events, funnel):
    case = events.case
    units = units_of(events, funnel, case.start, case.end)
    buckets, in_several = trend(events, funnel)
    n = len(funnel.steps)
    moved = differs = 0
    for unit in units:
        start = tuple(unit.rows[unit.chain[0]].fields[name] or None for name in case.by)
        moved += unit.entry_values(case.by) != start
        differs += unit.segment(case.by)[1]
    return {"name": funnel.name, "definition": {
        "steps": funnel.shown, "unit": funnel.unit,
        "window_s": None if funnel.window_us is None else funnel.window_us / SECOND, "rules": "dropoff",
        "tie": funnel.tie, "order": funnel.order, "anchor": "first" if funnel.anchor else None, "open": funnel.open,
        "by": case.by, "by_from": funnel.by_from_text}} | counts(units) | {
        "removed": 0, "conversion": conversion(case, funnel, units),
        "abandonment": abandonment(case, funnel, units),
        "time_to_purchase": time_to_purchase(case, funnel, units, events.as_of),
        "session_stages": session_stages(events, funnel), "segments": segments(events, funnel, units),
        "trend": buckets, "in_several_buckets": in_several,
        "ties": {"units": sum(unit.levels[STEP] != unit.levels[STRICT] for unit in units),
                 "conversion_strict": share(sum(unit.levels[STRICT] == n for unit in units), len(units)),
                 "conversion_step": share(sum(unit.levels[STEP] == n for unit in units), len(units))},
        "began_elsewhere": sum(unit.began_elsewhere for unit in units), "segment_moved": moved,
        "segment_differs": differs,
    }


def late_segments(events, funnel):
    units = units_of(events, funnel, events.case.start, events.case.end)
    return sum(unit.segment(events.case.by)[2] for unit in units)


def body(case):
    events = Events(case)
    first = case.funnels[0]
    found = {"definition": {
        "unit": first.unit, "window_s": None if first.window_us is None else first.window_us / SECOND,
        "rules": first.rules, "tie": first.tie, "session_timeout_s": case.timeout_us / SECOND,
        "time_zone": case.zone_name, "from": write_time(case.start), "to": write_time(case.end),
        "where": case.where_text, "quantile_method": case.method, "top": case.top}}
    found["input"] = events.input_block()
    found["funnels"] = [funnel_block(events, funnel) for funnel in case.funnels]
    immature = [block["entered"] for block in found["funnels"]
                if block["entered"] and block["conversion"]["mature"] and not block["conversion"]["mature"]["n"]]
    late_of_funnels = [late_segments(events, funnel) for funnel in case.funnels]
    found["warnings"] = [{"code": code, "n": n}
                         for code, n in [*events.warnings(), *(("W14", entered) for entered in immature),
                                     *(("W23", late) for late in late_of_funnels if late)]]
    return found
