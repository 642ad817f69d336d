#!/usr/bin/env python3
"""Checks that each folder under src/ includes only what the table in docs/conventions.md allows, and only public headers."""
import pathlib
import re
import sys

BASE = {"core", "model"}
ALLOWED = {
    "core": set(), "model": {"core"}, "http": {"core"}, "console": {"core"}, "stream": BASE, "store": BASE, "ledger": BASE, "auth": BASE | {"ledger"},
    "intel": BASE | {"ledger"}, "vuln": BASE | {"ledger", "intel"}, "source": BASE | {"http"}, "sensor": BASE, "decode": BASE,
    "normalise": BASE | {"intel"}, "detect": BASE | {"intel"}, "triage": BASE | {"ledger", "intel", "vuln"},
    "notify": BASE | {"ledger"}, "respond": BASE | {"ledger", "auth"}, "hunt": BASE | {"store", "ledger", "detect"}, "measure": BASE | {"store", "ledger"},
    "cli": BASE | {"source", "decode", "normalise", "detect", "triage"}, "testing": BASE,
}
ALLOWED["app"] = set(ALLOWED) | {"api"}
ALLOWED["api"] = set(ALLOWED) - {"source", "sensor", "decode", "normalise", "cli", "app"}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)
CODE = {".h", ".cc", ".inc"}
TEST_CODE = re.compile(r"_((test|fuzz|bench)\.cc|test_support\.(h|cc))$")


def main(root):
    src = pathlib.Path(root) / "src"
    problems = []
    for path in sorted(p for p in src.rglob("*") if p.suffix in CODE):
        folder = path.relative_to(src).parts[0]
        if folder not in ALLOWED:
            problems.append(f"{path}: folder '{folder}' is not in the layer table")
            continue
        is_test = TEST_CODE.search(path.name) is not None
        for target in INCLUDE.findall(path.read_text()):
            parts = target.split("/")
            if len(parts) < 2:
                problems.append(f"{path}: write includes from src/: \"{target}\"")
                continue
            other = parts[0]
            if other == folder or (is_test and other == "testing"):
                continue
            if other not in ALLOWED[folder]:
                problems.append(f"{path}: {folder} may not include {target}")
            elif len(parts) > 2:
                problems.append(f"{path}: {target} is private to {other}; include a header directly in src/{other}/")
    print("\n".join(problems) if problems else "layers hold")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "."))
