#!/usr/bin/env python3
"""Checks every number of `dropoff report` against a second, independent implementation.

    python3 scripts/verify.py path/to/dropoff            all cases
    python3 scripts/verify.py path/to/dropoff WORD       only cases whose title has WORD in it

Needs Python 3.11 and nothing else. The bundled logs of `testdata/` are read here with the modules csv
and gzip, and every number is worked out from `docs/DEFINITIONS.md`, plainly and slowly: chains are found
by trying every row that may come next, quantiles from sorted lists, the survival curve by going through
all entrants at every instant. Then the program is run with `-f json` and the whole `body` is compared:
the same fields, lists of the same length, integers and texts equal, other numbers to 1e-9 of their size.
Beside the bundled logs there are small ones made by chance, with many rows of one instant, where the rules
for ties, forbidden events and dead attempts meet more often than in real logs; and over such logs funnels with
every key of the definition language in any combination, typed or written. What the program refuses as a
contradiction is not compared, and listed by reason.

Left out: `run` (files, dialects, clocks), `definition.hash` and `body_hash`, the wording of warnings, and
`step_list` but for funnels with every key.
Of the survival curve the program lists at most 24 points; each must be a point of the whole curve, the
first and the last among them, and all of them if they are not more than 24.

Steps and conditions are not parsed here: a case gives the text for the program and the same thing in
Python, each written by hand. Exit code 0 if all is equal, 1 if not, 2 on wrong usage.
"""

import json
import math
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

# Nothing is left behind in the source tree.
sys.dont_write_bytecode = True

from independent.log import ROOT
from independent.parts import Curve, body
from independent.cases import all_cases, invented_cases
from independent.combined import combined_cases


PARTS = ("definition", "conversion", "abandonment", "time_to_purchase", "session_stages", "segments", "trend", "ties")


class Comparison:
    """Counts equal values by the part of the report that they stand in, and keeps the differences."""

    def __init__(self):
        self.equal, self.differences = Counter(), []

    def part_of(self, path):
        names = [name for name in path if isinstance(name, str)]
        if names[:1] != ["funnels"]:
            return names[0] if names else "(fields)"
        rest = [name for name in names[1:] if name in PARTS][:2] if len(names) > 1 else []
        return " ".join(rest if rest[:1] in (["segments"], ["trend"]) else rest[:1]) or "funnel, counts"

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
            self.leaf([*path, "last"], points[-1]["t_s"], theirs[-1]["t_s"])
        times = [point["t_s"] for point in theirs]
        self.leaf([*path, "times"], sorted(set(times)), times)
        for place, point in enumerate(theirs):
            self.values([*path, place], at.get(point["t_s"]), point)


def cleaned(report, case):
    """The body without what is not compared."""
    found = report["body"]
    for told, funnel in zip(found["funnels"], case.funnels):
        if funnel.listed is None:
            assert told["definition"]["step_list"]
            told["definition"]["step_list"] = None
    assert len(found["definition"].pop("hash")) == 64 and len(report["body_hash"]) == 64
    for warning in found["warnings"]:
        assert warning.pop("message")
    return found


def main():
    if len(sys.argv) not in (2, 3):
        print(__doc__, file=sys.stderr)
        return 2
    program, wanted = sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else ""
    with tempfile.TemporaryDirectory() as folder:
        cases = [*all_cases(), *invented_cases(Path(folder), INVENTED), *combined_cases(Path(folder), COMBINED)]
        return compare(program, [case for case in cases if wanted in case.title])


def compare(program, cases):
    """Runs and compares all cases; prints a line for each and what was compared in all."""
    total, failed, refused = Counter(), 0, Counter()
    for case in cases:
        began = time.monotonic()
        done = subprocess.run([program, *case.command()], capture_output=True, text=True, cwd=ROOT)
        if done.returncode == 2 and case.title.startswith("combined"):
            # What makes no sense together is not compared; why is listed.
            refused[done.stderr.strip().splitlines()[0]] += 1
            continue
        if done.returncode not in (0, 3) or not done.stdout:
            print(f"FAILED {case.title}: exit {done.returncode}: {done.stderr.strip()}")
            failed += 1
            continue
        comparison = Comparison()
        comparison.values([], body(case), cleaned(json.loads(done.stdout), case))
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
    print(f"{'all':34}{sum(total.values()):14,}\n\n{len(cases)} cases, {failed} with differences, "
          f"{sum(refused.values())} refused by the program:")
    for reason, n in sorted(refused.items()):
        print(f"{n:6}  {reason}")
    return 1 if failed else 0


# Differences that are printed of one case, and cases that are made by chance: plain ones, and those of all keys.
SHOWN, INVENTED, COMBINED = 12, 150, 400


if __name__ == "__main__":
    sys.exit(main())
