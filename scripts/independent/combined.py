"""Funnels made by chance over small logs made by chance, with every key of the language in every combination."""

import csv
import random
from datetime import datetime, timezone

from .log import (
    ATTEMPT, COLUMN, Case, DAY, FILE, Funnel, Log, MINUTE, PERSON, SECOND, SESSION, STEP, STRICT, Settings,
    microseconds, named, step, write_time,
)

NAMES = ["A", "B", "C", "D"]

# Where a tool's rules begin, for what no key says: its settings, and the keys' own beginnings.
RULES = {
    "dropoff": (Settings(), {}),
    "clickhouse": (Settings(blocked="ends-search", repeats="after-first", admits="any-reached"), {"row": "many"}),
    "posthog": (Settings(choice="latest-start", admits="last-reached"), {"exclusion": "remove", "window_us": 14 * DAY}),
    "mixpanel": (Settings(entry="first"), {"exclusion": "drop", "tolerance_us": 2 * SECOND}),
    "mixpanel-reentry": (Settings(choice="latest-start"), {}),
    "amplitude": (Settings(), {"tolerance_us": SECOND - 1, "window_us": DAY}),
    "ga4": (Settings(), {"per_step": True, "window_us": None}),
    "first-occurrence": (Settings(entry="first", choice="first-rows"), {"window_us": None, "tie": STRICT}),
    "doris": (Settings(choice="first-rows"), {"tie": FILE}),
    "pinot": (Settings(choice="first-rows", repeats="last-reached"), {"row": "first", "ends_exclusive": True}),
}


def write_log(path, dice, span):
    day = microseconds(datetime(2024, 3, 28, tzinfo=timezone.utc))
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(["who", "what", "when", "visit", "group", "colour", "amount"])
        for _ in range(330):
            minute = dice.randrange(span)
            out.writerow([
                f"p{dice.randrange(50)}", dice.choice([*NAMES, *NAMES, "X", "M", ""]),
                write_time(day + minute * MINUTE), dice.choice([f"v{minute // 5}", ""]),
                dice.choice(["", "g1", "g2", "g3"]), dice.choice(["", "red", "blue"]),
                dice.choice(["", f"{dice.randrange(0, 900) / 4}"])])
    return day


def texts(words):
    return "[" + ", ".join(f'"{word}"' for word in words) + "]"


def make_steps(dice, is_ordered):
    """Steps and optional ones, their lines in a definition file, and how the report shows and lists them."""
    steps, optional, lines, shown, listed, before = [], [], [], [], [], []
    for k in range(dice.choice([2, 3, 3, 4])):
        names = dice.sample(NAMES, dice.choice([1, 1, 2]))
        terms, line, bars, ignored_names = {}, [f"event = {texts(names)}"], [], []
        if k and dice.random() < 0.35:
            # What borders on a step may not be forbidden there.
            bars = dice.sample([name for name in ["X", "M", *NAMES] if name not in names + before], 1)
            line.append(f"not = {texts(bars)}")
        if dice.random() < 0.12:
            terms["nth"] = dice.choice([1, 1, 2])
            line.append('nth = "first-ever"' if terms["nth"] == 1 else f"nth = {terms['nth']}")
        if k and is_ordered:
            if dice.random() < 0.3:
                name = dice.choice(["M", "X", "B"])
                optional.append((name, named(name), k))
                lines.append(f'{{ event = "{name}", optional = true }}')
                shown.append(name + "?")
                listed.append(as_listed(name, [name], optional=True))
            if dice.random() < 0.3:
                terms["within_us"] = dice.choice([3, 6, 20]) * MINUTE
                line.append(f'within = "{terms["within_us"] // MINUTE}m"')
            if dice.random() < 0.25:
                terms["after_us"] = dice.choice([1, 2, 3]) * MINUTE
                line.append(f'after = "{terms["after_us"] // MINUTE}m"')
            if dice.random() < 0.35:
                terms["arrow"] = dice.sample(["adjacent", "no-disorder", "no-repeat"], dice.choice([1, 1, 2]))
                line.append(f"arrow = {texts(terms['arrow'])}")
                if "adjacent" in terms["arrow"] and dice.random() < 0.5:
                    # What must not lie there cannot be ignored there.
                    ignored = dice.choice([name for name in ["M", "X"] if name not in bars])
                    terms["ignore"], ignored_names = [named(ignored)], [ignored]
                    line.append(f'ignore = ["{ignored}"]')
        steps.append(step("|".join(names), *names, forbidden=[named(bar) for bar in bars], **terms))
        lines.append("{ " + ", ".join(line) + " }")
        shown += [*("!" + bar for bar in bars), "|".join(names)]
        listed.append(as_listed("|".join(names), names, bars=bars, ignored=ignored_names, **terms))
        before = names
    return steps, optional, lines, shown, listed


