"""The options of `tocsin detect`: which rules, which events, which exit code."""
import json
import os
import pathlib
import unittest

import program
from program import Case, WHOAMI_ID, event, ndjson, source_of

LEVELS = ("informational", "low", "medium", "high", "critical")


def rule(title, number, level="medium", status="test", tags="attack.execution", detection="{s: {CommandLine|contains: whoami}, condition: s}",
         source="{product: windows, category: process_creation}", name=""):
    return (f"title: {title}\nid: 33333333-3333-4333-8333-{number:012}\n" + (f"name: {name}\n" if name else "") +
            f"status: {status}\nlevel: {level}\ntags: [{tags}]\nlogsource: {source}\ndetection: {detection}\n")


class Options(Case):
    def setUp(self):
        super().setUp()
        self.write("logs/a.json", ndjson([event(1), event(2, "notepad.exe"), event(3)]))

    def titles(self, *arguments, **options):
        return sorted({f["finding_info"]["title"] for f in self.findings(*arguments, "logs", **options)})

    def test_min_level(self):
        rules = [self.write(f"r/{level}.yml", rule(level, i, level)) for i, level in enumerate(LEVELS)]
        for i, level in enumerate(LEVELS):
            self.assertEqual(sorted(LEVELS[i:]), self.titles("--min-level", level, rules=rules))
        self.detect("--min-level", "worst", "logs", expect=2)

    def test_status(self):
        self.write("r/a.yml", rule("A", 1, status="stable"))
        self.write("r/b.yml", rule("B", 2, status="experimental"))
        self.write("r/c.yml", rule("C", 3, status="test"))
        self.assertEqual(["A"], self.titles("--status", "stable", rules=["r"]))
        self.assertEqual(["A", "B"], self.titles("--status", "stable", "--status", "EXPERIMENTAL", rules=["r"]))

    def test_include_tag_takes_a_tag_and_what_is_below_it(self):
        self.write("r/a.yml", rule("A", 1, tags="attack.t1059"))
        self.write("r/b.yml", rule("B", 2, tags="attack.t1059.001"))
        self.write("r/c.yml", rule("C", 3, tags="attack.t10591"))
        self.assertEqual(["A", "B"], self.titles("--include-tag", "attack.t1059", rules=["r"]))
        self.assertEqual(["A", "B"], self.titles("--include-tag", "ATTACK.T1059", rules=["r"]))
        self.assertEqual(["B"], self.titles("--include-tag", "attack.t1059.001", rules=["r"]))
        self.assertEqual(["A", "B", "C"], self.titles("--include-tag", "attack.", rules=["r"]))
        self.assertEqual([], self.titles("--include-tag", "attack.t9999", rules=["r"]))

    def test_exclude_rule_by_id_name_or_title(self):
        self.write("r/a.yml", rule("A", 1, name="rule_a"))
        self.write("r/b.yml", rule("B rule", 2))
        for key in ("33333333-3333-4333-8333-000000000001", "rule_a", "a"):
            self.assertEqual(["B rule"], self.titles("--exclude-rule", key, rules=["r"]))
        self.assertEqual([], self.titles("--exclude-rule", "A", "--exclude-rule", "B rule", rules=["r"]))

    def test_from_and_to_take_their_own_edges_and_events_without_time(self):
        def records(*arguments):
            return [source_of(f)["record"] for f in self.findings(*arguments, "logs")]
        timeless = event(5)
        del timeless["UtcTime"]
        self.write("logs/a.json", ndjson([event(10), event(20), event(30), timeless]))
        self.assertEqual([1, 2, 3, 4], records())
        self.assertEqual([2, 3, 4], records("--from", "2026-01-02T00:00:20Z"))
        self.assertEqual([1, 2, 4], records("--to", "2026-01-02T00:00:20Z"))
        self.assertEqual([2, 4], records("--from", "2026-01-02T00:00:20Z", "--to", "2026-01-02T01:00:20+01:00"))
        self.assertEqual([3, 4], records("--from", "2026-01-02T00:00:20.0000001Z"))
        self.assertEqual([2, 3, 4], records("--from", "1767312020"))
        self.detect("--from", "yesterday", "logs", expect=2)
        self.detect("--from", "2026-01-02", "--to", "2026-01-01", "logs", expect=2)
        self.assertIn("2 events outside", self.detect("--from", "2026-01-02T00:00:30Z", "logs").text)

    def test_fail_on_decides_the_exit_code(self):
        self.detect("logs", expect=0)
        for level, code in (("low", 1), ("high", 1), ("critical", 0)):
            self.detect("--fail-on", level, "logs", expect=code)
        self.detect("--fail-on", "terrible", "logs", expect=2)

    def test_logsource_of_the_whole_input(self):
        self.write("logs/a.json", b'{"CommandLine": "whoami", "Image": "x"}\n')
        outcome = self.detect("logs")
        self.assertIn("0", outcome.text.splitlines()[0])
        self.assertIn("source not told: 1 event", outcome.text)
        self.assertEqual([], self.titles())
        self.assertEqual(["Who am I"], self.titles("--logsource", "product=windows,category=process_creation"))
        self.assertEqual(["Who am I"], self.titles("--logsource", "any"))
        self.assertEqual([], self.titles("--logsource", "product=linux,category=process_creation"))
        for wrong in ("windows", "product=", "product=windows,", "colour=red", "=x"):
            self.detect("--logsource", wrong, "logs", expect=2)

    def test_events_may_name_their_logsource(self):
        self.write("logs/a.json", b'{"CommandLine": "whoami", "product": "windows", "category": "process_creation"}\n')
        self.assertEqual(["Who am I"], self.titles())

    def test_placeholders_come_from_a_file(self):
        placeholder = self.write("p.yml", rule("P", 1, detection="{s: {CommandLine|expand: 'cmd.exe /c %tools%'}, condition: s}"))
        outcome = self.detect("logs", rules=[self.rule, placeholder])
        self.assertIn("p.yml:", outcome.text)
        variables = self.write("vars.yml", "tools: [ipconfig, whoami]\n")
        self.assertEqual(["P"], self.titles("--vars", variables, rules=[placeholder]))
        self.detect("--vars", "missing.yml", "logs", expect=2)
        self.detect("--vars", self.write("bad.yml", "- [\n"), "logs", expect=2)

    def test_own_rules_without_r(self):
        outcome = self.detect("logs", rules=[])
        self.assertRegex(outcome.text, r"Rules +\d{3} rules, \d+ correlations")
        self.assertNotIn("Refused", outcome.text)

    def test_rules_from_files_and_folders_together(self):
        self.write("r/sub/a.yaml", rule("A", 1))
        self.write("r/b.yml", rule("B", 2))
        self.write("r/b.test.yml", "not: a rule\n")
        self.write("r/.git/c.yml", rule("C", 3))
        self.write("r/readme.md", "text")
        self.assertEqual(["A", "B", "Who am I"], self.titles(rules=["r", self.rule]))

    def test_a_bad_rule_among_good_ones_is_told_with_its_place(self):
        self.write("r/a.yml", rule("A", 1))
        self.write("r/bad.yml", rule("Bad", 2, detection="{s: {CommandLine|nonsense: x}, condition: s}"))
        self.write("r/worse.yml", "title: Worse\ndetection: [\n")
        outcome = self.detect("-f", "jsonl", "logs", rules=["r"])
        self.assertEqual(2, len(outcome.findings))
        self.assertRegex(outcome.err, r"r/bad\.yml:7")
        self.assertRegex(outcome.err, r"r/worse\.yml:\d")

    def test_no_rule_that_loads_is_an_error(self):
        bad = self.write("bad.yml", "title: x\n")
        self.assertIn("bad.yml:1", self.detect("logs", rules=[bad], expect=2).err)
        (self.folder / "empty").mkdir()
        self.detect("logs", rules=["empty"], expect=2)
        self.detect("logs", rules=["missing"], expect=2)

    @unittest.skipIf(os.getuid() == 0 and not os.path.exists("/usr/bin/setpriv"), "needs setpriv to give up root")
    def test_rules_that_may_not_be_read(self):
        self.write("r/a.yml", rule("A", 1))
        self.write("r/secret.yml", rule("S", 2))
        self.write("r/closed/b.yml", rule("B", 3))
        os.chmod(self.folder / "r/secret.yml", 0)
        os.chmod(self.folder / "r/closed", 0)
        outcome = self.as_nobody("detect", "-q", "-f", "jsonl", "-r", "r", "logs")
        self.assertEqual(2, len(outcome.findings), outcome)
        self.assertIn("r/secret.yml", outcome.err)
        self.assertIn("r/closed", outcome.err)
        outcome = self.as_nobody("detect", "-r", "r/closed", "logs", expect=2)
        self.assertIn("r/closed", outcome.err)

    def as_nobody(self, *arguments, **options):
        if os.getuid() != 0:
            return self.run_program(*arguments, **options)
        os.chmod(self.folder, 0o755)
        return self.run_program(*arguments, user=65534, group=65534, extra_groups=[], **options)

    def test_usage_errors_exit_with_2(self):
        for arguments in (["detect"], ["detect", "--nonsense", "logs"], [], ["nonsense"], ["detect", "-f", "pdf", "logs"],
                          ["detect", "--threads", "0", "logs"], ["detect", "--threads", "x", "logs"], ["detect", "missing.json"],
                          ["detect", "--content", "missing", "logs"], ["detect", "--logsource-map", "missing", "logs"],
                          ["decode"], ["decode", "missing.json"], ["decode", "--nonsense"]):
            outcome = self.run_program(*arguments, expect=2)
            self.assertTrue((outcome.err + outcome.text).strip(), arguments)

    def test_an_unknown_format_does_not_touch_the_output_file(self):
        path = self.write("out.txt", "precious")
        self.detect("-f", "pdf", "-o", path, "logs", expect=2)
        self.assertEqual("precious", pathlib.Path(path).read_text())

    def test_one_missing_path_does_not_stop_the_others_but_the_exit_code_tells(self):
        outcome = self.detect("-f", "jsonl", "missing.json", "logs", expect=2)
        self.assertEqual(2, len(outcome.findings))
        self.assertIn("missing.json", outcome.err)
        self.detect("--fail-on", "high", "missing.json", "logs", expect=1)

    def test_help_and_version(self):
        self.assertIn("detect", self.run_program("--help").text)
        self.assertIn("--min-level", self.run_program("detect", "--help").text)
        self.assertNotIn("--block-bytes", self.run_program("detect", "--help").text)
        self.assertRegex(self.run_program("--version").text, r"^tocsin \d")


if __name__ == "__main__":
    program.main()
