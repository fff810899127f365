"""Quantiles, intervals and the survival curve."""

import math
from collections import defaultdict
from decimal import Decimal
from fractions import Fraction

from .log import SECOND

Z95 = 1.959963984540054


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
    if not funnel.has_clusters:
        return wilson(x / n, n)
    per_person = defaultdict(lambda: [0, 0])
    for unit in base:
        per_person[unit.person][0] += 1
        per_person[unit.person][1] += hits(unit)
    people = len(per_person)
    if x in (0, n) or people == 1:
        return wilson(x / n, people)
    p = Fraction(x, n)
    # The variance of a ratio over clusters, over that of as many independent units.
    scatter = sum((y - p * m) ** 2 for m, y in per_person.values())
    effect = (scatter * Fraction(people, people - 1) / n ** 2) / (p * (1 - p) / n)
    return wilson(float(p), float(min(max(n / effect if effect else n, 1), n)))


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
    end = max(when for when, _ in observations)
    if seconds(end) > points[-1]["t_s"]:
        points.append(points[-1] | {"t_s": seconds(end), "at_risk": sum(when == end for when, _ in observations)})
    return points
