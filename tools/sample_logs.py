"""The shapes of the logs that make_samples.py writes: one class per source of logs, and what they share.

Records are kept with their times (Log) and written in order of time. All randomness comes from RANDOM.
"""
import datetime
import hashlib
import random
from xml.sax.saxutils import escape

DAY = datetime.datetime(2026, 11, 17, tzinfo=datetime.timezone.utc)
RANDOM = random.Random(20261117)
ATTACKER = "203.0.113.66"         # Command and control, web scan, cloud calls.
DROP = "198.51.100.200"           # Receives the stolen data.
C2_NAME = "telemetry.northgate-cdn.example"
DROP_NAME = "drop.northgate-cdn.example"
TUNNEL = "t.ns-sync.example"
WS, WS_IP, USER = "WS-042.harrow.example", "10.20.4.42", "HARROW\\m.lindqvist"
SRV, SRV_IP, DC_IP = "srv-files01", "10.20.1.15", "10.20.0.10"
SYSMON = "Microsoft-Windows-Sysmon"
POWERSHELL = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"
SYSTEM32 = "C:\\Windows\\System32\\"
WORD = "C:\\Program Files\\Microsoft Office\\root\\Office16\\WINWORD.EXE"
IMPLANT = "C:\\Users\\Public\\OneSync\\onesync.exe"


def at(clock, offset=0.0):
    """The instant `clock` ("09:12" or "09:12:40") of the day, plus seconds."""
    parts = [int(p) for p in clock.split(":")] + [0]
    return DAY + datetime.timedelta(hours=parts[0], minutes=parts[1], seconds=parts[2] + offset)


def iso(when, digits=3):
    text = when.strftime("%Y-%m-%dT%H:%M:%S.%f")
    return text[:20 + digits] + "Z"


def working_time():
    """A time of the working day, denser in the morning and after lunch."""
    hour = RANDOM.choices(range(7, 18), [2, 7, 9, 9, 8, 3, 7, 9, 8, 6, 2])[0]
    return DAY + datetime.timedelta(hours=hour, seconds=RANDOM.uniform(0, 3599))


class Log:
    """Records of one file with their times; written in order of time."""

    def __init__(self):
        self.records = []

    def add(self, when, record):
        self.records.append((when, len(self.records), record))

    def sorted(self):
        return [record for _, _, record in sorted(self.records, key=lambda r: (r[0], r[1]))]


