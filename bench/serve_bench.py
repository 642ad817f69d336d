#!/usr/bin/env python3
"""Measures a running `tocsin serve` under load and prints one table. `make bench-serve` calls it.

    bench/serve_bench.py BUILD [--seconds S] [--events N] [--rate R] [--only PHASE]... [--out FILE] [--folder DIR] [--record]

BUILD is a release build with benchmarks. Every phase starts a server of its own in a folder that is removed at the end,
with the rules of --data (default ../shared/data, as tools/run_benchmarks.py) and one rule of its own, and sends the events of
bench/lane_events.h. Figures go to --out as lines of JSON as soon as they are there; --record keeps them (serve_record.py).
The server is in serve_world.py, the phases are in serve_phases.py. Phases, in this order:

    store      rows a second that the store alone takes, nothing else running: events only
    sustained  --rate events/s over TCP for --seconds: stored and detected without loss, memory, processor time
    maximum    as fast as they are taken, with a small journal so that senders are soon slowed; then the store alone with the
               same rows: events and findings, in blocks as large as the server's were
    http       the same through POST /api/v1/ingest
    burst      10,000 events/s on a new server, while rules still give all their findings: some thousand a second
    latency    10,000 events/s, once rules are at their bound: from sending to the finding seen by GET /findings and by
               server-sent events
    clients    the same with 500 idle and 50 busy HTTP clients
    queries    fills to --events, then disk, questions, memory idle, and a start with all of it
    sources    events/s with 1 to 200 sources
    rules      events/s with 500 to all rules

What each figure means: docs/performance.md.
"""
import argparse
import json
import os
import pathlib
import sys
import tempfile
import traceback

import serve_record
from serve_phases import PHASES

ROOT = pathlib.Path(__file__).resolve().parent.parent
LANE = "ndjson/lanes/structured_windows.ndjson"
RULE_FOLDERS = ("rules", "rules-emerging-threats", "rules-threat-hunting")


class Setup:
    def __init__(self, arguments):
        self.build, data = pathlib.Path(arguments.build).resolve(), pathlib.Path(arguments.data).resolve()
        self.lane, self.folder = data / LANE, arguments.folder
        self.rules = [data / "sigma" / name for name in RULE_FOLDERS]
        for path in [self.lane, *self.rules]:
            if not path.exists():
                sys.exit(f"serve_bench: {path} is not there; see docs/performance.md")
        self.seconds, self.rate, self.events, self.varied = arguments.seconds, arguments.rate, arguments.events, arguments.varied
        self.out = open(arguments.out, "a") if arguments.out else None
        self.figures = []

    def add(self, phase, metric, value, unit=""):
        row = {"phase": phase, "metric": metric, "value": round(value, 4) if isinstance(value, float) else value, "unit": unit}
        self.figures.append(row)
        print(f"  {phase:<10} {metric:<34} {shown(value)} {unit}", flush=True)
        if self.out:
            self.out.write(json.dumps(row) + "\n")
            self.out.flush()

    def value(self, phase, metric):
        return next((row["value"] for row in self.figures if (row["phase"], row["metric"]) == (phase, metric)), None)


def shown(value):
    if value is None:
        return "-"
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def print_table(setup):
    print("\n| Phase | Figure | Value | Unit |\n|---|---|---:|---|")
    for row in setup.figures:
        print(f"| {row['phase']} | {row['metric']} | {shown(row['value'])} | {row['unit']} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder of a release build")
    parser.add_argument("--seconds", type=float, default=60, help="of each load; others are shares of it")
    parser.add_argument("--events", type=float, default=1, help="millions to fill the store with")
    parser.add_argument("--rate", type=float, default=30_000, help="events a second of phase sustained")
    parser.add_argument("--varied", type=int, default=25, help="percent of command lines with an argument of their own")
    parser.add_argument("--only", action="append", choices=list(PHASES), help="only this phase; may be repeated")
    parser.add_argument("--data", default=os.environ.get("TOCSIN_SHARED_DATA", str(ROOT.parent / "shared" / "data")))
    parser.add_argument("--folder", default=tempfile.gettempdir(), help="where the servers' folders are made")
    parser.add_argument("--out", help="lines of JSON are appended here")
    parser.add_argument("--record", action="store_true",
                        help="append to bench/serve_history.csv, fill README.md, draw how cost grows where matplotlib is")
    arguments = parser.parse_args()
    setup, only = Setup(arguments), arguments.only
    failed = []
    for name, phase in PHASES.items():
        if only and name not in only:
            continue
        try:
            phase(setup)
        except Exception:   # The figures of the other phases took long: they are kept.
            traceback.print_exc()
            failed.append(name)
            setup.figures = [row for row in setup.figures if row["phase"] != name]
    print_table(setup)
    load = os.getloadavg()[0]
    if arguments.record:
        serve_record.record(setup.figures, arguments.seconds, arguments.events)
    print(f"\n{os.cpu_count()} cores, load at the end {load:.1f}. Senders and askers ran on the same machine.")
    if failed:
        sys.exit("serve_bench: without figures, for what is shown above: " + ", ".join(failed))


if __name__ == "__main__":
    main()
