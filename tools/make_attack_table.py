#!/usr/bin/env python3
"""Makes content/attack/techniques.tsv from MITRE ATT&CK's enterprise data as one compact JSON file.

usage: make_attack_table.py enterprise-attack.json > content/attack/techniques.tsv

Expected: {"version": .., "techniques": [{"id", "name", "tactics", "revoked", "deprecated"}], "revoked_by": [[old, new]]}.
Revoked and deprecated techniques are kept, since rules live longer than ids; `replaced_by` names the successor.
"""
import json
import sys

HEAD = """# Techniques of MITRE ATT&CK enterprise {version}: id, name, tactics, replaced_by (tab-separated; sorted by id).
# (c) 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.
# Made by tools/make_attack_table.py; see NOTICE.
"""


def main(path):
    with open(path, encoding="utf-8") as file:
        data = json.load(file)
    replaced_by = dict(data["revoked_by"])
    sys.stdout.write(HEAD.format(version=data["version"]))
    for technique in sorted(data["techniques"], key=lambda one: one["id"]):
        row = [technique["id"], technique["name"], ",".join(technique["tactics"]), replaced_by.get(technique["id"], "")]
        if any("\t" in cell or "\n" in cell for cell in row):
            sys.exit(f"{technique['id']}: a tab or newline in a name")
        print("\t".join(row))


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
