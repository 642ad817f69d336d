#!/usr/bin/env python3
"""Measures a running `tocsin serve` under load and prints one table. `make bench-serve` calls it.

    bench/serve_bench.py BUILD [--seconds S] [--events N] [--rate R] [--only PHASE]... [--out FILE] [--folder DIR]

BUILD is a release build with benchmarks. Every phase starts a server of its own in a folder that is removed at the end,
with the rules of --data (default ../shared/data, as tools/run_benchmarks.py) and one rule of its own, and sends the events of
bench/lane_events.h. Figures go to --out as lines of JSON as soon as they are there. Phases, in this order:

    store      rows a second that the store alone takes, nothing else running
    sustained  --rate events/s over TCP for --seconds: stored and detected without loss, memory, processor time
    maximum    as fast as they are taken, with a small journal so that senders are soon slowed
    http       the same through POST /api/v1/ingest
    burst      10,000 events/s on a new server, while rules still give all their findings: some thousand a second
    latency    10,000 events/s, once rules are at their bound: from sending to the finding seen by GET /findings and by
               server-sent events
    clients    the same with 500 idle and 50 busy HTTP clients
    queries    fills to --events, then disk, questions, memory idle, and a start with all of it
    sources    events/s with 1 to 200 sources
    rules      events/s with 500 to all rules

What each figure means: docs/performance.md.
"""
import argparse
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANE = "ndjson/lanes/structured_windows.ndjson"
RULE_FOLDERS = ("rules", "rules-emerging-threats", "rules-threat-hunting")
MARK_RULE_ID = "7c1d5b9e-3f0a-4d52-9a77-5b1f0f6f9b01"
MARK_RULE = f"""title: Latency mark of the benchmark
id: {MARK_RULE_ID}
status: test
level: low
logsource: {{product: windows, category: process_creation}}
detection:
  selection:
    Image|endswith: '\\latency-mark.exe'
  condition: selection
"""
READY_WITHIN_S = 120
DRAIN_WITHIN_S = 900
POLL_S = 0.01
IDLE_CLIENTS, BUSY_CLIENTS, BUSY_EVERY_S = 500, 50, 1.0
CONNECTIONS_AN_ADDRESS = 150   # Fewer than the server lets one address have.
LATENCY_RATE = 10_000
WARM_EVENTS = 200_000          # After so many, rules that the lane often matches have given what they may at once.
MARKS_SEEN_WITHIN_S = 30
QUERY_REPEATS = 7
SOURCE_COUNTS = (1, 10, 50, 200)
RULE_COUNTS = (500, 1_000, 2_000)


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def free_ports(count):
    held = [socket.socket() for _ in range(count)]
    for one in held:
        one.bind(("127.0.0.1", 0))
    ports = [one.getsockname()[1] for one in held]
    for one in held:
        one.close()
    return ports


def unverified():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def percentile(values, share):
    values = sorted(values)
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


def disk_bytes(folder):
    """What the files take on disk, as far as they are still there when they are looked at."""
    total = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                total += os.lstat(os.path.join(path, name)).st_blocks * 512
            except OSError:
                pass
    return total


class Process:
    """What /proc says of one process."""

    def __init__(self, pid):
        self.pid = pid

    def status_kib(self, name):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
        return 0

    def peak_mib(self):
        return self.status_kib("VmHWM") / 1024

    def resident_mib(self):
        return self.status_kib("VmRSS") / 1024

    def forget_peak(self):
        pathlib.Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def cpu_s(self):
        fields = pathlib.Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Client:
    """One keep-alive connection with the session of the admin. One thread."""

    def __init__(self, port, session=None, address="127.0.0.1"):
        self.connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=120, context=unverified(),
                                                      source_address=(address, 0))
        self.session = session or {}

    def raw(self, method, path, body=None):
        headers = {"Content-Type": "application/json", **self.session}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        return answer, answer.read()

    def ask(self, method, path, body=None):
        answer, text = self.raw(method, path, body)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None


