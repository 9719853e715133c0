#!/usr/bin/env python3
"""Throng beside ClickHouse (chdb) and DuckDB: the same rows, the same questions, one run.

    benches/compare/run [--load-events 20000000] [--events 100000000] [--consumers 100000000]
        [--rounds 7] [--parts load,ask,sets,seconds]
        [--parts load,ask,seconds]

Writes the table of docs/benchmarks.md to standard output. Answers are compared before times are;
a difference ends the run. Every system runs inside its own process, alone on the machine, with as
many threads as there are cores.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import time

START_DAY = 16801  # 2016-01-01 in days since 1970-01-01
LAST_DAY = START_DAY + 729
BEHAVIOURS = {  # ids of the built-in behaviours in the raw file
    "exposure": 1, "click": 2, "view": 3, "search": 4, "favorite": 6, "cart": 7, "buy": 8,
    "review_positive": 10,
}
TREND = "aipl largest, each of 90 days"
SIX = "p1 l1 l2 age3 age4 tier1".split()
TWENTY = [f"s{i:02}" for i in range(20)]
SHARDS = 16  # ranges of consumers, so that ClickHouse's bitmaps are worked on by all cores
BRANDS = {"largest": 1, "medium": 50, "small": 1000}


def iso(day):
    return time.strftime("%Y-%m-%d", time.gmtime(day * 86400))


def aipl(dialect, brand, day):
    """One row per stage; the filter names what the sort key (brand, behaviour, day) can skip."""
    b = BEHAVIOURS
    since = lambda n: f"day > {day - n} and day <= {day}"
    if dialect == "clickhouse":
        when, least, most = "{agg}If({x}, {c})", "minIf", "maxIf"
        count = lambda c: f"countIf({c})"
        low = lambda x, c: f"minIf({x}, {c})"
        high = lambda x, c: f"maxIf({x}, {c})"
    else:
        count = lambda c: f"count(*) filter (where {c})"
        low = lambda x, c: f"coalesce(min({x}) filter (where {c}), 0)"
        high = lambda x, c: f"coalesce(max({x}) filter (where {c}), 0)"
    buy, review = f"behaviour = {b['buy']}", f"behaviour = {b['review_positive']}"
    wish = f"behaviour in ({b['search']}, {b['favorite']}, {b['cart']})"
    seen = f"behaviour in ({b['exposure']}, {b['click']}, {b['view']})"
    view = f"behaviour = {b['view']}"
    return f"""
      select case
          when {low('day', f'{buy} and {since(365)}')} <> {high('day', f'{buy} and {since(365)}')}
            or ({count(f'{review} and {since(365)}')} > 0 and {count(buy)} > 0) then 'L'
          when {count(f'{buy} and {since(913)}')} > 0 then 'P'
          when {count(f'{wish} and {since(15)}')} > 0
            or {low('day', f'{view} and {since(15)}')} <> {high('day', f'{view} and {since(15)}')}
            then 'I'
          when {count(f'{seen} and {since(15)}')} > 0 then 'A'
          else 'none' end as stage, consumer
      from events
      where brand = {brand} and day <= {day} and ({buy} or ({review} and {since(365)})
        or (({wish} or {seen}) and {since(15)}))
      group by consumer"""


def questions(dialect):
    """name -> statement of a peer."""
    asked = {}
    for size, brand in BRANDS.items():
        inner = aipl(dialect, brand, LAST_DAY)
        asked[f"aipl {size}"] = (
            f"select stage, count(*) as n from ({inner}) t where stage <> 'none' "
            "group by stage order by stage")
    past = aipl(dialect, 1, LAST_DAY - 200)
    asked["aipl largest, 200 days ago"] = (
        f"select stage, count(*) as n from ({past}) t where stage <> 'none' "
        "group by stage order by stage")
    d1, d2 = LAST_DAY - 60, LAST_DAY
    asked["flow largest"] = f"""
      select coalesce(nullif(a.stage, ''), 'none') as s1, coalesce(nullif(b.stage, ''), 'none') as s2,
        count(*) as n
      from ({aipl(dialect, 1, d1)}) a full join ({aipl(dialect, 1, d2)}) b on a.consumer = b.consumer
      where coalesce(nullif(a.stage, ''), 'none') <> 'none'
         or coalesce(nullif(b.stage, ''), 'none') <> 'none'
      group by s1, s2 order by s1, s2"""
    buy = BEHAVIOURS["buy"]
    asked["buyers' overlap of 20"] = f"""
      select x.brand as l, y.brand as r, count(*) as n
      from (select distinct brand, consumer from events where behaviour = {buy} and brand <= 20) x
      join (select distinct brand, consumer from events where behaviour = {buy} and brand <= 20) y
        on x.consumer = y.consumer
      where x.brand < y.brand group by l, r order by l, r"""
    of = lambda what, since, having: f"""
      select count(*) as n from (select consumer from events where brand = 1 and {what}
        and day > {LAST_DAY - since} and day <= {LAST_DAY} group by consumer having {having}) t"""
    view, cart = BEHAVIOURS["view"], BEHAVIOURS["cart"]
    asked["viewed on 3 days of 15"] = of(f"behaviour = {view}", 15, "count(distinct day) >= 3")
    count = (lambda c: f"countIf({c})") if dialect == "clickhouse" else (
        lambda c: f"count(*) filter (where {c})")
    asked["cart twice, no buy in 30 days"] = of(
        f"behaviour in ({cart}, {buy})", 30,
        f"{count(f'behaviour = {cart}')} >= 2 and {count(f'behaviour = {buy}')} = 0")
    asked["spent 500 in 365 days"] = of(f"behaviour = {buy}", 365, "sum(amount) >= 50000")
    return asked


def clickhouse_overlap():
    """ClickHouse's best form: the brands of each buyer as bits, then pairs of the few patterns."""
    return f"""
      select l, r, sum(n) as n from (
        select bits, count(*) as n from (
          select consumer, groupBitOr(bitShiftLeft(toUInt32(1), brand)) as bits from events
          where behaviour = {BEHAVIOURS['buy']} and brand <= 20 group by consumer) group by bits) p
      cross join (select number + 1 as l from numbers(20)) a
      cross join (select number + 1 as r from numbers(20)) b
      where l < r and bitTest(bits, l) and bitTest(bits, r) group by l, r order by l, r"""