def as_listed(name, events, optional=False, bars=(), ignored=(), within_us=None, after_us=0, arrow=(), nth=None,
              ignore=()):
    """A step with all of its keys, as the report lists it."""
    return {"name": name, "events": list(events), "optional": optional, "not": list(bars),
            "within_s": None if within_us is None else within_us / SECOND, "after_s": after_us / SECOND,
            "arrow": sorted(arrow), "ignore": list(ignored), "nth": nth}


def what_is_left_out(rules, shape, unit, tie, tolerance_us, steps):
    """What the rules say of attempts in order where there are none, and of a tolerance that the ties rule out."""
    settings, begins = RULES[rules]
    is_any = shape.startswith("any")
    found = []
    if is_any or shape == "open":
        because = "order = any" if is_any else "open = true"
        has_bars = any(one.forbidden for one in steps)
        has_arrows = any(one.arrow for one in steps)
        found += [("entry", because)] * (settings.entry != "any")
        found += [("choice", because)] * (settings.choice != "earliest-start")
        found += [("exclusion", because)] * ("exclusion" in begins and has_bars)
        found += [("blocked", because)] * (settings.blocked != "voids-chain" and has_arrows)
    elif unit == ATTEMPT:
        found += [("choice", "unit = attempt")] * (settings.choice != "earliest-start")
    if "tolerance_us" in begins and tolerance_us == 0 and (is_any or tie != STEP):
        found.append(("tolerance", "order = any" if is_any else f"tie = {tie}"))
    return [{"setting": setting, "because": because} for setting, because in found]