class Server:
    """`tocsin serve` in a folder, with `source_count` syslog-tcp sources that take JSON."""

    def __init__(self, setup, folder, rules, source_count=1, journal="4GB"):
        self.setup, self.folder = setup, pathlib.Path(folder)
        self.port = free_port()
        self.source_ports = free_ports(source_count)
        own_rules = self.folder / "data" / "rules"
        own_rules.mkdir(parents=True, exist_ok=True)
        (own_rules / "mark.yml").write_text(MARK_RULE)
        folders = [own_rules, *rules]
        lines = [f"data: {{folder: {json.dumps(str(self.folder / 'data'))}}}", f"listen: 127.0.0.1:{self.port}",
                 "watch_host: false", "api: {requests_per_second: 0}", f"journal: {{max_size: {journal}}}",
                 f"rules: {{builtin: false, folders: {json.dumps([str(one) for one in folders])}}}", "sources:"]
        lines += [f"  - {{name: bench-{i}, kind: syslog-tcp, listen: '127.0.0.1:{port}', format: json}}"
                  for i, port in enumerate(self.source_ports)]
        self.config = self.folder / "tocsin.yaml"
        self.config.write_text("\n".join(lines) + "\n")
        self.password = secrets.token_urlsafe(24)
        self.start()

    def start(self):
        self.log = open(self.folder / "serve.log", "ab")
        begin = time.monotonic()
        self.popen = subprocess.Popen([str(self.setup.build / "tocsin"), "serve", "-c", str(self.config)], stdout=self.log,
                                      stderr=self.log, env={**os.environ, "TOCSIN_ADMIN_PASSWORD": self.password})
        while True:
            if self.popen.poll() is not None:
                sys.exit((self.folder / "serve.log").read_text(errors="replace")[-3000:] + "serve_bench: the server ended")
            try:
                if Client(self.port).raw("GET", "/readyz")[0].status == 200:
                    break
            except (OSError, http.client.HTTPException):
                pass
            if time.monotonic() - begin > READY_WITHIN_S:
                self.stop()
                sys.exit("serve_bench: the server is not ready in time")
            time.sleep(0.01)
        self.ready_s = time.monotonic() - begin
        self.client = Client(self.port)
        answer, text = self.client.raw("POST", "/api/v1/login", {"name": "admin", "password": self.password})
        if answer.status != 200:
            sys.exit(f"serve_bench: no login: {answer.status} {text[:300]!r}")
        cookie = answer.getheader("Set-Cookie").split(";")[0]
        self.session = {"Cookie": cookie, "X-CSRF-Token": json.loads(text)["csrf"]}
        self.client.session = self.session
        self.server = Process(self.popen.pid)
        children = pathlib.Path(f"/proc/{self.popen.pid}/task/{self.popen.pid}/children").read_text().split()
        if not children:   # Started by another thread.
            children = [pid for task in pathlib.Path(f"/proc/{self.popen.pid}/task").iterdir()
                        for pid in (task / "children").read_text().split()]
        self.store = Process(int(children[0]))

    def stop(self):
        begin = time.monotonic()
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(30)
            except subprocess.TimeoutExpired:
                self.popen.kill()
                self.popen.wait()
        self.log.close()
        return time.monotonic() - begin

    def new_client(self, address="127.0.0.1"):
        return Client(self.port, self.session, address)

    def metric(self, name):
        """The sum over all labels."""
        _, text = self.client.raw("GET", "/metrics")
        return sum(float(line.rsplit(" ", 1)[1]) for line in text.decode().splitlines()
                   if line.split("{")[0].split(" ")[0] == name)

    def stored(self):
        return int(self.metric("tocsin_events_stored_total"))

    def count(self):
        answer = self.client.ask("POST", "/api/v1/search/sql",
                                 {"sql": "SELECT count() FROM events WHERE startsWith(source, 'bench')", "limit": 1})
        return int(answer["rows"][0][0])

    def dead_letters(self):
        return int(self.client.ask("GET", "/api/v1/dead-letters")["total"])

    def wait_stored(self, wanted):
        """Seconds until the store has so many events. None: it does not get there."""
        begin, last, moved = time.monotonic(), -1, time.monotonic()
        while time.monotonic() - begin < DRAIN_WITHIN_S:
            stored = self.stored()
            if stored >= wanted:
                return time.monotonic() - begin
            if stored != last:
                last, moved = stored, time.monotonic()
            if time.monotonic() - moved > 30:
                return None
            time.sleep(0.05)
        return None

    def token(self):
        answer = self.client.ask("POST", "/api/v1/sources", {"name": "bench-http", "kind": "http", "tenant": "default",
                                                             "site": "main", "format": "json", "config": {}})
        return answer["token"]


