#!/usr/bin/env python3
"""One part of a comparison of Throng with ClickHouse (chdb) and DuckDB: the same rows, the same
questions, one run. `cargo xtask compare` starts it and writes down what it prints.

    compare.py versions
    compare.py load|ask|sets|seconds --folder DIR --size N --rounds N --people N

The last line of standard output is what was found, as JSON. Answers are compared before times are
told; a difference ends the run. Every system runs inside its own process, alone on the machine,
with as many threads as there are cores. Data that a folder has is not made again.
"""

import argparse
import json
import os
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


def wide(day):
    """One row per consumer of the largest brand, with what the stages of one day need: days, 0 for
    never, which DuckDB reads faster than nulls."""
    def of(reduce, name, within=None):
        since = f" and day > {day - within}" if within else ""
        when = f"behaviour = {BEHAVIOURS[name]}{since}"
        called = {"max": "last", "min": "first"}[reduce] + (f"_of_{within}" if within else "")
        return (f"coalesce({reduce}(day) filter (where {when}), 0)::usmallint "
                f"as {name}_{called}")
    columns = [of("max", name) for name in BEHAVIOURS]
    columns += [of(reduce, name, within) for name, within in (("buy", 365), ("view", 15))
                for reduce in ("min", "max")]
    return f"""
      create or replace table wide as select consumer, {", ".join(columns)}
      from events where brand = {BRANDS['largest']} and day <= {day}
      group by consumer order by consumer"""


def wide_aipl(day):
    """The stages of the day that the wide table was made for; it knows no other. Comparisons joined
    by `or` and stages as numbers are the fastest of the forms that were tried."""
    any_since = lambda names: " or ".join(f"{name}_last > {day - 15}" for name in names)
    return f"""
      select ['none', 'A', 'I', 'P', 'L'][stage + 1] as stage, n from (
        select stage, count(*) as n from (select case
            when buy_first_of_365 <> buy_last_of_365
              or (review_positive_last > {day - 365} and buy_last > 0) then 4
            when buy_last > {day - 913} then 3
            when {any_since(("search", "favorite", "cart"))}
              or view_first_of_15 <> view_last_of_15 then 2
            when {any_since(("exposure", "click", "view"))} then 1
            else 0 end as stage from wide) t group by stage) t order by stage"""


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


def connect(system, folder):
    """What runs a statement of a system, in the folder of its data."""
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
    return run


def load_csv(system, folder, run):
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


def make_sets(folder, consumers, run):
    """ClickHouse's bitmaps, in ranges of consumers."""
    run("create database if not exists b engine = Atomic")
    states = ", ".join(f"{name} AggregateFunction(groupBitmap, UInt32)" for name in SIX + TWENTY)
    run(f"create table b.sets (shard UInt8, {states}) engine = MergeTree order by shard "
        "settings index_granularity = 1")
    width = consumers // SHARDS + 1
    parts = " union all ".join(
        f"select {i} as i, intDiv(v, {width}) as shard, groupBitmapState(v) as state from "
        f"file('{os.path.join(folder, name)}.bin', 'RowBinary', 'v UInt32') group by shard"
        for i, name in enumerate(SIX + TWENTY))
    picked = ", ".join(f"groupBitmapMergeStateIf(state, i = {i})"
                       for i in range(len(SIX + TWENTY)))
    run(f"insert into b.sets select shard, {picked} from ({parts}) group by shard")


def ask_sets(rounds, run):
    expression = ("bitmapAndCardinality(bitmapAnd(bitmapAndnot(bitmapOr(p1, l1), l2), "
                  "bitmapOr(age3, age4)), tier1)")
    pairs = ", ".join(f"sum(bitmapAndCardinality({a}, {b}))"
                      for i, a in enumerate(TWENTY) for b in TWENTY[i + 1:])
    for name, sql in (("six sets", f"select sum({expression}) from b.sets"),
                      ("190 pairs of 20 sets", f"select {pairs} from b.sets")):
        ms, rows = timed(rounds, lambda: run(sql))
        print(json.dumps({"question": name, "system": "ClickHouse, bitmaps", "ms": ms,
                          "answer": sum(int(cell) for cell in rows[0])}), flush=True)


def load_raw(system, folder, has_seconds, run):
    raw = os.path.join(folder, "events.bin")
    parquet = os.path.join(folder, "events.parquet")
    second, order = ("second UInt32, ", ", second") if has_seconds else ("", "")
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


def make_wide(run):
    start = time.perf_counter()
    run(wide(LAST_DAY))
    run("checkpoint")
    seconds = time.perf_counter() - start
    rows = run("select count(*) from wide")[0][0]
    blocks, size = run("select count(distinct block_id), (select block_size from "
                       "pragma_database_size()) from pragma_storage_info('wide') "
                       "where persistent")[0]
    print(json.dumps({"seconds": seconds, "bytes": int(blocks) * int(size), "rows": int(rows)}))


