#!/usr/bin/env python3
"""How well findings become incidents: the recorded intrusion, and recorded attacks of others, among three weeks of noise.

    python3 tools/evaluate_triage.py [--tocsin build/release/tocsin] [--data ../shared/data] [--seeds 1,2,3]

For each case: of the findings of the attack, how many are in the incident that has most of them (completeness); of that incident, how
many are of the attack (purity); of all noise findings, how many are in it; how many findings an incident has, and how much shorter
the queue is than the list of findings. A correlation that counted events of both counts as the attack's. The noise is that of
make_noise.py; recordings are moved in time into its last week, to a host that has noise (WS-019). Nothing is written but to a
temporary folder.
"""
import argparse
import collections
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)
MOVED_TO = 1_794_391_200_000  # 2026-11-11 10:00 UTC.


def run(arguments):
    done = subprocess.run(arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode not in (0, 2):
        sys.exit(f"{' '.join(arguments)}: {done.stderr}")
    return done.stdout


def detect(tocsin, paths):
    return [json.loads(line) for line in run([tocsin, "detect", "-q", "--format", "jsonl", *paths]).splitlines()]


def files_of(finding):
    own = finding["unmapped"]["tocsin"]
    events = own.get("correlation", {}).get("events", [])
    return {own["source"]["file"]} if "source" in own else {event["file"] for event in events}


def move(value, delta):
    """All times of a finding (milliseconds), by `delta`."""
    if isinstance(value, dict):
        return {key: move(inner, delta) for key, inner in value.items()}
    if isinstance(value, list):
        return [move(inner, delta) for inner in value]
    return value + delta if isinstance(value, int) and not isinstance(value, bool) and 1_100_000_000_000 < value < 2_300_000_000_000 else value


def recording(tocsin, path):
    """Findings of a recording as if it had happened in the last week on WS-019; none where nothing is found."""
    findings = [f for f in detect(tocsin, [path]) if "time" in f]
    if not findings:
        return []
    hosts = collections.Counter(f.get("device", {}).get("hostname") for f in findings if f.get("device", {}).get("hostname"))
    delta = MOVED_TO - min(f["time"] for f in findings)
    text = json.dumps([move(f, delta) for f in findings])
    if hosts:
        name = hosts.most_common(1)[0][0]
        text = re.sub(re.escape(json.dumps(name)[1:-1]), "WS-019.harrow.example", text, flags=re.I)
    return json.loads(text)


def incidents(tocsin, findings, assets, folder):
    path = os.path.join(folder, "findings.jsonl")
    with open(path, "w", encoding="utf-8") as out:
        out.writelines(json.dumps(f, separators=(",", ":"), ensure_ascii=False) + "\n" for f in findings)
    extra = ["--assets", assets] if assets else []
    return [json.loads(line) for line in run([tocsin, "incidents", "-q", "--format", "json", *extra, path]).splitlines()]


def measure(tocsin, attack, noise, assets, folder):
    ids = {f["finding_info"]["uid"] for f in attack}
    found = incidents(tocsin, attack + noise, assets, folder)
    split = [(sum(f["id"] in ids for f in one["findings"]), len(one["findings"]), one) for one in found]
    hits, size, main = max(split, key=lambda s: (s[0], -s[1]))
    total = sum(s[1] for s in split)
    noise_incidents = [s[1] for s in split if s[0] == 0]
    return {"attack": len(attack), "noise": total - len(attack), "parts": sum(s[0] > 0 for s in split), "complete": hits / len(attack),
            "purity": hits / size, "noise_in": (size - hits) / max(1, total - len(attack)), "noise_count": size - hits,
            "incidents": len(split), "per_incident": total / len(split), "queue": 1 - len(split) / total,
            "pure": sum(max(s[0], s[1] - s[0]) for s in split) / total,
            "largest_noise": max(noise_incidents, default=0), "main": main, "ids": ids, "all": found}


def row(name, m):
    print(f"{name:<44.44} {m['attack']:>6} {m['noise']:>6} {m['complete']:>7.1%} {m['parts']:>5} {m['purity']:>7.1%} "
          f"{m['noise_in']:>7.1%} {m['noise_count']:>5} {m['pure']:>7.1%} {m['incidents']:>5} {m['per_incident']:>6.1f} {m['queue']:>6.1%} {m['largest_noise']:>6}")


def show_misplaced(m):
    for finding in m["main"]["findings"]:
        if finding["id"] not in m["ids"]:
            print("   noise within:", finding["time"], finding["rule_title"], "|", finding["reasons"][0]["text"])
    for one in m["all"]:
        if one is not m["main"]:
            for finding in one["findings"]:
                if finding["id"] in m["ids"]:
                    print("   left out:", finding["time"], finding["rule_title"], "in", one["title"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--tocsin", default=os.path.join(ROOT, "build", "release", "tocsin"))
    parser.add_argument("--data", default=os.path.join(ROOT, "..", "shared", "data"))
    parser.add_argument("--seeds", default="1,2,3")
    parser.add_argument("--misplaced", action="store_true", help="list what is in the wrong incident")
    options = parser.parse_args()
    print(f"{'case':<44} attack  noise complete parts  purity noise-in count all-pure  incs f/inc   queue largest-noise")
    folder_of_recordings = os.path.join(options.data, "ndjson", "security-datasets")
    with tempfile.TemporaryDirectory() as folder:
        for seed in options.seeds.split(","):
            run([sys.executable, os.path.join(HERE, "make_noise.py"), os.path.join(folder, seed), seed])
            assets = os.path.join(folder, seed, "assets.csv")
            both = detect(options.tocsin, [os.path.join(folder, seed, "events"), os.path.join(ROOT, "content", "samples", "intrusion")])
            attack = [f for f in both if any("samples" in name for name in files_of(f))]
            noise = [f for f in both if not any("samples" in name for name in files_of(f))]
            for name, known in (("intrusion, addresses known", assets), ("intrusion, no asset register", None)):
                result = measure(options.tocsin, attack, noise, known, folder)
                row(f"{name}, seed {seed}", result)
                if options.misplaced:
                    show_misplaced(result)
        if not os.path.isdir(folder_of_recordings):
            print("recorded attacks: not there, see --data")
            return
        results = []
        for root, _, files in sorted(os.walk(folder_of_recordings)):
            for file in sorted(files):
                attack = recording(options.tocsin, os.path.join(root, file)) if file.endswith((".zip", ".json", ".ndjson")) else []
                if len(attack) >= 2:
                    results.append(measure(options.tocsin, attack, noise, assets, folder))
                    row(file, results[-1])
                    if options.misplaced:
                        show_misplaced(results[-1])
        if results:
            for key in ("complete", "purity", "noise_in"):
                print(f"recorded attacks, mean {key}: {statistics.mean(r[key] for r in results):.1%} of {len(results)}")


if __name__ == "__main__":
    main()