class Windows:
    """Events of WS-042: Sysmon and PowerShell as winlogbeat ships them, Security as event XML."""

    def __init__(self):
        self.beat, self.security = Log(), Log()
        self.next_pid = 4100

    def event(self, when, provider, channel, code, data, user=None):
        record = {
            "@timestamp": iso(when),
            "event": {"code": str(code), "provider": provider, "kind": "event"},
            "host": {"name": WS},
            "winlog": {"channel": channel, "provider_name": provider, "event_id": code, "computer_name": WS,
                       "event_data": data},
        }
        if user:
            record["winlog"]["user"] = dict(zip(("domain", "name"), user.split("\\")))
        self.beat.add(when, record)

    def sysmon(self, when, code, **data):
        data = {"UtcTime": when.strftime("%Y-%m-%d %H:%M:%S.%f")[:23], **data}
        self.event(when, SYSMON, SYSMON + "/Operational", code, data)

    def guid(self, pid):
        seed = hashlib.sha1(f"{WS}{pid}".encode()).hexdigest().upper()
        return f"{{4A2C81D0-{seed[:4]}-673B-{seed[4:8]}-{pid:012X}}}"

    def process(self, when, image, command, parent, user=USER, level="Medium", audit=True, original=None):
        """A process starts; `parent` is (image, pid, command line). Returns the same triple of the new one."""
        self.next_pid += 4 * RANDOM.randint(1, 9)
        pid, name = self.next_pid, image.rsplit("\\", 1)[-1]
        digest = hashlib.sha256(("harrow" + image).encode()).hexdigest().upper()
        self.sysmon(when, 1, ProcessGuid=self.guid(pid), ProcessId=str(pid), Image=image,
                    OriginalFileName=original or name, CommandLine=command, User=user, IntegrityLevel=level,
                    Hashes="SHA256=" + digest, ParentProcessGuid=self.guid(parent[1]), ParentProcessId=str(parent[1]),
                    ParentImage=parent[0], ParentCommandLine=parent[2])
        if audit:
            self.audit(when, 4688, SubjectUserSid="S-1-5-21-1180699209-877415012-3182924384-1142",
                       SubjectUserName=user.split("\\")[1], SubjectDomainName=user.split("\\")[0],
                       SubjectLogonId="0x5a3f1", NewProcessId=hex(pid), NewProcessName=image, CommandLine=command,
                       ProcessId=hex(parent[1]), ParentProcessName=parent[0])
        return image, pid, command

    def audit(self, when, code, computer=WS, **data):
        fields = "".join(f'<Data Name="{k}">{escape(v)}</Data>' for k, v in data.items())
        number = 880000 + len(self.security.records)
        self.security.add(when, self.xml(when, code, number, computer, f"<EventData>{fields}</EventData>"))

    @staticmethod
    def xml(when, code, number, computer, body, provider="Microsoft-Windows-Security-Auditing"):
        return ('<Event xmlns="http://schemas.microsoft.com/win/2004/08/events/event"><System>'
                f'<Provider Name="{provider}"/><EventID>{code}</EventID><Level>0</Level>'
                f'<TimeCreated SystemTime="{iso(when, 6)[:-1]}0Z"/><EventRecordID>{number}</EventRecordID>'
                f'<Channel>Security</Channel><Computer>{computer}</Computer></System>{body}</Event>')

    def log_cleared(self, when, user):
        body = ('<UserData><LogFileCleared xmlns="http://manifests.microsoft.com/win/2004/08/windows/eventlog">'
                f'<SubjectUserName>{user}</SubjectUserName><SubjectDomainName>HARROW</SubjectDomainName>'
                '<SubjectLogonId>0x5a3f1</SubjectLogonId></LogFileCleared></UserData>')
        self.security.add(when, self.xml(when, 1102, 880000 + len(self.security.records), WS, body,
                                         "Microsoft-Windows-Eventlog"))

    def script(self, when, text):
        self.event(when, "Microsoft-Windows-PowerShell", "Microsoft-Windows-PowerShell/Operational", 4104,
                   {"MessageNumber": "1", "MessageTotal": "1", "ScriptBlockText": text,
                    "ScriptBlockId": hashlib.md5(text.encode()).hexdigest(), "Path": ""}, USER)

    def connect(self, when, process, address, port, name=""):
        self.sysmon(when, 3, ProcessGuid=self.guid(process[1]), ProcessId=str(process[1]), Image=process[0], User=USER,
                    Protocol="tcp", Initiated="true", SourceIp=WS_IP, SourceHostname=WS,
                    SourcePort=str(RANDOM.randint(49700, 65000)), DestinationIp=address, DestinationHostname=name,
                    DestinationPort=str(port))

    def file(self, when, process, name):
        self.sysmon(when, 11, ProcessGuid=self.guid(process[1]), ProcessId=str(process[1]), Image=process[0],
                    TargetFilename=name, CreationUtcTime=when.strftime("%Y-%m-%d %H:%M:%S.%f")[:23], User=USER)

    def query(self, when, process, name, answer):
        self.sysmon(when, 22, ProcessGuid=self.guid(process[1]), ProcessId=str(process[1]), Image=process[0], User=USER,
                    QueryName=name, QueryStatus="0", QueryResults="::ffff:" + answer + ";")

    def logon(self, when, code, user, kind, address, computer=WS, workstation="WS-042"):
        outcome = {"Status": "0xc000006d", "SubStatus": "0xc000006a"} if code == 4625 else {"TargetLogonId": "0x7c1e2"}
        self.audit(when, code, computer, SubjectUserName="-", SubjectDomainName="-", SubjectLogonId="0x0",
                   TargetUserName=user, TargetDomainName="HARROW", LogonType=str(kind), LogonProcessName="NtLmSsp",
                   AuthenticationPackageName="NTLM", WorkstationName=workstation, IpAddress=address,
                   IpPort=str(RANDOM.randint(49700, 65000)), **outcome)


