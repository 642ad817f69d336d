"""`tocsin decode`: every format as JSON lines."""
import gzip
import json
import os
import subprocess
import unittest

import program
from program import Case, event, ndjson

SAMPLES = {
    "json": ndjson([event(1), event(2)]),
    "syslog": b"<34>1 2026-01-02T03:04:05Z host sshd 12 - - Failed password\n<34>1 2026-01-02T03:04:06Z host sshd 12 - - again\n",
    "auditd": b'type=SYSCALL msg=audit(1767323045.000:7): arch=c000003e syscall=59 success=yes exit=0 comm="id" exe="/usr/bin/id"\n'
              b'type=EXECVE msg=audit(1767323045.000:7): argc=1 a0="id"\n',
    "journald-export": b"__CURSOR=s=1\n__REALTIME_TIMESTAMP=1767323045000000\nMESSAGE=hello\n\n",
    "zeek": b"#separator \\x09\n#path\tdns\n#fields\tts\tuid\tquery\n#types\ttime\tstring\tstring\n1767323045.0\tC1\tevil.example\n",
    "csv": b"time,user,action\n2026-01-02T03:04:05Z,bob,login\n2026-01-02T03:04:06Z,eve,logout\n2026-01-02T03:04:07Z,eve,login\n",
    "access-log": b'10.0.0.1 - - [02/Jan/2026:03:04:05 +0000] "GET /index.html HTTP/1.1" 200 12 "-" "curl/8"\n' * 3,
    "windows-xml": b'<Events><Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><EventID>7</EventID>'
                   b'<TimeCreated SystemTime="2026-01-02T03:04:05Z"/><Channel>System</Channel></System></Event></Events>',
    "text": b"just a line\nand another one\n",
}


class Decode(Case):
    def lines(self, *arguments, **options):
        return [json.loads(line, object_pairs_hook=self.no_repeats) for line in self.decode(*arguments, **options).text.splitlines()]

    def no_repeats(self, pairs):
        names = [name for name, _ in pairs]
        self.assertEqual(len(set(names)), len(names), names)
        return dict(pairs)

    def test_every_format_becomes_json_lines(self):
        for format, content in SAMPLES.items():
            self.write("in", content)
            lines = self.lines("--source", "--time", "in")
            self.assertGreaterEqual(len(lines), 1, format)
            self.assertEqual([format] * len(lines), [line["_format"] for line in lines])
            self.assertEqual(list(range(1, len(lines) + 1)), [line["_record"] for line in lines], format)
            if format != "text":
                self.assertRegex(lines[0]["_time"], r"^2026-01-02T0\d:0\d:0\d", format)
            self.assertEqual(lines, self.lines("--source", "--time", "--block-bytes", "1", "--threads", "3", "in"), format)

    def test_time_and_source_come_first_and_stand_for_fields_of_that_name(self):
        self.write("in.json", b'{"a":1,"_time":"mine","_file":"mine","@timestamp":"2026-01-02T03:04:05Z"}\n')
        line = self.lines("--time", "--source", "in.json")[0]
        self.assertEqual(["_time", "_file", "_record", "_format"], list(line)[:4])
        self.assertEqual(("2026-01-02T03:04:05Z", "in.json"), (line["_time"], line["_file"]))
        self.assertEqual("mine", self.lines("in.json")[0]["_time"])
        self.write("in.json", b'{"a":1}\n')
        self.assertIsNone(self.lines("--time", "in.json")[0]["_time"])

    def test_fields_are_taken_in_the_order_given(self):
        self.write("in.json", b'{"b2":1,"a":2,"b1":{"x":3,"y":[4,5]},"c":null}\n')
        self.assertEqual([("a", 2), ("b2", 1)], list(self.lines("--fields", "a,b2", "in.json")[0].items()))
        self.assertEqual({"b1.x": 3, "b1.y": [4, 5]}, self.lines("--fields", "b1.*", "in.json")[0])
        self.assertEqual(["b1.x", "b2", "b1.y"], list(self.lines("--fields", "b1.x", "--fields", "b*", "in.json")[0]))
        self.assertEqual({}, self.lines("--fields", "nothing", "in.json")[0])

    def test_values_keep_their_types(self):
        self.write("in.json", b'{"n":1.50,"big":123456789012345678901234567890,"t":true,"f":false,"z":null,"s":"1","l":[1],"e":[]}\n')
        text = self.decode("in.json").text
        for part in ('"n":1.50', '"big":123456789012345678901234567890', '"t":true', '"f":false', '"z":null', '"s":"1"', '"l":[1]'):
            self.assertIn(part, text)

    def test_from_and_to(self):
        self.write("in.json", ndjson([event(10), event(20), event(30)]))
        self.assertEqual([1020], [line["EventRecordID"] for line in
                                  self.lines("--from", "2026-01-02T00:00:11Z", "--to", "2026-01-02T00:00:20Z", "in.json")])

    def test_record_numbers_and_order_hold_over_blocks_threads_and_files(self):
        self.write("logs/a.json", ndjson([event(i) for i in range(500)]))
        self.write("logs/b.json", json.dumps([event(i) for i in range(500)]))
        self.write("logs/c.gz", gzip.compress(ndjson([event(i) for i in range(500)])))
        expected = self.lines("--source", "logs")
        self.assertEqual(list(range(1, 501)) * 3, [line["_record"] for line in expected])
        for threads, block in ((1, 1000), (2, 1000), (4, 333)):
            self.assertEqual(expected, self.lines("--source", "--threads", threads, "--block-bytes", block, "logs"))

    def test_bad_records_are_counted_and_listed(self):
        self.write("in.json", b'{"a":1}\n{bad\n{"a":2}\n')
        outcome = self.decode("--errors", "errors", "in.json")
        self.assertEqual(2, len(outcome.text.splitlines()))
        self.assertIn("1 records could not be read", outcome.err)
        self.assertEqual(2, json.loads((self.folder / "errors").read_text())["record"])
        self.assertEqual("", self.decode("-q", "in.json").err)
        self.decode("--errors", "missing/errors", "in.json", expect=2)

    def test_works_in_a_pipe_with_head(self):
        self.write("in.json", ndjson([event(i) for i in range(20000)]))
        done = subprocess.run(["bash", "-c", f"set -o pipefail; '{program.PROGRAM}' decode in.json | head -n 3"], cwd=self.folder,
                              capture_output=True, check=True)
        self.assertEqual((3, b""), (len(done.stdout.splitlines()), done.stderr))

    def test_what_is_not_utf8_becomes_valid_json(self):
        self.write("in.log", b"bytes \xff\xfe and \x00 NUL and \xed\xa0\x80\n" * 3)
        self.decode("--input-format", "text", "in.log").out.decode("utf-8")
        self.assertEqual(3, len(self.lines("--input-format", "text", "in.log")))


if __name__ == "__main__":
    program.main()
