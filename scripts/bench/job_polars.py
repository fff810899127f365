"""The job in Polars: one sort, then arithmetic on whole columns, without groups.

As in `job_duckdb.py`, all persons are laid end to end on one line of time, so that the latest start
of a chain is a running maximum. Persons are told apart by a 64-bit hash, which sorts faster than text.
"""

import math

import polars as pl

import job

asked = job.arguments()
kind = job.form(asked.file)
at = pl.col(asked.time)
if kind == "parquet":
    source = pl.scan_parquet(asked.file)
    at = at.dt.replace_time_zone(None).dt.epoch("ms")
else:
    if kind == "jsonl":
        texts = {name: pl.String for name in (asked.time, asked.event, asked.user)}
        source = pl.scan_ndjson(asked.file, schema=texts)
    else:
        source = pl.scan_csv(asked.file, infer_schema=False)
    at = at.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms").dt.epoch("ms")
numbers = {name: number for number, name in enumerate(job.STEPS, 1)}
step_of = pl.col(asked.event).replace_strict(numbers, default=0, return_dtype=pl.Int8)
rows = source.select(person=pl.col(asked.user).hash(), at=at, step=step_of).sort("person", "at").collect()

stride = rows["at"].max() - rows["at"].min() + job.WINDOW_MS + 1
begins = (pl.col("person") != pl.col("person").shift()).fill_null(True)
rows = rows.select(
    "step",
    begins=begins,
    t=pl.col("at") + begins.cast(pl.Int64).cum_sum() * stride,
)
t, step = pl.col("t"), pl.col("step")


def latest(condition, value=t):
    """The latest value up to the row among rows that fulfil the condition; of equal or rising values."""
    return pl.when(condition).then(value).forward_fill()


rows = rows.with_columns(opens=(t - t.shift() > job.TIMEOUT_MS).fill_null(True))
rows = rows.with_columns(session=latest("opens"), person=latest("begins"), view=latest(step == 1))
users, sessions = rows["begins"].sum(), rows["opens"].sum()
# A first view is one whose person, or session, began after the view before.
before = pl.col("view").shift().fill_null(-1)
of_person = (step == 1) & (before < pl.col("person"))
of_session = (step == 1) & (before < pl.col("session"))
first_views = rows.filter(of_person).select("person", first=t)
reached = [first_views.height]
inside = [sessions, rows.select(of_session.sum()).item()]

# Later steps are few. `chain` is the latest start of a chain that got to the step before, `last`
# the latest row that took the step before in order inside its session.
few = rows.filter(step > 1).with_columns(chain=pl.col("view"), last=pl.col("view"))
for number in (2, 3, 4):
    few = few.with_columns(
        within=(step == number) & (t - pl.col("chain") <= job.WINDOW_MS),
        in_session=(step == number) & (pl.col("last") >= pl.col("session")),
    )
    reached.append(few.filter("within")["person"].n_unique())
    inside.append(few.filter("in_session")["session"].n_unique())
    few = few.with_columns(chain=latest("within", pl.col("chain")), last=latest("in_session"))

bought = few.filter((step == 4) & (pl.col("view") >= pl.col("person"))).group_by("person").agg(t.min())
times = bought.join(first_views, on="person").select(t - pl.col("first"))["t"].sort()
quantiles = [times[math.ceil(q * len(times)) - 1] if len(times) else None for q in job.QUANTILES]
job.tell(rows.height, users, sessions, reached, job.stages(inside), len(times), quantiles)
