#!/usr/bin/env python3
"""Keeps the figures of bench/serve_bench.py: bench/serve_history.csv, a table in README.md, and a plot of how cost grows.

    bench/serve_record.py     writes the table and the plot again from the history

The newest run of each phase counts, so phases may be recorded one by one. The plot (docs/images/serve_growth.png) needs
matplotlib (Debian: python3-matplotlib) and is left out without it.
"""
import csv
import importlib.util
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.append(str(ROOT / "tools"))
import run_benchmarks  # noqa: E402
HISTORY = ROOT / "bench" / "serve_history.csv"
README = ROOT / "README.md"
PICTURE = ROOT / "docs" / "images" / "serve_growth.png"
COLUMNS = ["date", "commit", "machine", "seconds", "million_events", "phase", "metric", "value", "unit"]
BEGIN, END = "<!-- served:begin (written by bench/serve_record.py) -->\n", "<!-- served:end -->\n"
# What the table shows: phase, metric, words, goal.
SHOWN = [
    ("sustained", "stored_per_s", "events stored and detected, a second", "30,000"),
    ("sustained", "lost", "of these lost", "0"),
    ("sustained", "peak memory, both", "memory at most, both processes", "1,229 MiB"),
    ("maximum", "stored_per_s", "events a second as fast as they are taken", ""),
    ("maximum", "lost", "of these lost", "0"),
    ("maximum", "stored to store alone, events only", "the same, to the store alone taking the events only", ""),
    ("maximum", "stored to store alone, same rows", "the same, to the store alone taking the same events and findings", "0.7"),
    ("latency", "finding asked, p50", "event to finding by the API, p50", "50 ms"),
    ("latency", "finding asked, p99", "event to finding by the API, p99", "300 ms"),
    ("latency", "finding heard, p50", "event to finding by server-sent event, p50", "50 ms"),
    ("latency", "finding heard, p99", "event to finding by server-sent event, p99", "300 ms"),
    ("clients", "stored_per_s", "stored at 10,000 events/s sent, with 500 idle and 50 busy clients", "10,000"),
    ("queries", "events table, bytes an event", "disk an event, raw record and indexes included", "350 B"),
    ("queries", "findings table, bytes a finding", "disk a finding", ""),
    ("queries", "substring, none matches, median", "substring of a column in a day", "1,500 ms"),
    ("queries", "top 10 by host, median", "top 10 by host", "500 ms"),
    ("queries", "event by id, median", "event by id", "50 ms"),
    ("queries", "start to ready", "start to ready", "3 s"),
    ("queries", "memory idle, both", "memory idle, both processes", "600 MiB"),
]


def read_history():
    """{phase: {metric: row}} of the newest run of each phase."""
    newest = {}
    if HISTORY.exists():
        with open(HISTORY, newline="") as rows:
            for row in csv.DictReader(rows):
                phase = newest.setdefault(row["phase"], {})
                if phase and next(iter(phase.values()))["date"] != row["date"]:
                    phase.clear()
                phase[row["metric"]] = row
    return newest


def shown(value):
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def table(newest):
    runs = dict.fromkeys((row["date"][:10], row["commit"], row["machine"]) for phase in newest.values() for row in phase.values())
    lines = ["Server under load: " + "; ".join(f"commit `{commit}`, {date}, {machine}" for date, commit, machine in runs)
             + ". Senders and askers ran on the same machine.", "", "| Phase | What | Figure | Goal | Run |", "|---|---|---|---|---|"]
    for phase, metric, words, goal in SHOWN:
        row = newest.get(phase, {}).get(metric)
        if row and row["value"]:
            lines.append(f"| {phase} | {words} | {shown(float(row['value']))} {row['unit']} | {goal} | "
                         f"`make bench-serve SECONDS={row['seconds']} EVENTS={row['million_events']} PHASES={phase}` |")
    return "\n".join(lines) + "\n"


def fill_readme(newest):
    text = README.read_text()
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        sys.exit("serve_record: README.md lacks the marks of the table")
    before, rest = text.split(BEGIN)
    README.write_text(before + BEGIN + table(newest) + END + rest.split(END)[1])


def growth(newest, phase):
    points = []
    for metric, row in newest.get(phase, {}).items():
        count = re.fullmatch(r"stored_per_s, (\d+) \w+", metric)
        if count:
            points.append((int(count[1]), float(row["value"])))
    return sorted(points)


def plot(newest, picture=PICTURE):
    """Whether there was something to draw, and matplotlib to draw it."""
    series = [(phase, growth(newest, phase)) for phase in ("sources", "rules")]
    if not any(points for _, points in series) or importlib.util.find_spec("matplotlib") is None:
        return False
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, panels = pyplot.subplots(1, 2, figsize=(9, 3.2), sharey=True)
    for axes, (phase, points) in zip(panels, series):
        axes.plot([x for x, _ in points], [y for _, y in points], "o-", color="#2f6f9f")
        for x, y in points:
            axes.annotate(f"{y:,.0f}", (x, y), textcoords="offset points", xytext=(0, 6), fontsize=8, ha="center")
        axes.set_xlabel(phase)
        axes.set_ylim(bottom=0)
        axes.margins(x=0.1, y=0.2)
        axes.grid(axis="y", color="#dddddd", linewidth=0.6)
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
    panels[0].set_ylabel("events/s stored")
    figure.tight_layout()
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})
    return True


def record(figures, seconds, million_events):
    date, commit, machine = run_benchmarks.stamp()
    fresh = not HISTORY.exists()
    with open(HISTORY, "a", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        for row in figures:
            if row["value"] is not None:
                writer.writerow([date, commit, machine, f"{seconds:g}", f"{million_events:g}", row["phase"], row["metric"],
                                 f"{row['value']:.6g}", row["unit"]])
    subprocess.run([run_benchmarks.plotting_python(), __file__], check=True)
    print(f"recorded in {HISTORY.relative_to(ROOT)} as {date} {commit}")


if __name__ == "__main__":
    runs = read_history()
    if not runs:
        sys.exit(f"serve_record: there are no runs in {HISTORY}")
    fill_readme(runs)
    if not plot(runs):
        print("serve_record: no plot: matplotlib is not there, or phases sources and rules were not recorded")