def make_funnel(dice, path, span):
    shape = dice.choice(["ordered", "ordered", "open", "any", "any-first"])
    is_any = shape.startswith("any")
    rules = dice.choice(["dropoff", "dropoff", "dropoff", *RULES])
    settings, begins = RULES[rules]
    steps, optional, lines, shown, listed = make_steps(dice, not is_any)
    keys = {"rules": rules}
    tie = dice.choice([STEP, STEP, FILE, STRICT])
    row, exclusion = begins.get("row", "one"), begins.get("exclusion", "void")
    exclusive = begins.get("ends_exclusive", False)
    if is_any or shape == "open":
        # What rules say of attempts in order has no meaning there.
        settings, exclusion = Settings(repeats=settings.repeats, admits=settings.admits), "void"
    tolerance_us = begins.get("tolerance_us", 0) if tie == STEP and not is_any else 0
    if dice.random() < 0.3:
        keys["row"] = row = dice.choice(["one", "many", "first"])
    if dice.random() < 0.3 and shape == "ordered":
        keys["exclusion"] = exclusion = dice.choice(["void", "drop", "remove"])
    if dice.random() < 0.15 and shape == "ordered":
        tolerance_us = dice.choice([0, 1, 2]) * MINUTE
        keys["tolerance"] = f"{tolerance_us // MINUTE}m"
    window_us = dice.choice([None, 5, 8, 15, 60])
    window_us = None if window_us is None else window_us * MINUTE * (span // 20 + 1)
    chain_end = dice.choice(["session", "same-day", "same-week"]) if dice.random() < 0.2 else None
    window_us = None if chain_end else window_us
    if window_us is not None and "per_step" in begins:
        required = [one for one in listed if not one["optional"]]
        for one, told in zip(steps[1:], required[1:]):
            one.within_us = window_us if one.within_us is None else one.within_us
            told["within_s"] = one.within_us / SECOND
        shown_window_us = None
    else:
        shown_window_us = window_us
        if window_us is not None and dice.random() < 0.3:
            exclusive = dice.random() < 0.5
            keys["window_end"] = "exclusive" if exclusive else "inclusive"
    if shape == "open":
        keys["open"] = True
    if is_any:
        keys["order"] = "any"
        if shape == "any-first":
            keys["anchor"] = "first"
    unit = dice.choice([PERSON, PERSON, SESSION, COLUMN, *([ATTEMPT] * 2 if shape == "ordered" else [])])
    hold, held_steps = [], None
    if dice.random() < 0.25 and unit in (PERSON, SESSION):
        hold = dice.choice([["group"], ["group", "colour"]])
        if dice.random() < 0.4:
            held_steps = sorted(dice.sample(range(len(steps)), 2))
            numbers = ", ".join(str(k + 1) for k in held_steps)
            lines_of_hold = [f"hold = {{ column = {texts(hold)}, steps = [{numbers}] }}"]
        elif dice.random() < 0.5:
            lines_of_hold = [f"hold = {texts(hold)}"]
        else:
            lines_of_hold, typed_hold = [], ["--hold", ",".join(hold)]
    else:
        lines_of_hold = []
    overrides = []
    if rules != "dropoff":
        begun_us = begins.get("window_us", 7 * DAY)
        per_step = shown_window_us is None and not chain_end and \
            len(steps) > 1 and all(one.within_us is not None for one in steps[1:])
        window = bool(chain_end) or shown_window_us is not None or per_step if begun_us is None \
            else shown_window_us != begun_us
        forgiven_us = begins.get("tolerance_us", 0) if tie == STEP and not is_any else 0
        differs = {
            "window": window,
            "window_end": shown_window_us is not None and exclusive != begins.get("ends_exclusive", False),
            "tie": tie != begins.get("tie", STEP), "tolerance": tolerance_us != forgiven_us,
            "row": row != begins.get("row", "one"),
            "exclusion": shape == "ordered" and exclusion != begins.get("exclusion", "void")}
        overrides = [key for key, value in differs.items() if value]
    left_out = what_is_left_out(rules, shape, unit, tie, tolerance_us, steps)
    # Any key may be typed or written.
    typed, written = [], []
    for key, value in keys.items():
        flag = "--" + key.replace("_", "-")
        if dice.random() < 0.5:
            typed += [flag] if value is True else [flag, value]
        else:
            written.append(f"{key} = " + ("true" if value is True else f'"{value}"'))
    if hold and not lines_of_hold:
        typed += typed_hold
    written += lines_of_hold
    definition = path.with_suffix(".toml")
    definition.write_text("\n".join(["[funnel.purchase]", "steps = [", *(line + "," for line in lines), "]", *written]))
    by_from = dice.choice([("first-entry", None), ("first-seen", None), ("last-seen", None), ("person", None),
                           ("step", 1), ("step", len(steps)), ("step", 2)])
    funnel = Funnel(
        ", ".join(shown), steps, optional, window_us=shown_window_us, unit=unit, tie=tie, rules=rules,
        settings=settings, row=row, order="any" if is_any else "ordered",
        anchor=shape == "any-first", open=shape == "open", exclusion=exclusion,
        ends_exclusive=exclusive and shown_window_us is not None, tolerance_us=tolerance_us, by_from=by_from,
        definition=str(definition), flags=typed, chain_end=chain_end, hold=hold, held_steps=held_steps,
        unit_column="colour" if unit == COLUMN else None, overrides=overrides, listed=listed, left_out=left_out)
    window = chain_end or ("none" if window_us is None else f"{window_us // SECOND}s")
    return funnel, window, f"{shape}, {rules}, {', '.join(lines)}, {keys}, hold {hold} {held_steps}"


def combined_cases(folder, number, first=0):
    for seed in range(first, first + number):
        dice = random.Random(1_000_000 + seed)
        path = folder / f"combined-{seed}.csv"
        span = dice.choice([12, 40, 400, 6000])
        day = write_log(path, dice, span)
        funnel, window, words = make_funnel(dice, path, span)
        by = dice.choice([[], ["group"], ["group"], ["group", "colour"]])
        if not by:
            funnel.by_from = ("first-entry", None)
        log = Log(str(path), ["who"], "when", "what", session="visit", value="amount")

        def moment(share, span=span, day=day):
            return write_time(day + int(span * share) * MINUTE)

        yield Case(
            f"combined {seed}: {words}; {funnel.unit}, {funnel.tie}, {window}", log, funnel, window=window,
            as_of=moment(0.7) if dice.random() < 0.4 else None,
            start=moment(0.2) if dice.random() < 0.3 else None, end=moment(0.6) if dice.random() < 0.3 else None,
            by=by, top=dice.choice([1, 2, 20]),
            trend=dice.choice([None, "day"]), method=dice.choice(["type-7", "nearest-rank"]),
            timeout_us=dice.choice([2, 4, 30]) * MINUTE)
