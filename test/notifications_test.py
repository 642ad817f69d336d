#!/usr/bin/env python3
"""The running program tells of its incidents: mail and a signed webhook, to real receivers, also where it is killed in between.

    notifications_test.py PROGRAM

Skips itself (exit 77) where the engine of the store is not installed (tools/install_engine.sh).
"""
import base64
import email
import json
import pathlib
import queue
import random
import re
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

import serve_test

ROOT = pathlib.Path(__file__).resolve().parent.parent
SECRET = "s3cret"
PATIENCE = 60
KILLS = 4


class Receiver:
    """src/notify/delivery_test_receiver.py: mail and web servers that say what they receive."""

    def __init__(self, folder):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
                        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", folder / "key.pem",
                        "-out", folder / "cert.pem"], check=True, capture_output=True)
        self.process = subprocess.Popen(
            [sys.executable, ROOT / "src/notify/delivery_test_receiver.py", folder / "cert.pem", folder / "key.pem", SECRET],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.ports = json.loads(self.process.stdout.readline())
        self.got = queue.Queue()
        self.reader = threading.Thread(target=lambda: [self.got.put(json.loads(line)) for line in self.process.stdout],
                                       daemon=True)
        self.reader.start()

    def next(self):
        return self.got.get(timeout=PATIENCE)

    def stop(self):
        self.process.stdin.close()
        self.process.wait(PATIENCE)
        self.reader.join()
        self.process.stdout.close()


class NotificationsTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        cls.receiver = Receiver(cls.folder)
        password = cls.folder / "mail.password"
        password.write_text(SECRET + "\n")
        password.chmod(0o600)
        (cls.folder / "tocsin.yaml").write_text(
            "data: {folder: data}\nwatch_host: false\napi: {requests_per_second: 10000}\n"
            f"notify:\n  smtp: {{server: localhost, port: {cls.receiver.ports['smtp']}, from: tocsin@example.org, user: tocsin, "
            "password_file: mail.password}\n  webhook: {allow_loopback: true}\n  ca: cert.pem\n")
        cls.addClassCleanup(cls.receiver.stop)
        cls.server = serve_test.Server(cls.folder)
        token = re.search(r"/setup#(\S+)", cls.server.printed)[1]
        cls.server.request("POST", "/api/v1/setup", {"token": token, "name": "ann", "display_name": "Ann",
                                                     "password": serve_test.PASSWORD})
        cls.server.login()

    @classmethod
    def tearDownClass(cls):
        if cls.server.process.poll() is None:
            cls.server.stop(signal.SIGKILL)
        cls.temporary.cleanup()

    def open_incident(self, title):
        return self.server.request("POST", "/api/v1/incidents", {"tenant": "default", "title": title, "severity_id": 4})["id"]

    # One story, in steps: unittest runs them by name.
    def test_1_channels_are_made_and_tried(self):
        hook = {"name": "hook", "kind": "webhook", "target": f"https://localhost:{self.receiver.ports['https']}/ok",
                "secret": SECRET, "events": ["opened", "closed"]}
        mail = {"name": "mail", "kind": "email", "target": ["soc@example.org"], "events": ["closed"]}
        for channel in (hook, mail):
            made = self.server.request("POST", "/api/v1/notifications/channels", channel)
            tested = self.server.request("POST", f"/api/v1/notifications/channels/{made['id']}/test", {})
            self.assertEqual(tested, {"delivered": True, "problem": ""})
        self.assertTrue(self.receiver.next()["signed"])
        self.assertIn("a test of the channel mail", self.receiver.next()["text"])

    def test_2_an_incident_is_told_when_it_is_opened_and_closed(self):
        number = self.open_incident("Müller called: \u2028macro")
        opened = self.receiver.next()
        self.assertEqual((opened["event"], opened["signed"]), ("opened", True))
        body = json.loads(opened["body"])
        self.assertEqual(body["incident"]["id"], number)
        self.assertTrue(body["url"].endswith(f"/incidents/{number}"), body["url"])
        self.server.request("POST", f"/api/v1/incidents/{number}/close", {"verdict": "benign", "cause": "an exercise"})
        both = [self.receiver.next(), self.receiver.next()]
        mail = next(one for one in both if one["kind"] == "mail")
        self.assertEqual((mail["user"], mail["tls"]), ("tocsin", True))
        message = email.message_from_string(mail["text"])
        subject = email.header.make_header(email.header.decode_header(message["Subject"]))
        self.assertIn(f"{number} closed: Müller called", str(subject))
        self.assertIn("closed as benign: an exercise (ann)", base64.b64decode(message.get_payload()).decode())
        sent = self.server.wait(lambda: self.server.get("notifications/deliveries?state=sent"), lambda page: page["total"] == 3,
                                PATIENCE)
        self.assertEqual({one["event"] for one in sent["items"]}, {"opened", "closed"})

    def test_3_a_kill_loses_none_and_repeats_at_most_one(self):
        told = {}
        for kill in range(KILLS):
            number = self.open_incident(f"Killed {kill}")
            # What is acknowledged is told, at whatever moment after it the program dies.
            timer = threading.Timer(random.random() * 0.6, self.server.process.kill)
            timer.start()
            self.server.process.wait(PATIENCE)
            timer.join()
            self.server.connection.close()
            self.server.log.close()
            type(self).server = serve_test.Server(self.folder)
            self.server.login()
            told[number] = []
        self.server.wait(lambda: self.server.get("notifications/deliveries?state=pending"), lambda page: page["total"] == 0,
                         PATIENCE)
        while not self.receiver.got.empty():
            one = self.receiver.next()
            told[json.loads(one["body"])["incident"]["id"]].append(one["id"])
        for number, ids in told.items():
            self.assertIn(len(ids), (1, 2), number)
            self.assertEqual(len(set(ids)), 1, number)

    def test_4_metrics_and_health_say_so(self):
        health = next(part for part in self.server.get("health")["parts"] if part["name"] == "notify")
        self.assertTrue(health["ok"])
        self.assertEqual(health["facts"]["pending"], "0")
        self.server.connection.request("GET", "/metrics", headers={"Cookie": self.server.cookie})
        self.assertIn(b"tocsin_notify_sent_total ", self.server.connection.getresponse().read())
        self.assertEqual(self.server.stop()[0], 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    serve_test.PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    if not serve_test.engine_is_there():
        print("skipped: the engine of the store is not installed; run tools/install_engine.sh")
        sys.exit(77)
    unittest.main(failfast=True)
