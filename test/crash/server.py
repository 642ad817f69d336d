"""A `tocsin serve` under test: started, killed, asked. Standard library only."""
import http.client
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
PASSWORD = "only-for-the-crash-test-7"
SKIPPED = 77  # What ctest takes for "not run".

MARK_RULE = "c0000000-0000-4000-8000-000000000001"
GROUP_RULE = "c0000000-0000-4000-8000-000000000002"
RULES = f"""title: Marked event
id: {MARK_RULE}
status: test
level: high
logsource: {{product: windows, category: process_creation}}
detection:
  selection: {{CommandLine|contains: crashmark}}
  condition: selection
---
title: Three marked events of a group
id: {GROUP_RULE}
status: test
level: critical
correlation:
  type: event_count
  rules: [{MARK_RULE}]
  group-by: [Computer]
  timespan: 30m
  condition: {{gte: 3}}
  generate: true
"""


class Failure(Exception):
    """What the test found to be wrong."""


def engine_library():
    """Path of the store's engine, or None."""
    for folder in (os.environ.get("TOCSIN_ENGINE_FOLDER"), ROOT / "var/engine"):
        if folder and (pathlib.Path(folder) / "libchdb.so").exists():
            return str(pathlib.Path(folder) / "libchdb.so")
    return None


def skip(reason):
    print("skipped:", reason, flush=True)
    sys.exit(SKIPPED)


