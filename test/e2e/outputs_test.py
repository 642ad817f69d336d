"""What `tocsin detect` writes: each format, where it goes, and nothing else."""
import csv
import io
import json
import os
import pathlib
import pty
import re
import select
import subprocess
import unittest

import program
from program import Case, WHOAMI_ID, event, ndjson, source_of

EVENTS = [event(1), event(2, "notepad.exe"), event(3, "whoami /all", User="eve")]


class Outputs(Case):
    def setUp(self):
        super().setUp()
        self.log = self.write("logs/a.json", ndjson(EVENTS))

    def test_json_lines_are_ocsf_detection_findings(self):
        findings = self.findings("logs")
        self.assertEqual(2, len(findings))
        finding = findings[0]
        self.assertEqual(2004, finding["class_uid"])
        self.assertEqual(2, finding["category_uid"])
        self.assertEqual(200401, finding["type_uid"])
        self.assertEqual(4, finding["severity_id"])
        self.assertEqual("1.8.0", finding["metadata"]["version"])
        self.assertEqual(1767312001000, finding["time"])
        analytic = finding["finding_info"]["analytic"]
        self.assertEqual((WHOAMI_ID, "Who am I", "Rule"), (analytic["uid"], analytic["name"], analytic["type"]))
        attack = finding["finding_info"]["attacks"][0]
        self.assertEqual(("TA0007", "T1033"), (attack["tactic"]["uid"], attack["technique"]["uid"]))
        self.assertIn("whoami", json.dumps(finding["evidences"][0]))
        self.assertEqual({"file": "logs/a.json", "record": 1, "event_record_id": "1001"}, source_of(finding))
        matches = finding["unmapped"]["tocsin"]["matches"]
        self.assertEqual(["s"], matches["selections"])
        predicate = matches["predicates"][0]
        self.assertEqual(("CommandLine", "contains", "whoami", "cmd.exe /c whoami", 11, 6),
                         tuple(predicate[k] for k in ("field", "op", "pattern", "value", "position", "length")))
        self.assertEqual(3, source_of(findings[1])["record"])
        self.assertEqual(2, len({f["finding_info"]["uid"] for f in findings}))

    def test_severity_ids_of_all_levels(self):
        for level, id in (("informational", 1), ("low", 2), ("medium", 3), ("high", 4), ("critical", 5)):
            rule = self.write("level.yml", program.WHOAMI.replace("level: high", "level: " + level))
            self.assertEqual(id, self.findings("logs", rules=[rule])[0]["severity_id"])

    def test_csv_has_a_header_and_a_row_for_each_finding(self):
        rows = list(csv.DictReader(io.StringIO(self.detect("-f", "csv", "logs").text)))
        self.assertEqual(2, len(rows))
        self.assertEqual("high", rows[0]["level"])
        self.assertEqual(WHOAMI_ID, rows[0]["rule id"])
        self.assertEqual("logs/a.json", rows[0]["file"])
        self.assertEqual(["1", "3"], [row["record"] for row in rows])

    def test_html_is_one_page_that_asks_for_nothing(self):
        page = self.detect("-f", "html", "logs").text
        self.assertTrue(page.lower().startswith("<!doctype html>"))
        self.assertTrue(page.rstrip().endswith("</html>"))
        self.assertIsNone(re.search(r"""(src|href)\s*=\s*["']?(https?:)?//""", page))

    def test_navigator_layer(self):
        layer = json.loads(self.detect("-f", "navigator", "logs").text)
        self.assertEqual("4.5", layer["versions"]["layer"])
        self.assertIn("T1033", {t["techniqueID"] for t in layer["techniques"]})

    def test_every_format_is_well_formed_without_findings(self):
        self.write("logs/a.json", ndjson([event(1, "notepad.exe")]))
        self.assertEqual([], self.findings("logs"))
        self.assertEqual(1, len(self.detect("-q", "-f", "csv", "logs").text.splitlines()))
        self.assertIn("</html>", self.detect("-q", "-f", "html", "logs").text)
        json.loads(self.detect("-q", "-f", "navigator", "logs").text)
        self.assertEqual("", self.detect("-q", "logs").text)

    def test_output_goes_to_the_file_and_the_summary_to_the_terminal(self):
        path = self.folder / "out.jsonl"
        outcome = self.detect("-f", "jsonl", "-o", path, "logs")
        self.assertEqual("", outcome.text)
        self.assertEqual(2, len(path.read_text().splitlines()))
        self.assertIn("Findings", outcome.err)
        self.assertIn("3 events", outcome.err)

    def test_quiet_says_nothing_but_the_findings(self):
        outcome = self.detect("-q", "-f", "jsonl", "logs")
        self.assertEqual("", outcome.err)
        table = self.detect("-q", "logs")
        self.assertEqual("", table.err)
        self.assertIn("Who am I", table.text)
        self.assertNotIn("events/s", table.text)

    def test_quiet_still_tells_what_could_not_be_read_or_loaded(self):
        bad = self.write("bad.yml", "title: Bad\nlogsource: {product: windows}\ndetection: {condition: nothing}\n")
        outcome = self.detect("-q", "-f", "jsonl", "logs", "missing", rules=[self.rule, bad], expect=2)
        self.assertIn("missing", outcome.err)
        self.assertIn("bad.yml:3:", outcome.err)
        self.assertEqual(2, len(outcome.findings))

    def test_report_is_written_beside_the_table(self):
        path = self.folder / "report.html"
        outcome = self.detect("--report", path, "logs")
        self.assertIn("Who am I", outcome.text)
        self.assertIn("</html>", path.read_text())

    def test_stats_are_json(self):
        path = self.folder / "stats.json"
        self.detect("-q", "--stats", path, "logs")
        stats = json.loads(path.read_text())
        self.assertEqual((1, 3, 3, 2, 1, 0), tuple(stats[k] for k in ("streams", "records", "events", "findings", "rules", "bad_records")))
        self.assertEqual({"high": 2}, stats["findings_by_level"])
        self.assertEqual(len(ndjson(EVENTS)), stats["bytes"])

    def test_errors_lists_each_bad_record_with_its_place(self):
        lines = ndjson(EVENTS).splitlines(keepends=True)
        content = lines[0] + b'{"broken": \n' + lines[1] + b'{"also": "broken\n' + lines[2]
        self.write("logs/a.json", content)
        path = self.folder / "errors.jsonl"
        for block in (100, 1 << 20):
            outcome = self.detect("-f", "jsonl", "--errors", path, "--block-bytes", block, "logs")
            bad = [json.loads(line) for line in path.read_text().splitlines()]
            self.assertEqual([("logs/a.json", 2), ("logs/a.json", 4)], [(b["file"], b["record"]) for b in bad])
            self.assertEqual([len(lines[0]), content.index(b'{"also"')], [b["offset"] for b in bad])
            self.assertTrue(bad[1]["sample"].startswith('{"also"'))
            self.assertEqual([1, 5], [source_of(f)["record"] for f in outcome.findings])
            self.assertIn("2 could not be read", outcome.err)

    def test_the_table_tells_the_rule_the_host_and_the_reason(self):
        text = self.detect("logs").text
        for part in ("high", "Who am I", "CommandLine contains 'whoami'", "2026-01-02 00:00:01", "3 events"):
            self.assertIn(part, text)

    def test_the_time_of_a_short_run_has_digits_that_say_something(self):
        self.assertIsNotNone(re.search(r"(; 0\.\d*[1-9]\d*|under 0\.001) s with", self.detect("logs").text))

    def test_no_escape_codes_where_output_is_no_terminal(self):
        for format in ("table", "jsonl", "csv"):
            outcome = self.detect("-f", format, "logs")
            self.assertNotIn("\x1b", outcome.text + outcome.err)

    def on_terminal(self, *arguments, environment=None):
        """Both outputs of a run on a terminal, as one text, and its exit code."""
        parent, child = pty.openpty()
        variables = {k: v for k, v in os.environ.items() if k != "NO_COLOR"}
        variables.update(environment or {}, TERM="xterm-256color")
        process = subprocess.Popen([program.PROGRAM, "detect", "-r", self.rule, *map(str, arguments)], stdin=subprocess.DEVNULL, stdout=child,
                                   stderr=child, env=variables, cwd=self.folder)
        os.close(child)
        out = b""
        while select.select([parent], [], [], 60)[0]:
            try:
                part = os.read(parent, 65536)
            except OSError:
                break
            if not part:
                break
            out += part
        os.close(parent)
        return out.decode("utf-8", "replace"), process.wait()

    def test_colours_on_a_terminal_unless_no_color(self):
        text, code = self.on_terminal("logs")
        self.assertEqual(0, code)
        self.assertIn("\x1b[", text)
        text, _ = self.on_terminal("logs", environment={"NO_COLOR": "1"})
        self.assertNotIn("\x1b[1m", text)
        self.assertNotIn("\x1b[3", text)

    def test_progress_is_drawn_on_a_terminal_and_removed(self):
        big = self.write("logs/big.json", ndjson([event(i, "notepad.exe") for i in range(2000)]) * 60)
        text, _ = self.on_terminal("--threads", "1", big)
        bars = re.findall(r"\[[#.]+\]\s+(\d+)%", text)
        self.assertTrue(bars, text[:2000])
        self.assertTrue(any(0 < int(share) < 100 for share in bars), bars)
        self.assertGreater(text.rindex("\x1b[K"), text.rindex("]  "))
        text, _ = self.on_terminal("--threads", "1", "-q", big)
        self.assertNotIn("%", text)

    def test_hostile_values_cannot_speak_to_the_terminal(self):
        self.write("logs/a.json", ndjson([event(1, "whoami \x1b]0;owned\x07\x1b[2J", Computer="\x1b[31mhost", UtcTime="x")]))
        for format in ("table", "jsonl", "csv", "html", "navigator"):
            outcome = self.detect("-f", format, "logs")
            self.assertNotIn("\x1b", outcome.text + outcome.err, format)
        os.rename(self.logs / "a.json", self.logs / "a\x1b[2J.json")
        self.write("logs/bad\x1b[31m.gz", b"\x1f\x8b\x08\x00broken")
        for command in (self.detect("logs"), self.decode("--source", "logs", "no\x1b[31mfile", expect=2)):
            self.assertNotIn("\x1b", command.text + command.err)

    def test_an_output_that_cannot_be_opened_is_told_before_anything_is_read(self):
        for option in ("-o", "--report", "--stats", "--errors"):
            outcome = self.detect(option, self.folder / "missing" / "x", "logs", expect=2)
            self.assertIn("missing/x", outcome.err)

    def test_the_disk_is_full(self):
        self.write("logs/a.json", ndjson(EVENTS * 2000))
        for options in (["-o", "/dev/full"], ["--report", "/dev/full"], ["--stats", "/dev/full"]):
            outcome = self.detect("-f", "jsonl", *options, "logs", expect=2)
            self.assertIn("written to its end", outcome.err)
        self.write("logs/bad.json", b'{"a":1}\n' * 3 + b"{broken\n" * 5)
        self.assertIn("written to its end", self.detect("-f", "csv", "--errors", "/dev/full", "logs", expect=2).err)
        with open("/dev/full", "wb") as full:
            self.assertIn("written to its end", self.detect("-f", "jsonl", "logs", stdout=full, expect=2).err)
            self.assertIn("written to its end", self.decode("logs", stdout=full, expect=2).err)
        self.decode("--errors", "/dev/full", "logs", expect=2)

    def test_a_reader_that_has_seen_enough_ends_the_run_quietly(self):
        self.write("logs/a.json", ndjson(EVENTS * 5000))
        for arguments in (["detect", "-q", "-r", self.rule, "-f", "jsonl", "logs"], ["decode", "logs"]):
            for ignored in (False, True):  # As shells start it, and as programs do that ignore SIGPIPE.
                process = subprocess.Popen([program.PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                           restore_signals=not ignored, cwd=self.folder)
                json.loads(process.stdout.readline())
                process.stdout.close()
                self.assertEqual(b"", process.stderr.read())
                process.stderr.close()
                self.assertEqual(0, process.wait())

    def test_an_input_is_never_overwritten(self):
        before = pathlib.Path(self.log).read_bytes()
        os.link(self.log, self.folder / "other_name")
        for option in ("-o", "--report", "--stats", "--errors"):
            for path in (self.log, self.folder / "other_name", "./logs/../logs/a.json"):
                outcome = self.detect(option, path, self.log, expect=2)
                self.assertIn("is an input", outcome.err)
        self.decode("--errors", self.log, self.log, expect=2)
        self.assertEqual(before, pathlib.Path(self.log).read_bytes())

    def test_two_outputs_do_not_share_a_file(self):
        self.assertIn("two outputs", self.detect("-o", "x", "--report", "x", "logs", expect=2).err)

    def test_what_a_run_writes_is_not_read_by_it(self):
        keywords = self.write("k.yml", "title: K\nstatus: test\nlevel: low\nlogsource: {category: any}\ndetection: {k: [whoami], condition: k}\n")
        for _ in range(2):
            outcome = self.detect("-f", "jsonl", "--logsource", "any", "-o", "logs/out.json", "--stats", "logs/stats.json", "logs", rules=[keywords])
            self.assertIn("not read", outcome.err)
            lines = (self.logs / "out.json").read_text().splitlines()
            self.assertEqual({"logs/a.json"}, {source_of(json.loads(line))["file"] for line in lines})
            self.assertEqual(2, len(lines))


if __name__ == "__main__":
    program.main()
