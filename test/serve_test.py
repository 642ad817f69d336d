#!/usr/bin/env python3
"""The running program: started, set up by its link, the demo played and found, reloaded, stopped, started again.

    serve_test.py PROGRAM

Skips itself (exit 77) where the engine of the store is not installed (tools/install_engine.sh).
"""
import collections
import datetime
import http.client
import json
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import unittest

import story_test

ROOT = pathlib.Path(__file__).resolve().parent.parent
STORY_BEGIN = datetime.datetime(2026, 11, 17, 7, 0, 1)
PASSWORD = "a long enough phrase 7"
# A window of five minutes at a time; the last findings wait for ten minutes of the recording, or of the clock.
PLAY_SECONDS = 5


def engine_is_there():
    folders = [os.environ.get("TOCSIN_ENGINE_FOLDER", ""), ROOT / "var/engine", "/var/lib/tocsin/engine", "/usr/lib/tocsin"]
    return any(str(folder) and (pathlib.Path(folder) / "libchdb.so").exists() for folder in folders)


def title_and_host(finding):
    """Of what `tocsin detect` writes. A correlation over several hosts has no device; the first of them is its host."""
    device = finding.get("device", {})
    hosts = [device.get("hostname") or device.get("ip")] if device else finding["evidences"][0]["data"].get("hosts", [])
    return finding["finding_info"]["title"], hosts[0] if hosts else ""


class Server:
    """`tocsin serve` on a free port, and a client of its API."""

    def __init__(self, folder):
        self.folder, self.cookie, self.csrf = folder, "", ""
        self.log = open(folder / "serve.log", "a+b")
        environment = dict(os.environ)
        environment.setdefault("TOCSIN_ENGINE_FOLDER", str(ROOT / "var/engine"))
        environment.pop("TOCSIN_ADMIN_PASSWORD", None)
        begin = self.log.tell()
        self.process = subprocess.Popen([PROGRAM, "serve", "-c", folder / "tocsin.yaml", "-s", "listen=127.0.0.1:0"],
                                        stdout=self.log, stderr=subprocess.STDOUT, cwd=folder, env=environment)
        self.printed = self.wait(lambda: self.text_from(begin), lambda text: "Ctrl-C stops it" in text, 30)
        self.port = int(re.search(r"is up: https://127\.0\.0\.1:(\d+)", self.printed)[1])
        self.tls = ssl.create_default_context(cafile=folder / "data/keys/own-certificate.pem")
        self.connection = http.client.HTTPSConnection("127.0.0.1", self.port, context=self.tls, timeout=30)

    def text_from(self, begin):
        return (self.folder / "serve.log").read_bytes()[begin:].decode()

    def wait(self, ask, fits, seconds):
        until = time.monotonic() + seconds
        while True:
            answer = ask()
            if fits(answer):
                return answer
            if time.monotonic() > until or self.process.poll() is not None:
                raise AssertionError(f"not within {seconds} s: {answer!r:.2000}\n{self.text_from(0)[-2000:]}")
            time.sleep(0.05)  # Between questions.

    def request(self, method, path, body=None):
        headers = {"Content-Type": "application/json", "Cookie": self.cookie, "X-CSRF-Token": self.csrf}
        self.connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = self.connection.getresponse()
        text = answer.read()
        if cookie := answer.headers.get("Set-Cookie"):
            self.cookie = cookie.split(";")[0]
        if answer.status >= 300:
            raise AssertionError(f"{method} {path}: {answer.status} {text.decode()}")
        return json.loads(text) if text else None

    def get(self, path):
        return self.request("GET", "/api/v1/" + path)

    def login(self):
        self.csrf = self.request("POST", "/api/v1/login", {"name": "ann", "password": PASSWORD})["csrf"]

    def demo(self, *options):
        return subprocess.run([PROGRAM, "demo", "-c", self.folder / "tocsin.yaml", "-s", f"listen=127.0.0.1:{self.port}",
                               *options], cwd=self.folder, capture_output=True, text=True, timeout=60)

    def events(self):
        return self.request("POST", "/api/v1/search/top", {"query": "", "tenant": ["demo"], "from": "now-2d", "to": "now",
                                                             "fields": ["source"], "limit": 1})["total"]

    def findings(self):
        return self.get("findings?tenant=demo&limit=1000")["items"]

    def stop(self, how=signal.SIGINT):
        self.connection.close()
        self.log.close()
        begin = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(30)
        return code, time.monotonic() - begin


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


class ServeTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)
        (cls.folder / "rules").mkdir()
        (cls.folder / "tocsin.yaml").write_text(
            "data: {folder: data}\nwatch_host: false\nrules: {folders: [rules]}\napi: {requests_per_second: 10000}\n"
            f"sources: [{{name: net, kind: syslog-tcp, listen: '127.0.0.1:{free_port()}'}}]\n")
        cls.server = None

    @classmethod
    def tearDownClass(cls):
        if cls.server and cls.server.process.poll() is None:
            cls.server.process.kill()
            cls.server.process.wait()
            cls.server.log.close()
        cls.temporary.cleanup()

    def start(self):
        type(self).server = Server(self.folder)
        return self.server

    # One story, in steps: unittest runs them by name.
    def test_1_without_a_server_the_demo_says_so(self):
        run = subprocess.run([PROGRAM, "demo", "-c", self.folder / "tocsin.yaml"], capture_output=True, text=True, timeout=30)
        self.assertEqual(run.returncode, 1)
        self.assertIn("no server was started in the data folder", run.stderr)

    def test_2_the_link_sets_it_up_once(self):
        server = self.start()
        token = re.search(r"https://127\.0\.0\.1:\d+/setup#(\S+)", server.printed)[1]
        self.assertTrue(server.get("setup")["needed"])
        account = {"token": token, "name": "ann", "display_name": "Ann", "password": PASSWORD}
        server.request("POST", "/api/v1/setup", account)
        self.assertFalse(server.get("setup")["needed"])
        with self.assertRaisesRegex(AssertionError, "403"):
            server.request("POST", "/api/v1/setup", dict(account, name="bob"))
        server.login()
        self.assertEqual(server.get("me")["user"]["name"], "ann")

    def test_3_the_demo_is_found_as_detect_finds_it(self):
        server = self.server
        played = server.demo("--seconds", str(PLAY_SECONDS))
        self.assertEqual((played.returncode, played.stderr), (0, ""), played.stdout)
        records, begin = re.search(r"(\d+) records of 11 logs, moved to (\S+)Z \.\.", played.stdout).groups()
        offset = datetime.datetime.fromisoformat(begin) - STORY_BEGIN
        wanted = {title for step in story_test.STEPS for title in step[4]}
        findings = server.wait(server.findings, lambda all: {f["rule_title"] for f in all} >= wanted, 20)
        server.wait(server.events, lambda count: count == int(records), 10)
        detected = subprocess.run([PROGRAM, "detect", "-q", "-f", "jsonl", ROOT / "content/samples/intrusion"],
                                  capture_output=True, check=True, timeout=120).stdout.splitlines()
        # The same findings, about the same hosts.
        found = collections.Counter((f["rule_title"], f["host"]) for f in server.findings())
        self.assertEqual(found, collections.Counter(title_and_host(json.loads(line)) for line in detected))
        for finding in findings:
            at = datetime.datetime.fromisoformat(finding["time"].rstrip("Z")[:26]) - offset
            moved = {"title": finding["rule_title"], "time": at.isoformat() + "Z"}
            self.assertTrue(any(story_test.Story.belongs(dict(moved, host=finding["host"] or step[3]), step)
                                for step in story_test.STEPS), finding)

    def test_4_0_the_demo_becomes_one_incident(self):
        server = self.server
        total = len(server.findings())
        incidents = server.wait(lambda: server.get("incidents?tenant=demo&limit=1000")["items"],
                                lambda items: sum(one["finding_count"] for one in items) == total, 20)
        largest = max(incidents, key=lambda one: one["finding_count"])
        self.assertGreaterEqual(largest["finding_count"], 0.95 * total, [one["title"] for one in incidents])
        self.assertEqual((largest["state"], largest["priority"]), ("new", "p1"))
        self.assertGreater(largest["host_count"], 1)
        members = server.get(f"incidents/{largest['number']}/findings?limit=1000")["items"]
        self.assertEqual([one["id"] for one in members[1:] if not one["reasons"]], [])
        self.assertEqual(server.get(f"findings/{members[0]['id']}")["incident"], largest["id"])
        # The register knows what Sysmon said of the workstation.
        assets = {one["key"]: one for one in server.get("assets?limit=1000")["items"]}
        self.assertEqual(assets["ws-042"]["addresses"], ["10.20.4.42"], assets["ws-042"])

    def test_4_a_second_play_is_found_too(self):
        server = self.server
        before = len(server.findings())
        self.assertEqual(server.demo("--seconds", "0", "-q").returncode, 0)
        server.wait(lambda: len(server.findings()), lambda count: count == 2 * before, 20)

    def test_5_a_hangup_loads_the_rules_again(self):
        server = self.server
        (self.folder / "rules/own.yml").write_text(
            "title: Marmalade\nid: 0b5f7b0e-6f0e-4f5e-9d1e-2f6f7f3c1a11\nstatus: test\nlevel: low\n"
            "logsource: {product: linux, service: sshd}\ndetection:\n  selection: {message|contains: nobody}\n"
            "  condition: selection\n")
        self.assertEqual(server.get("rules?q=Marmalade")["total"], 0)
        server.process.send_signal(signal.SIGHUP)
        server.wait(lambda: server.get("rules?q=Marmalade")["total"], lambda total: total == 1, 10)

    def test_5_b_a_backup_is_made_over_the_api(self):
        made = self.server.request("POST", "/api/v1/backup", {"name": "one"})
        self.assertEqual(pathlib.Path(made["path"]).name, "one")
        checked = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=self.folder / "data/backups/one", capture_output=True)
        self.assertEqual(checked.returncode, 0, checked.stderr)

    def test_5_c_the_pipeline_tests_itself_and_no_incident_has_it(self):
        server = self.server
        self.assertIsNone(server.request("POST", "/api/v1/self-test/run"))
        done = server.wait(lambda: server.get("self-test")["items"],
                           lambda items: len(items) == 2 and all(item["state"] != "running" for item in items), 90)
        self.assertEqual({(item["source"], item["kind"], item["state"], item["problem"]) for item in done},
                         {("self-test", "http", "ok", ""), ("net", "syslog-tcp", "ok", "")})
        self.assertTrue(all(0 < item["detect_s"] < 60 for item in done), done)
        own = [f for f in server.get("findings?rule=5e1f7e57-0000-4000-8000-70c51e57a10f")["items"]]
        self.assertEqual({f["source"] for f in own}, {"self-test", "net"})
        part = next(part for part in server.get("health")["parts"] if part["name"] == "self-test")
        self.assertTrue(part["ok"], part)
        # One that somebody else made is a finding as any other, and in an incident; behind it, the real ones were passed over.
        source = server.request("POST", "/api/v1/sources", {"name": "forger", "kind": "http", "tenant": "default"})
        forged = json.dumps({"product": "tocsin", "category": "self_test", "self_test": "tst_" + "A" * 43})
        client = http.client.HTTPSConnection("127.0.0.1", server.port, context=server.tls, timeout=30)
        client.request("POST", "/api/v1/ingest/forger?format=json", forged, {"Authorization": "Bearer " + source["token"]})
        self.assertEqual(client.getresponse().status, 200)
        client.close()
        selves = lambda: [i for i in server.get("incidents?with_closed=1&limit=1000")["items"] if "Self-test" in i["title"]]
        found = server.wait(selves, lambda items: len(items) > 0, 30)
        self.assertEqual([i["tenant"] for i in found], ["default"], found)
        members = server.get(f"incidents/{found[0]['number']}/findings")["items"]
        self.assertEqual([m["source"] for m in members], ["forger"], members)

    def test_6_an_interrupt_ends_it_within_two_seconds(self):
        code, seconds = self.server.stop()
        self.assertEqual(code, 0)
        self.assertLess(seconds, 2)
        played = self.server.demo()
        self.assertEqual(played.returncode, 1)
        self.assertIn("The server does not run there", played.stderr)

    def test_7_a_second_start_has_it_all(self):
        self.start().login()
        findings = self.server.get("findings?tenant=demo&limit=1")["total"]
        self.assertNotIn("/setup#", self.server.printed)
        self.assertGreater(findings, 200)
        self.assertGreater(self.server.events(), 10_000)
        self.assertEqual(self.server.get("rules?q=Marmalade")["total"], 1)
        self.assertEqual(self.server.stop(signal.SIGTERM)[0], 0)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = str(pathlib.Path(sys.argv.pop(1)).resolve())
    if not engine_is_there():
        print("skipped: the engine of the store is not installed; run tools/install_engine.sh")
        sys.exit(77)
    unittest.main(failfast=True)