def own_questions():
    asked = {}
    for size, brand in BRANDS.items():
        asked[f"aipl {size}"] = f"COUNT BY brand_{brand:04}.stage"
    asked["aipl largest, 200 days ago"] = (
        f"COUNT BY brand_0001.stage AS OF '{iso(LAST_DAY - 200)}'")
    asked["flow largest"] = (
        f"COUNT BY brand_0001.stage AS OF '{iso(LAST_DAY - 60)}', "
        f"brand_0001.stage AS OF '{iso(LAST_DAY)}'")
    sets = ", ".join(f"(brand_{b:04} DID buy)" for b in range(1, 21))
    asked["buyers' overlap of 20"] = f"OVERLAP {sets}"
    asked["viewed on 3 days of 15"] = "COUNT WHERE brand_0001 DID view ON 3 DAYS IN LAST 15 DAYS"
    asked["cart twice, no buy in 30 days"] = (
        "COUNT WHERE brand_0001 DID cart 2 TIMES IN LAST 30 DAYS "
        "AND NOT brand_0001 DID buy IN LAST 30 DAYS")
    asked["spent 500 in 365 days"] = "COUNT WHERE brand_0001 SPENT >= 500 IN LAST 365 DAYS"
    asked[TREND] = (f"COUNT BY brand_0001.stage EVERY 1 DAY "
                    f"FROM '{iso(LAST_DAY - 89)}' TO '{iso(LAST_DAY)}'")
    return asked


def plain(name, rows):
    """Rows of any system in one form: tuples of text, without stage none of both dates."""
    out = []
    for row in rows:
        cells = [str(cell) for cell in row]
        if name.startswith("aipl") and cells[0] in ("none", "O"):
            continue
        if name.startswith("flow") and cells[0] == "none" and cells[1] == "none":
            continue
        out.append(tuple(cells))
    return sorted(out)


