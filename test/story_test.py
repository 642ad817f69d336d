#!/usr/bin/env python3
"""Each step of the recorded intrusion in content/samples is found, nothing else is, and its timetable says so.

    story_test.py PROGRAM

Runs `tocsin detect` with the rules of the project over the samples. STEPS is the whole of what they must find: for each
step of the story the time from and to which, the host, and the titles of the rules. A finding beyond that list, of any
level, means noise on the background, and fails.
"""
import csv
import io
import pathlib
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent
SAMPLES = ROOT / "content" / "samples"
WS, DC, SRV, CLOUD = "WS-042.harrow.example", "DC-01.harrow.example", "srv-files01", ""
WS_NET, SRV_NET = "10.20.4.42", "10.20.1.15"  # To the network sensor a host is the address a connection comes from.

# What happens; from and to (of the event, or the last one of a correlation); host; rules.
STEPS = [
    ("the portal is searched", "08:55:00", "08:56:00", SRV, [
        "Many missing pages requested by one address", "Request by a known attack tool"]),
    ("a document starts a loader", "09:12:00", "09:12:44", WS, [
        "Office program starts a script host or system proxy binary", "PowerShell with a long encoded command",
        "Command line carries base64 of download or injection code"]),
    ("the antimalware interface is switched off", "09:12:45", "09:12:45", WS, [
        "PowerShell script tampers with the antimalware scan interface"]),
    ("the implant is started", "09:13:00", "09:13:30", WS, ["Program started from a folder that no product uses"]),
    ("the implant stays", "09:14:00", "09:14:31", WS, [
        "Autostart value runs an interpreter or a file in a temporary place",
        "Scheduled task created for a script host or a user-writable path"]),
    ("the implant calls home", "09:15:00", "14:37:00", WS_NET, ["Many small connections to one address on the internet"]),
    ("the domain is looked at", "09:31:00", "09:36:30", WS, [
        "Administrator accounts or groups looked up with net", "Domain trusts or controllers enumerated",
        "All service principal names of the domain listed", "PowerShell script uses directory attack functions"]),
    ("the implant has system rights", "09:43:30", "09:43:30", WS, [
        "Shell with system rights started by a program in a user folder"]),
    ("LSASS is dumped", "09:44:12", "09:44:13", WS, [
        "LSASS memory dumped through comsvcs.dll", "LSASS opened by code that no file backs",
        "LSASS opened for reading memory by an unusual program", "File created with the name of a credential dump"]),
    ("one password, fourteen accounts", "09:57:00", "09:58:40", DC, [
        "One address fails with many accounts", "One address fails with many accounts, then logs on"]),
    ("SSH is guessed", "10:05:00", "10:07:41", SRV, [
        "Many failed SSH logins from one address", "SSH login after many failed ones from the same address"]),
    ("root", "10:08:00", "10:09:33", SRV, [
        "Search for set-user-ID files", "Program with a shell escape started through sudo"]),
    ("hashes and keys", "10:11:00", "10:14:15", SRV, [
        "Password hashes read by an unusual program", "Search for private keys or cloud credential files",
        "Recursive search for passwords in files"]),
    ("the web shell is written", "10:20:00", "10:20:40", SRV, [
        "Server script written below an upload folder", "File time copied from another file or set to the past"]),
    ("the web shell is used", "10:26:00", "10:28:00", SRV, [
        "Web shell called and shell started by the web server account", "Web shell used by an address that scanned before",
        "Operating system command in the query of a script", "Script requested in an upload or image directory",
        "Shell started by a web server account"]),
    ("the second implant", "10:39:00", "10:39:31", SRV, [
        "Download tool saves into a temporary directory", "Set-user-ID bit put on a file"]),
    ("the second implant stays", "10:40:00", "10:41:50", SRV, [
        "Cron job file created outside the package manager", "Systemd unit or timer file created by hand",
        "SSH authorized_keys file written by a shell or web process", "Immutable flag set on a job, key or unit file"]),
    ("cron runs it", "10:50:00", "14:30:02", SRV, [
        "Cron job runs a program from a temporary or hidden path",
        "Hidden program started from a temporary directory"]),
    ("the tunnel", "11:02:00", "12:09:00", SRV_NET, ["DNS names with encoded labels asked for again and again"]),
    ("the stolen cloud key is tried", "11:34:00", "12:18:00", CLOUD, [
        "Cloud interface called by an attack tool", "Many different cloud calls refused for one principal"]),
    ("administrator, and the trail stops", "11:41:00", "11:53:00", CLOUD, [
        "Access key created for another user", "Administrator rights granted to a user, group or role",
        "Audit trail stopped, deleted or narrowed", "Administrator made, then the audit trail stopped"]),
    ("the backups are read", "11:58:00", "12:18:00", CLOUD, [
        "Large amount of data read from buckets by one principal"]),
    ("packed", "13:10:12", "13:10:12", SRV, ["Archive of credentials or configuration made in a temporary place"]),
    ("sent", "13:14:40", "13:14:40", SRV, ["Archive or key material uploaded with curl or wget"]),
    ("sent, as the network saw it", "13:14:40", "13:14:41", SRV_NET, [
        "More than one gigabyte sent to one address on the internet"]),
    ("no way back", "14:20:00", "14:20:30", WS, [
        "Shadow copies or the backup catalogue deleted", "Backup, database or security services stopped from a command",
        "Boot recovery disabled with bcdedit", "Shell with system rights started by a program in a user folder"]),
    ("files are encrypted", "14:21:00", "14:22:30", WS, [
        "One program creates many files with an added extension", "Program started from a folder that no product uses"]),
    ("contracts are encrypted", "14:24:00", "14:24:30", SRV, ["Files encrypted in place with openssl or gpg"]),
    ("the Security log is cleared", "14:31:10", "14:31:11", WS, [
        "Event log cleared or disabled by a command", "Security event log emptied by an account"]),
    ("traces are removed", "14:33:00", "14:34:05", SRV, [
        "Journal vacuumed to nothing or log truncated by hand", "System log file deleted",
        "Shell history linked to nothing or wiped", "Linux audit rules deleted or auditing switched off"]),
]
# One row a rule and host in the table: more is not read by anybody.
MAX_ROWS, MAX_FINDINGS = 70, 150


