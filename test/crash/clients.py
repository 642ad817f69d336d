"""Senders that remember what was acknowledged: each event carries a number nobody else has.

What one does with an answer that did not come: ingest sends the same bytes again with the same key; protocols without a key
go on with new numbers, and the old ones may be stored once or not at all.
"""
import array
import http.client
import json
import random
import socket
import ssl
import struct
import threading
import time
import zlib

SENT, ACKNOWLEDGED = 1, 2
MARK_EVERY, GROUP_SIZE = 10, 3  # Each tenth event is marked; three marked ones in a row are a group.


class Client(threading.Thread):
    """Numbers from `index` * 10^9 on. Subclasses: send(first, bodies) -> numbers that were acknowledged."""
    name_of = "client"

    def __init__(self, server, index, seed, events_per_second):
        super().__init__(daemon=True, name=self.name_of)
        self.server, self.index, self.random = server, index, random.Random(seed)
        self.pause = 1 / events_per_second
        self.state = bytearray()  # By number: 0, SENT or ACKNOWLEDGED.
        self.bad = {}             # Dead letters: number -> SENT or ACKNOWLEDGED.
        self.stopping = threading.Event()
        self.answers, self.failures, self.refused, self.problem = 0, 0, 0, None
        self.lags = array.array("d")
        self.last_acknowledged = time.monotonic()

    def base(self):
        return self.index * 10**9

    def event(self, at, time_text):
        number = self.base() + at
        marked = at % MARK_EVERY == 0
        group = f"{self.name_of}-{at // (MARK_EVERY * GROUP_SIZE)}"
        out = {"winlog": {"channel": "Microsoft-Windows-Sysmon/Operational", "provider_name": "Microsoft-Windows-Sysmon",
                          "event_id": "1", "computer_name": group,
                          "event_data": {"CommandLine": f"run crashno={number} {'crashmark' if marked else 'plain'}",
                                         "Image": "C:\\Windows\\System32\\cmd.exe"}}}
        if time_text:
            out["@timestamp"] = time_text
        return out

    @staticmethod
    def now_text():
        now = time.time()
        return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03}Z"

    def run(self):
        try:
            while not self.stopping.is_set():
                count = self.random.choice((1, 5, 20, 50, 100))
                begin = time.monotonic()
                first = len(self.state)
                self.state.extend(bytes([SENT]) * count)
                for number in self.send(first, count):
                    self.state[number] = ACKNOWLEDGED
                self.stopping.wait(max(0, count * self.pause - (time.monotonic() - begin)))
        except Exception as error:  # Shown by the test; a client that fell over would hide what it should have found.
            self.problem = f"{type(error).__name__}: {error}"
            raise

    def send(self, first, count):
        raise NotImplementedError

    def acknowledged(self):
        self.answers += 1
        self.last_acknowledged = time.monotonic()

    def failed(self):
        self.failures += 1
        self.stopping.wait(self.random.uniform(0.02, 0.3))


class HttpClient(Client):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.connection = None

    def connect(self):
        raise NotImplementedError

    def post(self, path, body, headers):
        """Status and body; None where there was no answer."""
        try:
            if self.connection is None:
                self.connection = self.connect()
            self.connection.request("POST", path, body, headers)
            answer = self.connection.getresponse()
            return answer.status, answer.read()
        except (OSError, http.client.HTTPException):
            if self.connection is not None:
                self.connection.close()
            self.connection = None
            return None


class IngestClient(HttpClient):
    name_of = "ingest"

    def connect(self):
        return http.client.HTTPSConnection("127.0.0.1", self.server.port, timeout=30, context=self.server.tls())

    def send(self, first, count):
        lines, bad = [], []
        for at in range(first, first + count):
            lines.append(json.dumps(self.event(at, None)))
            if self.random.random() < 0.02:
                bad.append(self.base() + at)
                lines.append('{"broken": "crashno=%d", ' % (self.base() + at))
        self.bad.update((number, SENT) for number in bad)
        body = ("\n".join(lines) + "\n").encode()
        headers = {"Authorization": "Bearer " + self.server.token, "Content-Type": "application/x-ndjson",
                   "Idempotency-Key": f"{self.random.getrandbits(64):x}-{first}"}
        # Until it is in, also after the end was asked for: only so is it known to be there once.
        give_up = None
        while True:
            answer = self.post("/api/v1/ingest/ingest?format=json", body, headers)
            if answer and answer[0] == 200:
                self.acknowledged()
                self.bad.update((number, ACKNOWLEDGED) for number in bad)
                return range(first, first + count)
            if answer and answer[0] in (429, 503):
                self.refused += 1
            elif answer:
                raise RuntimeError(f"ingest answered {answer[0]}: {answer[1][:500]!r}")
            if self.stopping.is_set():
                give_up = give_up or time.monotonic() + 30
                if time.monotonic() > give_up:
                    return ()
                time.sleep(0.1)
            self.failed()


