#!/usr/bin/env python3
"""Writes src/core/unicode_fold.inc: Unicode simple case folding (statuses C and S of CaseFolding.txt) as runs.

The source is Python's own Unicode database: str.casefold() where its result is one code point (status C); where it is
several (status F), the simple mapping is the lower case if that is one other code point (status S), else there is none.
Usage: make_fold_table.py > src/core/unicode_fold.inc
"""
import sys
import unicodedata


def simple_fold(code):
    folded = chr(code).casefold()
    if len(folded) > 1:
        folded = chr(code).lower()
    return ord(folded) if len(folded) == 1 else code


def runs():
    pairs = [(c, simple_fold(c)) for c in range(0x80, 0x110000) if not 0xD800 <= c <= 0xDFFF and simple_fold(c) != c]
    run = None  # [first, last, stride, delta]
    for code, to in pairs:
        if run and to - code == run[3]:
            step = code - run[1]
            if run[0] == run[1] and step in (1, 2) or run[0] != run[1] and step == run[2]:
                run[1], run[2] = code, step
                continue
        if run:
            yield run
        run = [code, code, 1, to - code]
    yield run


def main():
    out = list(runs())
    print(f"// Made by tools/make_fold_table.py from Unicode {unicodedata.unidata_version}. {{first, last, stride, delta}}.")
    line = ""
    for first, last, stride, delta in out:
        item = f"{{0x{first:X}, 0x{last:X}, {stride}, {delta}}},"
        if len(line) + len(item) + 1 > 118:
            print(line)
            line = ""
        line += (" " if line else "") + item
    print(line)
    print(f"{len(out)} runs", file=sys.stderr)


if __name__ == "__main__":
    main()
