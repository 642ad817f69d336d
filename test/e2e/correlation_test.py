"""Correlations over several files: by the time of the events, whatever the order in which they are read."""
import csv
import io
import itertools
import json
import unittest

import program
from program import Case, event, ndjson

CORRELATION = """title: Burst
id: 44444444-4444-4444-8444-444444444444
status: test
level: critical
tags: [attack.t1110]
correlation:
  type: event_count
  rules: [who_am_i]
  group-by: [User]
  timespan: 1m
  condition: {gte: 6}
GENERATE
"""


def burst(generate=""):
    return CORRELATION.replace("GENERATE", generate)


def titles(findings):
    return [f["finding_info"]["title"] for f in findings]


class Correlation(Case):
    def setUp(self):
        super().setUp()
        # 6 events of bob within 10 s, spread over two files whose times interleave; 5 of eve; and bob's, too far apart.
        self.write("logs/a.json", ndjson([event(t) for t in (100, 102, 104)] + [event(t, User="eve") for t in (100, 101)]))
        self.write("logs/b.json", ndjson([event(t) for t in (101, 103, 105)] + [event(t, User="eve") for t in (102, 103, 104)]))
        self.write("logs/c.json", ndjson([event(t) for t in range(1000, 2000, 100)]))
        self.rules = [self.rule, self.write("burst.yml", burst())]

    def test_a_burst_spread_over_files_is_one_finding(self):
        findings = self.findings("logs", rules=self.rules)
        self.assertEqual(["Burst"], titles(findings))
        finding = findings[0]
        self.assertEqual(5, finding["severity_id"])
        self.assertEqual((1767312100000, 1767312105000),
                         (finding["finding_info"]["first_seen_time"], finding["finding_info"]["last_seen_time"]))
        text = json.dumps(finding)
        for part in ("logs/a.json", "logs/b.json", "bob"):
            self.assertIn(part, text)
        self.assertNotIn("logs/c.json", text)

    def test_the_same_whatever_the_order_of_paths_threads_and_blocks(self):
        expected = None
        for order in itertools.permutations(("logs/a.json", "logs/b.json", "logs/c.json")):
            for threads, block in ((1, 1 << 20), (2, 1 << 20), (4, 200)):
                got = self.detect("-q", "-f", "jsonl", "--threads", threads, "--block-bytes", block, *order, rules=self.rules).out
                expected = expected or got
                self.assertEqual(expected, got)
        self.assertTrue(expected)

    def test_one_event_less_is_no_finding(self):
        self.write("logs/b.json", ndjson([event(t) for t in (101, 103)]))
        self.assertEqual([], self.findings("logs", rules=self.rules))

    def test_base_rules_are_hidden_unless_generate_says_so(self):
        self.write("burst.yml", burst("generate: true"))
        for given in (self.rules, self.rules[::-1]):
            found = titles(self.findings("logs", rules=given))
            self.assertEqual((1, 21), (found.count("Burst"), found.count("Who am I")))
        self.write("burst.yml", burst("generate: false"))
        self.assertEqual(["Burst"], titles(self.findings("logs", rules=self.rules)))

    def test_a_base_rule_below_min_level_still_feeds_the_correlation(self):
        self.assertEqual(["Burst"], titles(self.findings("--min-level", "critical", "logs", rules=self.rules)))
        self.assertEqual([], titles(self.findings("--exclude-rule", "Burst", "logs", rules=self.rules)))

    def test_in_every_format(self):
        rows = list(csv.DictReader(io.StringIO(self.detect("-f", "csv", "logs", rules=self.rules).text)))
        self.assertEqual(("Burst", "6"), (rows[0]["title"], rows[0]["event_count"]))
        self.assertIn("Burst", self.detect("logs", rules=self.rules).text)
        self.assertIn("T1110", self.detect("-f", "navigator", "logs", rules=self.rules).text)
        self.assertIn("</html>", self.detect("-f", "html", "logs", rules=self.rules).text)
        self.detect("--fail-on", "critical", "logs", rules=self.rules, expect=1)

    def test_events_without_time_are_counted(self):
        timeless = event(1)
        del timeless["UtcTime"]
        self.write("logs/d.json", ndjson([timeless]))
        self.assertIn("1 matches without a time", self.detect("logs", rules=self.rules).text)

    def test_ordered_events_of_two_rules_over_files_read_backwards(self):
        second = self.write("second.yml", program.WHOAMI.replace("who_am_i", "second").replace("8111-111111111111", "8111-111111111112")
                            .replace("Who am I", "Second").replace("contains: whoami", "contains: ipconfig"))
        chain = self.write("chain.yml", burst().replace("event_count", "temporal_ordered").replace("[who_am_i]", "[who_am_i, second]")
                           .replace("  condition: {gte: 6}\n", ""))
        self.write("x/1.json", ndjson([event(20, "ipconfig")]))
        self.write("x/2.json", ndjson([event(10)]))
        self.assertEqual(["Burst"], titles(self.findings("x", rules=[self.rule, second, chain])))
        self.write("x/2.json", ndjson([event(21)]))
        self.assertEqual([], self.findings("x", rules=[self.rule, second, chain]))


if __name__ == "__main__":
    program.main()
