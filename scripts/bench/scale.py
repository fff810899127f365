#!/usr/bin/env python3
"""Checks that time grows with rows and memory with events, and no faster, up to files of many GB.

    cargo build --release --bin dropoff --example bench_data
    scripts/bench/scale.py /mnt/scratch                   # up to 30M rows: 11 GB in the folder, half an hour
    scripts/bench/scale.py /mnt/scratch --rows 200k,1M    # a short look

Draws logs of growing length into the folder, one at a time, and deletes each when it is done with.
Of several runs the one with the least CPU time counts. Checked is that

- no length costs much more CPU a row than the shortest, and the memory between the shortest and the
  longest grows by no more than 24 bytes an event;
- with `--memory` the longest gives the same body within that memory, give or take a fifth;
- a log where everyone is someone else, and one where a single person has nine rows of ten, cost no
  more than a few times as much a row as a usual log of the same length.

The exit code is 1 if one of these does not hold.
"""

import argparse
import json
import sys
from pathlib import Path

from timed import JOB, ROOT, draw, number, run

BYTES_AN_EVENT = 24
# The tables of persons outgrow the caches on the way up.
DEARER_A_ROW = 1.5
DEARER_IF_ODD = 4.0
# What the program cannot count of its own memory: the allocator's gaps, code, stacks.
MEMORY_OVER = 1.2


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", default="1M,3M,10M,30M")
    parser.add_argument("--odd-rows", default="10M", help="rows of the two unusual logs")
    parser.add_argument("--memory", default="256MB", help="what the longest log is allowed in its second run")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--dropoff", default=str(ROOT / "target/release/dropoff"))
    return parser.parse_args()


def megabytes(text):
    """256MB or 2GB, as `--memory` reads them; in MiB, as peaks are told."""
    for unit, size in {"MB": 10**6, "GB": 10**9}.items():
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * size / 2**20
    raise ValueError(f"--memory {text}: write it as 256MB or 2GB")


class Scale:
    def __init__(self, asked):
        self.asked = asked
        self.faults = []

    def expect(self, holds, what):
        if not holds:
            self.faults.append(what)
            print(f"  DOES NOT HOLD: {what}")

    def report(self, file, *more):
        columns = ["--user", "user_id", "--time", "event_time", "--event", "event_type"]
        return [self.asked.dropoff, "report", str(file), "--config", str(JOB), *columns, "-f", "json", *more]

    def cheapest(self, file, rows, *more):
        """The run with the least CPU time, and the hash of the body, which all runs share."""
        runs = [run(self.report(file, *more), 3600) for _ in range(self.asked.rounds)]
        if any(one is None or one.exit_code != 0 for one in runs):
            sys.exit(f"dropoff fails on {file} {' '.join(more)}")
        told = [json.loads(one.printed) for one in runs]
        self.expect(len({one["body_hash"] for one in told}) == 1, f"{file.name}: every run gives the same body")
        self.expect(told[0]["body"]["input"]["rows"]["used"] == rows, f"{file.name}: every row is used")
        return min(runs, key=lambda one: one.cpu_s), told[0]["body_hash"]

    def line(self, name, rows, used):
        ns = used.cpu_s / rows * 1e9
        print(f"| {name} | {rows:,} | {used.wall_s:.2f} | {used.cpu_s:.2f} | {ns:.0f} | {used.peak_mb:.0f} |", flush=True)
        return ns

    def drawn(self, name, rows, *arguments):
        path = self.asked.folder / f"scale-{name}.csv"
        path.unlink(missing_ok=True)
        draw(path, rows, *arguments)
        # Read once, so that the first run finds it in memory as the others do, if it fits.
        with path.open("rb", buffering=0) as file:
            while file.read(1 << 20):
                pass
        return path

    def all(self):
        print("| log | rows | wall s | CPU s | CPU ns a row | peak MB |\n| --- | ---: | ---: | ---: | ---: | ---: |")
        lengths = sorted(number(rows) for rows in self.asked.rows.split(","))
        first = None
        for rows in lengths:
            path = self.drawn("usual", rows)
            used, body = self.cheapest(path, rows)
            ns = self.line("usual", rows, used)
            if first is None:
                first = (rows, ns, used)
            self.expect(ns <= DEARER_A_ROW * first[1], f"{rows:,} rows cost {ns:.0f} ns a row, the fewest {first[1]:.0f}")
            if rows == lengths[-1]:
                self.bounded(path, rows, body)
            path.unlink()
        if len(lengths) > 1:
            grown = (used.peak_mb - first[2].peak_mb) * 2**20 / (lengths[-1] - first[0])
            print(f"\nMemory grows by {grown:.1f} bytes an event.\n")
            self.expect(grown <= BYTES_AN_EVENT, f"{grown:.1f} bytes an event")
        self.odd(number(self.asked.odd_rows))

    def bounded(self, path, rows, body):
        memory = self.asked.memory
        used, same = self.cheapest(path, rows, "--memory", memory)
        self.line(f"usual, --memory {memory}", rows, used)
        self.expect(same == body, f"--memory {memory} gives the same body")
        self.expect(used.peak_mb <= MEMORY_OVER * megabytes(memory), f"--memory {memory} takes {used.peak_mb:.0f} MB")

    def odd(self, rows):
        print("| log | rows | wall s | CPU s | CPU ns a row | peak MB |\n| --- | ---: | ---: | ---: | ---: | ---: |")
        costs = {}
        for name, arguments in {"usual": [], "distinct": ["--distinct"], "one busy": ["--one-busy"]}.items():
            path = self.drawn("odd", rows, *arguments)
            used, _ = self.cheapest(path, rows)
            costs[name] = self.line(name, rows, used)
            path.unlink()
        for name, ns in costs.items():
            self.expect(ns <= DEARER_IF_ODD * costs["usual"], f"{name}: {ns:.0f} ns a row, usual: {costs['usual']:.0f}")


def main():
    scale = Scale(options())
    scale.all()
    sys.exit(1 if scale.faults else 0)


if __name__ == "__main__":
    main()
