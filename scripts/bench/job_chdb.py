"""The job in ClickHouse's engine (chdb): one pass, one group a person.

The funnel is its own `windowFunnel`. A session's rows become a word of step digits, and the deepest
step is asked of the word. Persons are told apart by a 64-bit hash, which groups faster than text.
"""

import json

import chdb

import job

asked = job.arguments()
quoted = asked.file.replace("'", "\\'")
kind = job.form(asked.file)
if kind == "parquet":
    source = f"file('{quoted}', 'Parquet')"
    at = f"toUnixTimestamp64Milli({asked.time})"
else:
    form = "JSONEachRow" if kind == "jsonl" else "CSVWithNames"
    types = f"{asked.time} String, {asked.event} LowCardinality(String), {asked.user} String"
    source = f"file('{quoted}', '{form}', '{types}')"
    at = f"toUnixTimestamp64Milli(parseDateTime64BestEffort({asked.time}, 3, 'UTC'))"
steps = ", ".join(f"step = {number}" for number in range(1, 5))
quantiles = ", ".join(f"times[toUInt64(ceil({q} * length(times)))]" for q in job.QUANTILES)

# Eight times the time and the step on top: one number sorts as both.
query = f"""
WITH
    persons AS (
        SELECT
            count() AS rows,
            arraySort(groupArray(at * 8 + step)) AS events,
            windowFunnel({job.WINDOW_MS})(toUInt64(at), {steps}) AS reached,
            minIf(at, step = 1) AS first_view,
            groupArrayIf(at, step = 4) AS bought
        FROM (
            SELECT cityHash64({asked.user}) AS person, {at} AS at,
                transform(toString({asked.event}), {list(job.STEPS)}, [1, 2, 3, 4], 0) AS step
            FROM {source}
        )
        GROUP BY person
    ),
    visits AS (
        SELECT rows, reached,
            arraySplit(
                (event, gap) -> gap > {job.TIMEOUT_MS}, events,
                arrayDifference(arrayMap(event -> bitShiftRight(event, 3), events))
            ) AS sessions,
            arrayMap(
                session -> arrayStringConcat(arrayMap(event -> toString(bitAnd(event, 7)), session)), sessions
            ) AS words,
            if(first_view = 0, 0, arrayMin(arrayFilter(at -> at > first_view, bought)) - first_view) AS time
        FROM persons
    ),
    depths AS (
        SELECT rows, reached, time,
            arrayMap(word -> multiIf(
                position(word, '1') = 0, 0, NOT like(word, '%1%2%'), 1, NOT like(word, '%1%2%3%'), 2,
                NOT like(word, '%1%2%3%4%'), 3, 4
            ), words) AS depth
        FROM visits
    )
SELECT sum(rows) AS rows, count() AS users, sum(length(depth)) AS sessions,
    [countIf(reached >= 1), countIf(reached >= 2), countIf(reached >= 3), countIf(reached >= 4)] AS funnel,
    sumForEach(arrayMap(step -> countEqual(depth, step), range(5))) AS abandon,
    arraySort(groupArrayIf(time, time > 0)) AS times,
    length(times) AS purchases, [{quantiles}] AS quantiles
FROM depths
SETTINGS input_format_skip_unknown_fields = 1
"""
told = json.loads(str(chdb.query(query, "JSONEachRow")))
job.tell(
    int(told["rows"]),
    int(told["users"]),
    int(told["sessions"]),
    [int(count) for count in told["funnel"]],
    [int(count) for count in told["abandon"]],
    int(told["purchases"]),
    [int(at) for at in told["quantiles"]],
)
