#!/usr/bin/env python3
"""Runs the examples of README.md and docs/*.md and compares what they print with what the document says.

    docs_test.py PROGRAM [DOCUMENT]...

An example is a ```console block. Its lines `$ tocsin ...` (and those of a few harmless programs, RUN) are run in order
by bash, with `tocsin` the given program, in a folder of the document's own that holds `content/`, `README.md` and
whatever earlier examples wrote. The lines below a command are its standard output and error:
- `...` alone on a line stands for any lines (also none), `...` within a line for any text;
- runs of spaces count as one; trailing spaces do not count.
Other commands (`$ make run`) are shown only. A command that needs a program which is not installed
(jq) is skipped and counted. Exit 1 where an example differs.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
RUN = ("tocsin", "printf", "tar", "jq")
OPTIONAL_PROGRAMS = ("jq",)
TIMEOUT_SECONDS = 120


def read_examples(path):
    """Yields (line number, command, expected lines) of a document."""
    number, command, expected, inside = 0, None, [], False
    for line in path.read_text().splitlines():
        number += 1
        if line.startswith("```"):
            if inside and command:
                yield command[0], command[1], expected
            inside, command, expected = (not inside and line.strip() == "```console"), None, []
        elif inside and line.startswith("$ "):
            if command:
                yield command[0], command[1], expected
            command, expected = (number, line[2:]), []
        elif inside and command and command[1].endswith("\\") and not expected:
            command = (command[0], command[1][:-1] + line)
        elif inside:
            expected.append(line)


def line_pattern(line):
    words = " ".join(line.split())
    return r"\s*" + ".*".join(re.escape(part).replace(r"\ ", r"\s+") for part in words.split("...")) + r"\s*"


def fits(expected, printed):
    """Whether the printed lines are what the document shows. Walks all places at once: no backtracking."""
    lines = [line for line in expected]
    while lines and not lines[-1].strip():
        lines.pop()
    places = {0}
    for line in lines:
        if line.strip() == "...":
            places = set(range(min(places), len(printed) + 1)) if places else places
            continue
        pattern = re.compile(line_pattern(line))
        places = {at + 1 for at in places if at < len(printed) and pattern.fullmatch(printed[at])}
    return len(printed) in places


def missing_program(command):
    for name in OPTIONAL_PROGRAMS:
        if re.search(rf"(^|\|)\s*{name}\b", command) and shutil.which(name) is None:
            return name
    return None


def run_document(path, program, folder):
    (folder / "bin").mkdir()
    (folder / "bin" / "tocsin").symlink_to(program)
    (folder / "work").mkdir()
    for name in ("content", "README.md"):
        (folder / "work" / name).symlink_to(ROOT / name)
    environment = dict(os.environ, PATH=f"{folder / 'bin'}:{os.environ['PATH']}", NO_COLOR="1", HOME=str(folder), TZ="UTC")
    environment.pop("XDG_DATA_HOME", None)
    run, failed, skipped = 0, 0, 0
    for number, command, expected in read_examples(path):
        if command.split()[0] not in RUN:
            continue
        needs = missing_program(command)
        if needs:
            skipped += 1
            print(f"skipped {path.name}:{number}: {needs} is not installed")
            continue
        result = subprocess.run(["bash", "-c", command], cwd=folder / "work", env=environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=TIMEOUT_SECONDS)
        printed = result.stdout.decode("utf-8", "replace").splitlines()
        while printed and not printed[-1].strip():
            printed.pop()
        run += 1
        if not fits(expected, printed):
            failed += 1
            print(f"FAILED {path.name}:{number}: $ {command}\n  the document says:")
            print("\n".join("    " + line for line in expected) or "    (nothing)")
            print("  it printed:")
            print("\n".join("    " + line for line in printed[:60]) or "    (nothing)")
    return run, failed, skipped


def check_fits():
    assert fits(["a", "...", "b 1 ... c"], ["a", "x", "y", "b  1 zzz c"])
    assert fits(["..."], []) and fits([], []) and fits(["...", "a", "..."], ["a"])
    assert not fits(["a"], ["a", "b"]) and not fits(["a", "..."], ["b", "a"]) and not fits([], ["a"])


def main():
    check_fits()
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    program = pathlib.Path(sys.argv[1]).resolve()
    documents = [pathlib.Path(name).resolve() for name in sys.argv[2:]] or [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    totals = [0, 0, 0]
    for path in documents:
        with tempfile.TemporaryDirectory() as folder:
            totals = [a + b for a, b in zip(totals, run_document(path, program, pathlib.Path(folder)))]
    print(f"{totals[0]} examples run, {totals[1]} failed, {totals[2]} skipped")
    sys.exit(1 if totals[1] else 0)


if __name__ == "__main__":
    main()
