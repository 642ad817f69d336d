"""The built program under test, and what the end-to-end tests share. Standard library only.

The path of the program is the first argument of a test file (ctest gives it) or the variable TOCSIN.
"""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import unittest

PROGRAM = None
ROOT = pathlib.Path(__file__).resolve().parents[2]

WHOAMI_ID = "11111111-1111-4111-8111-111111111111"
WHOAMI = f"""title: Who am I
id: {WHOAMI_ID}
name: who_am_i
status: test
level: high
logsource: {{product: windows, category: process_creation}}
tags: [attack.discovery, attack.t1033]
detection:
  s: {{CommandLine|contains: whoami}}
  condition: s
"""


def event(number, command="cmd.exe /c whoami", **fields):
    """A Sysmon process creation as JSON shippers write it; `number` seconds after midnight."""
    at = f"2026-01-02 {number // 3600 % 24:02}:{number // 60 % 60:02}:{number % 60:02}.000"
    out = {"EventID": 1, "Channel": "Microsoft-Windows-Sysmon/Operational", "EventRecordID": 1000 + number,
           "Computer": "WS1", "UtcTime": at, "Image": "C:\\Windows\\System32\\cmd.exe", "CommandLine": command, "User": "bob"}
    out.update(fields)
    return out


def ndjson(events):
    return "".join(json.dumps(one) + "\n" for one in events).encode()


class Outcome:
    def __init__(self, code, out, err, peak_kb, seconds):
        self.code, self.out, self.err, self.peak_kb, self.seconds = code, out, err, peak_kb, seconds

    @property
    def text(self):
        return self.out.decode("utf-8", "surrogateescape")

    @property
    def findings(self):
        return [json.loads(line) for line in self.text.splitlines()]

    def __str__(self):
        return f"exit {self.code}\n--- out\n{self.text[:4000]}\n--- err\n{self.err[:4000]}"


class Case(unittest.TestCase):
    maxDiff = 4000

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-e2e-"))
        self.addCleanup(self.remove)
        self.rule = self.write("rule.yml", WHOAMI)
        self.logs = self.folder / "logs"
        self.logs.mkdir()

    def remove(self):
        for path, _, _ in os.walk(self.folder):
            os.chmod(path, 0o700)
        shutil.rmtree(self.folder, ignore_errors=True)

    def write(self, name, content):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    def run_program(self, *arguments, feed=None, expect=0, timeout=120, environment=None, **options):
        """Runs it. `feed`: bytes, or a function that writes to the given binary file, for standard input."""
        begin = time.monotonic()
        variables = dict(os.environ, **(environment or {}))
        process = subprocess.Popen([PROGRAM, *map(str, arguments)], stdin=subprocess.PIPE if feed is not None else subprocess.DEVNULL,
                                   stdout=options.pop("stdout", subprocess.PIPE), stderr=subprocess.PIPE, env=variables,
                                   cwd=options.pop("cwd", self.folder), **options)
        got = {}
        threads = []
        for name in ("stdout", "stderr"):
            stream = getattr(process, name)
            if stream is not None:
                threads.append(threading.Thread(target=lambda s=stream, n=name: got.__setitem__(n, s.read())))
        if feed is not None:
            threads.append(threading.Thread(target=self._feed, args=(process.stdin, feed)))
        for thread in threads:
            thread.start()
        timer = threading.Timer(timeout, process.kill)
        timer.start()
        _, status, usage = os.wait4(process.pid, 0)
        timer.cancel()
        process.returncode = os.waitstatus_to_exitcode(status)
        for thread in threads:
            thread.join()
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                try:
                    stream.close()
                except BrokenPipeError:
                    pass
        outcome = Outcome(process.returncode, got.get("stdout", b""), got.get("stderr", b"").decode("utf-8", "replace"),
                          usage.ru_maxrss, time.monotonic() - begin)
        if expect is not None:
            self.assertEqual(expect, outcome.code, f"{' '.join(map(str, arguments))}\n{outcome}")
        return outcome

    @staticmethod
    def _feed(stream, feed):
        try:
            if callable(feed):
                feed(stream)
            else:
                stream.write(feed)
            stream.close()
        except BrokenPipeError:
            pass

    def detect(self, *arguments, rules=None, **options):
        rules = [self.rule] if rules is None else rules
        given = [part for rule in rules for part in ("-r", rule)]
        return self.run_program("detect", *given, *arguments, **options)

    def findings(self, *arguments, **options):
        return self.detect("-q", "-f", "jsonl", *arguments, **options).findings

    def decode(self, *arguments, **options):
        return self.run_program("decode", *arguments, **options)


def source_of(finding):
    return finding["unmapped"]["tocsin"]["source"]


def main():
    global PROGRAM
    if len(sys.argv) > 1 and not sys.argv[1].startswith("-") and os.path.exists(sys.argv[1]):
        PROGRAM = os.path.abspath(sys.argv.pop(1))
    else:
        PROGRAM = os.environ.get("TOCSIN")
    if not PROGRAM:
        sys.exit("usage: " + sys.argv[0] + " PATH_OF_TOCSIN [unittest arguments]")
    # So that `import program` in a test file and this module are one.
    sys.modules["program"].PROGRAM = PROGRAM
    unittest.main(module="__main__", verbosity=1)