class Linux:
    """Logs of srv-files01: auth.log and syslog with ISO times, audit.log with name_format=hostname, the access log of
    nginx with $hostname before the combined format."""

    def __init__(self):
        self.auth, self.syslog, self.audit, self.web = Log(), Log(), Log(), Log()
        self.serial, self.pid = 21400, 20100

    def line(self, log, when, program, message, pid=True):
        self.pid += RANDOM.randint(1, 7)
        tag = f"{program}[{self.pid}]" if pid else program
        log.add(when, f"{iso(when, 6)[:-1]}+00:00 {SRV} {tag}: {message}\n")

    def sshd(self, when, user, address, ok, method="password", invalid=False):
        verb, who = ("Accepted" if ok else "Failed"), ("invalid user " if invalid else "") + user
        self.line(self.auth, when, "sshd", f"{verb} {method} for {who} from {address} "
                                           f"port {RANDOM.randint(40000, 64000)} ssh2")

    def sudo(self, when, user, command, tty="pts/1", folder=None, note=""):
        self.line(self.auth, when, "sudo", f" {user} : {note}TTY={tty} ; PWD={folder or '/home/' + user} ; USER=root ; "
                                           f"COMMAND={command}", pid=False)

    def records(self, when, exe, syscall, who, tail):
        """Adds one audit event; `who` is (uid, auid, tty), `tail` the records after SYSCALL."""
        self.serial += RANDOM.randint(1, 4)
        self.pid += RANDOM.randint(1, 7)
        stamp = f"msg=audit({when.timestamp():.3f}:{self.serial}):"
        uid, auid, tty = who
        session = 4294967295 if auid == 4294967295 else 31
        text = (f"node={SRV} type=SYSCALL {stamp} arch=c000003e syscall={syscall} success=yes exit=0 a0=55e1c0a8 a1=55e1c0b0 "
                f"a2=55e1c0c8 a3=8 items=2 ppid={self.pid - 3} pid={self.pid} auid={auid} uid={uid} gid={uid} "
                f"euid={uid} suid={uid} fsuid={uid} egid={uid} sgid={uid} fsgid={uid} tty={tty} ses={session} "
                f"comm=\"{exe.rsplit('/', 1)[-1][:15]}\" exe=\"{exe}\" subj=unconfined key=\"host\"\n")
        for kind, body in tail:
            text += f"node={SRV} type={kind} {stamp} {body}\n"
        self.audit.add(when, text)

    def execute(self, when, arguments, who, exe=None, folder="/"):
        exe = exe or ("/usr/bin/" + arguments[0] if "/" not in arguments[0] else arguments[0])
        texts = [a if not set(a) & set(' "\t') else None for a in arguments]
        shown = " ".join(f"a{i}=" + (f'"{t}"' if t is not None else arguments[i].encode().hex().upper())
                         for i, t in enumerate(texts))
        title = b"\0".join(a.encode() for a in arguments)[:128].hex().upper()
        self.records(when, exe, 59, who, [("EXECVE", f"argc={len(arguments)} {shown}"), ("CWD", f'cwd="{folder}"'),
                                          ("PROCTITLE", f"proctitle={title}")])

    def touch(self, when, exe, name, who, nametype="CREATE", syscall=257):
        self.records(when, exe, syscall, who, [("CWD", 'cwd="/root"'), (
            "PATH", f'item=1 name="{name}" inode={RANDOM.randint(1000, 900000)} dev=fe:01 mode=0100644 ouid={who[0]} '
                    f'ogid={who[0]} rdev=00:00 nametype={nametype} cap_fp=0 cap_fi=0 cap_fe=0 cap_fver=0')])

    def request(self, when, address, method, target, status, size, agent, referer="-"):
        stamp = when.strftime("%d/%b/%Y:%H:%M:%S +0000")
        self.web.add(when, f'{SRV} {address} - - [{stamp}] "{method} {target} HTTP/1.1" {status} {size} "{referer}" "{agent}"\n')


