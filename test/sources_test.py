#!/usr/bin/env python3
"""What the program shows of every kind of source: received, bytes, rates, lag, refused by cause, last seen.

    sources_test.py PROGRAM

Each kind is sent to as its clients do; of Kafka, whose broker is not there, the problem is shown. Skips itself (exit 77) where
the engine of the store is not installed (tools/install_engine.sh).
"""
import datetime
import http.client
import json
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

import serve_test

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent / "crash"))
import server as crash_server  # noqa: E402

REMOTE = "/lib/systemd/systemd-journal-remote"
NATS = next((path for path in ("/usr/sbin/nats-server", "/usr/bin/nats-server") if os.access(path, os.X_OK)), None)
COUNT = 3


def lines(text):
    return "".join(f"<13>Nov 24 18:00:0{at} host app: {text} {at}\n" for at in range(COUNT)).encode()


class Nats:
    """Debian's nats-server with a stream, spoken to in its own protocol: lines."""

    def __init__(self, folder, port):
        self.process = subprocess.Popen([NATS, "-a", "127.0.0.1", "-p", str(port), "-js", "-sd", folder / "nats",
                                         "-l", folder / "nats.log"])
        until = time.monotonic() + 10
        while True:
            try:
                self.connection = socket.create_connection(("127.0.0.1", port), 10)
                break
            except OSError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)  # Between questions.
        self.file = self.connection.makefile("rb")
        self.file.readline()
        self.connection.sendall(b'CONNECT {"verbose":false}\r\nSUB answer 1\r\n')
        stream = {"name": "LOGS", "subjects": ["logs.>"], "storage": "file"}
        self.ask("$JS.API.STREAM.CREATE.LOGS", json.dumps(stream).encode())

    def ask(self, subject, body):
        self.connection.sendall(f"PUB {subject} answer {len(body)}\r\n".encode() + body + b"\r\n")
        while not self.file.readline().startswith(b"MSG"):
            pass
        return self.file.readline()

    def stop(self):
        self.file.close()
        self.connection.close()
        self.process.terminate()
        self.process.wait()


class SourcesTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = folder = pathlib.Path(cls.temporary.name)
        names = ["udp", "tcp", "tls", "beats", "es", "hec", "otel", "nats", "kafka"]
        cls.ports = dict(zip(names, crash_server.free_ports(len(names))))
        for name in ("rules", "logs", "in", "journal"):
            (folder / name).mkdir()
        text = "data: {folder: data}\nwatch_host: false\nrules: {folders: [rules]}\nsources:\n"
        for name, kind in {"udp": "syslog-udp", "tcp": "syslog-tcp", "tls": "syslog-tls", "beats": "lumberjack",
                           "es": "elastic", "hec": "splunk-hec", "otel": "otlp"}.items():
            text += f"- {{name: {name}, kind: {kind}, listen: '127.0.0.1:{cls.ports[name]}'}}\n"
        text += (f"- {{name: files, kind: tail, paths: [{folder}/logs/*]}}\n- {{name: images, kind: drop, folder: in}}\n"
                 f"- {{name: bus, kind: kafka, brokers: ['127.0.0.1:{cls.ports['kafka']}'], topics: [logs]}}\n")
        cls.nats = None
        if NATS:
            cls.nats = Nats(folder, cls.ports["nats"])
            text += (f"- {{name: edge, kind: nats, urls: ['nats://127.0.0.1:{cls.ports['nats']}'], stream: LOGS, "
                     "subjects: [logs.>]}\n")
        (folder / "tocsin.yaml").write_text(text)
        cls.write_journal()
        cls.server = serve_test.Server(folder)
        token = serve_test.re.search(r"/setup#(\S+)", cls.server.printed)[1]
        cls.server.request("POST", "/api/v1/setup", {"token": token, "name": "ann", "display_name": "Ann",
                                                     "password": serve_test.PASSWORD})
        cls.server.login()

    @classmethod
    def tearDownClass(cls):
        if cls.server.process.poll() is None:
            cls.server.stop()
        if cls.nats:
            cls.nats.stop()
        cls.temporary.cleanup()

    @classmethod
    def write_journal(cls):
        if not os.access(REMOTE, os.X_OK):
            return
        now = int(time.time() * 1e6)
        boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text().strip().replace("-", "")  # Only this one's are read.
        entries = "".join(f"__REALTIME_TIMESTAMP={now + at}\n__MONOTONIC_TIMESTAMP={at + 1}\n_BOOT_ID={boot}\n"
                          f"MESSAGE=journal {at}\n_HOSTNAME=host\n\n" for at in range(COUNT))
        subprocess.run([REMOTE, "--output", cls.folder / "journal/a.journal", "-"], input=entries.encode(), check=True,
                       capture_output=True, timeout=30)

    @staticmethod
    def document(text):
        now = datetime.datetime.now(datetime.timezone.utc).isoformat().replace("+00:00", "Z")
        return json.dumps({"@timestamp": now, "message": text})

    def source(self, name):
        return self.server.get("sources/" + name)

    def send(self, name, data, tls=False, answer_bytes=0):
        with socket.create_connection(("127.0.0.1", self.ports[name]), 10) as plain:
            stream = plain
            if tls:
                stream = ssl.create_default_context(cafile=self.folder / "data/keys/own-certificate.pem").wrap_socket(
                    plain, server_hostname="127.0.0.1")
            stream.sendall(data)
            while answer_bytes > 0:
                got = stream.recv(4096)
                self.assertNotEqual(got, b"")
                answer_bytes -= len(got)

    def post(self, name, path, body, content_type="application/json", headers=()):
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[name], timeout=10)
        connection.request("POST", path, body, {"Content-Type": content_type, **dict(headers)})
        answer = connection.getresponse()
        text = answer.read()
        connection.close()
        self.assertLess(answer.status, 300, text)

    def expect_received(self, name, kind, count=COUNT):
        """All that a source shows, once `count` records have come and been decoded."""
        seen = self.server.wait(lambda: self.source(name),
                                lambda s: s["records"] >= count and s["events"] >= count and s["records_per_s"] > 0
                                and s["lag_ms"] is not None, 15)
        self.assertEqual((seen["kind"], seen["records"], seen["events"]), (kind, count, count), seen)
        self.assertGreater(seen["bytes"], 10 * count)
        self.assertGreater(seen["bytes_per_s"], 0)
        self.assertGreaterEqual(seen["lag_ms"], 0)
        self.assertEqual((seen["refused"], seen["bad_records"]), ({}, 0), seen)
        last = datetime.datetime.fromisoformat(seen["last_received_at"].rstrip("Z")[:26])
        now = datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None)
        self.assertLess(abs((now - last).total_seconds()), 60)
        return seen

    def expect_refused(self, name, cause):
        seen = self.server.wait(lambda: self.source(name), lambda s: s["refused"], 10)
        self.assertEqual(seen["refused"], {cause: 1})

    def test_what_never_came_is_shown_as_that(self):
        listed = {source["name"]: source for source in self.server.get("sources")["items"]}
        quiet = listed["bus"]
        self.assertEqual((quiet["records"], quiet["bytes"], quiet["records_per_s"], quiet["refused"]), (0, 0, 0, {}))
        self.assertEqual((quiet["lag_ms"], quiet["last_received_at"]), (None, None))
        seen = self.server.wait(lambda: self.source("bus"), lambda s: s["problem"], 20)
        self.assertIn("Connection refused", seen["problem"])
        for name, source in listed.items():
            self.assertLessEqual({"records", "bytes", "events", "records_per_s", "bytes_per_s", "lag_ms", "refused",
                                  "last_received_at", "state", "problem"}, source.keys(), name)

    def test_syslog_udp(self):
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            for line in lines("udp").splitlines():
                sender.sendto(line, ("127.0.0.1", self.ports["udp"]))
        self.expect_received("udp", "syslog-udp")

    def test_syslog_tcp(self):
        self.send("tcp", lines("tcp"))
        self.expect_received("tcp", "syslog-tcp")
        self.send("tcp", b"100 <13>a")
        self.expect_refused("tcp", "cut-off")

    def test_syslog_tls(self):
        self.send("tls", lines("tls"), tls=True)
        self.expect_received("tls", "syslog-tls")

    def test_lumberjack(self):
        window = b"2W" + struct.pack(">I", COUNT)
        for at in range(COUNT):
            event = self.document(f"beats {at}").encode()
            window += b"2J" + struct.pack(">II", at + 1, len(event)) + event
        self.send("beats", window, tls=True, answer_bytes=6)
        self.expect_received("beats", "lumberjack")
        self.send("beats", b"no frame", tls=True)
        self.expect_refused("beats", "bad-frame")

    def test_elastic(self):
        body = "".join(f'{{"create":{{"_index":"x"}}}}\n{self.document(f"elastic {at}")}\n' for at in range(COUNT))
        self.post("es", "/_bulk", body, "application/x-ndjson")
        self.expect_received("es", "elastic")

    def test_splunk(self):
        body = "".join(json.dumps({"time": time.time(), "event": f"splunk {at}"}) for at in range(COUNT))
        self.post("hec", "/services/collector/event", body)
        self.expect_received("hec", "splunk-hec")

    def test_otlp(self):
        records = [{"timeUnixNano": str(time.time_ns()), "body": {"stringValue": f"otlp {at}"}} for at in range(COUNT)]
        self.post("otel", "/v1/logs", json.dumps({"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}))
        self.expect_received("otel", "otlp")

    def test_own_ingest(self):
        token = self.server.request("POST", "/api/v1/sources", {"name": "web", "kind": "http"})["token"]
        connection = http.client.HTTPSConnection("127.0.0.1", self.server.port, context=self.server.tls, timeout=10)
        body = "".join(self.document(f"ingest {at}") + "\n" for at in range(COUNT))
        connection.request("POST", "/api/v1/ingest/web", body,
                           {"Authorization": "Bearer " + token, "Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        self.assertLess(answer.status, 300, answer.read())
        connection.close()
        self.expect_received("web", "http")

    def test_tail(self):
        (self.folder / "logs/app.log").write_bytes(lines("tail"))
        self.expect_received("files", "tail")
        (self.folder / "logs/app.bin").write_bytes(b"\0\1\2\3")
        self.expect_refused("files", "not-a-log")

    def test_drop(self):
        (self.folder / "one").write_bytes(lines("drop"))
        (self.folder / "one").rename(self.folder / "in/one.log")
        self.expect_received("images", "drop")

    @unittest.skipUnless(os.access(REMOTE, os.X_OK), "systemd-journal-remote is not installed (tools/setup.sh test)")
    def test_journald(self):
        config = {"paths": [str(self.folder / "journal")], "from_beginning": True}
        self.server.request("POST", "/api/v1/sources", {"name": "unit", "kind": "journald", "config": config})
        self.expect_received("unit", "journald")

    @unittest.skipUnless(NATS, "nats-server is not installed (tools/setup.sh test)")
    def test_nats(self):
        for at in range(COUNT):
            self.nats.ask("logs.a", self.document(f"nats {at}").encode())
        self.expect_received("edge", "nats")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    serve_test.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    if not serve_test.engine_is_there():
        print("skipped: the engine of the store is not installed; run tools/install_engine.sh")
        sys.exit(77)
    unittest.main()
