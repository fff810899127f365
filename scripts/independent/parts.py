"""The parts of a report, put together from units."""

import math
from collections import Counter, defaultdict
from fractions import Fraction

from .log import ATTEMPT, Events, SECOND, STEP, STRICT, bucket_of, calendar_day, write_time
from .units import people_of, units_of
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
        "mature": None if funnel.longest_way_us is None and not funnel.chain_end else {
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


def abandonment(case, funnel, units, removed):
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
            "excluded": status["excluded"], "removed": sum(unit.level == k for unit in removed),
            "seen_early": sum(unit.seen_early for unit in here),
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
    elapsed = sum(unit.gap(k) or 0 for unit in buyers for k in range(1, len(funnel.steps)))
    steps = []
    for k in range(1, len(funnel.steps)):
        gaps = [unit.gap(k) for unit in units if unit.gap(k) is not None]
        of_buyers = sum(unit.gap(k) or 0 for unit in buyers)
        steps.append({"from": k, "to": k + 1, "share_of_time": share(of_buyers, elapsed)} | spread(case, gaps))
    bins = Counter()
    for unit in buyers:
        bins[next((i for i, edge in enumerate(EDGES_S) if unit.duration() <= edge * SECOND), len(EDGES_S))] += 1
    histogram = [{"over_s": float(EDGES_S[i - 1]) if i else None,
                  "to_s": float(EDGES_S[i]) if i < len(EDGES_S) else None, "n": bins[i]}
                 for i in range(min(bins), max(bins) + 1)] if bins else []
    watched, whole = [], []
    for unit in units:
        if unit.converted:
            watched.append((unit.duration(), True))
        elif unit.status == "open":
            watched_us, way = as_of - unit.alive_since, unit.way()
            if way is not None and watched_us >= way:
                whole.append(way)
            else:
                watched.append((max(watched_us, 0), False))
        else:
            way, seen = unit.way(), as_of - unit.times[0]
            if way is not None and (seen >= way or unit.status == "dropped"):
                whole.append(way)
            else:
                watched.append((max(seen, 0), False))
    # Who was watched for all of their window is at risk until the longest of them is over.
    watched += [(max([*whole, *(time for time, _ in watched)]), False) for _ in whole]
    curve = survival_curve(watched) if watched else []
    return found | {
        "since_first_entry": spread(case, [max(unit.times[-1] - unit.rows[unit.entry].time, 0) for unit in buyers]),
        "since_first_event": spread(case, [unit.times[-1] - unit.first_event for unit in buyers]),
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


def counts(units, removed):
    status = Counter(unit.status for unit in units)
    return {"entered": len(units)} | {name: status[name] for name in ("converted", "dropped", "open", "excluded")} | \
        {"removed": len(removed)}


def parted(units):
    """Those that are counted, and those that are removed."""
    return [unit for unit in units if not unit.removed], [unit for unit in units if unit.removed]


def session_stages(people, funnel):
    """Every session that starts in the range of entries, by the level of its own rows without a window."""
    levels = Counter()
    for person in people:
        case = person.events.case
        for (low, _), level in zip(person.sessions, person.stages()):
            first = person.rows[low].time
            if (case.start is None or first >= case.start) and (case.end is None or first < case.end):
                levels[level] += 1
    return [{"step": k, "n": levels[k]} for k in range(len(funnel.steps) + 1)]


def segments(events, funnel, units, removed):
    case, parts, gone = events.case, defaultdict(list), defaultdict(list)
    if not case.by:
        return []
    for unit in units:
        parts[unit.segment(case.by)[0]].append(unit)
    without = parts.pop(None, [])
    ranked = sorted(parts, key=lambda key: (-len(parts[key]), [(text or "").encode() for text in key]))
    places = {key: place for place, key in enumerate(ranked[:case.top])} | ({None: "without"} if without else {})
    for unit in removed:
        gone[places.get(unit.segment(case.by)[0], "other")].append(unit)
    listed = [(dict(zip(case.by, key)), False, False, parts[key], gone[place])
              for place, key in enumerate(ranked[:case.top])]
    if without:
        words = {name: f"(no step {funnel.by_from[1]})" for name in case.by}
        listed.append((words, False, True, without, gone["without"]))
    rest = [unit for key in ranked[case.top:] for unit in parts[key]]
    if rest or gone["other"]:
        listed.append(({name: "(other)" for name in case.by}, True, False, rest, gone["other"]))
    return [{"by": by, "other": other, "no_row": no_row} | counts(part, lost) | {
        "conversion": conversion(case, funnel, part), "abandonment": abandonment(case, funnel, part, lost),
        "time_to_purchase": time_to_purchase(case, funnel, part, events.as_of)}
        for by, other, no_row, part, lost in listed]


def trend(events, funnel, people, whole):
    """Every calendar period with an entry as a funnel of its own; and how their units differ from those of the whole."""
    case = events.case
    if not case.trend:
        return [], {"in_several_buckets": 0, "only_in_buckets": 0, "in_no_bucket": 0}
    may_enter = funnel.steps if funnel.open or funnel.order == "any" else funnel.steps[:1]
    buckets = {bucket_of(row.time, case.trend, case.zone) for row in events.used
               if any(one.test(row) for one in may_enter)}
    found, seen = [], Counter()

    def number(unit):
        # A unit is the same one in several buckets if it has the same rows and does the same with them, and an
        # attempt if it starts with the same row.
        start = unit.place(unit.chain[0]) if funnel.unit == ATTEMPT else None
        return unit.person, tuple(unit.places), tuple(unit.form.marks), start

    for low, high in sorted(buckets):
        start = low if case.start is None else max(low, case.start)
        end = high if case.end is None else min(high, case.end)
        units, removed = parted(units_of(people, start, end)) if start < end else ([], [])
        if units or removed:
            seen.update({number(unit) for unit in units})
            if funnel.longest_way_us is not None:
                mature = high + funnel.longest_way_us <= events.as_of
            elif funnel.chain_end:
                mature = high <= events.as_of and all(unit.mature for unit in units)
            else:
                mature = high <= events.as_of and not units
            found.append({"from": write_time(low), "to": write_time(high), "mature": mature} | counts(units, removed) |
                         {"conversion": conversion(case, funnel, units)})
    whole = {number(unit) for unit in whole}
    return found, {"in_several_buckets": sum(n > 1 for n in seen.values()),
                   "only_in_buckets": len(seen.keys() - whole), "in_no_bucket": len(whole - seen.keys())}


def funnel_block(events, funnel):
    case, people = events.case, people_of(events, funnel)
    units, removed = parted(units_of(people, case.start, case.end))
    no_value = sum(person.no_value for person in people)
    buckets, across = trend(events, funnel, people, units)
    n, is_told = len(funnel.steps), funnel.unit != ATTEMPT
    moved = differs = late = 0
    for unit in units:
        start = tuple(unit.rows[unit.chain[0]].fields[name] or None for name in case.by)
        moved += unit.entry_values(case.by) != start
        _, other, later = unit.segment(case.by)
        differs, late = differs + other, late + later
    return {"name": funnel.name, "definition": funnel.block(case.by)} | counts(units, removed) | {
        "no_value": no_value if funnel.value_columns else None,
        "negative_gaps": sum(unit.negative_gaps for unit in units),
        "stitching": [],
        "conversion": conversion(case, funnel, units), "abandonment": abandonment(case, funnel, units, removed),
        "time_to_purchase": time_to_purchase(case, funnel, units, events.as_of),
        "session_stages": session_stages(people, funnel), "segments": segments(events, funnel, units, removed),
        "trend": buckets,
        "ties": {"units": sum(unit.levels[STEP] != unit.levels[STRICT] for unit in units) if is_told else None,
                 "conversion_strict": share(sum(unit.levels[STRICT] == n for unit in units), len(units) * is_told),
                 "conversion_step": share(sum(unit.levels[STEP] == n for unit in units), len(units) * is_told)},
        "began_elsewhere": sum(unit.began_elsewhere for unit in units), "segment_moved": moved,
        "segment_differs": differs,
    } | across, late


def body(case):
    events = Events(case)
    first = case.funnels[0]
    block = first.block(case.by)
    found = {"definition": {name: block[name] for name in (
        "unit", "window", "window_s", "window_end", "rules", "overrides", "tie", "method")} | {
        "session_timeout_s": case.timeout_us / SECOND,
        "time_zone": case.zone_name, "from": write_time(case.start), "to": write_time(case.end),
        "where": case.where_text, "quantile_method": case.method, "top": case.top,
        "stitch": "none", "identity_map": None, "dedupe_exact": False, "dedupe_key": [], "dedupe_window_s": None}}
    found["input"] = events.input_block()
    blocks = [funnel_block(events, funnel) for funnel in case.funnels]
    found["funnels"] = [block for block, _ in blocks]
    immature = [block["entered"] for block, _ in blocks
                if block["entered"] and block["definition"]["window_s"] is not None
                and block["conversion"]["mature"] and not block["conversion"]["mature"]["n"]]
    few = [block["entered"] for block, _ in blocks if block["entered"] < 30 <= len(events.rows_of)]
    found["warnings"] = [{"code": code, "n": n}
                         for code, n in [*events.warnings(), *(("W15", entered) for entered in few),
                                         *(("W14", entered) for entered in immature),
                                         *(("W23", late) for _, late in blocks if late)]]
    return found
