"""The phases of bench/serve_bench.py: each takes a Setup and adds figures to it."""
import http.client
import json
import os
import pathlib
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.parse

from serve_world import MARK_RULE_ID, Load, Running, Watch, disk_bytes, unverified

ROOT = pathlib.Path(__file__).resolve().parent.parent
POLL_S = 0.01
IDLE_CLIENTS, BUSY_CLIENTS, BUSY_EVERY_S = 500, 50, 1.0
CONNECTIONS_AN_ADDRESS = 150   # Fewer than the server lets one address have.
LATENCY_RATE = 10_000
WARM_EVENTS = 200_000          # After so many, rules that the lane often matches have given what they may at once.
MARKS_SEEN_WITHIN_S = 30
QUERY_REPEATS = 7
SOURCE_COUNTS = (1, 10, 50, 200)
LISTEN_WITHIN_S = 120.0
MAX_GROWTH_S = 60.0
ALONE_TO_SERVER = 1.7          # How many more rows in the same time, about.
MIN_ALONE_BLOCK = 1_000         # A short run on a busy machine stores little at once; the store alone would then take minutes.
RULE_COUNTS = (500, 1_000, 2_000)


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def add_memory(setup, phase, server):
    main, store = server.server.peak_mib(), server.store.peak_mib()
    setup.add(phase, "peak memory, server", main, "MiB")
    setup.add(phase, "peak memory, store", store, "MiB")
    setup.add(phase, "peak memory, both", main + store, "MiB")


def check_loss(setup, phase, server, sent):
    """All that was sent is in the store, once, and nothing is a dead letter."""
    drained = server.wait_stored(sent)
    setup.add(phase, "sent", sent, "events")
    setup.add(phase, "lost", sent - server.count(), "events")
    setup.add(phase, "dead letters", server.dead_letters(), "records")
    setup.add(phase, "time until all was stored", drained, "s")


def store_alone(setup, count, options=()):
    """Events a second that the store takes with nothing else running."""
    output = subprocess.run([str(setup.build / "bench" / "store_bench"), "--lane", str(setup.lane), str(count), *map(str, options)],
                            check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "TMPDIR": setup.folder}).stdout
    return json.loads(output)["rows_per_s"]


def measure_store(setup):
    setup.add("store", "rows_per_s", store_alone(setup, max(160_000, int(setup.rate * min(setup.seconds, 60)))), "rows/s")


def measure_sustained(setup):
    with Running(setup) as server:
        setup.add("sustained", "rules", server.client.ask("GET", "/api/v1/rules?limit=1")["total"], "")
        load = Load(setup, server, {"rate": setup.rate, "seconds": setup.seconds, "connections": 4})
        watch = Watch(server)
        sent = load.result()
        figures = watch.figures()
        setup.add("sustained", "sent_per_s", sent["sent"] / sent["seconds"], "events/s")
        setup.add("sustained", "behind at the end", sent["sent"] - server.stored(), "events")
        for name, value in figures.items():
            setup.add("sustained", name, value, "events/s" if name == "stored_per_s" else "cores")
        setup.add("sustained", "bytes an event", sent["bytes"] / sent["sent"], "B")
        add_memory(setup, "sustained", server)
        check_loss(setup, "sustained", server, sent["sent"])
        setup.add("sustained", "findings stored", server.metric("tocsin_findings_stored_total"), "")
        setup.add("sustained", "findings suppressed", server.metric("tocsin_findings_suppressed_total"), "")
        setup.add("sustained", "stop", server.stop(), "s")


def run_full_speed(setup, server, seconds, to=None, options=None):
    """What was stored while senders pushed: after the journal is full they are slowed to just that."""
    load = Load(setup, server, {"seconds": seconds, "connections": 4, **(options or {})}, to)
    time.sleep(min(2.0, seconds / 4))
    watch, rows = Watch(server), StoredRows(server)
    while load.running() and time.monotonic() - watch.begin < seconds * 0.7:
        time.sleep(0.1)
    figures, rows = watch.figures(), rows.since()
    return figures, load.result(), rows


class StoredRows:
    """Events and findings that a server stores, and in how many inserts, between two looks."""

    NAMES = ("tocsin_events_stored_total", "tocsin_event_blocks_stored_total", "tocsin_findings_stored_total",
             "tocsin_finding_blocks_stored_total")

    def __init__(self, server):
        self.server, self.begin = server, [server.metric(name) for name in self.NAMES]

    def since(self):
        events, event_blocks, findings, finding_blocks = (self.server.metric(name) - before
                                                          for name, before in zip(self.NAMES, self.begin))
        return {"events an insert": events / max(event_blocks, 1), "findings an insert": findings / max(finding_blocks, 1),
                "findings an event": findings / max(events, 1)}


