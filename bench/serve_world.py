"""A `tocsin serve` in a folder of its own, what sends to it, and what is read of both: for bench/serve_phases.py."""
import http.client
import json
import os
import pathlib
import secrets
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import time

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
        text = None if body is None else json.dumps(body)
        try:
            self.connection.request(method, path, text, headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError, ssl.SSLError):
            # It was idle for long, and the server closed it. All that is asked here may be asked twice.
            self.connection.close()
            self.connection.request(method, path, text, headers)
            answer = self.connection.getresponse()
        return answer, answer.read()

    def ask(self, method, path, body=None):
        answer, text = self.raw(method, path, body)
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {text[:300]!r}")
        return json.loads(text) if text else None


class Server:
    """`tocsin serve` in a folder, with `source_count` syslog-tcp sources that take JSON."""

    def __init__(self, setup, folder, rules, source_count=1, journal="4GB", settings=()):
        self.setup, self.folder = setup, pathlib.Path(folder)
        self.port = free_port()
        self.source_ports = free_ports(source_count)
        own_rules = self.folder / "data" / "rules"
        own_rules.mkdir(parents=True, exist_ok=True)
        (own_rules / "mark.yml").write_text(MARK_RULE)
        folders = [own_rules, *rules]
        lines = [f"data: {{folder: {json.dumps(str(self.folder / 'data'))}}}", f"listen: 127.0.0.1:{self.port}",
                 "watch_host: false", "api: {requests_per_second: 0}", f"journal: {{max_size: {journal}}}",
                 f"rules: {{builtin: false, folders: {json.dumps([str(one) for one in folders])}}}", *settings, "sources:"]
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

