#!/usr/bin/env python3
"""Runs the benchmarks of a release build and prints one table. `make bench` calls it.

    tools/run_benchmarks.py BUILD [--record] [--data DIR] [--seconds S] [--stream-gb G] [--only LANE]...

With the data of --data (default ../shared/data: SigmaHQ's rules, NDJSON lanes, EVTX files) where it is there; else with
the project's own rules over its own samples, which says less: they are small. --record also appends the figures to
bench/history.csv, draws docs/images/bench_history.png and fills the section Measured of README.md.
What is measured and how: docs/performance.md.
"""
import argparse
import collections
import csv
import datetime
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
HISTORY = ROOT / "bench" / "history.csv"
COLUMNS = ["date", "commit", "machine", "lane", "metric", "value"]
LANES = ["structured_windows", "raw_windows", "sysmon_file_event", "cisco_syslog"]
OWN_SAMPLES = ["ws-042/winlogbeat.ndjson", "ws-042/security.xml", "srv-files01/audit.log", "zeek/dns.log"]
REPEATS = 5                  # Of each start of the program; the best counts.
THREAD_INPUT_BYTES = 500e6   # Long enough that starting up is a small part.
CHUNK_BYTES = 1 << 20


class Setup:
    """What is run over what."""

    def __init__(self, build, data):
        self.build = pathlib.Path(build)
        data = pathlib.Path(data)
        lanes = [data / "ndjson" / "lanes" / (name + ".ndjson") for name in LANES]
        evtx = data / "evtx" / "attack-samples"
        rules = [data / "sigma" / name for name in ("rules", "rules-emerging-threats", "rules-threat-hunting")]
        self.shared = all(path.exists() for path in lanes + rules + [evtx])
        if self.shared:
            self.rules, self.lanes, self.repeated = rules, lanes + [evtx], lanes[1]
        else:
            samples = ROOT / "content" / "samples" / "intrusion"
            self.rules = [ROOT / "content" / "rules"]
            self.lanes = [samples / name for name in OWN_SAMPLES]
            self.repeated = self.lanes[0]

    def rule_arguments(self, option):
        return [part for rule in self.rules for part in (option, str(rule))]


Run = collections.namedtuple("Run", "wall_s cpu_s peak_mib")


def run_tocsin(setup, arguments, feed=None):
    """Runs `tocsin detect` with all rules. `feed(pipe)` writes its input. Returns a Run."""
    command = [str(setup.build / "tocsin"), "detect", "-q", "-f", "csv", "-o", os.devnull, *setup.rule_arguments("-r"), *arguments]
    begin = time.monotonic()
    said = tempfile.TemporaryFile()   # It names the rules that it refuses, each time.
    process = subprocess.Popen(command, stdin=subprocess.PIPE if feed else subprocess.DEVNULL, stderr=said)
    if feed:
        threading.Thread(target=feed, args=(process.stdin,), daemon=True).start()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - begin
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        said.seek(0)
        sys.exit(said.read().decode(errors="replace") + f"bench: exit code {process.returncode} of: {' '.join(command)}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


def best_run(setup, arguments, repeats):
    """The least of each figure: what others do on the machine only adds."""
    runs = [run_tocsin(setup, arguments) for _ in range(repeats)]
    return Run(*map(min, zip(*runs)))


def measure_lanes(setup, seconds, only, figures):
    lanes = [lane for lane in setup.lanes if not only or lane.stem in only]
    command = [str(setup.build / "bench" / "detect_bench"), "--tsv", "--seconds", str(seconds), *setup.rule_arguments("--rules"),
               *map(str, lanes)]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=ROOT).stdout.splitlines()
    figures[("all", "rules")] = float(output[0].split("\t")[1])
    for row in csv.DictReader(output[1:], delimiter="\t"):
        lane = row["lane"]
        values = {name: float(row[name]) for name in row if name != "lane"}
        for name in ("megabytes", "record_megabytes", "events", "matches"):
            figures[(lane, name)] = values[name]
        for name in ("memchr", "simdjson", "decode", "match"):
            if values[name] > 0:
                figures[(lane, name + "_mb_per_s")] = values[name]
        if values["simdjson"] > 0:
            figures[(lane, "match_to_simdjson")] = values["match"] / values["simdjson"]
        figures[(lane, "decode_to_memchr")] = values["decode"] / values["memchr"]
        figures[(lane, "match_to_memchr")] = values["match"] / values["memchr"]
        figures[(lane, "all_to_quarter")] = values["match_quarter"] / values["match"]


