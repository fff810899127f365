"""What the scripts of all peers share: the columns, the rules of the job, and the line they print.

The job is that of `benches/job.toml`, from one file to its numbers:

- a person's rows in time order; more than 30 minutes between two rows start a new session;
- how many persons reach each step of view, cart, checkout, purchase, in this order, within seven
  days of the chain's first step, where any view may start a chain;
- how many sessions end at which step reached inside them, in this order (0 is none);
- from a person's first view to the first purchase after it: how many, and quantiles by nearest rank.

No person has two rows at one time, so their order needs no rule. Times are in milliseconds.
"""

import argparse
import json

STEPS = ("view", "cart", "checkout", "purchase")
TIMEOUT_MS = 30 * 60 * 1000
WINDOW_MS = 7 * 24 * 60 * 60 * 1000
QUANTILES = (0.5, 0.9, 0.95)


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("file")
    parser.add_argument("--user", default="user_id")
    parser.add_argument("--time", default="event_time")
    parser.add_argument("--event", default="event_type")
    return parser.parse_args()


def form(file):
    """csv, jsonl or parquet, whatever it is packed in."""
    name = file.removesuffix(".gz").removesuffix(".zst")
    return "jsonl" if name.endswith((".jsonl", ".ndjson")) else name.rsplit(".", 1)[-1]


def stages(reached):
    """Sessions by their last step, from how many reached each; `reached[0]` is all sessions."""
    return [here - further for here, further in zip(reached, [*reached[1:], 0])]


def tell(rows, users, sessions, funnel, abandon, purchases, quantiles):
    ttp = {"n": purchases, **{f"p{round(100 * q)}": at for q, at in zip(QUANTILES, quantiles)}}
    answer = {"rows": rows, "users": users, "sessions": sessions, "funnel": funnel, "abandon": abandon, "ttp": ttp}
    print(json.dumps(answer))