def ask_events(system, rounds, run):
    asked = questions("clickhouse" if system == "chdb" else "duckdb")
    if system == "chdb":
        run("use b")
        asked["buyers' overlap of 20"] = clickhouse_overlap()
    for name, sql in asked.items():
        ms, rows = timed(rounds, lambda: run(sql))
        print(json.dumps({"name": name, "ms": ms, "rows": plain(name, rows)}), flush=True)


def child(argv):
    """One system in a process of its own; prints one JSON line per result."""
    system, job, folder, number = argv[0], argv[1], argv[2], int(argv[3])
    run = connect(system, folder)
    if job == "load-csv":
        load_csv(system, folder, run)
    elif job == "make-sets":
        make_sets(folder, number, run)
    elif job == "sets":
        ask_sets(number, run)
    elif job in ("load-raw", "load-seconds"):
        load_raw(system, folder, job == "load-seconds", run)
    elif job == "make-wide":
        make_wide(run)
    elif job == "wide":
        ms, rows = timed(number, lambda: run(wide_aipl(LAST_DAY)))
        print(json.dumps({"ms": ms, "rows": plain("aipl", rows)}))
    else:
        ask_events(system, number, run)


def lines_of(command):
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, check=True,
                          text=True)
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def spawn(*args):
    return lines_of([sys.executable, __file__, "--child", *args])


def bench(*args):
    return lines_of([os.environ["THRONG_BENCH"], *args])


def once(folder, name, outputs, make):
    """Makes data that is not there; what an ended run left of it is removed first."""
    note = os.path.join(folder, f"{name}.done")
    if not os.path.exists(note):
        for output in outputs:
            path = os.path.join(folder, output)
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.remove(path)
        print(f"  making {name}", file=sys.stderr, flush=True)
        found = make()
        with open(note + ".tmp", "w", encoding="utf-8") as out:
            json.dump(found, out)
        os.replace(note + ".tmp", note)
    with open(note, encoding="utf-8") as told:
        return json.load(told)


def settle():
    """Waits until what was made is on the disk: writing it takes the cores of who is asked."""
    os.sync()


def folder_bytes(path):
    return sum(os.path.getsize(os.path.join(d, f)) for d, _, fs in os.walk(path) for f in fs)


def load_part(args):
    """Loading is what is measured, so it is done anew."""
    folder, events = args.folder, args.size
    csv, store = os.path.join(folder, "events.csv"), os.path.join(folder, "loaded")
    once(folder, "csv", ["events.csv"],
         lambda: bench("csv", "--events", events, "--people", args.people, "--out", csv))
    shutil.rmtree(store, ignore_errors=True)
    shutil.rmtree(os.path.join(folder, "chdb"), ignore_errors=True)
    if os.path.exists(os.path.join(folder, "duck.db")):
        os.remove(os.path.join(folder, "duck.db"))
    start = time.perf_counter()
    subprocess.run([os.environ["THRONG"], "--data", store, "load", "events", csv], check=True,
                   stdout=subprocess.DEVNULL)
    own = (time.perf_counter() - start) * 1000
    duck = spawn("duckdb", "load-csv", folder, 1)[0]
    click = spawn("chdb", "load-csv", folder, 1)[0]
    opened = bench("open", "--data", store)[0]
    if not duck["rows"] == click["rows"] == opened["events"] == events:
        sys.exit(f"not all {events} events were loaded: Throng {opened['events']}, "
                 f"DuckDB {duck['rows']}, ClickHouse {click['rows']}")
    return {"events": events, "csv_bytes": os.path.getsize(csv), "open_ms": opened["ms"],
            "store_bytes": folder_bytes(store),
            "ms": {"Throng": own, "DuckDB": duck["ms"], "ClickHouse": click["ms"]}}


def own_answers(name, rows):
    if name.startswith("buyers"):
        number = lambda text: int(text.split("_")[1].split()[0])
        rows = [[number(l), number(r), n] for l, r, _, _, n, _, _ in rows if n != 0]
    return plain(name, rows)