class Load:
    """bench/serve_load, running."""

    def __init__(self, setup, server, options, to=None):
        targets = to or [f"tcp://127.0.0.1:{port}" for port in server.source_ports]
        command = [str(setup.build / "bench" / "serve_load"), "--lane", str(setup.lane), "--varied-commands",
                   str(setup.varied), *(part for one in targets for part in ("--to", one))]
        command += [part for name, value in options.items() for part in ("--" + name, str(value))]
        self.popen = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    def running(self):
        return self.popen.poll() is None

    def result(self):
        text, _ = self.popen.communicate()
        if self.popen.returncode != 0:
            sys.exit("serve_bench: the sender failed")
        return json.loads(text)


class Watch:
    """Processor time of a server and its store, and what was stored, between two looks."""

    def __init__(self, server):
        self.server = server
        self.begin = time.monotonic()
        self.stored, self.cpu, self.store_cpu = server.stored(), server.server.cpu_s(), server.store.cpu_s()

    def figures(self):
        seconds = time.monotonic() - self.begin
        return {"stored_per_s": (self.server.stored() - self.stored) / seconds,
                "server_cores": (self.server.server.cpu_s() - self.cpu) / seconds,
                "store_cores": (self.server.store.cpu_s() - self.store_cpu) / seconds}


class Setup:
    def __init__(self, arguments):
        self.build, data = pathlib.Path(arguments.build).resolve(), pathlib.Path(arguments.data).resolve()
        self.lane, self.folder = data / LANE, arguments.folder
        self.rules = [data / "sigma" / name for name in RULE_FOLDERS]
        for path in [self.lane, *self.rules]:
            if not path.exists():
                sys.exit(f"serve_bench: {path} is not there; see docs/performance.md")
        self.seconds, self.rate, self.events, self.varied = arguments.seconds, arguments.rate, arguments.events, arguments.varied
        self.out = open(arguments.out, "a") if arguments.out else None
        self.figures = []

    def add(self, phase, metric, value, unit=""):
        row = {"phase": phase, "metric": metric, "value": round(value, 4) if isinstance(value, float) else value, "unit": unit}
        self.figures.append(row)
        print(f"  {phase:<10} {metric:<34} {shown(value)} {unit}", flush=True)
        if self.out:
            self.out.write(json.dumps(row) + "\n")
            self.out.flush()

    def value(self, phase, metric):
        return next((row["value"] for row in self.figures if (row["phase"], row["metric"]) == (phase, metric)), None)


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


class Running:
    """A server in a temporary folder, for `with`."""

    def __init__(self, setup, **options):
        self.setup, self.options = setup, options

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="serve-bench-", dir=self.setup.folder)
        try:
            self.server = Server(self.setup, self.folder, self.options.pop("rules", self.setup.rules), **self.options)
        except BaseException:
            shutil.rmtree(self.folder, ignore_errors=True)
            raise
        return self.server

    def __exit__(self, *_):
        self.server.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


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


def measure_store(setup):
    count = max(100_000, int(setup.rate * min(setup.seconds, 60)))
    output = subprocess.run([str(setup.build / "bench" / "store_bench"), "--lane", str(setup.lane), str(count)], check=True,
                            stdout=subprocess.PIPE, text=True, cwd=ROOT, env={**os.environ, "TMPDIR": setup.folder}).stdout
    setup.add("store", "rows_per_s", json.loads(output)["rows_per_s"], "rows/s")


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


