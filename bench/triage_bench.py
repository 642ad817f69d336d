#!/usr/bin/env python3
"""Measures the desk and the pages of incidents: a ledger full of findings, then a server over it. Prints one table.

    bench/triage_bench.py BUILD [--findings N] [--large N] [--folder DIR]

BUILD is a release build with benchmarks. `desk_bench` puts N findings (default 200,000) of 10,000 hosts into a new ledger and makes
one incident of --large (default 10,000) of them; then `tocsin serve` answers over it. The store is empty: the parts of a page that
read documents there (graph, process tree) are not measured. What each figure means: docs/performance.md.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

from serve_world import Server

ROOT = pathlib.Path(__file__).resolve().parent.parent
REPEATS = 15


class Setup:
    def __init__(self, build, folder):
        self.build, self.folder, self.rules = build, folder, []


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path)
    parser.add_argument("--findings", type=int, default=200_000)
    parser.add_argument("--large", type=int, default=10_000)
    parser.add_argument("--folder", default=tempfile.gettempdir())
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    with tempfile.TemporaryDirectory(prefix="triage-bench-", dir=arguments.folder) as folder:
        data = pathlib.Path(folder) / "data"
        data.mkdir(mode=0o700)
        output = subprocess.run([str(build / "bench" / "desk_bench"), str(data / "ledger.sqlite"), str(arguments.findings),
                                 str(arguments.large)], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
        filled = json.loads(output)
        rows = [("findings a second into incidents", f"{filled['findings_per_s']:,}"),
                ("the same, a second of processor time", f"{filled['findings_per_cpu_s']:,}"),
                ("what joining needs, read again", f"{filled['restored_s']:.1f} s"),
                ("slowest transaction of 2,000", f"{filled['worst_page_s'] * 1e3:,.0f} ms"),
                ("peak memory of that", f"{filled['peak_mib']:,} MiB"),
                ("ledger", f"{(data / 'ledger.sqlite').stat().st_size / 2**20:,.0f} MiB")]
        server = Server(Setup(build, folder), folder, [])
        try:
            rows.append(("start to ready", f"{server.ready_s:.2f} s"))
            number = filled["large"]
            for name, path in (("queue, 100 incidents", "/api/v1/incidents?limit=100"),
                               ("queue, newest first", "/api/v1/incidents?limit=100&order=newest"),
                               ("queue, text", "/api/v1/incidents?limit=100&q=ws-77"),
                               ("large incident", f"/api/v1/incidents/{number}"),
                               ("large incident, 100 findings", f"/api/v1/incidents/{number}/findings?limit=100"),
                               ("large incident, timeline", f"/api/v1/incidents/{number}/timeline"),
                               ("large incident, history", f"/api/v1/incidents/{number}/history"),
                               ("measures of 30 days", "/api/v1/measures")):
                took = []
                for _ in range(REPEATS):
                    begin = time.monotonic()
                    server.client.ask("GET", path)
                    took.append((time.monotonic() - begin) * 1e3)
                rows.append((name, f"{statistics.median(took):,.0f} ms median, {max(took):,.0f} ms most"))
        finally:
            server.stop()
    print(f"| {arguments.findings:,} findings, one of {arguments.large:,} | |\n|---|---|")
    for name, value in rows:
        print(f"| {name} | {value} |")


if __name__ == "__main__":
    sys.exit(main())
