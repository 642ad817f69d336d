#!/usr/bin/env python3
"""Writes three weeks of ordinary work at Harrow (content/samples/README.md) that sets off rules without being an attack.

    python3 tools/make_noise.py FOLDER [seed]

Administration, software distribution, backups, scanners, strangers at the doors, and a few oddities that happen once: on the hosts
of the recorded intrusion as well as on others, the day of the intrusion included. FOLDER/events has files for `tocsin detect`,
FOLDER/assets.csv which host has which address. The same seed gives the same bytes. What happens how often was written down from
what such networks show, not from what the joiner makes of it.
"""
import base64
import datetime
import json
import os
import random
import sys

import sample_logs
from sample_logs import Cloud, Linux, Windows, Zeek, POWERSHELL, SYSTEM32, WORD
from make_samples import save, zeek_text

FIRST = datetime.datetime(2026, 10, 27, tzinfo=datetime.timezone.utc)
DAYS = 22  # The last is the day of the intrusion.
HOSTS = {"WS-007": ("10.20.4.17", "b.ferrari"), "WS-019": ("10.20.4.19", "j.silva"), "WS-023": ("10.20.4.23", "k.brandt"),
         "WS-031": ("10.20.4.31", "l.moreau"), "WS-042": ("10.20.4.42", "m.lindqvist"), "ADM-01": ("10.20.4.90", "a.berg"),
         "SRV-SQL01": ("10.20.1.20", "svc-sql"), "DC-01": ("10.20.0.10", "a.berg")}
SERVERS = {"srv-files01": "10.20.1.15", "srv-app02": "10.20.1.16"}
SERVICES = (SYSTEM32 + "services.exe", 692, SYSTEM32 + "services.exe")
EXPLORER = ("C:\\Windows\\explorer.exe", 3120, "C:\\Windows\\Explorer.EXE")
AGENT = ("C:\\Program Files\\Fleetline\\Agent\\fleetagent.exe", 2044, "fleetagent.exe --service")
MACHINE = ("NT AUTHORITY\\SYSTEM", "System")


class Host(Windows):
    """A Windows machine with its own user, sessions of a day and process numbers."""

    def __init__(self, name, rng):
        super().__init__()
        self.name, self.rng = name + ".harrow.example", rng
        self.address, self.user = HOSTS[name]
        self.account = "HARROW\\" + self.user
        self.sid = f"S-1-5-21-1180699209-877415012-3182924384-{1100 + sum(map(ord, self.user))}"
        if name == "WS-042":
            self.sid = "S-1-5-21-1180699209-877415012-3182924384-1142"

    def at(self, when):
        sample_logs.WS, sample_logs.WS_IP = self.name, self.address
        return when

    def audit(self, when, code, computer=None, **data):
        if "SubjectUserSid" in data:
            machine = data.get("SubjectUserName") == "SYSTEM"
            data["SubjectUserSid"] = "S-1-5-18" if machine else self.sid
            # On the day of the intrusion the accountant's session is that of the recording.
            own = "0x5a3f1" if self.name.startswith("WS-042") and when.day == 17 else hex(0x40000 + when.timetuple().tm_yday * 977)
            data["SubjectLogonId"] = "0x3e7" if machine else own
        super().audit(when, code, computer or self.name, **data)

    def run(self, when, image, command, parent, machine=False):
        if machine:
            return self.process(self.at(when), image, command, parent, *MACHINE, audit=self.rng.random() < 0.5)
        return self.process(self.at(when), image, command, parent, self.account, audit=self.rng.random() < 0.5)


class Server(Linux):
    def __init__(self, name):
        super().__init__()
        self.name, self.session = name, 100

    def at(self, when):
        sample_logs.SRV, sample_logs.SRV_IP = self.name, SERVERS[self.name]
        return when

    def records(self, when, exe, syscall, who, tail):
        super().records(self.at(when), exe, syscall, who, tail)
        stamp, number, text = self.audit.records[-1]
        self.audit.records[-1] = (stamp, number, text.replace(" ses=31 ", f" ses={self.session} "))