def timed(rounds, ask):
    ask()
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        rows = ask()
        times.append((time.perf_counter() - start) * 1000)
    return statistics.median(times), rows


def child(argv):
    """One system in a process of its own; prints one JSON line per result."""
    system, job, folder, rounds = argv[0], argv[1], argv[2], int(argv[3])
    if system == "chdb":
        from chdb import session
        base = session.Session(os.path.join(folder, "chdb"))
        def run(sql):
            text = base.query(sql, "TSV").bytes().decode()
            return [line.split("\t") for line in text.splitlines()]
    else:
        import duckdb
        base = duckdb.connect(os.path.join(folder, "duck.db"))
        def run(sql):
            return base.execute(sql).fetchall()
    if job == "load-csv":
        path = os.path.join(folder, "events.csv")
        start = time.perf_counter()
        if system == "chdb":
            run("create database if not exists b engine = Atomic")
            run("create table b.loaded (consumer String, brand LowCardinality(String), behaviour "
                "LowCardinality(String), time DateTime, amount Nullable(Decimal(18, 2))) engine = "
                "MergeTree order by (brand, behaviour, time, consumer)")
            run(f"insert into b.loaded select * from file('{path}', 'CSVWithNames')")
            n = run("select count() from b.loaded")[0][0]
        else:
            run(f"create table loaded as select * from read_csv('{path}')")
            run("checkpoint")
            n = run("select count(*) from loaded")[0][0]
        print(json.dumps({"ms": (time.perf_counter() - start) * 1000, "rows": int(n)}))
    elif job == "sets":
        run("create database if not exists b engine = Atomic")
        run("use b")
        states = ", ".join(f"{name} AggregateFunction(groupBitmap, UInt32)" for name in SIX + TWENTY)
        run(f"create table sets (shard UInt8, {states}) engine = MergeTree order by shard "
            "settings index_granularity = 1")
        width = int(argv[4]) // SHARDS + 1
        parts = " union all ".join(
            f"select {i} as i, intDiv(v, {width}) as shard, groupBitmapState(v) as state from "
            f"file('{os.path.join(folder, name)}.bin', 'RowBinary', 'v UInt32') group by shard"
            for i, name in enumerate(SIX + TWENTY))
        picked = ", ".join(f"groupBitmapMergeStateIf(state, i = {i})"
                           for i in range(len(SIX + TWENTY)))
        run(f"insert into sets select shard, {picked} from ({parts}) group by shard")
        expression = ("bitmapAndCardinality(bitmapAnd(bitmapAndnot(bitmapOr(p1, l1), l2), "
                      "bitmapOr(age3, age4)), tier1)")
        pairs = ", ".join(f"sum(bitmapAndCardinality({a}, {b}))"
                          for i, a in enumerate(TWENTY) for b in TWENTY[i + 1:])
        for name, sql in (("six sets", f"select sum({expression}) from sets"),
                          ("190 pairs of 20 sets", f"select {pairs} from sets")):
            ms, rows = timed(rounds, lambda: run(sql))
            print(json.dumps({"question": name, "system": "ClickHouse, bitmaps", "ms": ms,
                              "answer": sum(int(cell) for cell in rows[0])}), flush=True)
    elif job in ("load-raw", "load-seconds"):
        raw = os.path.join(folder, "events.bin")
        parquet = os.path.join(folder, "events.parquet")
        second, order = ("", "") if job == "load-raw" else ("second UInt32, ", ", second")
        order = f"brand, behaviour, day, consumer{order}"
        if system == "chdb":
            shape = (f"brand UInt16, behaviour UInt8, day UInt16, {second}consumer UInt32, "
                     "amount UInt32")
            run("create database if not exists b engine = Atomic")
            run(f"create table b.events ({shape}) engine = MergeTree order by ({order})")
            run(f"insert into b.events select * from file('{raw}', 'RowBinary', '{shape}')")
            run("optimize table b.events final")
            run(f"select * from b.events order by {order} "
                f"into outfile '{parquet}' format Parquet")
            size = run("select sum(bytes_on_disk) from system.parts where active "
                       "and database = 'b' and table = 'events'")[0][0]
        else:
            run(f"create table events as select * from '{parquet}' order by {order}")
            run("checkpoint")
            size = os.path.getsize(os.path.join(folder, "duck.db"))
        print(json.dumps({"bytes": int(size)}))
    else:
        asked = questions("clickhouse" if system == "chdb" else "duckdb")
        if system == "chdb":
            run("use b")
            asked["buyers' overlap of 20"] = clickhouse_overlap()
        for name, sql in asked.items():
            ms, rows = timed(rounds, lambda: run(sql))
            print(json.dumps({"name": name, "ms": ms, "rows": plain(name, rows)}), flush=True)


