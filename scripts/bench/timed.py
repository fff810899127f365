"""Runs a command to its end and tells what it used; and reads what the command line says of sizes."""

import os
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
JOB = ROOT / "benches/job.toml"


class Run(NamedTuple):
    wall_s: float
    cpu_s: float
    peak_mb: float
    printed: str
    exit_code: int


def run(command, timeout_s):
    """The whole process, from its start to its end; None where it took too long."""
    with tempfile.TemporaryFile() as out:
        start = time.monotonic()
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.DEVNULL)
        late = threading.Timer(timeout_s, process.kill)
        late.start()
        # With the usage of this child alone, which `wait` does not tell.
        _, status, used = os.wait4(process.pid, 0)
        wall = time.monotonic() - start
        late.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode < 0 and wall >= timeout_s:
            return None
        out.seek(0)
        cpu = used.ru_utime + used.ru_stime
        return Run(wall, cpu, used.ru_maxrss / 1024, out.read().decode(), process.returncode)


def number(text):
    """200k, 10M, or plain digits."""
    unit = {"k": 1_000, "m": 1_000_000}.get(text[-1].lower())
    return int(text[:-1]) * unit if unit else int(text)


def draw(path, rows, *arguments):
    """Writes the log of so many rows, if it is not there yet."""
    if not path.exists():
        tool = ROOT / "target/release/examples/bench_data"
        subprocess.run([tool, path, "--rows", str(rows), *arguments], check=True)
