#!/usr/bin/env python3
"""Makes the Debian package from a program, unpacks it, and checks what is in it.

    package_test.py PROGRAM

Exit 77 (skipped) where this system has no dpkg-dev. What needs systemd-analyze is left out where it is absent.
"""
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = None
# Of systemd-analyze security: 0 is best, 100 is a service without any protection.
MAX_EXPOSURE = 25


def run(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, timeout=300, **options)


class PackageTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="tocsin-package-"))
        made = run(ROOT / "tools/package.sh", PROGRAM, cls.folder, env={**os.environ, "TOCSIN_PACKAGE_LEVEL": "0"})
        assert made.returncode == 0, made.stderr
        cls.package = pathlib.Path(made.stdout.strip())
        cls.tree = cls.folder / "tree"
        unpacked = run("dpkg-deb", "-R", cls.package, cls.tree)
        assert unpacked.returncode == 0, unpacked.stderr

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder)

    def field(self, name):
        return run("dpkg-deb", "-f", self.package, name).stdout.strip()

    def test_is_named_by_version_and_architecture_and_leaves_nothing_else(self):
        version = re.search(r"project\(tocsin VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text())[1]
        self.assertEqual(self.field("Version"), version)
        self.assertEqual(self.package.name, f"tocsin_{version}_{self.field('Architecture')}.deb")
        self.assertEqual({path.name for path in self.folder.iterdir()}, {self.package.name, "tree"})

    def test_depends_on_the_libraries_of_the_program(self):
        depends = self.field("Depends")
        for library in ("libc6 (>=", "libstdc++6 (>=", "libssl3 (>=", "libyaml-0-2", "adduser"):
            self.assertIn(library, depends)
        self.assertNotIn("-dev", depends)

    def test_holds_these_files_with_these_rights(self):
        found = {}
        for path in self.tree.rglob("*"):
            name = str(path.relative_to(self.tree))
            if path.is_file() and not name.startswith("DEBIAN/"):
                found[name] = path.stat().st_mode & 0o7777
        self.assertEqual(found, {
            "usr/bin/tocsin": 0o755, "usr/sbin/tocsin-install-engine": 0o755, "usr/lib/tocsin/install_engine.sh": 0o755,
            "etc/tocsin/tocsin.yaml": 0o644, "lib/systemd/system/tocsin.service": 0o644,
            "usr/share/doc/tocsin/copyright": 0o644, "usr/share/doc/tocsin/NOTICE": 0o644,
            "usr/share/doc/tocsin/configuration.md": 0o644, "usr/share/doc/tocsin/changelog.gz": 0o644,
            "usr/share/man/man1/tocsin.1.gz": 0o644, "usr/share/man/man8/tocsin-install-engine.8.gz": 0o644})
        owners = {line.split()[1] for line in run("dpkg-deb", "-c", self.package).stdout.splitlines()}
        self.assertEqual(owners, {"root/root"})

    def test_sums_are_right_and_complete(self):
        lines = (self.tree / "DEBIAN/md5sums").read_text().splitlines()
        for line in lines:
            expected, name = line.split("  ", 1)
            self.assertEqual(hashlib.md5((self.tree / name).read_bytes()).hexdigest(), expected, name)
        files = [path for path in self.tree.rglob("*") if path.is_file() and "DEBIAN" not in path.parts]
        self.assertEqual(len(lines), len(files))
        self.assertEqual((self.tree / "DEBIAN/conffiles").read_text(), "/etc/tocsin/tocsin.yaml\n")

    def test_the_unpacked_program_runs_with_the_unpacked_configuration(self):
        program = self.tree / "usr/bin/tocsin"
        self.assertEqual(run(program, "--version").stdout.strip(), f"tocsin {self.field('Version')}")
        checked = run(program, "config", "check", "--config", self.tree / "etc/tocsin/tocsin.yaml", cwd="/")
        self.assertEqual((checked.returncode, checked.stderr), (0, ""))
        shown = run(program, "config", "show", "--config", self.tree / "etc/tocsin/tocsin.yaml", cwd="/").stdout
        self.assertRegex(shown, r"(?m)^data\.folder +/var/lib/tocsin +# tocsin\.yaml:")

    def test_scripts_are_well_formed(self):
        for name in ("postinst", "prerm", "postrm"):
            script = self.tree / "DEBIAN" / name
            self.assertEqual(script.stat().st_mode & 0o777, 0o755)
            self.assertEqual(run("sh", "-n", script).stderr, "")
        for name in ("usr/sbin/tocsin-install-engine", "usr/lib/tocsin/install_engine.sh"):
            self.assertEqual(run("bash", "-n", self.tree / name).stderr, "")
        self.assertEqual(run("sh", self.tree / "DEBIAN/postinst", "abort-upgrade").returncode, 0)

    def test_the_same_input_gives_the_same_bytes(self):
        other = self.folder / "other"
        made = run(ROOT / "tools/package.sh", PROGRAM, other, env={**os.environ, "TOCSIN_PACKAGE_LEVEL": "0"})
        self.assertEqual(made.returncode, 0, made.stderr)
        same = pathlib.Path(made.stdout.strip()).read_bytes() == self.package.read_bytes()
        shutil.rmtree(other)
        self.assertTrue(same)

    def test_says_what_is_missing(self):
        made = run(ROOT / "tools/package.sh", self.folder / "absent", self.folder)
        self.assertEqual(made.returncode, 1)
        self.assertIn("there is no program", made.stderr)

    def test_the_unit_is_well_formed_and_hardened(self):
        if shutil.which("systemd-analyze") is None:
            self.skipTest("systemd-analyze is not installed")
        text = (self.tree / "lib/systemd/system/tocsin.service").read_text()
        program = self.tree / "usr/bin/tocsin"
        unit = self.folder / "tocsin.service"  # Verified where the program is.
        unit.write_text(text.replace("/usr/bin/tocsin", str(program)).replace("man:tocsin(1)", "file:/dev/null"))
        try:
            verified = run("systemd-analyze", "verify", unit)
            about_us = [line for line in verified.stderr.splitlines() if "tocsin" in line]
            self.assertEqual(about_us, [])
            judged = run("systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={MAX_EXPOSURE}", unit)
            self.assertEqual(judged.returncode, 0, judged.stdout + judged.stderr)
        finally:
            unit.unlink()


if __name__ == "__main__":
    PROGRAM = pathlib.Path(sys.argv.pop(1)).resolve()
    if any(shutil.which(tool) is None for tool in ("dpkg-deb", "dpkg-shlibdeps", "dpkg-architecture")):
        print("skipped: dpkg-dev is not installed")
        sys.exit(77)
    unittest.main()
