"""The job in DuckDB: one sort, then running maxima over the sorted rows.

All persons are laid end to end on one line of time, with more than the window between two of them.
Then "of the same person, and within the window" is one subtraction, and no window function needs a
partition: they stream. Persons are told apart by a 64-bit hash, which sorts faster than text.
"""

import duckdb

import job

asked = job.arguments()
connection = duckdb.connect()
connection.execute("SET enable_progress_bar = false")
quoted = asked.file.replace("'", "''")
kind = job.form(asked.file)
if kind == "parquet":
    source = f"read_parquet('{quoted}')"
elif kind == "jsonl":
    types = {asked.time: "TIMESTAMP", asked.event: "VARCHAR", asked.user: "VARCHAR"}
    source = f"read_json('{quoted}', format = 'newline_delimited', columns = {types})"
else:
    # The types are given, so that nothing is read twice to guess them.
    header = connection.execute(
        f"SELECT * FROM read_csv('{quoted}', header = false, all_varchar = true, delim = ',', quote = '\"') LIMIT 1"
    ).fetchone()
    types = {name: "TIMESTAMP" if name == asked.time else "VARCHAR" for name in header}
    source = (
        f"read_csv('{quoted}', header = true, auto_detect = false, delim = ',', quote = '\"', escape = '\"',"
        f" columns = {types})"
    )

connection.execute(f"""
    CREATE TEMP TABLE ordered AS
    SELECT hash("{asked.user}") AS person, epoch_ms("{asked.time}"::TIMESTAMP) AS ms,
        coalesce(list_position({list(job.STEPS)}, "{asked.event}"), 0)::TINYINT AS step
    FROM {source} ORDER BY person, ms
""")
span = connection.execute("SELECT max(ms) - min(ms) FROM ordered").fetchone()[0]
stride = span + job.WINDOW_MS + 1

# Persons and sessions begin after a gap; `session` is where the row's session begins, `view` the
# latest view up to the row, both on the one line of time.
connection.execute(f"""
    CREATE TEMP TABLE placed AS
    WITH neighbours AS (
        SELECT ms, step, ms - lag(ms) OVER () AS gap, lag(person) OVER () IS DISTINCT FROM person AS begins
        FROM ordered
    ), numbered AS (
        SELECT step, begins, begins OR gap > {job.TIMEOUT_MS} AS opens,
            ms + {stride} * sum(begins::BIGINT) OVER (ROWS UNBOUNDED PRECEDING)::BIGINT AS t
        FROM neighbours
    )
    SELECT t, step, begins, opens,
        max(CASE WHEN opens THEN t END) OVER (ROWS UNBOUNDED PRECEDING) AS session,
        max(CASE WHEN begins THEN t END) OVER (ROWS UNBOUNDED PRECEDING) AS person,
        max(CASE WHEN step = 1 THEN t END) OVER (ROWS UNBOUNDED PRECEDING) AS view
    FROM numbered
""")
rows, users, sessions = connection.execute(
    "SELECT count(*), count(*) FILTER (begins), count(*) FILTER (opens) FROM placed"
).fetchone()
# Of each person, and of each session, the first view.
connection.execute("""
    CREATE TEMP TABLE views AS
    SELECT t, person, lag(t) OVER () AS before, session FROM placed WHERE step = 1
""")
viewers, sessions_with_view = connection.execute("""
    SELECT count(*) FILTER (before IS NULL OR before < person), count(*) FILTER (before IS NULL OR before < session)
    FROM views
""").fetchone()
# What is left is few: later steps, each with the latest start of a chain that got so far (`chain2`,
# `chain3`), and the latest row that took the step in order inside its session (`inside2`, `inside3`).
funnel_and_stages = connection.execute(f"""
    WITH second AS (
        SELECT *, max(CASE WHEN step = 2 AND t - view <= {job.WINDOW_MS} THEN view END) OVER run AS chain2,
            max(CASE WHEN step = 2 AND view >= session THEN t END) OVER run AS inside2
        FROM placed WHERE step > 1 WINDOW run AS (ROWS UNBOUNDED PRECEDING)
    ), third AS (
        SELECT *, max(CASE WHEN step = 3 AND t - chain2 <= {job.WINDOW_MS} THEN chain2 END) OVER run AS chain3,
            max(CASE WHEN step = 3 AND inside2 >= session THEN t END) OVER run AS inside3
        FROM second WINDOW run AS (ROWS UNBOUNDED PRECEDING)
    )
    SELECT count(DISTINCT person) FILTER (step = 2 AND t - view <= {job.WINDOW_MS}),
        count(DISTINCT person) FILTER (step = 3 AND t - chain2 <= {job.WINDOW_MS}),
        count(DISTINCT person) FILTER (step = 4 AND t - chain3 <= {job.WINDOW_MS}),
        count(DISTINCT session) FILTER (step = 2 AND view >= session),
        count(DISTINCT session) FILTER (step = 3 AND inside2 >= session),
        count(DISTINCT session) FILTER (step = 4 AND inside3 >= session)
    FROM third
""").fetchone()
purchases, quantiles = connection.execute(f"""
    WITH bought AS (
        SELECT person, min(t) AS t FROM placed WHERE step = 4 AND view >= person GROUP BY person
    ), first_views AS (
        SELECT person, t FROM views WHERE before IS NULL OR before < person
    )
    SELECT count(*), quantile_disc(bought.t - first_views.t, {list(job.QUANTILES)})
    FROM bought JOIN first_views USING (person)
""").fetchone()
job.tell(
    rows,
    users,
    sessions,
    [viewers, *funnel_and_stages[:3]],
    job.stages([sessions, sessions_with_view, *funnel_and_stages[3:]]),
    purchases,
    quantiles or [None] * len(job.QUANTILES),
)