class Noise:
    def __init__(self, seed):
        self.rng = random.Random(seed)
        sample_logs.RANDOM.seed(seed)
        self.hosts = {name: Host(name, self.rng) for name in HOSTS}
        self.servers = {name: Server(name) for name in SERVERS}
        self.zeek, self.cloud = Zeek(), Cloud()

    def clock(self, day, first=7.5, last=17.5):
        return day + datetime.timedelta(seconds=self.rng.uniform(first * 3600, last * 3600))

    def chance(self, share):
        return self.rng.random() < share

    def stranger(self):
        return f"{self.rng.choice(['192.0.2', '198.51.100', '203.0.113'])}.{self.rng.choice([n for n in range(1, 250) if n not in (66, 200)])}"

    # --- Windows ---

    def software_distribution(self, day):
        """The agent of software distribution runs encoded scripts everywhere, and sets up tasks of updates."""
        text = "$ProgressPreference='SilentlyContinue'; Get-CimInstance Win32_QuickFixEngineering | ConvertTo-Json -Compress"
        encoded = base64.b64encode(text.encode("utf-16-le")).decode()
        for host in self.hosts.values():
            if self.chance(0.8):
                host.run(self.clock(day, 5, 20), POWERSHELL, f"powershell.exe -NoProfile -EncodedCommand {encoded}", AGENT, True)
            if self.chance(0.1):
                host.run(self.clock(day, 5, 20), SYSTEM32 + "schtasks.exe", "schtasks /create /sc daily /tn FleetUpdate /tr "
                         "\"powershell.exe -File C:\\ProgramData\\Fleetline\\update.ps1\" /ru SYSTEM /f", AGENT, True)

    def inventory(self, day):
        """The inventory reads the memory of all processes, LSASS among them."""
        for host in self.hosts.values():
            if not self.chance(0.7):
                continue
            when = host.at(self.clock(day, 11, 13))
            host.sysmon(when, 10, SourceProcessId="2210", SourceImage="C:\\ProgramData\\Inventory\\scan.exe", TargetProcessId="704",
                        TargetImage=SYSTEM32 + "lsass.exe", GrantedAccess="0x1010", SourceUser=MACHINE[0], TargetUser=MACHINE[0],
                        CallTrace="C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\KERNELBASE.dll+2c0fe")

    def people(self, day):
        """Meeting tools update themselves from user folders, browsers put themselves into autostart."""
        for host in self.hosts.values():
            if self.chance(0.25):
                folder = f"C:\\Users\\{host.user}\\AppData\\Local\\Temp\\MeetNow"
                setup = host.run(self.clock(day), folder + "\\setup.exe", "setup.exe --silent", EXPLORER)
                host.sysmon(self.clock(day), 13, EventType="SetValue", ProcessGuid=host.guid(setup[1]), ProcessId=str(setup[1]),
                            Image=setup[0], User=host.account, Details=f"{folder}\\meet.exe --background",
                            TargetObject=f"HKU\\{host.sid}\\SOFTWARE\\Microsoft\\Windows\\CurrentVersion\\Run\\MeetNow")
            if self.chance(0.05):
                host.run(self.clock(day), "C:\\Users\\Public\\Viewer\\viewer.exe", "viewer.exe", EXPLORER)
            if self.chance(0.02):
                host.run(self.clock(day), SYSTEM32 + "cmd.exe", "cmd.exe /c copy report.csv S:\\", (WORD, 5210, "WINWORD.EXE"))

    def administration(self, day):
        admin = self.hosts["ADM-01"]
        shell = (SYSTEM32 + "cmd.exe", 4444 + day.day * 4, "cmd.exe")
        for image, command, share in (("net.exe", 'net group "Domain Admins" /domain', 0.6), ("nltest.exe", "nltest /dclist:harrow", 0.5),
                                      ("setspn.exe", "setspn -T harrow.example -Q */*", 0.08), ("net.exe", "net localgroup Administrators", 0.4),
                                      ("wevtutil.exe", "wevtutil cl Application", 0.07)):
            if self.chance(share):
                admin.run(self.clock(day), SYSTEM32 + image, command, shell)
        for name in ("WS-007", "WS-031", "WS-042"):  # The help desk at a machine.
            if self.chance(0.06):
                desk = self.hosts[name]
                begin = self.clock(day)
                window = desk.run(begin, SYSTEM32 + "cmd.exe", "cmd.exe", EXPLORER)
                desk.run(begin + datetime.timedelta(seconds=40), SYSTEM32 + "net.exe", "net localgroup Administrators", window)
                desk.run(begin + datetime.timedelta(seconds=90), SYSTEM32 + "wevtutil.exe", "wevtutil cl System", window)
        if self.chance(0.3):
            admin.script(admin.at(self.clock(day)), "Import-Module ActiveDirectory; Get-ADUser -Filter * -Properties ServicePrincipalName; "
                         "Invoke-ShareFinder -CheckShareAccess")

    def backups(self, day):
        """At night: databases stopped and started, old shadow copies removed."""
        server = self.hosts["SRV-SQL01"]
        backup = ("C:\\Program Files\\SafeVault\\svbackup.exe", 2500, "svbackup.exe --nightly")
        night = day + datetime.timedelta(hours=1, seconds=self.rng.uniform(0, 1800))
        server.run(night, SYSTEM32 + "net.exe", "net stop SQLWriter /y", backup, True)
        if day.weekday() == 6 or self.chance(0.1):
            server.run(night + datetime.timedelta(minutes=3), SYSTEM32 + "vssadmin.exe", "vssadmin delete shadows /for=D: /oldest /quiet", backup, True)
        source = SERVERS["srv-app02"]
        self.zeek.tls(night, source, "198.51.100.7", "vault.example.net", 3_100_000_000 + self.rng.randint(0, 9_000_000), 90_000, 2400.0)

    def scanner(self, day):
        """The own vulnerability scanner: many accounts from one address, on Thursdays."""
        if day.weekday() != 3:
            return
        domain = self.hosts["DC-01"]
        begin = day + datetime.timedelta(hours=20, seconds=self.rng.uniform(0, 3600))
        for number in range(20):
            domain.logon(domain.at(begin + datetime.timedelta(seconds=number * 5)), 4625, f"user{number:02}", 3, "10.20.9.9",
                         "DC-01.harrow.example", "SCAN-01")
        for server in self.servers.values():
            server.at(begin)
            for number in range(70):
                server.request(begin + datetime.timedelta(seconds=number * 0.4), "10.20.9.9", "GET", f"/x{number}.php", 404, 153,
                               "Mozilla/5.0 (compatible; Nmap Scripting Engine)")

    # --- Linux, web, network, cloud ---

    def doors(self, day):
        """Strangers try passwords and paths, every day from other addresses."""
        for server in self.servers.values():
            for _ in range(self.rng.randint(0, 3)):
                address, begin = self.stranger(), self.clock(day, 0, 23)
                server.at(begin)
                for number in range(self.rng.randint(8, 30)):
                    server.sshd(begin + datetime.timedelta(seconds=number * 4), self.rng.choice(["root", "admin", "oracle", "test"]), address, False,
                                invalid=self.chance(0.5))
            for _ in range(self.rng.randint(0, 3)):
                address, begin = self.stranger(), self.clock(day, 0, 23)
                server.at(begin)
                agent = self.rng.choice(["gobuster/3.8", "sqlmap/1.9", "Mozilla/5.00 (Nikto/2.5.0)", "python-requests/2.32"])
                for number in range(self.rng.randint(10, 90)):
                    server.request(begin + datetime.timedelta(seconds=number), address, "GET", f"/{self.rng.choice(['admin', 'old', '.env', 'wp-login.php'])}{number}",
                                   404, 153, agent)
                if self.chance(0.3):
                    server.request(begin, address, "GET", "/news?id=1%27%20UNION%20SELECT%20NULL,NULL--", 200, 900, agent)

    def server_work(self, day):
        root = (0, 1001, "pts0")
        for server in self.servers.values():
            server.session = 100 + day.timetuple().tm_yday * 3
            if self.chance(0.9):  # The nightly backup reads everything.
                server.touch(day + datetime.timedelta(hours=2, seconds=self.rng.uniform(0, 600)), "/usr/bin/rsnap", "/etc/shadow", (0, 4294967295, "(none)"), "NORMAL")
            if day.weekday() == 0:
                server.execute(day + datetime.timedelta(hours=4), ["find", "/", "-perm", "-4000", "-type", "f"], (0, 4294967295, "(none)"))
            for share, arguments in ((0.15, ["curl", "-sSL", "-o", "/tmp/node-exporter.tgz", "https://releases.example.net/n.tgz"]),
                                     (0.2, ["journalctl", "--vacuum-time=1s"]), (0.03, ["chmod", "4755", "/usr/local/bin/ping6"]),
                                     (0.06, ["grep", "-rni", "password", "/etc/nginx"]), (0.03, ["auditctl", "-D"]),
                                     (0.04, ["touch", "-r", "/srv/www/a.html", "/srv/www/b.html"])):
                if self.chance(share):
                    server.execute(self.clock(day), arguments, root, "/usr/sbin/auditctl" if arguments[0] == "auditctl" else None)
            for share, program, name in ((0.08, "/usr/bin/vim", "/etc/systemd/system/exporter.service"), (0.06, "/usr/bin/tee", "/etc/cron.d/rotate"),
                                         (0.05, "/usr/bin/bash", "/home/deploy/.ssh/authorized_keys")):
                if self.chance(share):
                    server.touch(self.clock(day), program, name, root)
            if self.chance(0.15):
                server.at(day)
                server.sudo(self.clock(day), self.rng.choice(["j.silva", "deploy"]), "/usr/bin/apt install htop", note="command not allowed ; ")

    def network(self, day):
        for minute in range(0, 480):  # A monitoring agent reports once a minute.
            self.zeek.tls(day + datetime.timedelta(hours=8, minutes=minute, seconds=self.rng.uniform(-2, 2)), "10.20.4.19", "192.0.2.140", "collect.metrics.example",
                          410 + self.rng.randint(0, 9), 1300 + self.rng.randint(0, 9), 0.3)
        for _ in range(self.rng.randint(0, 4)):  # A camera asks a name server outside.
            when = self.clock(day, 0, 23)
            uid = self.zeek.conn(when, "10.20.8.5", "8.8.8.8", 53, "udp", "dns", 0.02, 60, 90)
            self.zeek.row("dns", when, uid, "10.20.8.5", 50123, "8.8.8.8", 53, "udp", 7, "time.camera.example", "C_INTERNET", "A", "NOERROR", "192.0.2.9")

    def cloud_work(self, day):
        if self.chance(0.2):
            begin = self.clock(day)
            for number, name in enumerate(["ListUsers", "ListRoles", "ListGroups", "ListPolicies", "GetAccountSummary", "ListAccessKeys", "ListMFADevices",
                                           "ListServerCertificates", "ListSAMLProviders", "GetCredentialReport", "ListVirtualMFADevices",
                                           "ListOpenIDConnectProviders", "ListAttachedUserPolicies"]):
                self.cloud.call(begin + datetime.timedelta(seconds=number * 5), "auditor", "iam", name, None, error="AccessDenied")
        if self.chance(0.1):
            self.cloud.call(self.clock(day), "e.okafor", "iam", "CreateAccessKey", {"userName": "ci-deploy"})

    def day(self, day):
        working = day.weekday() < 5
        self.software_distribution(day)
        self.inventory(day)
        self.backups(day)
        self.doors(day)
        self.server_work(day)
        self.network(day)
        self.scanner(day)
        if working:
            self.people(day)
            self.administration(day)
            self.cloud_work(day)


