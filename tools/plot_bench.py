#!/usr/bin/env python3
"""Draws bench/history.csv as docs/images/bench_history.png: a row per lane; speed, share of simdjson, all/quarter.

    tools/plot_bench.py [HISTORY [PICTURE]]

Needs matplotlib (Debian: python3-matplotlib). Runs of different machines are told apart by the marker; speeds are to be
compared within one machine only, ratios also between them.
"""
import csv
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAX_RUNS = 40   # The newest: more cannot be read.
PANELS = [
    # title, metrics with label, goal line, unit
    ("MB/s", [("decode_mb_per_s", "decode"), ("match_mb_per_s", "decode and match")], None),
    ("share of simdjson (EVTX: of memchr)", [("match_to_simdjson", "decode and match")], 0.25),
    ("cost, all rules / every fourth", [("all_to_quarter", "ratio")], 1.5),
]
COLOURS = ["#2f6f9f", "#c2571a"]


def read_history(path):
    """Runs in order, each (label, machine, {(lane, metric): value}); lanes in order of first appearance."""
    runs, lanes = {}, []
    with open(path, newline="") as rows:
        for row in csv.DictReader(rows):
            key = (row["date"], row["commit"])
            run = runs.setdefault(key, (row["commit"], row["machine"], {}))
            run[2][(row["lane"], row["metric"])] = float(row["value"])
            if row["metric"] == "match_mb_per_s" and row["lane"] not in lanes:
                lanes.append(row["lane"])
    return list(runs.values())[-MAX_RUNS:], lanes


def shown(value):
    return f"{value:,.0f}" if value >= 100 else f"{value:.2g}" if value < 0.1 else f"{value:.2f}"


def draw_panel(axes, runs, lane, metrics, goal, machines):
    for (metric, label), colour in zip(metrics, COLOURS):
        places = [i for i, run in enumerate(runs) if (lane, metric) in run[2]]
        if metric == "match_to_simdjson" and not places:   # No JSON.
            metric, goal = "match_to_memchr", None
            places = [i for i, run in enumerate(runs) if (lane, metric) in run[2]]
        values = [runs[i][2][(lane, metric)] for i in places]
        axes.plot(places, values, color=colour, linewidth=1.2, label=label)
        for number, machine in enumerate(machines):
            own = [(i, value) for i, value in zip(places, values) if runs[i][1] == machine]
            axes.plot([i for i, _ in own], [value for _, value in own], "os^Dv"[number % 5], color=colour, markersize=4)
        if values:
            axes.annotate(shown(values[-1]), (places[-1], values[-1]), textcoords="offset points", xytext=(6, -3), fontsize=8, color=colour)
    if goal is not None:
        axes.axhline(goal, color="#888888", linestyle="--", linewidth=0.8)
    axes.margins(x=0.12)
    axes.set_ylim(0, 1.15 * axes.get_ylim()[1])
    axes.grid(axis="y", color="#dddddd", linewidth=0.6)
    axes.tick_params(labelsize=8)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)


def main():
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    history = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "bench" / "history.csv"
    picture = pathlib.Path(sys.argv[2]) if len(sys.argv) > 2 else ROOT / "docs" / "images" / "bench_history.png"
    runs, lanes = read_history(history)
    if not runs:
        sys.exit(f"plot_bench: there are no runs in {history}")
    machines = list(dict.fromkeys(run[1] for run in runs))
    figure, grid = pyplot.subplots(len(lanes), len(PANELS), figsize=(13, 2.1 * len(lanes) + 0.8), squeeze=False, sharex=True)
    for row, lane in enumerate(lanes):
        for column, (title, metrics, goal) in enumerate(PANELS):
            axes = grid[row][column]
            draw_panel(axes, runs, lane, metrics, goal, machines)
            if row == 0:
                axes.set_title(title, fontsize=10)
            if column == 0:
                axes.set_ylabel(lane, fontsize=9)
    figure.legend(*grid[0][0].get_legend_handles_labels(), fontsize=8, frameon=False, loc="lower right", ncols=2)
    for axes in grid[-1]:
        axes.set_xticks(range(len(runs)), [run[0] for run in runs], rotation=45, ha="right", fontsize=7)
    figure.text(0.01, 0.005, "dashed: the goal. " + "; ".join(f"{'●■▲◆▼'[i % 5]} {name}" for i, name in enumerate(machines)), fontsize=8)
    figure.tight_layout(rect=(0, 0.02, 1, 1))
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110, metadata={"Software": None})


if __name__ == "__main__":
    main()
