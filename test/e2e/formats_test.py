"""The same events in every wrapping give the same findings, with the right origin, however they are cut and spread."""
import bz2
import gzip
import io
import json
import lzma
import os
import shutil
import subprocess
import tarfile
import unittest
import zipfile

import program
from program import Case, event, ndjson, source_of

EVENTS = [event(i, "cmd.exe /c whoami" if i % 3 == 0 else "notepad.exe") for i in range(1, 31)]
EXPECTED = [(i, str(1000 + i)) for i in range(1, 31) if i % 3 == 0]
LINES = ndjson(EVENTS)
ARRAY = json.dumps(EVENTS, indent=1).encode()


def zip_of(members):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return out.getvalue()


def tar_of(members, mode="w"):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=mode) as archive:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return out.getvalue()


class Formats(Case):
    def check(self, findings, file):
        self.assertEqual([(file, record, id) for record, id in EXPECTED],
                         [(source_of(f)["file"], source_of(f)["record"], source_of(f)["event_record_id"]) for f in findings])

    def check_file(self, name, content, member=""):
        path = self.write(name, content)
        for options in ([], ["--threads", "1", "--block-bytes", "300"], ["--threads", "4", "--block-bytes", "64"]):
            self.check(self.findings(*options, path), path + member)

    def test_json_lines(self):
        self.check_file("a.json", LINES)

    def test_json_lines_with_windows_line_ends_and_no_last_line_end(self):
        self.check_file("a.json", LINES.replace(b"\n", b"\r\n")[:-2])

    def test_json_array(self):
        self.check_file("a.json", ARRAY)

    def test_json_array_on_one_line(self):
        self.check_file("a.json", json.dumps(EVENTS).encode())

    def test_json_wrapped_in_an_object(self):
        self.check_file("a.json", json.dumps({"Records": EVENTS}).encode())

    def test_indented_objects_one_after_the_other(self):
        self.check_file("a.json", b"\n".join(json.dumps(e, indent=2).encode() for e in EVENTS))

    def test_utf16(self):
        self.check_file("a.json", b"\xff\xfe" + LINES.decode().encode("utf-16-le"))

    def test_csv_with_a_header(self):
        header = list(EVENTS[0])
        rows = ["\"" + "\",\"".join(str(e[k]) for k in header) + "\"" for e in EVENTS]
        self.check_file("a.csv", "\r\n".join([",".join(header)] + rows) + "\r\n")

    def test_windows_xml(self):
        def xml(e):
            data = "".join(f'<Data Name="{k}">{e[k]}</Data>' for k in ("UtcTime", "Image", "CommandLine", "User"))
            return ('<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System><Provider Name="Microsoft-Windows-Sysmon"/>'
                    f'<EventID>1</EventID><EventRecordID>{e["EventRecordID"]}</EventRecordID><Channel>{e["Channel"]}</Channel>'
                    f'<Computer>WS1</Computer></System><EventData>{data}</EventData></Event>')
        self.check_file("a.xml", "<Events>" + "\n".join(xml(e) for e in EVENTS) + "</Events>")

    def test_gzip(self):
        self.check_file("a.json.gz", gzip.compress(LINES))

    def test_gzip_of_two_members(self):
        half = LINES.index(b"\n", len(LINES) // 2) + 1
        self.check_file("a.gz", gzip.compress(LINES[:half]) + gzip.compress(LINES[half:]))

    def test_xz(self):
        self.check_file("a.xz", lzma.compress(LINES))

    def test_bzip2(self):
        self.check_file("a.bz2", bz2.compress(LINES))

    @unittest.skipUnless(shutil.which("zstd"), "no zstd program to make the file with")
    def test_zstd(self):
        self.check_file("a.zst", subprocess.run(["zstd", "-q", "-c"], input=LINES, capture_output=True, check=True).stdout)

    def test_zip(self):
        self.check_file("a.zip", zip_of({"dir/b.json": LINES}), "!dir/b.json")

    def test_tar(self):
        self.check_file("a.tar", tar_of({"dir/b.json": LINES}), "!dir/b.json")

    def test_tar_gz(self):
        self.check_file("a.tgz", tar_of({"b.json": LINES}, "w:gz"), "!b.json")

    def test_archives_in_archives(self):
        inner = zip_of({"c.json.gz": gzip.compress(ARRAY)})
        self.check_file("evidence.zip", zip_of({"host.tar.gz": tar_of({"logs/inner.zip": inner}, "w:gz")}),
                        "!host.tar.gz!logs/inner.zip!c.json.gz")

    def test_the_name_of_a_file_says_nothing(self):
        self.check_file("picture.png", gzip.compress(LINES))
        self.check_file("notes.gz", ARRAY)

    def test_standard_input(self):
        for content in (LINES, ARRAY, gzip.compress(LINES), tar_of({"x": LINES}, "w:gz"), zip_of({"x": LINES})):
            findings = self.findings("-", feed=content)
            self.assertEqual([r for r, _ in EXPECTED], [source_of(f)["record"] for f in findings])
            self.assertEqual("-", source_of(findings[0])["file"].partition("!")[0])

    def test_names_are_as_given_or_found_under_the_given_folder(self):
        self.write("logs/b/two.json", LINES)
        self.write("logs/a/one.json", ARRAY)
        for given in ("logs", "./logs", str(self.logs)):
            files = list(dict.fromkeys(source_of(f)["file"] for f in self.findings(given)))
            self.assertEqual([f"{given}/a/one.json", f"{given}/b/two.json"], files)
        self.assertEqual("logs/a/one.json", source_of(self.findings("logs/a/one.json")[0])["file"])

    def test_a_folder_with_a_slash_at_its_end(self):
        self.write("logs/one.json", LINES)
        self.assertEqual("logs/one.json", source_of(self.findings("logs/")[0])["file"])

    def test_odd_file_names(self):
        for name in ("with space.json", "ünïcode.json", "--help", "a!b.json", "new\nline.json"):
            self.write("logs/" + name, LINES)
        path = os.fsencode(str(self.logs)) + b"/bytes-\xff.json"
        with open(path, "wb") as out:
            out.write(LINES)
        findings = self.findings("logs")
        self.assertEqual(6 * len(EXPECTED), len(findings))
        self.assertIn("logs/bytes-\\xff.json", {source_of(f)["file"] for f in findings})
        self.assertIn("logs/new\\x0aline.json", {source_of(f)["file"] for f in findings})

    def test_all_formats_mixed_give_the_same_bytes_whatever_the_threads_and_blocks(self):
        self.write("logs/01.json", LINES)
        self.write("logs/02.json", ARRAY)
        self.write("logs/03.gz", gzip.compress(LINES))
        self.write("logs/04.zip", zip_of({"x.json": ARRAY, "y.json": LINES}))
        self.write("logs/05.log", "".join(f"Jan  2 03:04:{i:02} host sshd[1]: Failed password for root\n" for i in range(60)))
        self.write("logs/06.csv", "time,CommandLine\n" + "".join(f"2026-01-02T00:00:{i:02}Z,whoami {i}\n" for i in range(60)))
        self.write("logs/07.tsv", "#separator \\x09\n#path\tconn\n#fields\tts\tuid\n#types\ttime\tstring\n" +
                   "".join(f"{1767323045 + i}.0\tC{i}\n" for i in range(60)))
        self.write("logs/08.audit", "".join(
            f'type=SYSCALL msg=audit(1767323045.000:{i}): arch=c000003e syscall=59 success=yes exit=0 comm="id" exe="/usr/bin/id"\n'
            f'type=EXECVE msg=audit(1767323045.000:{i}): argc=1 a0="id"\n' for i in range(1, 60)))
        self.write("logs/09.json", "\n".join(json.dumps(e, indent=1) for e in EVENTS))
        everything = self.write("any.yml", "title: All\nid: 22222222-2222-4222-8222-222222222222\nstatus: test\nlevel: low\n"
                                "logsource: {category: any}\ndetection: {k: [a, e, i, o, u], condition: k}\n")
        expected = None
        for threads in (1, 2, 4):
            for block in (100, 1000, 1 << 20):
                got = self.detect("-q", "-f", "jsonl", "--logsource", "any", "--threads", threads, "--block-bytes", block, "logs",
                                  rules=[self.rule, everything]).out
                expected = expected or got
                self.assertEqual(expected, got, f"threads {threads}, blocks of {block} bytes")
        counts = {}
        for finding in map(json.loads, expected.decode().splitlines()):
            if finding["finding_info"]["title"] == "All":
                counts.setdefault(source_of(finding)["file"], []).append(source_of(finding)["record"])
        self.assertEqual(10, len(counts))
        for file, records in counts.items():
            self.assertEqual(list(range(1, len(records) + 1)), records, file)

    def test_input_format_overrides_the_look(self):
        path = self.write("a.log", LINES)
        lines = self.decode("--source", "--input-format", "text", path).text.splitlines()
        self.assertEqual("text", json.loads(lines[0])["_format"])
        self.run_program("decode", "--input-format", "nonsense", path, expect=2)


if __name__ == "__main__":
    program.main()
