#!/usr/bin/env python3
"""Fills the table between the marks "measured:begin" and "measured:end" of README.md from the newest run in
bench/history.csv. tools/run_benchmarks.py --record calls it.

    tools/fill_measured.py [--check]     --check changes nothing; exit code 1 where the table is not of the newest run
"""
import csv
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
HISTORY = ROOT / "bench" / "history.csv"
BEGIN, END = "<!-- measured:begin (written by tools/fill_measured.py) -->\n", "<!-- measured:end -->\n"
JSON_LANES = ["structured_windows", "raw_windows", "sysmon_file_event", "cisco_syslog"]
EVTX_LANE = "attack-samples"


def newest_run():
    figures, head = {}, None
    with open(HISTORY, newline="") as rows:
        for row in csv.DictReader(rows):
            if head != (row["date"], row["commit"], row["machine"]):
                head, figures = (row["date"], row["commit"], row["machine"]), {}
            figures[(row["lane"], row["metric"])] = float(row["value"])
    if head is None:
        sys.exit("fill_measured: bench/history.csv has no run")
    return head, figures


def span(figures, lanes, metric, form):
    values = sorted(figures[(lane, metric)] for lane in lanes if (lane, metric) in figures)
    low, high = format(values[0], form), format(values[-1], form)
    return low if low == high else f"{low} to {high}"


def evtx_speed(evtx, what):
    speed, share = evtx[what + "_mb_per_s"], evtx["record_megabytes"] / evtx["megabytes"]
    return f"{speed:,.0f} MB/s; {speed * share:,.0f} MB/s of records; {evtx[what + '_to_memchr']:.3f} of `memchr`"


def table():
    (date, commit, machine), figures = newest_run()
    evtx = {metric: value for (lane, metric), value in figures.items() if lane == EVTX_LANE}
    one = "`make bench`, or `{} --only {}`"
    json_command = one.format("tools/run_benchmarks.py build/release", " --only ".join(JSON_LANES[:1]))
    evtx_command = one.format("tools/run_benchmarks.py build/release", EVTX_LANE)
    rows = [
        ("NDJSON, decode and match, one thread, by lane", span(figures, JSON_LANES, "match_mb_per_s", ",.0f") + " MB/s", json_command),
        ("the same, as a share of simdjson alone touching every field", span(figures, JSON_LANES, "match_to_simdjson", ".2f"), json_command),
        ("EVTX, decode to fields, one thread", evtx_speed(evtx, "decode"), evtx_command),
        ("EVTX, decode and match, one thread", evtx_speed(evtx, "match"), evtx_command),
        ("cost of an event with all rules, to that with every fourth rule, by lane",
         span(figures, JSON_LANES + [EVTX_LANE], "all_to_quarter", ".2f"), "`make bench`"),
        ("two threads, to one (whole program, wall time)", f"{figures[('threads', 'speedup')]:.2f}", "`make bench`"),
        (f"peak memory over a stream of {figures[('stream', 'gb')]:g} GB", f"{figures[('stream', 'peak_mib')]:,.0f} MiB", "`make bench`"),
        ("from start to the end of an input of one event, all rules loaded", f"{figures[('start', 'first_event_s')]:.2f} s", "`make bench`"),
    ]
    lines = [f"With {figures[('all', 'rules')]:,.0f} rules (SigmaHQ). Commit `{commit}`, {date[:10]}, {machine}.", "",
             "| What | Figure | Command |", "|---|---|---|"]
    return "\n".join(lines + [f"| {what} | {figure} | {command} |" for what, figure, command in rows]) + "\n"


def main():
    text = README.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit("fill_measured: README.md lacks the marks of the table")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    filled = before + BEGIN + table() + END + after
    if "--check" in sys.argv:
        sys.exit(0 if filled == text else "fill_measured: the table in README.md is not of the newest run; run tools/fill_measured.py")
    README.write_text(filled)


if __name__ == "__main__":
    main()