def main():
    folder = sys.argv[1]
    noise = Noise(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    for number in range(DAYS):
        noise.day(FIRST + datetime.timedelta(days=number))
    events = os.path.join(folder, "events")
    compact = {"separators": (",", ":"), "ensure_ascii": False}
    for name, host in noise.hosts.items():
        save(events, f"{name.lower()}/winlogbeat.ndjson", "".join(json.dumps(r, **compact) + "\n" for r in host.beat.sorted()))
        save(events, f"{name.lower()}/security.xml", "<Events>\n" + "\n".join(host.security.sorted()) + "\n</Events>\n")
    for name, server in noise.servers.items():
        for file, log in (("auth.log", server.auth), ("audit.log", server.audit), ("nginx-access.log", server.web)):
            save(events, f"{name}/{file}", "".join(log.sorted()))
    for name, log in noise.zeek.logs.items():
        save(events, f"zeek/{name}.log", zeek_text(name, log))
    save(events, "cloudtrail/trail.json", '{"Records":[\n' + ",\n".join(json.dumps(r, **compact) for r in noise.cloud.log.sorted()) + "\n]}\n")
    rows = [(address, name) for name, (address, _) in HOSTS.items()] + [(address, name) for name, address in SERVERS.items()]
    save(folder, "assets.csv", "address,host\n" + "".join(f"{address},{name.lower()}\n" for address, name in sorted(rows)))


if __name__ == "__main__":
    main()
