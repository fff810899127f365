#!/usr/bin/env python3
"""Runs dropoff and its peers on the same files, in turn, and prints a table of Markdown.

    scripts/bench/setup                                  # once: the peers, in target/peers
    cargo build --release --bin dropoff --example bench_data
    scripts/bench/compare.py                             # draws 1M rows in all forms, compares
    scripts/bench/compare.py --rows 10M --forms csv,parquet --rounds 7
    scripts/bench/compare.py my.csv --user uid --time ts --event name

Timed is each whole process, from its start to its end: of dropoff the program with its whole report
as JSON, of a peer Python with the engine in it, and no more than the job's numbers. What is done to
dropoff's answer to compare it is done after the clock stopped. Every round starts each tool once, so
that a busy minute hits all; the first round, which also fills the page cache, is not counted. Ratios
are taken round by round, and their median is printed: other tools' times through dropoff's.
An answer that differs from dropoff's is marked, and the exit code is 1.
"""

import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
from pathlib import Path

import job
from timed import JOB, ROOT, draw, number, run

HERE = Path(__file__).resolve().parent
PEERS = ("duckdb", "chdb", "polars")
# What a file is called, how it is drawn, and with what it is packed.
FORMS = {
    "csv": ("csv", [], None),
    "shuffled": ("csv", ["--shuffled"], None),
    "narrow": ("csv", ["--narrow"], None),
    "jsonl": ("jsonl", [], None),
    "parquet": ("parquet", [], None),
    "csv.zst": ("csv", [], ["zstd", "-q", "-3", "-f"]),
    "csv.gz": ("csv", [], ["gzip", "-f", "-k"]),
}


def options():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", nargs="*", help="files to compare on, instead of drawn ones")
    parser.add_argument("--rows", default="1M", help="rows of drawn files: 200k, 10M")
    parser.add_argument("--forms", default=",".join(FORMS), help="forms of drawn files")
    parser.add_argument("--folder", type=Path, default=ROOT / "target/peers-data", help="for drawn files")
    parser.add_argument("--peers", default=",".join(PEERS))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--timeout", type=float, default=600)
    parser.add_argument("--dropoff", default=str(ROOT / "target/release/dropoff"))
    parser.add_argument("--python", default=str(ROOT / "target/peers/bin/python"), help="that has the peers")
    parser.add_argument("--user", default="user_id")
    parser.add_argument("--time", default="event_time")
    parser.add_argument("--event", default="event_type")
    return parser.parse_args()


def drawn(asked):
    """The files, made where they are not there yet."""
    asked.folder.mkdir(parents=True, exist_ok=True)
    for form in asked.forms.split(","):
        end, arguments, packer = FORMS[form]
        name = asked.rows.lower() + ("-" + form if form in ("shuffled", "narrow") else "")
        plain = asked.folder / f"{name}.{end}"
        path = asked.folder / f"{name}.{form}" if packer else plain
        if not path.exists():
            draw(plain, number(asked.rows), *arguments)
            if packer:
                subprocess.run([*packer, str(plain)], check=True)
        yield path


def commands(asked, file):
    columns = ["--user", asked.user, "--time", asked.time, "--event", asked.event]
    ours = [asked.dropoff, "report", str(file), "--config", str(JOB), *columns, "-f", "json"]
    tools = {"dropoff": ours}
    for peer in filter(None, asked.peers.split(",")):
        tools[peer] = [asked.python, str(HERE / f"job_{peer}.py"), str(file), *columns]
    return tools


def answer_of(tool, printed):
    """The job's numbers, or None where there are none."""
    try:
        told = json.loads(printed)
    except ValueError:
        return None
    if tool != "dropoff":
        return told
    body = told["body"]
    funnels = {funnel["name"]: funnel for funnel in body["funnels"]}
    times = funnels["purchase"]["time_to_purchase"]
    ms = {f"p{round(100 * q)}": times[f"p{round(100 * q)}_s"] for q in job.QUANTILES}
    return {
        "rows": body["input"]["rows"]["used"],
        "users": body["input"]["persons"],
        "sessions": body["input"]["sessions"],
        "funnel": [step["reached"] for step in funnels["main"]["conversion"]["steps"]],
        "abandon": [stage["n"] for stage in funnels["main"]["session_stages"]],
        "ttp": {"n": times["n"], **{key: None if at is None else round(at * 1000) for key, at in ms.items()}},
    }


def compare(asked, file):
    tools = commands(asked, file)
    runs = {tool: [] for tool in tools}
    for counted in range(asked.rounds + 1):
        for tool, command in tools.items():
            result = run(command, asked.timeout)
            if result is None:
                print(f"{tool} took over {asked.timeout:.0f} s on {file}", file=sys.stderr)
            if counted:
                runs[tool].append(result)
    ours = runs["dropoff"]
    if not all(ours):
        sys.exit(f"dropoff does not get through {file}")
    truth = answer_of("dropoff", ours[0].printed)
    if truth is None:
        sys.exit(f"dropoff has no answer on {file}")
    size = file.stat().st_size
    print(f"\n`{file.name}`: {truth['rows']:,} rows, {size / 1e6:,.0f} MB\n")
    print("| tool | wall s (min to max) | CPU s | peak MB | M rows/s | MB/s | wall, times ours | CPU, times ours | answer |")
    print("| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |")
    same = True
    for tool, results in runs.items():
        if not all(results):
            print(f"| {tool} | over {asked.timeout:.0f} | | | | | | | none |")
            continue
        walls = [result.wall_s for result in results]
        wall = statistics.median(walls)
        cpu = statistics.median(result.cpu_s for result in results)
        peak = statistics.median(result.peak_mb for result in results)
        slower = statistics.median(theirs.wall_s / own.wall_s for theirs, own in zip(results, ours))
        dearer = statistics.median(theirs.cpu_s / own.cpu_s for theirs, own in zip(results, ours))
        agrees = all(answer_of(tool, result.printed) == truth for result in results)
        same &= agrees
        print(
            f"| {tool} | {wall:.2f} ({min(walls):.2f} to {max(walls):.2f}) | {cpu:.2f} | {peak:.0f}"
            f" | {truth['rows'] / wall / 1e6:.2f} | {size / wall / 1e6:.0f} | {slower:.2f} | {dearer:.2f}"
            f" | {'same' if agrees else 'DIFFERS'} |",
            flush=True,
        )
    return same


def machine(asked):
    cpu = next((line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")), "")
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    shown = subprocess.run([asked.dropoff, "--version"], capture_output=True, text=True, check=True).stdout.strip()
    ask = "import importlib.metadata, sys; print(*(f'{p} {importlib.metadata.version(p)}' for p in sys.argv[1:]), sep=', ')"
    peers = list(filter(None, asked.peers.split(",")))
    versions = subprocess.run([asked.python, "-c", ask, *peers], capture_output=True, text=True).stdout.strip()
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, cwd=ROOT)
    print(
        f"{datetime.date.today()}, {shown} ({commit.stdout.strip()}), {versions}; {len(os.sched_getaffinity(0))} cores"
        f" of {cpu or platform.machine()}, {memory:.0f} GB, Linux {platform.release()}; {asked.rounds} rounds"
    )


def main():
    asked = options()
    machine(asked)
    files = [Path(file) for file in asked.files] or drawn(asked)
    same = all([compare(asked, file) for file in files])
    sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
