#!/usr/bin/env python3
"""Opens the HTML report in a headless Chromium and looks at what it shows. usage: report_browser_test.py SAMPLE_REPORT

Exits with 77 (skipped) where there is no Chromium.
"""
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
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


class Browser:
    """One page under the DevTools protocol over two pipes: no port, no network."""

    def __init__(self, profile):
        read_end, self.write_to = os.pipe()
        self.read_from, write_end = os.pipe()

        def place():  # Chromium reads from descriptor 3 and writes to 4.
            high = [os.dup(read_end), os.dup(write_end)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen([BROWSER, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
                                        preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(read_end)
        os.close(write_end)
        self.number, self.session, self.buffer = 0, None, b""
        self.deadline = threading.Timer(240, self.process.kill)
        self.deadline.daemon = True
        self.deadline.start()

    def open(self, url):
        target = self.call("Target.createTarget", url=url)["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.wait("document.documentElement?.dataset.ready === 'yes'")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write_to, json.dumps(message).encode() + b"\0")
        while True:
            while b"\0" not in self.buffer:
                part = os.read(self.read_from, 1 << 16)
                if not part:
                    raise EOFError("Chromium ended")
                self.buffer += part
            line, self.buffer = self.buffer.split(b"\0", 1)
            answer = json.loads(line)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(answer["error"])
                return answer["result"]

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"])
        return answer["result"].get("value")

    # The page's own clock says when to look again; nothing here sleeps. A page that is still loading has no answer.
    def wait(self, condition):
        for _ in range(2_000):
            try:
                if self.value(f"new Promise((done) => setTimeout(() => done(Boolean({condition})), 20))"):
                    return
            except RuntimeError as error:
                if "Uncaught" in str(error):
                    raise
        raise AssertionError(f"did not come true: {condition}")

    def key(self, name):
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, text=name if len(name) == 1 and kind == "keyDown" else "")

    def mouse(self, kind, x, y):
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1, clickCount=1)

    def close(self):
        self.deadline.cancel()
        try:
            self.session = None
            self.call("Browser.close")
        except (EOFError, OSError):
            pass
        self.process.wait()
        os.close(self.read_from)
        os.close(self.write_to)


class Report(unittest.TestCase):
    folder = None

    def open(self, count, link="", extra=()):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
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


class Use(unittest.TestCase):
    """What a reader does: choose, search, zoom, step through."""

    def use(self, count):
        profile = tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.addCleanup(profile.cleanup)
        browser = Browser(profile.name)
        self.addCleanup(browser.close)
        browser.open((Report.folder / f"{count}.html").as_uri())
        return browser

    def shown(self, browser):
        return browser.value("document.getElementById('shown').textContent")

    def test_levels_hosts_rules_and_techniques_filter_each_other(self):
        browser = self.use(0)
        browser.value("document.querySelector('.tile.L3').click()")
        self.assertEqual(self.shown(browser), "4 of 9 findings")
        browser.value("document.querySelector('#hosts .bar-row').click()")
        self.assertEqual(self.shown(browser), "3 of 9 findings")
        browser.value("[...document.querySelectorAll('.cell')].find((cell) => cell.textContent.includes('T1027')).click()")
        self.assertEqual(self.shown(browser), "2 of 9 findings")
        self.assertEqual(browser.value("document.querySelectorAll('.chip').length"), 3)
        browser.value("for (let n = 0; n < 3; ++n) document.querySelector('.chip').click()")
        self.assertEqual(self.shown(browser), "9 findings")

    def test_dragging_over_the_timeline_zooms_and_escape_shows_all(self):
        browser = self.use(0)
        browser.value("document.getElementById('timeline').scrollIntoView()")
        box = browser.value("(() => { const b = document.getElementById('timeline').getBoundingClientRect(); return [b.left, b.right, b.top]; })()")
        browser.mouse("mousePressed", box[1] - 2, box[2] + 60)
        browser.mouse("mouseMoved", box[0] + (box[1] - box[0]) * .8, box[2] + 60)
        browser.mouse("mouseReleased", box[0] + (box[1] - box[0]) * .8, box[2] + 60)
        self.assertEqual(self.shown(browser), "8 of 9 findings")
        browser.value("document.getElementById('timeline').focus()")
        browser.key("Escape")
        self.assertEqual(self.shown(browser), "9 findings")

    def test_the_keyboard_steps_through_findings_and_closes_the_detail(self):
        browser = self.use(0)
        browser.value("document.getElementById('list').focus()")
        for name in ("j", "j", "k", "Enter"):
            browser.key(name)
        browser.wait("document.getElementById('detail').textContent.includes('Why it fired')")
        self.assertEqual(browser.value("document.getElementById('detail-title').textContent"), "Shell Opened")
        browser.key("Escape")
        self.assertTrue(browser.value("document.getElementById('detail').hidden"))
        self.assertEqual(browser.value("document.activeElement.id"), "list", "focus goes back where it was")

    def test_fifty_thousand_findings_scroll_and_filter_without_delay(self):
        browser = self.use(50_000)
        browser.value("document.getElementById('list').scrollTop = 1e9")
        browser.wait("[...document.querySelectorAll('.row')].some((row) => row.getAttribute('aria-posinset') === '50000')")
        self.assertLess(browser.value("document.querySelectorAll('.row').length"), 60)
        milliseconds = browser.value("(() => { const begin = performance.now(); document.querySelector('.tile.L4').click(); return performance.now() - begin; })()")
        self.assertLess(milliseconds, 2000, "some 50 where nothing else runs")
        self.assertEqual(self.shown(browser), "37 of 50,000 findings")

    def test_the_policy_lets_nothing_else_run(self):
        browser = self.use(0)
        self.assertIn("TrustedHTML", browser.value("(() => { try { document.body.innerHTML = '<b>x</b>'; } catch (error) { return error.message; } return 'allowed'; })()"))
        with self.assertRaisesRegex(RuntimeError, "TrustedScript"):
            browser.value("document.createElement('div').setAttribute('onclick', 'window.ran = true')")


if __name__ == "__main__":
    if BROWSER is None:
        print("skipped: no chromium on this machine (Debian package chromium)")
        sys.exit(77)
    program = sys.argv.pop(1)
    with tempfile.TemporaryDirectory() as folder:
        Report.folder = pathlib.Path(folder)
        for count in (0, 50_000):
            subprocess.run([program, str(count), str(Report.folder / f"{count}.html")], check=True)
        unittest.main()