def spawn(*args):
    done = subprocess.run([sys.executable, __file__, "--child", *map(str, args)],
                          stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def bench(*args):
    done = subprocess.run([os.environ["THRONG_BENCH"], *map(str, args)],
                          stdout=subprocess.PIPE, check=True, text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def folder_bytes(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(path) for f in fs)


def load_part(folder, events):
    csv = os.path.join(folder, "events.csv")
    bench("csv", "--events", events, "--out", csv)
    store = os.path.join(folder, "loaded")
    start = time.perf_counter()
    subprocess.run([os.environ["THRONG"], "--data", store, "load", "events", csv], check=True,
                   stdout=subprocess.DEVNULL)
    own = (time.perf_counter() - start) * 1000
    duck = spawn("duckdb", "load-csv", folder, 1)[0]
    click = spawn("chdb", "load-csv", folder, 1)[0]
    opened = bench("open", "--data", store)[0]
    assert duck["rows"] == click["rows"] == opened["events"] == events
    print(f"\n## Loading {events:,} events from a CSV of {os.path.getsize(csv) / 1e9:.2f} GB\n")
    print("| system | seconds | against Throng |\n|---|---|---|")
    for name, ms in (("Throng", own), ("DuckDB", duck["ms"]), ("ClickHouse", click["ms"])):
        print(f"| {name} | {ms / 1000:.1f} | {ms / own:.2f} |")
    print(f"\nOpening that store: {opened['ms']:.1f} ms. "
          f"Its size: {folder_bytes(store) / events:.2f} bytes per event, dictionary included.\n")


def question_part(folder, events, rounds):
    raw, store = os.path.join(folder, "events.bin"), os.path.join(folder, "store")
    bench("raw", "--events", events, "--out", raw)
    size = bench("store", "--events", events, "--data", store)[0]
    click_size = spawn("chdb", "load-raw", folder, 1)[0]["bytes"]
    duck_size = spawn("duckdb", "load-raw", folder, 1)[0]["bytes"]
    ask_part(folder, events, rounds, (size["bytes"], click_size, duck_size))


def ask_part(folder, events, rounds, sizes):
    store = os.path.join(folder, "store")
    own_size, click_size, duck_size = sizes
    own_file = os.path.join(folder, "questions.json")
    with open(own_file, "w", encoding="utf-8") as out:
        json.dump(own_questions(), out)
    own = {r["name"]: r for r in bench("ask", "--data", store, "--questions", own_file,
                                       "--rounds", rounds)}
    click = {r["name"]: r for r in spawn("chdb", "ask", folder, rounds)}
    duck = {r["name"]: r for r in spawn("duckdb", "ask", folder, rounds)}
    print(f"\n## Questions over {events:,} raw events (medians of {rounds}, ms)\n")
    print("| question | Throng | ClickHouse | DuckDB | ClickHouse / Throng | DuckDB / Throng "
          "| Throng, asked before |")
    print("|---|---|---|---|---|---|---|")
    trend = own.pop(TREND)["ms"]
    for name, mine in own.items():
        ours = mine["rows"]
        if name.startswith("buyers"):
            ours = [[int(l.split("_")[1].split()[0]), int(r.split("_")[1].split()[0]), n]
                    for l, r, _, _, n, _, _ in ours]
            ours = [row for row in ours if row[2] != 0]
        ours = plain(name, ours)
        for other in (click, duck):
            theirs = [tuple(row) for row in other[name]["rows"]]
            if ours != theirs:
                sys.exit(f"answers differ: {name}\n  throng {ours[:9]}\n  peer {theirs[:9]}")
        a, b, c = mine["ms"], click[name]["ms"], duck[name]["ms"]
        print(f"| {name} | {a:.2f} | {b:.1f} | {c:.1f} | {b / a:.1f} | {c / a:.1f} "
              f"| {mine['memo']:.2f} |")
    print(f"\n{TREND}: {trend:.1f} ms, {trend / own['aipl largest']['ms']:.1f} times one day.")
    print(f"\nOn disk, bytes per event: Throng {own_size / events:.2f} (dictionary apart), "
          f"ClickHouse {click_size / events:.2f}, DuckDB {duck_size / events:.2f}.\n")


def set_part(folder, consumers, rounds):
    """Sets of many consumers beside the bitmap libraries and ClickHouse's bitmaps."""
    store = os.path.join(folder, "store")
    bench("make-sets", "--data", store, "--consumers", consumers)
    bench("write-sets", "--out", folder, "--consumers", consumers)
    sets_part(folder, store, consumers, rounds)


def sets_part(folder, store, consumers, rounds):
    own = bench("sets", "--data", store, "--consumers", consumers, "--rounds", rounds)
    own += spawn("chdb", "sets", folder, rounds, consumers)
    print(f"\n## Sets over {consumers:,} consumers (medians of {rounds}, ms)\n")
    print("| question | system | ms | against Throng |\n|---|---|---|---|")
    for name in dict.fromkeys(row["question"] for row in own):
        rows = [row for row in own if row["question"] == name]
        for row in rows:
            print(f"| {name} | {row['system']} | {row['ms']:.1f} | {row['ms'] / rows[0]['ms']:.2f} |")
            if "count" not in row["system"] and row["answer"] != rows[0]["answer"]:
                sys.exit(f"answers differ: {rows}")


def seconds_part(folder, events):
    """Bytes of the same rows with the second of each; Throng's are merged, as the peers' are."""
    raw, store = os.path.join(folder, "events.bin"), os.path.join(folder, "store")
    bench("raw", "--events", events, "--out", raw, "--times", "seconds")
    bench("store", "--events", events, "--data", store, "--times", "seconds")
    subprocess.run([os.environ["THRONG"], "--data", store, "compact"], check=True,
                   stdout=subprocess.DEVNULL)
    own = sum(os.path.getsize(os.path.join(store, name)) for name in os.listdir(store)
              if name.startswith("seg-"))
    shutil.rmtree(store)
    click = spawn("chdb", "load-seconds", folder, 1)[0]["bytes"]
    duck = spawn("duckdb", "load-seconds", folder, 1)[0]["bytes"]
    print(f"\nWith seconds, {events:,} events, bytes per event: Throng {own / events:.2f} merged "
          f"(dictionary apart), ClickHouse {click / events:.2f}, DuckDB {duck / events:.2f}.\n")


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(sys.argv[2:])
    parser = argparse.ArgumentParser()
    parser.add_argument("--load-events", type=int, default=20_000_000)
    parser.add_argument("--events", type=int, default=100_000_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--consumers", type=int, default=100_000_000)
    parser.add_argument("--parts", default="load,ask,sets,seconds")
    parser.add_argument("--folder", default="target/compare")
    args = parser.parse_args()
    import chdb, duckdb
    print(f"Machine: {platform.machine()}, {os.cpu_count()} cores. ClickHouse {chdb.engine_version}"
          f" (chdb), DuckDB {duckdb.__version__}.")
    for part, run in (("load", lambda f: load_part(f, args.load_events)),
                      ("ask", lambda f: question_part(f, args.events, args.rounds)),
                      ("sets", lambda f: set_part(f, args.consumers, args.rounds)),
                      ("seconds", lambda f: seconds_part(f, args.events))):
        if part not in args.parts.split(","):
            continue
        folder = os.path.abspath(os.path.join(args.folder, part))
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
        run(folder)
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
