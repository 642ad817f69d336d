#!/usr/bin/env python3
"""tools/check_layers.py must refuse what the table in docs/conventions.md does not allow: each case is one small tree."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

CHECKER = pathlib.Path(__file__).resolve().parent.parent / "tools" / "check_layers.py"


def check(files):
    """Runs the checker over a tree of {path under src/: text}; answers (exit code, output)."""
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = pathlib.Path(root) / "src" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        done = subprocess.run([sys.executable, str(CHECKER), root], capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr


class CheckLayers(unittest.TestCase):
    def assert_refused(self, name, text, *said):
        code, output = check({"core/good.h": "#pragma once\n", name: text})
        self.assertEqual(code, 1, output)
        for word in (name, *said):
            self.assertIn(word, output)

    def assert_allowed(self, name, text):
        code, output = check({name: text})
        self.assertEqual(code, 0, output)

    def test_what_the_table_allows_passes(self):
        self.assert_allowed("model/event.h", '#include <string>\n#include "core/result.h"\n#include "model/field.h"\n')
        self.assert_allowed("cli/main.cc", '#include "decode/decoder.h"\n#include "detect/engine.h"\n')
        self.assert_allowed("decode/evtx/chunk.cc", '#include "decode/evtx/chunk.h"\n')

    def test_a_stage_may_not_include_another(self):
        self.assert_refused("decode/json.cc", '#include "detect/engine.h"\n', "decode may not include detect/engine.h")
        self.assert_refused("source/reader.cc", '#include "decode/decoder.h"\n', "source may not include")

    def test_nothing_below_may_include_what_is_above(self):
        self.assert_refused("core/result.h", '#include "model/event.h"\n', "core may not include model/event.h")
        self.assert_refused("model/event.h", '#include "app/main.h"\n', "model may not include app/main.h")

    def test_indented_and_spaced_includes_count(self):
        self.assert_refused("core/a.cc", '  #  include   "detect/engine.h"\n', "detect/engine.h")

    def test_headers_in_subfolders_are_private(self):
        self.assert_refused("cli/main.cc", '#include "decode/evtx/chunk.h"\n', "private to decode")

    def test_includes_are_written_from_src(self):
        self.assert_refused("core/a.cc", '#include "result.h"\n', "write includes from src/")

    def test_a_folder_that_is_not_in_the_table_is_refused(self):
        self.assert_refused("utils/strings.h", "#pragma once\n", "'utils' is not in the layer table")

    def test_only_tests_may_include_testing(self):
        self.assert_allowed("core/time_test.cc", '#include "testing/paths.h"\n')
        self.assert_allowed("decode/evtx/evtx_test_support.h", '#include "testing/paths.h"\n')
        self.assert_refused("core/time.cc", '#include "testing/paths.h"\n', "core may not include testing/paths.h")

    def test_a_test_keeps_to_the_row_of_its_folder(self):
        self.assert_refused("decode/json_test.cc", '#include "detect/engine.h"\n', "decode may not include")

    def test_every_problem_is_listed(self):
        code, output = check({"core/a.cc": '#include "model/x.h"\n#include "cli/y.h"\n', "model/b.cc": '#include "app/z.h"\n'})
        self.assertEqual(code, 1)
        self.assertEqual(len(output.strip().splitlines()), 3, output)


if __name__ == "__main__":
    unittest.main()
