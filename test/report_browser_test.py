#!/usr/bin/env python3
"""Opens the HTML report in a headless Chromium and looks at what it shows. usage: report_browser_test.py SAMPLE_REPORT

Exits with 77 (skipped) where there is no Chromium.
"""
import html.parser
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--window-size=1440,1200"]
VOID = {"meta", "input", "br", "link", "img", "hr", "path", "rect", "line"}


class Page(html.parser.HTMLParser):
    """The text of each element with an id, and the elements by class."""

    def __init__(self, dom):
        super().__init__()
        self.stack, self.texts, self.classes, self.attributes, self.marked = [], {}, {}, {}, []
        self.feed(dom)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if "id" in attributes:
            self.texts[attributes["id"]] = ""
            self.attributes[attributes["id"]] = attributes
        for name in (attributes.get("class") or "").split():
            self.classes[name] = self.classes.get(name, 0) + 1
        if tag == "html":
            self.attributes["html"] = attributes
        if tag == "mark":
            self.marked.append("")
        if tag not in VOID:
            self.stack.append((tag, attributes.get("id")))

    def handle_endtag(self, tag):
        while self.stack and any(name == tag for name, _ in self.stack):
            if self.stack.pop()[0] == tag:
                break

    def handle_data(self, data):
        for _, name in self.stack:
            if name is not None:
                self.texts[name] += data
        if self.stack and self.stack[-1][0] == "mark":
            self.marked[-1] += data


class Report(unittest.TestCase):
    folder = None
    program = None

    @classmethod
    def setUpClass(cls):
        for count in (0, 50_000):
            subprocess.run([cls.program, str(count), str(cls.folder / f"{count}.html")], check=True)

    def open(self, count, link="", extra=()):
        with tempfile.TemporaryDirectory() as profile:
            # Chromium is ended by its own time budget; the timeout is for a machine without a free processor.
            return subprocess.run([BROWSER, *FLAGS, f"--user-data-dir={profile}", "--virtual-time-budget=20000", *extra,
                                   f"{(self.folder / f'{count}.html').as_uri()}{link}"],
                                  capture_output=True, timeout=240, check=True).stdout.decode("utf-8", "replace")

    def page(self, count, link=""):
        page = Page(self.open(count, link, ["--dump-dom"]))
        self.assertEqual(page.attributes["html"].get("data-ready"), "yes", "the script ran to its end")
        return page

    def test_says_the_verdict_in_words(self):
        page = self.page(0)
        self.assertEqual(page.texts["verdict"], "1 critical and 4 high findings on 2 hosts")
        self.assertIn("Between 2026-11-24 08:02:00 and 2026-11-24 09:00:00 UTC", page.texts["span"])
        self.assertIn("T1059.001", page.texts["matrix"])
        self.assertIn("unknown modifier 'contians'", page.texts["run"])
        self.assertIn("The MITRE Corporation", self.open(0, "", ["--dump-dom"]))

    def test_nothing_in_events_becomes_markup_or_runs(self):
        page = self.page(0, "#finding=7")
        self.assertNotEqual(page.texts["title"] if "title" in page.texts else "", "owned")
        self.assertIn("</script><script>document.title='owned'</script>", page.texts["detail"])
        dom = self.open(0, "#finding=8", ["--dump-dom"])
        self.assertNotIn("<img", dom)
        self.assertNotIn("\x1b", dom)
        self.assertNotIn("\u202e", dom)
        self.assertNotIn("<title>owned", dom)
        self.assertNotIn('href="javascript', dom)

    def test_detail_explains_a_finding_and_marks_what_matched(self):
        page = self.page(0, "#finding=1")
        self.assertEqual(page.marked, ["-enc", "\\winword.exe"])
        detail = page.texts["detail"]
        for part in ("CommandLine", "contains (windash)", "selection and not filter_backup", "Administrators who test backups",
                     "evidence/security.evtx", "9223372036854775807", "CORP\\jürgen"):
            self.assertIn(part, detail)

    def test_marks_count_bytes_not_characters(self):
        self.assertEqual(self.page(0, "#finding=3").marked[0], "-enc")

    def test_detail_of_a_correlation_lists_its_events(self):
        detail = self.page(0, "#finding=9").texts["detail"]
        for part in ("user = bob", "Failed logon", "record 5", "Logon", "record 9"):
            self.assertIn(part, detail)

    def test_search_reads_rules_reasons_and_on_demand_events(self):
        self.assertEqual(self.page(0, "#text=lsass").texts["shown"], "1 of 9 findings")
        self.assertEqual(self.page(0, "#text=J%C3%9CRGEN").texts["shown"], "0 of 9 findings")
        self.assertEqual(self.page(0, "#text=J%C3%9CRGEN&deep").texts["shown"], "8 of 9 findings")

    def test_fifty_thousand_findings_make_few_elements(self):
        page = self.page(50_000, "#finding=49999")
        self.assertEqual(page.texts["shown"], "50,000 findings")
        self.assertGreater(page.classes["row"], 5)
        self.assertLess(page.classes["row"], 60)
        self.assertIn("Why it fired", page.texts["detail"])
        self.assertLess((self.folder / "50000.html").stat().st_size, 20_000_000)

    def test_colours_can_be_chosen(self):
        self.assertEqual(self.page(0, "#dark").attributes["html"]["data-theme"], "dark")
        self.assertEqual(self.page(0, "#light").attributes["html"]["data-theme"], "light")


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: no chromium on this machine (Debian package chromium)")
        sys.exit(77)
    Report.program = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as folder:
        Report.folder = pathlib.Path(folder)
        unittest.main()