def free_ports(count):
    """Ports nobody has now, below those that the kernel gives to connections: nobody gets them in a moment without a server."""
    ports, tries = [], 0
    while len(ports) < count:
        tries += 1
        if tries > 1000:
            raise Failure("no free ports")
        port = random.SystemRandom().randrange(15000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


class Server:
    """One data folder and the program over it. `folder`: where all of it is; `data`: the data folder (default: in there)."""

    def __init__(self, program, folder, data=None, settings=(), wrap=()):
        self.program, self.folder, self.wrap = program, pathlib.Path(folder), list(wrap)
        self.data = pathlib.Path(data) if data else self.folder / "data"
        (self.folder / "rules").mkdir(parents=True, exist_ok=True)
        (self.folder / "rules/crash.yml").write_text(RULES)
        self.port, *rest = free_ports(5)
        self.ports = dict(zip(("elastic", "hec", "syslog", "lumberjack"), rest))
        self.config = self.folder / "tocsin.yaml"
        kinds = {"elastic": "elastic", "hec": "splunk-hec", "syslog": "syslog-tcp", "lumberjack": "lumberjack"}
        sources = "".join(f"  - {{name: {name}, kind: {kind}, listen: '127.0.0.1:{self.ports[name]}'}}\n" for name, kind in kinds.items())
        self.config.write_text(f"data: {{folder: {self.data}}}\nlisten: 127.0.0.1:{self.port}\nwatch_host: false\n"
                               f"api: {{requests_per_second: 0}}\ndetect: {{lateness: 10s}}\n"
                               f"rules: {{builtin: false, folders: [{self.folder}/rules]}}\nsources:\n{sources}")
        self.settings = list(settings)
        self.output = self.folder / "server.log"
        self.process = None
        self.cookie = None
        self.starts = 0
        self.token = None

    # Life.

    def start(self, environment=None):
        variables = dict(os.environ, TOCSIN_ADMIN_PASSWORD=PASSWORD)
        if library := engine_library():  # It runs in a folder of its own, from which var/engine is not seen.
            variables["TOCSIN_ENGINE_FOLDER"] = str(pathlib.Path(library).parent)
        variables.update(environment or {})
        command = [*self.wrap, self.program, "serve", "-c", str(self.config)]
        for setting in self.settings:
            command += ["-s", setting]
        with open(self.output, "ab") as log:
            log.write(f"--- start {self.starts}\n".encode())
            log.flush()
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=variables, cwd=self.folder)
        self.starts += 1

    def running(self):
        return self.process is not None and self.process.poll() is None

    def must_run(self):
        if not self.running():
            raise Failure(f"the server ended on its own, code {self.process.returncode if self.process else None}")

    def ready(self):
        self.must_run()
        try:
            return self.request("GET", "/readyz", timeout=5)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_ready(self, seconds=60):
        end = time.monotonic() + seconds
        while not self.ready():
            if time.monotonic() > end:
                raise Failure(f"not ready within {seconds} s")
            time.sleep(0.05)

    def kill(self):
        self.must_run()
        self.process.kill()
        self.process.wait()

    def stop(self, seconds=20):
        if not self.running():
            return 0
        self.process.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise Failure(f"did not end within {seconds} s of SIGTERM") from None

    def store_child(self):
        """The process id of the store's child, or None."""
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            name, rest = stat[stat.index("(") + 1:stat.rindex(")")], stat[stat.rindex(")") + 2:].split()
            if name == "tocsin-store" and int(rest[1]) == self.process.pid and rest[0] != "Z":
                return int(entry.name)
        return None

    def kill_child(self):
        child = self.store_child()
        if child is None:
            return False
        try:
            os.kill(child, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def log_tail(self, lines=60):
        return "\n".join(self.output.read_text(errors="replace").splitlines()[-lines:])

    # API.

    def tls(self):
        context = ssl.create_default_context(cafile=str(self.data / "keys/own-certificate.pem"))
        context.check_hostname = False
        return context

    def request(self, method, path, body=None, headers=None, timeout=60):
        """Status and body. OSError or HTTPException where there is no answer."""
        connection = http.client.HTTPSConnection("127.0.0.1", self.port, timeout=timeout, context=self.tls())
        try:
            connection.request(method, path, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
            for name, value in answer.getheaders():
                if name.lower() == "set-cookie":
                    self.cookie = value.split(";")[0]
            return answer.status, text
        finally:
            connection.close()

    def login(self):
        body = json.dumps({"name": "admin", "password": PASSWORD})
        status, text = self.request("POST", "/api/v1/login", body, {"Content-Type": "application/json"})
        if status != 200:
            raise Failure(f"login: {status} {text[:300]!r}")
        self.csrf = json.loads(text)["csrf"]

    def call(self, method, path, body=None, timeout=60):
        """As the administrator; the session outlives restarts."""
        if self.cookie is None:
            self.login()
        headers = {"Cookie": self.cookie, "X-CSRF-Token": self.csrf, "Content-Type": "application/json"}
        status, text = self.request(method, path, None if body is None else json.dumps(body), headers, timeout)
        if status >= 300:
            raise Failure(f"{method} {path}: {status} {text[:2000].decode(errors='replace')}\n{body if body else ''}")
        return json.loads(text) if text else None

    def sql(self, sql):
        """Rows of the answer."""
        answer = self.call("POST", "/api/v1/search/sql", {"sql": sql, "limit": 10000})
        if answer.get("truncated"):
            raise Failure("more rows than one answer holds: " + sql)
        return answer["rows"]

    def number(self, sql):
        return int(self.sql(sql)[0][0])

    def health(self):
        return self.call("GET", "/api/v1/health")

    def losses(self):
        return {loss["what"]: int(loss["count"]) for loss in self.health()["losses"]}

    def make_ingest_source(self, name="ingest"):
        answer = self.call("POST", "/api/v1/sources", {"name": name, "kind": "http", "format": "json"})
        self.token = answer["token"]


def options():
    """Path of the program: the first argument, or TOCSIN."""
    program = sys.argv.pop(1) if len(sys.argv) > 1 and os.path.exists(sys.argv[1]) else os.environ.get("TOCSIN")
    if not program:
        sys.exit(f"usage: {sys.argv[0]} PATH_OF_TOCSIN")
    if engine_library() is None:
        skip("the engine of the store is not installed: run tools/install_engine.sh")
    return os.path.abspath(program)


def scratch():
    """A folder on a disk (not in memory), removed by the caller."""
    return pathlib.Path(tempfile.mkdtemp(prefix="tocsin-crash-", dir=os.environ.get("CRASH_FOLDER") or None))


def remove(folder):
    shutil.rmtree(folder, ignore_errors=True)