def run_full_speed(setup, phase, server, seconds, to=None, options=None):
    """Events/s that were stored while senders pushed: after the journal is full they are slowed to just that."""
    load = Load(setup, server, {"seconds": seconds, "connections": 4, **(options or {})}, to)
    time.sleep(min(2.0, seconds / 4))
    watch = Watch(server)
    while load.running() and time.monotonic() - watch.begin < seconds * 0.7:
        time.sleep(0.1)
    figures = watch.figures()
    sent = load.result()
    return figures, sent


def measure_maximum(setup, phase="maximum"):
    with Running(setup, journal="256MB") as server:
        to, options = None, None
        if phase == "http":
            to = [f"https://127.0.0.1:{server.port}/api/v1/ingest/bench-http"]
            options = {"token": server.token()}
        figures, sent = run_full_speed(setup, phase, server, setup.seconds, to, options)
        for name, value in figures.items():
            setup.add(phase, name, value, "events/s" if name == "stored_per_s" else "cores")
        alone = setup.value("store", "rows_per_s")
        if alone:
            setup.add(phase, "stored to store alone", figures["stored_per_s"] / alone, "")
        setup.add(phase, "senders waited", sent["wait_share"], "of their time")
        add_memory(setup, phase, server)
        check_loss(setup, phase, server, sent["sent"])


class FindingWatch:
    """When each marked event's finding was first seen, by asking and by listening."""

    def __init__(self, server):
        self.server, self.polled, self.heard, self.ask_s = server, {}, {}, []
        self.stopping = threading.Event()
        self.listening = http.client.HTTPSConnection("127.0.0.1", server.port, timeout=5, context=unverified())
        self.listening.request("GET", "/api/v1/live?topics=findings", headers=server.session)
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
            except OSError:
                continue
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
        setup.add("queries", "disk an event", settled_disk(server) / sent, "B")
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


def measure_sources(setup):
    for count in SOURCE_COUNTS:
        with Running(setup, source_count=count, journal="256MB") as server:
            figures, _ = run_full_speed(setup, "sources", server, max(8.0, setup.seconds / 4), None, {"connections": max(4, count)})
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
                figures, _ = run_full_speed(setup, "rules", server, max(8.0, setup.seconds / 4))
                setup.add("rules", f"stored_per_s, {count} rules", figures["stored_per_s"], "events/s")


PHASES = {"store": measure_store, "sustained": measure_sustained, "maximum": measure_maximum,
          "http": lambda setup: measure_maximum(setup, "http"), "burst": lambda setup: measure_latency(setup, "burst"),
          "latency": measure_latency, "clients": measure_clients, "queries": measure_queries,
          "sources": measure_sources, "rules": measure_rules}


def print_table(setup):
    print("\n| Phase | Figure | Value | Unit |\n|---|---|---:|---|")
    for row in setup.figures:
        print(f"| {row['phase']} | {row['metric']} | {shown(row['value'])} | {row['unit']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder of a release build")
    parser.add_argument("--seconds", type=float, default=60, help="of each load; others are shares of it")
    parser.add_argument("--events", type=float, default=1, help="millions to fill the store with")
    parser.add_argument("--rate", type=float, default=30_000, help="events a second of phase sustained")
    parser.add_argument("--varied", type=int, default=25, help="percent of command lines with an argument of their own")
    parser.add_argument("--only", action="append", choices=list(PHASES), help="only this phase; may be repeated")
    parser.add_argument("--data", default=os.environ.get("TOCSIN_SHARED_DATA", str(ROOT.parent / "shared" / "data")))
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the servers' folders are made")
    parser.add_argument("--out", help="lines of JSON are appended here")
    setup = Setup(parser.parse_args())
    only = parser.parse_args().only
    for name, phase in PHASES.items():
        if not only or name in only:
            phase(setup)
    print_table(setup)
    load = os.getloadavg()[0]
    print(f"\n{os.cpu_count()} cores, load at the end {load:.1f}. Senders and askers ran on the same machine.")


if __name__ == "__main__":
    main()
