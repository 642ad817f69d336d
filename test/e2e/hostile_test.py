"""Bad and hostile input: a clear message, the rest goes on, and neither memory nor time grow with the attacker's wish."""
import gzip
import io
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import zipfile
import zlib

import program
from program import Case, event, ndjson, source_of

MAX_PEAK_KB = 350 * 1000
GOOD = ndjson([event(1), event(2, "notepad.exe")])


class Hostile(Case):
    def setUp(self):
        super().setUp()
        self.write("logs/zz_good.json", GOOD)

    def check(self, *parts, expect=0, count=1, arguments=(), **options):
        """The good file's finding is there, each part is said, memory stays small."""
        outcome = self.detect("-f", "jsonl", *arguments, "logs", expect=expect, **options)
        self.assertEqual(count, sum(source_of(f)["file"] == "logs/zz_good.json" for f in outcome.findings), outcome)
        for part in parts:
            self.assertIn(part, outcome.err)
        self.assertLess(outcome.peak_kb, MAX_PEAK_KB)
        self.assertNotIn("terminate", outcome.err)
        return outcome

    # ---- Files that are broken.

    def test_truncated_gzip_gives_what_came_before(self):
        self.write("logs/a.gz", gzip.compress(ndjson([event(i, f"whoami {i} {zlib.crc32(bytes([i % 256]))}") for i in range(2000)]))[:-500])
        outcome = self.check("logs/a.gz")
        self.assertGreater(len(outcome.findings), 1000)

    def test_broken_archives(self):
        good = io.BytesIO()
        with zipfile.ZipFile(good, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.json", ndjson([event(i) for i in range(1000)]))
        self.write("logs/a.zip", good.getvalue()[:1500])
        self.write("logs/b.zip", b"PK\x03\x04" + os.urandom(2000))
        self.write("logs/c.gz", b"\x1f\x8b\x08\x00" + b"\x00" * 100)
        self.write("logs/d.xz", b"\xfd7zXZ\x00" + b"\xff" * 100)
        self.write("logs/e.zst", b"\x28\xb5\x2f\xfd" + b"\xff" * 100)
        self.write("logs/f.7z", b"7z\xbc\xaf\x27\x1c" + b"\xff" * 100)
        self.check("Unreadable")

    def test_encrypted_zip(self):
        plain = io.BytesIO()
        with zipfile.ZipFile(plain, "w") as archive:
            archive.writestr("x.json", GOOD)
        content = bytearray(plain.getvalue())
        content[6] |= 1  # The flag in the local header, and in the central directory.
        content[content.index(b"PK\x01\x02") + 8] |= 1
        self.write("logs/a.zip", bytes(content))
        self.check("logs/a.zip", "encrypted")
        self.detect("logs/a.zip", expect=2)

    def test_zip_bombs(self):
        bomb = zlib.compressobj(9, zlib.DEFLATED, -15)
        with tempfile.TemporaryFile() as whole:  # 512 MB of zeros in 500 KB.
            with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
                with archive.open("bomb.json", "w") as member:
                    for _ in range(64):
                        member.write(b"{\"a\": 1}" + b" " * (8 << 20))
            whole.seek(0)
            self.write("logs/a.zip", whole.read())
        self.write("logs/b.gz", gzip.compress(b"[" * (200 << 20)))
        del bomb
        outcome = self.check("logs/a.zip", "logs/b.gz")
        self.assertLess(outcome.seconds, 30)

    def test_archives_nested_without_end(self):
        content = GOOD
        for depth in range(12):
            out = io.BytesIO()
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for copy in range(4):
                    archive.writestr(f"{depth}-{copy}.zip", content)
            content = out.getvalue()
        self.write("logs/a.zip", content)
        outcome = self.check("nest", count=1)
        self.assertLess(outcome.seconds, 60)

    def test_truncated_and_garbled_evtx(self):
        self.write("logs/a.evtx", b"ElfFile\x00" + b"\x00" * 100)
        self.write("logs/b.evtx", b"ElfFile\x00" + b"\x00" * 4088 + b"ElfChnk\x00" + os.urandom(65528) + b"ElfChnk\x00" + os.urandom(100))
        self.check()

    def test_binary_and_empty_files(self):
        self.write("logs/a.bin", bytes(range(256)) * 1000)
        self.write("logs/b.json", b"")
        self.write("logs/c.zeros", b"\x00" * 100000)
        self.write("logs/d.exe", b"MZ\x90\x00\x03\x00\x00\x00\x04\x00" + b"\x00\x01" * 5000)
        self.check("logs/a.bin", "look like no log")
        self.detect("logs/a.bin", expect=2)
        self.detect("logs/b.json", expect=0)
        self.detect("-", feed=b"", expect=0)

    def test_nul_bytes_and_invalid_utf8_in_events(self):
        lines = b'{"EventID":1,"Channel":"Microsoft-Windows-Sysmon/Operational","CommandLine":"a\\u0000 whoami \xff\xfe"}\n'
        self.write("logs/a.json", lines + b"\x00\x00\x00\n" + b"\xff\xff\n" + lines)
        outcome = self.check("could not be read")
        self.assertEqual(3, len(outcome.findings))
        outcome.out.decode("utf-8")

    # ---- File systems.

    @unittest.skipIf(os.getuid() == 0 and not hasattr(os, "setuid"), "cannot give up root")
    def test_folders_and_files_without_permission(self):
        self.write("logs/closed/a.json", GOOD)
        self.write("logs/secret.json", GOOD)
        os.chmod(self.logs / "closed", 0)
        os.chmod(self.logs / "secret.json", 0)
        os.chmod(self.folder, 0o755)
        nobody = dict(user=65534, group=65534, extra_groups=[]) if os.getuid() == 0 else {}
        self.check("logs/closed", "logs/secret.json", "ermission", **nobody)
        self.detect("logs/closed", expect=2, **nobody)
        self.detect("logs/secret.json", expect=2, **nobody)

    def test_links_pipes_sockets_and_devices_in_a_folder(self):
        os.symlink(".", self.logs / "loop")
        os.symlink("nowhere", self.logs / "dangling")
        os.symlink("/etc", self.logs / "outside")
        os.mkfifo(self.logs / "pipe")
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(str(self.logs / "socket"))
            outcome = self.check("logs/pipe", "named pipe", "links in folders were not followed", timeout=20)
        self.assertEqual(1, len(outcome.findings))
        os.symlink("zz_good.json", self.logs / "yy_link.json")
        self.assertEqual(1, len(self.findings("logs/yy_link.json")))
        self.detect("logs/loop/loop/loop/zz_good.json", expect=0)
        os.symlink("self", self.folder / "self")
        self.detect("self", expect=2)

    def test_a_file_that_vanishes_while_others_are_read(self):
        self.write("logs/bb.json", GOOD)
        os.mkfifo(self.folder / "gate")
        # Standard input is read first and held open until the file is gone.
        read_end, write_end = os.pipe()
        process = subprocess.Popen([program.PROGRAM, "detect", "-r", self.rule, "-f", "jsonl", "logs/bb.json", "-", "logs/zz_good.json"],
                                   stdin=read_end, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=self.folder)
        os.close(read_end)
        os.write(write_end, GOOD)
        time.sleep(0.3)
        os.remove(self.logs / "zz_good.json")
        os.close(write_end)
        out, err = process.communicate(timeout=60)
        self.assertEqual(2, len(out.splitlines()), err)
        self.assertEqual(2, process.returncode)
        self.assertIn(b"zz_good.json", err)

    def test_ten_thousand_small_files(self):
        for i in range(10000):
            folder = self.logs / str(i // 1000)
            folder.mkdir(exist_ok=True)
            (folder / f"{i}.json").write_bytes(GOOD)
        outcome = self.check()
        self.assertEqual(10001, len(outcome.findings))
        self.assertLess(outcome.seconds, 30)

    # ---- Events that are odd.

    def test_very_deep_json(self):
        deep = b'{"a":' * 100000 + b"1" + b"}" * 100000
        self.write("logs/a.json", deep + b"\n" + b"[" * 200000 + b"\n" + GOOD)
        self.write("logs/b.json", b"[" * 1000000)
        self.write("logs/c.xml", b"<Event>" * 100000)
        outcome = self.check()
        self.assertEqual(2, len(outcome.findings))

    def test_five_thousand_keys_in_an_event(self):
        wide = {f"key{i}": i for i in range(5000)}
        first = dict(event(1), **wide)
        last = dict(wide, **event(2))
        self.write("logs/a.json", ndjson([first, last]))
        outcome = self.check("fields past the limit")
        self.assertEqual([1], [source_of(f)["record"] for f in outcome.findings if source_of(f)["file"] == "logs/a.json"])

    def test_two_hundred_thousand_names_over_a_stream(self):
        def feed(out):
            for start in range(0, 200000, 50):
                one = event(start // 50)
                one.update({f"name_{i}": "v" for i in range(start, start + 50)})
                out.write(json.dumps(one).encode() + b"\n")
        rule = self.write("late.yml", "title: Late\nstatus: test\nlevel: low\nlogsource: {category: any}\n"
                          "detection: {s: {name_199999: v}, condition: s}\n")
        outcome = self.detect("-f", "jsonl", "--logsource", "any", "-", feed=feed, rules=[self.rule, rule])
        titles = [f["finding_info"]["title"] for f in outcome.findings]
        self.assertEqual((4000, 1), (titles.count("Who am I"), titles.count("Late")))
        self.assertLess(outcome.peak_kb, MAX_PEAK_KB)

    def test_every_event_matches_many_rules(self):
        many = "---\n".join(program.WHOAMI.replace("8111-111111111111", f"8111-{i:012}").replace("name: who_am_i", f"name: who_{i}")
                            for i in range(20))
        content = ndjson([event(i % 60, "whoami " + "x" * 400) for i in range(40000)])
        self.write("logs/a.json", content)
        with open(os.devnull, "wb") as nowhere:
            for threads in (1, 4):
                outcome = self.detect("-f", "jsonl", "--threads", threads, "logs", rules=[self.write("many.yml", many)], stdout=nowhere)
                self.assertIn("800,020", outcome.err)
                self.assertLess(outcome.peak_kb, MAX_PEAK_KB)

    def test_one_gigabyte_in_a_single_line(self):
        for begin, name in ((b'{"CommandLine":"', "json"), (b"", "text")):
            def feed(out):
                out.write(GOOD if name == "json" else b"a plain line\n")
                out.write(begin)
                part = b"whoami " * 150000
                for _ in range(1000):
                    out.write(part)
                out.write(b'"}\n' if name == "json" else b"\n")
                out.write(GOOD if name == "json" else b"a plain line\n")
            outcome = self.run_program("decode", "--input-format", name, "-", feed=feed)
            self.assertEqual(4 if name == "json" else 2, len(outcome.text.splitlines()), outcome.err)
            self.assertIn("could not be read", outcome.err)
            self.assertLess(outcome.peak_kb, MAX_PEAK_KB)

    def test_a_line_longer_than_a_record_may_be_is_one_bad_record_whatever_the_threads(self):
        # Its rest looks like events of its own; they are not.
        long_line = b"x" * (40 << 20)
        self.write("a.log", b"first\n" * 3 + long_line + b" end of it\n" + b"last\n" * 3)
        for threads in (1, 2, 4):
            outcome = self.decode("--source", "--fields", "message", "--threads", threads, "--input-format", "text", "a.log")
            lines = [json.loads(line) for line in outcome.text.splitlines()]
            self.assertEqual(["first"] * 3 + ["last"] * 3, [line["message"] for line in lines])
            self.assertEqual([1, 2, 3, 5, 6, 7], [line["_record"] for line in lines])
            self.assertIn("1 records could not be read", outcome.err)

    # ---- Rules.

    def test_hostile_rules_are_refused_and_the_others_run(self):
        laughs = "a0: &a0 [x, x]\n" + "".join(f"a{i}: &a{i} [*a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}, *a{i-1}]\n"
                                               for i in range(1, 30))
        self.write("r/laughs.yml", laughs + "title: L\ndetection: {s: {a: *a29}, condition: s}\n")
        self.write("r/nul.yml", program.WHOAMI.replace("Who am I", "Who\x00am I"))
        self.write("r/deep.yml", "[" * 100000)
        self.write("r/binary.yml", os.urandom(5000))
        self.write("r/huge.yml", "title: x\n" + "#" * (20 << 20))
        self.write("r/regex.yml", program.WHOAMI.replace("|contains: whoami", "|re: '(a{1000}){1000}'"))
        self.write("r/good.yml", program.WHOAMI)
        outcome = self.check("Refused", rules=["r"])
        self.assertLess(outcome.seconds, 20)
        check = self.run_program("rules", "check", "r", expect=1)
        for name in ("laughs", "nul", "deep", "binary", "huge", "regex"):
            self.assertIn(f"r/{name}.yml", check.text + check.err)

    def test_anchors_in_a_rule_work(self):
        rule = self.write("anchor.yml", program.WHOAMI.replace("  s: {CommandLine|contains: whoami}\n  condition: s",
                                                               "  s: &base {CommandLine|contains: whoami}\n  t: *base\n  condition: s and t"))
        self.check(rules=[rule])

    # ---- Signals.

    def start(self, *arguments):
        return subprocess.Popen([program.PROGRAM, *map(str, arguments)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, cwd=self.folder)

    def test_ctrl_c_ends_a_run_that_waits_for_input_and_keeps_what_was_found(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            for arguments in (["detect", "-r", self.rule, "-f", "jsonl", "logs", "-"], ["decode", "logs", "-"]):
                process = self.start(*arguments)
                process.stdin.write(GOOD)
                process.stdin.flush()
                time.sleep(0.4)
                begin = time.monotonic()
                process.send_signal(number)
                process.wait(timeout=10)
                self.assertLess(time.monotonic() - begin, 2)
                out, err = process.stdout.read(), process.stderr.read().decode()
                for stream in (process.stdin, process.stdout, process.stderr):
                    stream.close()
                self.assertEqual(code, process.returncode, err)
                self.assertIn("interrupted", err)
                self.assertEqual(2 if arguments[0] == "detect" else 4, len(out.splitlines()), err)
                for line in out.splitlines():
                    json.loads(line)

    def test_ctrl_c_in_the_middle_of_work_leaves_whole_outputs(self):
        big = self.write("logs/aa_big.json", ndjson([event(i % 1000) for i in range(1000)]) * 300)
        self.assertGreater(os.path.getsize(big), 60 << 20)
        process = self.start("detect", "-r", self.rule, "-f", "jsonl", "-o", "out.jsonl", "--report", "out.html", "--stats", "stats.json", "logs")
        while not os.path.exists(self.folder / "out.jsonl") or os.path.getsize(self.folder / "out.jsonl") < 1 << 20:
            self.assertIsNone(process.poll())
            time.sleep(0.01)
        begin = time.monotonic()
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        self.assertLess(time.monotonic() - begin, 4 if "asan" in program.PROGRAM else 2)
        self.assertEqual(130, process.returncode, err)
        lines = (self.folder / "out.jsonl").read_text().splitlines()
        self.assertGreater(len(lines), 100)
        json.loads(lines[-1])
        self.assertIn("</html>", (self.folder / "out.html").read_text())
        stats = json.loads((self.folder / "stats.json").read_text())
        self.assertTrue(stats["stopped"])
        self.assertEqual(len(lines), stats["findings"])


if __name__ == "__main__":
    program.main()