def ask_part(args):
    folder, events, rounds, people = args.folder, args.size, args.rounds, args.people
    path = lambda name: os.path.join(folder, name)
    once(folder, "raw", ["events.bin"], lambda: bench(
        "raw", "--events", events, "--people", people, "--out", path("events.bin")))
    own_size = once(folder, "store", ["store"], lambda: bench(
        "store", "--events", events, "--people", people, "--data", path("store")))[0]["bytes"]
    click_size = once(folder, "chdb", ["chdb", "events.parquet"],
                      lambda: spawn("chdb", "load-raw", folder, 1))[0]["bytes"]
    duck_size = once(folder, "duck", ["duck.db", "duck.db.wal", "wide.done"],
                     lambda: spawn("duckdb", "load-raw", folder, 1))[0]["bytes"]
    wide_made = once(folder, "wide", [], lambda: spawn("duckdb", "make-wide", folder, 1))[0]
    with open(path("questions.json"), "w", encoding="utf-8") as out:
        json.dump(own_questions(), out)
    settle()
    own = {r["name"]: r for r in bench("ask", "--data", path("store"), "--questions",
                                       path("questions.json"), "--rounds", rounds)}
    click = {r["name"]: r for r in spawn("chdb", "ask", folder, rounds)}
    duck = {r["name"]: r for r in spawn("duckdb", "ask", folder, rounds)}
    on_wide = spawn("duckdb", "wide", folder, rounds)[0]
    trend = own.pop(TREND)["ms"]
    found = []
    for name, mine in own.items():
        peers = [("ClickHouse", click[name]), ("DuckDB", duck[name])]
        if name == "aipl largest":
            peers.append(("DuckDB, wide table", on_wide))
        ours = own_answers(name, mine["rows"])
        for system, other in peers:
            theirs = [tuple(row) for row in other["rows"]]
            if ours != theirs:
                sys.exit(f"answers differ: {name}\n  Throng {ours[:9]}\n  {system} {theirs[:9]}")
        found.append({"name": name, "ms": mine["ms"], "memo": mine["memo"],
                      "peers": {system: other["ms"] for system, other in peers}})
    return {"events": events, "rounds": rounds, "questions": found, "trend_ms": trend,
            "bytes": {"Throng": own_size, "ClickHouse": click_size, "DuckDB": duck_size},
            "wide": wide_made}


def sets_part(args):
    """Sets of many consumers beside the bitmap libraries and ClickHouse's bitmaps."""
    folder, consumers, rounds = args.folder, args.size, args.rounds
    store = os.path.join(folder, "store")
    once(folder, "store", ["store"],
         lambda: bench("make-sets", "--data", store, "--consumers", consumers))
    once(folder, "files", [f"{name}.bin" for name in SIX + TWENTY],
         lambda: bench("write-sets", "--out", folder, "--consumers", consumers))
    once(folder, "chdb", ["chdb"], lambda: spawn("chdb", "make-sets", folder, consumers))
    rows = bench("sets", "--data", store, "--consumers", consumers, "--rounds", rounds)
    rows += spawn("chdb", "sets", folder, rounds)
    first = {}
    for row in rows:
        own = first.setdefault(row["question"], row)
        if "count" not in row["system"] and row["answer"] != own["answer"]:
            sys.exit(f"answers differ: {row} {own}")
    return {"consumers": consumers, "rounds": rounds, "rows": rows}


def seconds_part(args):
    """Bytes of the same rows with the second of each; Throng's are merged, as the peers' are."""
    folder, events, people = args.folder, args.size, args.people
    raw, store = os.path.join(folder, "events.bin"), os.path.join(folder, "store")
    exact = ("--times", "seconds", "--people", people)
    once(folder, "raw", ["events.bin"],
         lambda: bench("raw", "--events", events, "--out", raw, *exact))

    def make_store():
        bench("store", "--events", events, "--data", store, *exact)
        subprocess.run([os.environ["THRONG"], "--data", store, "compact"], check=True,
                       stdout=subprocess.DEVNULL)
        own = sum(os.path.getsize(os.path.join(store, name)) for name in os.listdir(store)
                  if name.startswith("seg-"))
        shutil.rmtree(store)
        return [{"bytes": own}]

    own = once(folder, "store", ["store"], make_store)[0]["bytes"]
    click = once(folder, "chdb", ["chdb", "events.parquet"],
                 lambda: spawn("chdb", "load-seconds", folder, 1))[0]["bytes"]
    duck = once(folder, "duck", ["duck.db", "duck.db.wal"],
                lambda: spawn("duckdb", "load-seconds", folder, 1))[0]["bytes"]
    return {"events": events, "bytes": {"Throng": own, "ClickHouse": click, "DuckDB": duck}}


def versions(_args):
    import chdb, duckdb
    return {"ClickHouse": f"{chdb.engine_version} (chdb {chdb.__version__})",
            "DuckDB": duckdb.__version__}


def main():
    if len(sys.argv) > 1 and sys.argv[1] == "--child":
        return child(sys.argv[2:])
    parts = {"versions": versions, "load": load_part, "ask": ask_part, "sets": sets_part,
             "seconds": seconds_part}
    parser = argparse.ArgumentParser()
    parser.add_argument("part", choices=parts)
    parser.add_argument("--folder", type=os.path.abspath)
    parser.add_argument("--size", type=int, help="events, or consumers of the sets")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--people", type=int, help="consumers of the reference events")
    args = parser.parse_args()
    print(json.dumps(parts[args.part](args)))


if __name__ == "__main__":
    main()
