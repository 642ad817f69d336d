"""Memory does not grow with the input, and large inputs go through at speed. Prints the throughput."""
import json
import os
import struct
import unittest
import zlib

import program
from program import Case, ROOT, event, ndjson

MAX_PEAK_KB = 350 * 1000
STREAM_BYTES = 300 << 20
EVTX_BYTES = 200 << 20


def utf16(text):
    return text.encode("utf-16-le")


class Chunk:
    """One EVTX chunk of System events without templates: names in place, values as they are."""

    def __init__(self):
        self.bytes = bytearray(512)
        self.names = {}
        self.last_record = 0

    def name(self, text):
        """The offset field of a name, and the name itself where it is first used."""
        at = self.names.get(text)
        if at is not None:
            self.bytes += struct.pack("<I", at)
            return
        at = len(self.bytes) + 4
        self.names[text] = at
        code = 0
        for unit in text:
            code = (code * 65599 + ord(unit)) & 0xFFFFFFFF
        self.bytes += struct.pack("<I", at) + struct.pack("<IHH", 0, code & 0xFFFF, len(text)) + utf16(text) + b"\x00\x00"

    def element(self, name, content=None, attributes=()):
        self.bytes += bytes([0x41 if attributes else 0x01])
        size_at = len(self.bytes)
        self.bytes += struct.pack("<I", 0)
        self.name(name)
        if attributes:
            list_at = len(self.bytes)
            self.bytes += struct.pack("<I", 0)
            for i, (key, value) in enumerate(attributes):
                self.bytes += bytes([0x46 if i + 1 < len(attributes) else 0x06])
                self.name(key)
                self.text(value)
            self.bytes[list_at:list_at + 4] = struct.pack("<I", len(self.bytes) - list_at - 4)
        self.bytes += b"\x02"
        if callable(content):
            content()
        elif content is not None:
            self.text(content)
        self.bytes += b"\x04"
        self.bytes[size_at:size_at + 4] = struct.pack("<I", len(self.bytes) - size_at - 4)

    def text(self, value):
        self.bytes += b"\x05\x01" + struct.pack("<H", len(value)) + utf16(value)

    def record(self, number, fields):
        filetime = 134117856000000000 + number * 10_000_000
        begin = len(self.bytes)
        self.bytes += struct.pack("<IIQQ", 0x00002A2A, 0, number, filetime) + b"\x0f\x01\x01\x00"

        def system():
            self.element("Provider", None, [("Name", "Microsoft-Windows-Sysmon")])
            self.element("EventID", "1")
            self.element("EventRecordID", str(number))
            self.element("Channel", "Microsoft-Windows-Sysmon/Operational")
            self.element("Computer", "WS1")

        def data():
            for key, value in fields.items():
                self.element("Data", value, [("Name", key)])

        def whole():
            self.element("System", system)
            self.element("EventData", data)

        self.element("Event", whole)
        self.bytes += b"\x00"
        size = len(self.bytes) - begin + 4
        self.bytes += struct.pack("<I", size)
        self.bytes[begin + 4:begin + 8] = struct.pack("<I", size)
        self.last_record = begin

    def finish(self, first, last):
        free = len(self.bytes)
        checksum = zlib.crc32(bytes(self.bytes[512:]))
        self.bytes[0:120] = struct.pack("<8sQQQQIIII64x", b"ElfChnk\0", first, last, first, last, 128, self.last_record, free, checksum)
        self.bytes[120:128] = b"\x00" * 8
        self.bytes[124:128] = struct.pack("<I", zlib.crc32(bytes(self.bytes[:120] + self.bytes[128:512])))
        return bytes(self.bytes) + b"\x00" * (65536 - free)


def evtx_chunk():
    """A full chunk and the number of its records; one in ten says whoami."""
    chunk = Chunk()
    number = 0
    while len(chunk.bytes) < 63000:
        number += 1
        chunk.record(number, {"Image": "C:\\Windows\\System32\\cmd.exe",
                              "CommandLine": "cmd.exe /c whoami" if number % 10 == 0 else "notepad.exe C:\\notes\\today.txt"})
    return chunk.finish(1, number), number