def measure_program(setup, stream_gb, figures):
    with tempfile.TemporaryDirectory() as folder:
        empty = pathlib.Path(folder) / "empty.ndjson"
        empty.touch()
        one = pathlib.Path(folder) / "one.ndjson"
        with open(setup.repeated, "rb") as lane:
            one.write_bytes(lane.readline())
        for name, path in (("no_event", empty), ("first_event", one)):
            run = best_run(setup, [str(path)], REPEATS)
            figures[("start", name + "_s")], figures[("start", name + "_cpu_s")] = run.wall_s, run.cpu_s

    size = setup.repeated.stat().st_size
    times = max(1, round(THREAD_INPUT_BYTES / size))
    inputs = [str(setup.repeated)] * times
    one, two = (best_run(setup, ["--threads", count, *inputs], 3) for count in ("1", "2"))
    # Without the time to load the rules, which is the same for both and not what threads are for.
    start = figures[("start", "no_event_s")]
    megabytes = size * times / 1e6
    figures[("threads", "input_mb")] = megabytes
    figures[("threads", "one_mb_per_s")] = megabytes / max(one.wall_s - start, 1e-3)
    figures[("threads", "two_mb_per_s")] = megabytes / max(two.wall_s - start, 1e-3)
    figures[("threads", "speedup")] = figures[("threads", "two_mb_per_s")] / figures[("threads", "one_mb_per_s")]
    figures[("threads", "cpu_two_to_one")] = two.cpu_s / one.cpu_s

    content = setup.repeated.read_bytes()
    content *= max(1, CHUNK_BYTES // len(content))
    wanted = int(stream_gb * 1e9)

    def feed(pipe):
        sent = 0
        while sent < wanted:
            pipe.write(content)
            sent += len(content)
        pipe.close()

    run = run_tocsin(setup, ["-"], feed)
    figures[("stream", "gb")] = stream_gb
    figures[("stream", "mb_per_s")] = stream_gb * 1000 / run.wall_s
    figures[("stream", "peak_mib")] = run.peak_mib


def print_table(setup, figures):
    print(f"{figures[('all', 'rules')]:,.0f} rules; one thread, processor time; MB/s. "
          + ("" if setup.shared else "Own rules and samples: the inputs are small, take the figures as a hint."))
    print(f"{'lane':<20}{'MB':>7}{'records':>9}{'events':>9}{'memchr':>9}{'simdjson':>10}{'decode':>8}{'match':>7}"
          f"{'match/simdjson':>16}{'match/memchr':>14}{'all/quarter':>13}")
    for lane in lane_names(figures):
        def cell(metric, width, form):
            value = figures.get((lane, metric))
            return f"{'-' if value is None else format(value, form):>{width}}"
        print(f"{lane:<20}" + cell("megabytes", 7, ".1f") + cell("record_megabytes", 9, ".1f") + cell("events", 9, ",.0f") + cell("memchr_mb_per_s", 9, ",.0f")
              + cell("simdjson_mb_per_s", 10, ",.0f") + cell("decode_mb_per_s", 8, ",.0f") + cell("match_mb_per_s", 7, ",.0f")
              + cell("match_to_simdjson", 16, ".2f") + cell("match_to_memchr", 14, ".3f") + cell("all_to_quarter", 13, ".2f"))
    if ("threads", "speedup") not in figures:
        return
    print(f"\nwhole program, wall time, {setup.repeated.name} over and over")
    print(f"  threads      1: {figures[('threads', 'one_mb_per_s')]:,.0f} MB/s   2: {figures[('threads', 'two_mb_per_s')]:,.0f} MB/s"
          f"   ratio {figures[('threads', 'speedup')]:.2f}   (processor time, two to one: {figures[('threads', 'cpu_two_to_one')]:.2f})")
    print(f"  peak memory  {figures[('stream', 'peak_mib')]:,.0f} MiB over a stream of {figures[('stream', 'gb')]:g} GB"
          f" ({figures[('stream', 'mb_per_s')]:,.0f} MB/s)")
    print(f"  start        {figures[('start', 'no_event_s')]:.2f} s with an empty input, {figures[('start', 'first_event_s')]:.2f} s with"
          f" one event   (processor time {figures[('start', 'no_event_cpu_s')]:.2f} and {figures[('start', 'first_event_cpu_s')]:.2f} s)")
    load = os.getloadavg()[0]
    if load > 1.5 * len(os.sched_getaffinity(0)):
        print(f"\nThe machine is busy with other work (load {load:.0f}): wall times above, and with them the ratio of threads, mean little.")


def lane_names(figures):
    return [lane for lane, metric in figures if metric == "match_mb_per_s"]


def machine():
    model = "unknown processor"
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.split(":", 1)[1].strip()
            break
    return f"{model}, {len(os.sched_getaffinity(0))} cores"


def stamp():
    """Date, commit and machine of a figure."""
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=9", "--exclude=*"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.strip()
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"), commit, machine()


def plotting_python():
    """matplotlib is installed for Debian's own Python; another one may come first in the path."""
    return "/usr/bin/python3" if os.access("/usr/bin/python3", os.X_OK) else sys.executable


def record(figures):
    date, commit, where = stamp()
    fresh = not HISTORY.exists()
    with open(HISTORY, "a", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        if fresh:
            writer.writerow(COLUMNS)
        for (lane, metric), value in figures.items():
            writer.writerow([date, commit, where, lane, metric, f"{value:.6g}"])
    for tool in ("fill_measured.py", "plot_bench.py"):
        subprocess.run([plotting_python(), str(ROOT / "tools" / tool)], check=True)
    print(f"recorded in {HISTORY.relative_to(ROOT)} as {date} {commit}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", help="folder of a release build")
    parser.add_argument("--record", action="store_true", help="append to bench/history.csv, draw the plot, fill README.md")
    parser.add_argument("--data", default=str(ROOT.parent / "shared" / "data"), help="folder with sigma/, ndjson/ and evtx/")
    parser.add_argument("--seconds", type=float, default=1.5, help="for each figure of a lane")
    parser.add_argument("--stream-gb", type=float, default=4, help="length of the stream that memory is measured over")
    parser.add_argument("--only", action="append", help="only this lane, and not the whole program; may be repeated")
    arguments = parser.parse_args()
    if arguments.record and arguments.only:
        parser.error("--record needs all lanes: leave --only out")
    setup = Setup(arguments.build, arguments.data)
    if arguments.record and not setup.shared:
        parser.error(f"--record needs the data under {arguments.data}: figures over the samples cannot be compared with them")
    figures = {}
    measure_lanes(setup, arguments.seconds, arguments.only, figures)
    if not arguments.only:
        measure_program(setup, arguments.stream_gb, figures)
    print_table(setup, figures)
    if arguments.record:
        record(figures)


if __name__ == "__main__":
    main()