def keep_findings(server, path):
    """Some findings of the server as bench/store_bench reads them."""
    sql = ("SELECT toString(rule_id), toString(rule_title), toString(level), toString(host), toString(user), toString(site), "
           "toString(source), reason, finding FROM findings LIMIT 1000")
    rows = server.client.ask("POST", "/api/v1/search/sql", {"sql": sql, "limit": 1000})["rows"]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return len(rows)


def compare_with_store(setup, phase, stored_per_s, rows, findings):
    """The store alone, taking events only, and taking what the server gave it; about as long as the server did, for what was
    inserted is merged later."""
    count = max(160_000, int(ALONE_TO_SERVER * stored_per_s * setup.seconds))
    if setup.value("store", "rows_per_s"):
        setup.add(phase, "stored to store alone, events only", stored_per_s / setup.value("store", "rows_per_s"), "")
    options = ["--block", round(max(rows["events an insert"], MIN_ALONE_BLOCK))]
    if findings and rows["findings an event"] > 0:
        options += ["--findings", findings, "--findings-share", f"{rows['findings an event']:.6f}", "--findings-block",
                    round(max(rows["findings an insert"], MIN_ALONE_BLOCK // 10))]
    alone = store_alone(setup, count, options)
    setup.add(phase, "store alone, same rows", alone, "events/s")
    setup.add(phase, "stored to store alone, same rows", stored_per_s / alone, "")


def measure_maximum(setup, phase="maximum"):
    with tempfile.TemporaryDirectory(dir=setup.folder) as folder:
        findings = pathlib.Path(folder) / "findings"
        with Running(setup, journal="256MB") as server:
            to, options = None, None
            if phase == "http":
                to = [f"https://127.0.0.1:{server.port}/api/v1/ingest/bench-http"]
                options = {"token": server.token()}
            figures, sent, rows = run_full_speed(setup, server, setup.seconds, to, options)
            for name, value in figures.items():
                setup.add(phase, name, value, "events/s" if name == "stored_per_s" else "cores")
            for name, value in rows.items():
                setup.add(phase, name, value, "")
            setup.add(phase, "senders waited", sent["wait_share"], "of their time")
            add_memory(setup, phase, server)
            check_loss(setup, phase, server, sent["sent"])
            kept = keep_findings(server, findings)
        if phase == "maximum":
            compare_with_store(setup, phase, figures["stored_per_s"], rows, findings if kept else None)


class FindingWatch:
    """When each marked event's finding was first seen, by asking and by listening."""

    def __init__(self, server):
        self.server, self.polled, self.heard, self.ask_s = server, {}, {}, []
        self.stopping = threading.Event()
        self.listening = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=LISTEN_WITHIN_S, context=unverified())
        self.listening.request("GET", "/api/v1/live?topics=findings", headers=server.session)
        self.socket = self.listening.sock
        self.stream = self.listening.getresponse()
        self.threads = [threading.Thread(target=one, daemon=True) for one in (self.poll, self.listen)]
        for thread in self.threads:
            thread.start()

    def poll(self):
        client = self.server.new_client()
        query = urllib.parse.urlencode({"rule": MARK_RULE_ID, "from": "now-1m", "limit": 100})
        while not self.stopping.is_set():
            begin = time.monotonic()
            items = client.ask("GET", "/api/v1/findings?" + query)["items"]
            self.ask_s.append(time.monotonic() - begin)
            now = time.time_ns()
            for item in items:
                self.polled.setdefault(item["host"], now)
            time.sleep(POLL_S)

    def listen(self):
        while not self.stopping.is_set():
            try:
                line = self.stream.readline()
            except (OSError, ValueError, AttributeError):   # Ended by stop(), or silent for long: it cannot go on.
                return
            if not line:
                return
            if b'"mark-' in line:
                self.heard.setdefault(json.loads(line.split(b":", 1)[1])["host"], time.time_ns())

    def stop(self, count):
        """Once so many were seen in both ways, or it is given up."""
        begin = time.monotonic()
        while min(len(self.polled), len(self.heard)) < count and time.monotonic() - begin < MARKS_SEEN_WITHIN_S:
            time.sleep(0.1)
        self.stopping.set()
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        for thread in self.threads:
            thread.join(10)
        self.listening.close()

    def add(self, setup, phase, marks):
        sent = dict(line.split() for line in marks.read_text().splitlines())
        setup.add(phase, "marks sent", len(sent), "")
        for name, seen in (("asked", self.polled), ("heard", self.heard)):
            waits = [(seen["mark-" + number] - int(at)) / 1e6 for number, at in sent.items() if "mark-" + number in seen]
            setup.add(phase, f"finding {name}, seen", len(waits), "")
            for title, share in (("p50", 0.5), ("p99", 0.99), ("max", 1.0)):
                setup.add(phase, f"finding {name}, {title}", percentile(waits, share), "ms")
        setup.add(phase, "one question took, p50", percentile(self.ask_s, 0.5) * 1e3, "ms")


def load_with_marks(setup, phase, server, warm=True):
    """The latency load; returns how many events were sent."""
    before = 0
    if warm:
        before = Load(setup, server, {"events": WARM_EVENTS, "connections": 4}).result()["sent"]
        server.wait_stored(before)
    marks = server.folder / "marks"
    watch = FindingWatch(server)
    figures = Watch(server)
    sent = Load(setup, server, {"rate": LATENCY_RATE, "seconds": max(5.0, setup.seconds / 2), "connections": 2, "marks": marks,
                                "marks-per-second": 20}).result()
    for name, value in figures.figures().items():
        setup.add(phase, name, value, "events/s" if name == "stored_per_s" else "cores")
    watch.stop(len(marks.read_text().splitlines()))
    watch.add(setup, phase, marks)
    setup.add(phase, "findings stored", server.metric("tocsin_findings_stored_total"), "")
    return before + sent["sent"]


def measure_latency(setup, phase="latency"):
    with Running(setup) as server:
        sent = load_with_marks(setup, phase, server, warm=phase == "latency")
        add_memory(setup, phase, server)
        check_loss(setup, phase, server, sent)


class Crowd:
    """Idle clients that only hold a connection, and busy ones that look at pages."""

    PATHS = ("/api/v1/overview", "/api/v1/findings?limit=50", "/api/v1/sources", "/api/v1/health")

    def __init__(self, server):
        self.server, self.stopping, self.took, self.failed = server, threading.Event(), [], 0
        self.idle = []
        for i in range(IDLE_CLIENTS):
            one = socket.create_connection(("127.0.0.1", server.port), 10, (f"127.0.1.{1 + i // CONNECTIONS_AN_ADDRESS}", 0))
            self.idle.append(unverified().wrap_socket(one))
        self.threads = [threading.Thread(target=self.look, args=(i,), daemon=True) for i in range(BUSY_CLIENTS)]
        for thread in self.threads:
            thread.start()

    def look(self, number):
        client = self.server.new_client("127.0.2.1")
        time.sleep(BUSY_EVERY_S * number / BUSY_CLIENTS)
        while not self.stopping.is_set():
            begin = time.monotonic()
            try:
                client.ask("GET", self.PATHS[number % len(self.PATHS)])
                self.took.append(time.monotonic() - begin)
            except (RuntimeError, OSError, http.client.HTTPException):
                self.failed += 1
            number += 1
            self.stopping.wait(max(0.0, BUSY_EVERY_S - (time.monotonic() - begin)))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(30)
        for one in self.idle:
            one.close()


def measure_clients(setup):
    with Running(setup) as server:
        crowd = Crowd(server)
        sent = load_with_marks(setup, "clients", server)
        crowd.stop()
        setup.add("clients", "requests", len(crowd.took), "")
        setup.add("clients", "requests failed", crowd.failed, "")
        setup.add("clients", "request, p50", percentile(crowd.took, 0.5) * 1e3, "ms")
        setup.add("clients", "request, p99", percentile(crowd.took, 0.99) * 1e3, "ms")
        add_memory(setup, "clients", server)
        check_loss(setup, "clients", server, sent)


def settled_disk(server):
    """Bytes of the store once merging rests: parts that were merged away stay for a minute."""
    folder, last = server.folder / "data" / "store", None
    for _ in range(12):
        time.sleep(15)
        now = disk_bytes(folder)
        if last is not None and abs(now - last) < 0.005 * last:
            return now
        last = now
    return last


def add_tables(setup, server):
    """Bytes a row of the active parts of each table, with marks and indexes, and the columns that weigh most (of parts that tell)."""
    sql = ("SELECT table, sum(rows), sum(bytes_on_disk), sum(data_compressed_bytes), sum(secondary_indices_compressed_bytes), count() "
           "FROM system.parts WHERE active AND database = 'tocsin' AND table IN ('events', 'findings') AND rows > 0 GROUP BY table")
    for table, *numbers in server.client.ask("POST", "/api/v1/search/sql", {"sql": sql, "limit": 10})["rows"]:
        rows, disk, data, indexes, parts = map(int, numbers)
        row = table[:-1]
        setup.add("queries", f"{table} table, bytes {'an' if row == 'event' else 'a'} {row}", disk / rows, "B")
        setup.add("queries", f"{table} table, data", data / rows, "B")
        setup.add("queries", f"{table} table, indexes", indexes / rows, "B")
        setup.add("queries", f"{table} table, rows", rows, "")
        setup.add("queries", f"{table} table, parts", parts, "")
    sql = ("SELECT column, sum(column_data_compressed_bytes) / sum(rows) AS b FROM system.parts_columns WHERE active AND part_type = 'Wide' AND "
           "database = 'tocsin' AND table = 'events' GROUP BY column ORDER BY b DESC LIMIT 6")
    for column, each in server.client.ask("POST", "/api/v1/search/sql", {"sql": sql, "limit": 10})["rows"]:
        setup.add("queries", f"events table, column {column}", float(each), "B")


def questions(server):
    event = server.client.ask("POST", "/api/v1/search", {"query": "*", "from": "now-24h", "to": "now", "limit": 1})["items"][0]
    day = {"from": "now-24h", "to": "now"}
    return {
        "substring, few match": ("POST", "/api/v1/search", {"query": "process_cmd_line:*-id\\ 04242*", **day, "limit": 100}),
        "substring, none matches": ("POST", "/api/v1/search", {"query": "process_cmd_line:*no-such-text*", **day}),
        "substring of raw, none matches": ("POST", "/api/v1/search", {"query": "raw:*no-such-text*", **day}),
        "newest 100": ("POST", "/api/v1/search", {"query": "*", **day, "limit": 100}),
        "top 10 by host": ("POST", "/api/v1/search/top", {"query": "*", **day, "fields": ["host"], "limit": 10}),
        "event by id": ("GET", "/api/v1/events/" + event["id"], None),
        "histogram of a day": ("POST", "/api/v1/search/histogram", {"query": "*", **day, "buckets": 60}),
    }


def measure_queries(setup):
    with Running(setup) as server:
        wanted = int(setup.events * 1e6)
        sent = Load(setup, server, {"events": wanted, "connections": 4}).result()["sent"]
        check_loss(setup, "queries", server, sent)
        add_memory(setup, "queries", server)
        setup.add("queries", "disk of all, by events", settled_disk(server) / sent, "B")
        add_tables(setup, server)
        for name, (method, path, body) in questions(server).items():
            took = []
            for _ in range(QUERY_REPEATS):
                begin = time.monotonic()
                server.client.ask(method, path, body)
                took.append(time.monotonic() - begin)
            setup.add("queries", f"{name}, first", took[0] * 1e3, "ms")
            setup.add("queries", f"{name}, median", statistics.median(took) * 1e3, "ms")
        server.stop()
        server.start()
        setup.add("queries", "start to ready", server.ready_s, "s")
        time.sleep(20)
        main, store = server.server.resident_mib(), server.store.resident_mib()
        setup.add("queries", "memory idle, server", main, "MiB")
        setup.add("queries", "memory idle, store", store, "MiB")
        setup.add("queries", "memory idle, both", main + store, "MiB")


def growth_seconds(setup):
    return min(max(8.0, setup.seconds / 4), MAX_GROWTH_S)


def measure_sources(setup):
    for count in SOURCE_COUNTS:
        # A rule gives so many findings about each source; here about all together, or more sources would be more findings.
        bounds = f"detect: {{finding_burst: {10_000 // count}, findings_per_second: {100 / count}}}"
        with Running(setup, source_count=count, journal="256MB", settings=[bounds]) as server:
            figures, *_ = run_full_speed(setup, server, growth_seconds(setup), None, {"connections": max(4, count)})
            setup.add("sources", f"stored_per_s, {count} sources", figures["stored_per_s"], "events/s")


def some_rules(setup, count, folder):
    """Every n-th rule, by path, so that all kinds are among them."""
    paths = sorted(path for root in setup.rules for path in root.rglob("*.yml"))
    for i in range(count):
        path = paths[i * len(paths) // count]
        shutil.copy(path, folder / f"{i:05}-{path.name}")
    return len(paths)


def measure_rules(setup):
    all_rules = sum(1 for root in setup.rules for _ in root.rglob("*.yml"))
    for count in (*RULE_COUNTS, all_rules):
        with tempfile.TemporaryDirectory(dir=setup.folder) as folder:
            some_rules(setup, count, pathlib.Path(folder))
            with Running(setup, rules=[pathlib.Path(folder)], journal="256MB") as server:
                figures, *_ = run_full_speed(setup, server, growth_seconds(setup))
                setup.add("rules", f"stored_per_s, {count} rules", figures["stored_per_s"], "events/s")



PHASES = {"store": measure_store, "sustained": measure_sustained, "maximum": measure_maximum,
          "http": lambda setup: measure_maximum(setup, "http"), "burst": lambda setup: measure_latency(setup, "burst"),
          "latency": measure_latency, "clients": measure_clients, "queries": measure_queries,
          "sources": measure_sources, "rules": measure_rules}