def evtx_header(chunk_count):
    head = struct.pack("<8sQQQIHHHH", b"ElfFile\0", 0, chunk_count - 1, chunk_count, 128, 1, 3, 4096, min(chunk_count, 65535)) + b"\x00" * 76
    return head + struct.pack("<II", 0, zlib.crc32(head)) + b"\x00" * (4096 - 128)


class Volume(Case):
    def report(self, what, size, outcome):
        print(f"{what}: {size / outcome.seconds / 1e6:.0f} MB/s, peak {outcome.peak_kb / 1000:.0f} MB", flush=True)
        self.assertLess(outcome.peak_kb, MAX_PEAK_KB)

    def test_a_stream_of_json_with_our_own_rules(self):
        lines = []
        for i in range(4000):
            one = event(i, f"C:\\Program Files\\App{i}\\app.exe --serve --port {i}", ParentImage="C:\\Windows\\explorer.exe",
                        Hashes=f"SHA256={i:064x}", ProcessGuid=f"{{{i:08x}-0000}}")
            one["Channel"] = "Microsoft-Windows-Sysmon/Operational"
            lines.append(one)
        part = ndjson(lines)
        count = STREAM_BYTES // len(part)

        def feed(out):
            for _ in range(count):
                out.write(part)
        outcome = self.detect("-f", "jsonl", "--stats", "stats.json", "-", feed=feed, rules=[])
        stats = json.loads((self.folder / "stats.json").read_text())
        self.assertEqual(count * 4000, stats["events"])
        self.report("JSON lines, our own rules", count * len(part), outcome)

    def test_every_event_feeds_a_correlation(self):
        rule = self.write("burst.yml", "title: Burst\nid: 44444444-4444-4444-8444-444444444444\nstatus: test\nlevel: high\ncorrelation:\n"
                          "  type: event_count\n  rules: [who_am_i]\n  group-by: [User]\n  timespan: 1m\n  condition: {gte: 6}\n")

        parts = [ndjson([event(part * 800 + i // 10, User=f"user{(part * 7919 + i) % 5000}") for i in range(8000)]) for part in range(20)]

        def feed(out):
            for i in range(200):
                out.write(parts[i % 20])
        with open(os.devnull, "wb") as nowhere:
            outcome = self.detect("-f", "csv", "-", feed=feed, rules=[self.rule, rule], stdout=nowhere)
        self.report("every event correlated", 10 * sum(map(len, parts)), outcome)

    def test_a_large_evtx_file(self):
        chunk, records = evtx_chunk()
        count = EVTX_BYTES // 65536
        path = self.folder / "big.evtx"
        with open(path, "wb") as out:
            out.write(evtx_header(count))
            for _ in range(count):
                out.write(chunk)
        for threads in (1, 4):
            outcome = self.detect("-f", "csv", "--threads", threads, "--stats", "stats.json", "big.evtx")
            stats = json.loads((self.folder / "stats.json").read_text())
            self.assertEqual((count * records, 0), (stats["events"], stats["bad_records"]), outcome.err)
            self.assertEqual(count * (records // 10), stats["findings"])
            self.report(f"EVTX, {threads} threads", EVTX_BYTES, outcome)

    def test_a_small_evtx_file_has_the_same_findings_in_every_wrapping(self):
        chunk, records = evtx_chunk()
        content = evtx_header(3) + chunk * 3
        self.write("a.evtx", content)
        expected = [(i + 1, str(i % records + 1)) for i in range(3 * records) if (i % records + 1) % 10 == 0]
        for arguments, options in ((["a.evtx"], {}), (["--threads", "3", "--block-bytes", "1", "a.evtx"], {}),
                                   (["--block-bytes", "5000", "-"], {"feed": content})):
            found = [program.source_of(f) for f in self.findings(*arguments, **options)]
            self.assertEqual(expected, [(f["record"], f["event_record_id"]) for f in found])
        cut = self.write("cut.evtx", content[:4096 + 65536 + 30000])
        outcome = self.detect("-f", "jsonl", cut)
        self.assertGreater(len(outcome.findings), records // 10)
        self.assertIn("could not be read", outcome.err)


if __name__ == "__main__":
    program.main()