class Story(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        run = subprocess.run([PROGRAM, "detect", "-q", "-f", "csv", "--content", ROOT / "content", SAMPLES / "intrusion"],
                             stdout=subprocess.PIPE, check=True, timeout=120)
        cls.findings = list(csv.DictReader(io.StringIO(run.stdout.decode())))

    @staticmethod
    def belongs(finding, step):
        _, begin, end, host, rules = step
        day, clock = finding["time"].rstrip("Z").split("T")
        return (finding["title"] in rules and finding["host"] == host and day == "2026-11-17"
                and begin <= clock[:8] <= end)

    def test_each_step_is_found_by_its_rules(self):
        for step in STEPS:
            for rule in step[4]:
                with self.subTest(step=step[0], rule=rule):
                    self.assertTrue(any(self.belongs(f, step) for f in self.findings if f["title"] == rule))

    def test_nothing_else_is_found(self):
        other = [(f["time"], f["host"], f["level"], f["title"]) for f in self.findings
                 if not any(self.belongs(f, step) for step in STEPS)]
        self.assertEqual([], other)

    def test_the_table_stays_readable(self):
        self.assertLessEqual(len({(f["title"], f["host"]) for f in self.findings}), MAX_ROWS)
        self.assertLessEqual(len(self.findings), MAX_FINDINGS)

    def test_the_timetable_names_the_rules(self):
        timetable = (SAMPLES / "README.md").read_text()
        for step in STEPS:
            for rule in step[4]:
                with self.subTest(step=step[0]):
                    self.assertIn(rule, timetable)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    PROGRAM = sys.argv.pop(1)
    unittest.main()