class Zeek:
    """conn, dns, http and ssl logs of the sensor, tab-separated with their headers."""
    FIELDS = {
        "conn": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum "
                "service:string duration:interval orig_bytes:count resp_bytes:count conn_state:string "
                "local_orig:bool local_resp:bool missed_bytes:count history:string",
        "dns": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port proto:enum "
               "trans_id:count query:string qclass_name:string qtype_name:string rcode_name:string answers:vector[string]",
        "http": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port method:string "
                "host:string uri:string user_agent:string request_body_len:count response_body_len:count "
                "status_code:count resp_mime_types:vector[string]",
        "ssl": "ts:time uid:string id.orig_h:addr id.orig_p:port id.resp_h:addr id.resp_p:port version:string "
               "cipher:string server_name:string established:bool subject:string issuer:string validation_status:string",
    }

    def __init__(self):
        self.logs = {name: Log() for name in self.FIELDS}

    def uid(self):
        return "C" + "".join(RANDOM.choices("ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789", k=17))

    def row(self, log, when, *values):
        self.logs[log].add(when, "\t".join([f"{when.timestamp():.6f}", *map(str, values)]) + "\n")

    def conn(self, when, source, target, port, proto="tcp", service="-", duration=0.2, sent=600, received=4000,
             state="SF", uid=None):
        uid = uid or self.uid()
        inside = "T" if target.startswith("10.") else "F"
        history = "Dd" if proto == "udp" else ("S" if state == "S0" else "ShADadfF")
        self.row("conn", when, uid, source, RANDOM.randint(49152, 65000), target, port, proto, service,
                 f"{duration:.6f}", sent, received, state, "T" if source.startswith("10.") else "F", inside, 0, history)
        return uid

    def dns(self, when, source, name, kind="A", answer="-", rcode="NOERROR"):
        uid = self.conn(when, source, DC_IP, 53, "udp", "dns", 0.004, 40 + len(name), 90)
        self.row("dns", when, uid, source, RANDOM.randint(49152, 65000), DC_IP, 53, "udp", RANDOM.randint(1, 65535),
                 name, "C_INTERNET", kind, rcode, answer)

    def tls(self, when, source, target, name, sent, received, duration=0.4, port=443, subject=None, issuer=None):
        uid = self.conn(when, source, target, port, "tcp", "ssl", duration, sent, received)
        subject = subject or f"CN={name}"
        issuer = issuer or "CN=Example Public CA R3,O=Example Trust"
        self.row("ssl", when, uid, source, RANDOM.randint(49152, 65000), target, port, "TLSv13",
                 "TLS_AES_128_GCM_SHA256", name, "T", subject, issuer,
                 "self signed certificate" if subject == issuer else "ok")


class Cloud:
    """CloudTrail records of account 111122223333."""
    ACCOUNT = "111122223333"

    def __init__(self):
        self.log = Log()

    def call(self, when, user, service, name, parameters=None, address="192.0.2.14", agent=None, error=None, **more):
        key = hashlib.sha1(user.encode()).hexdigest().upper()[:16]
        record = {
            "eventVersion": "1.11",
            "userIdentity": {"type": "IAMUser", "principalId": "AIDA" + key, "userName": user, "accountId": self.ACCOUNT,
                             "arn": f"arn:aws:iam::{self.ACCOUNT}:user/{user}", "accessKeyId": "AKIA" + key},
            "eventTime": when.strftime("%Y-%m-%dT%H:%M:%SZ"), "eventSource": service + ".amazonaws.com",
            "eventName": name, "awsRegion": "eu-central-1", "sourceIPAddress": address,
            "userAgent": agent or "aws-sdk-go-v2/1.39.2 os/linux lang/go#1.25.1", "requestParameters": parameters,
            "responseElements": None,
        }
        if error:
            record.update(errorCode=error, errorMessage=f"User {user} is not authorized to perform: {service}:{name}")
        record.update(more)
        number = hashlib.md5(f"{user}{name}{when}{len(self.log.records)}".encode()).hexdigest()
        record.update(eventID=f"{number[:8]}-{number[8:12]}-4{number[13:16]}-9{number[17:20]}-{number[20:32]}",
                      eventType="AwsApiCall", recipientAccountId=self.ACCOUNT)
        self.log.add(when, record)