class ElasticClient(HttpClient):
    name_of = "elastic"

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.ports["elastic"], timeout=30)

    def send(self, first, count):
        now = self.now_text()
        body = "".join('{"create":{"_index":"logs"}}\n' + json.dumps(self.event(at, now)) + "\n" for at in range(first, first + count))
        answer = self.post("/_bulk", body.encode(), {"Content-Type": "application/x-ndjson"})
        if answer is None or answer[0] in (429, 503):
            self.refused += answer is not None
            self.failed()
            return ()
        if answer[0] != 200:
            raise RuntimeError(f"_bulk answered {answer[0]}: {answer[1][:500]!r}")
        items = json.loads(answer[1])["items"]
        if len(items) != count:
            raise RuntimeError(f"{len(items)} items for {count} documents")
        statuses = [next(iter(item.values()))["status"] for item in items]
        for status in statuses:
            if status not in (201, 429, 503):
                raise RuntimeError(f"an item was answered {status}: {answer[1][:500]!r}")
        done = [first + i for i, status in enumerate(statuses) if status == 201]
        if done:
            self.acknowledged()
        if len(done) < count:
            self.refused += 1
            self.failed()
        return done


class HecClient(HttpClient):
    name_of = "hec"

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.ports["hec"], timeout=30)

    def send(self, first, count):
        now = self.now_text()
        body = "".join(json.dumps({"event": self.event(at, now), "host": "h", "sourcetype": "win"}) for at in range(first, first + count))
        answer = self.post("/services/collector/event", body.encode(), {"Content-Type": "application/json"})
        if answer is None or answer[0] in (429, 503):
            self.refused += answer is not None
            self.failed()
            return ()
        if answer[0] != 200 or json.loads(answer[1])["code"] != 0:
            raise RuntimeError(f"HEC answered {answer[0]}: {answer[1][:500]!r}")
        self.acknowledged()
        return range(first, first + count)


class LumberjackClient(Client):
    name_of = "lumberjack"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.socket = None

    def connect(self):
        plain = socket.create_connection(("127.0.0.1", self.server.ports["lumberjack"]), timeout=30)
        try:
            return self.server.tls().wrap_socket(plain)
        except BaseException:
            plain.close()
            raise

    def read(self, count):
        out = b""
        while len(out) < count:
            part = self.socket.recv(count - len(out))
            if not part:
                raise ConnectionError("closed")
            out += part
        return out

    def send(self, first, count):
        now, frames = self.now_text(), b""
        for i in range(count):
            body = json.dumps(self.event(first + i, now)).encode()
            frames += b"2J" + struct.pack(">II", i + 1, len(body)) + body
        if self.random.random() < 0.5:
            packed = zlib.compress(frames)
            frames = b"2C" + struct.pack(">I", len(packed)) + packed
        safe = 0
        try:
            if self.socket is None:
                self.socket = self.connect()
            self.socket.sendall(b"2W" + struct.pack(">I", count) + frames)
            while safe < count:
                kind, safe = struct.unpack(">2sI", self.read(6))
                if kind != b"2A" or safe > count:
                    raise RuntimeError(f"not an acknowledgement: {kind!r} {safe}")
            self.acknowledged()
        except (OSError, ssl.SSLError):
            if self.socket is not None:
                self.socket.close()
            self.socket = None
            self.failed()
        return range(first, first + safe)


class SyslogClient(Client):
    """Never acknowledged: only that nothing is there twice can be asked of it."""
    name_of = "syslog"

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.socket = None

    def send(self, first, count):
        lines = "".join(f"<13>1 {self.now_text()} noise app - - - crashno={self.base() + at}\n" for at in range(first, first + count))
        try:
            if self.socket is None:
                self.socket = socket.create_connection(("127.0.0.1", self.server.ports["syslog"]), timeout=30)
            self.socket.sendall(lines.encode())
            self.last_acknowledged = time.monotonic()
        except OSError:
            if self.socket is not None:
                self.socket.close()
            self.socket = None
            self.failed()
        return ()


KINDS = (IngestClient, ElasticClient, HecClient, LumberjackClient, SyslogClient)


def start_clients(server, seed, events_per_second, kinds=KINDS):
    out = [kind(server, index + 1, f"{seed}/{index}", events_per_second) for index, kind in enumerate(kinds)]
    for client in out:
        client.start()
    return out


def stop_clients(clients):
    for client in clients:
        client.stopping.set()
    for client in clients:
        client.join(90)
