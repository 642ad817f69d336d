"""Receivers of mail and webhooks for delivery_test.cc, with the standard library only.

    delivery_test_receiver.py CERTIFICATE KEY SECRET

Prints its ports as a line of JSON, then a line for each thing it receives. Paths of webhooks say what is answered: /ok, /fail,
/gone, /redirect, /big, /hold (nothing, until the connection ends). Recipients later@... and never@... are refused. Ends with
its standard input.
"""
import base64
import hashlib
import hmac
import http.server
import json
import socketserver
import ssl
import sys
import threading

CERTIFICATE, KEY, SECRET = sys.argv[1:4]
context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(CERTIFICATE, KEY)
printing = threading.Lock()


def tell(**what):
    with printing:
        print(json.dumps(what), flush=True)


def signed(header, body):
    """Whether the header is what the documentation says."""
    parts = dict(part.split("=", 1) for part in header.split(",")) if header else {}
    text = parts.get("t", "").encode() + b"." + body
    return hmac.compare_digest(parts.get("v1", ""), hmac.new(SECRET.encode(), text, hashlib.sha256).hexdigest())


class Hook(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        tell(kind="hook", path=self.path, id=self.headers.get("X-Tocsin-Delivery", ""),
             event=self.headers.get("X-Tocsin-Event", ""), type=self.headers.get("Content-Type", ""),
             signed=signed(self.headers.get("X-Tocsin-Signature"), body), body=body.decode())
        if self.path == "/hold":
            self.rfile.read(1)
            return
        status = {"/fail": 503, "/gone": 404, "/redirect": 302}.get(self.path, 200)
        answer = b"x" * (1 << 20 if self.path == "/big" else 2)
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/ok")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *_):
        pass


class Mail(socketserver.StreamRequestHandler):
    tls_first = False

    def line(self, text):
        self.wfile.write((text + "\r\n").encode())

    def upgrade(self):
        self.connection = context.wrap_socket(self.connection, server_side=True)
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.tls = True

    def handle(self):
        self.tls, user, sender, to = False, "", "", []
        try:
            if self.tls_first:
                self.upgrade()
            self.line("220 receiver")
            while line := self.rfile.readline():
                word, _, rest = line.decode().strip().partition(" ")
                word = word.upper()
                if word == "EHLO":
                    offers = ["receiver", "AUTH PLAIN" if self.tls else "STARTTLS"]
                    self.line("250-" + offers[0])
                    self.line("250 " + offers[1])
                elif word == "STARTTLS":
                    self.line("220 go on")
                    self.upgrade()
                elif word == "AUTH":
                    secret = rest.partition(" ")[2]
                    if not secret:
                        self.line("334 ")
                        secret = self.rfile.readline().decode().strip()
                    given = base64.b64decode(secret).split(b"\0")[1:]
                    good = given == [b"tocsin", SECRET.encode()]
                    user = given[0].decode() if good else ""
                    self.line("235 well" if good else "535 wrong")
                elif word == "MAIL":
                    sender = rest
                    self.line("250 well")
                elif word == "RCPT":
                    to.append(rest)
                    self.line("451 later" if "later@" in rest else "550 never" if "never@" in rest else "250 well")
                elif word == "DATA":
                    self.line("354 go on")
                    text = b""
                    while (one := self.rfile.readline()) not in (b".\r\n", b""):
                        text += one[1:] if one.startswith(b".") else one
                    tell(kind="mail", sender=sender, to=to, user=user, tls=self.tls, text=text.decode())
                    self.line("250 taken")
                elif word == "QUIT":
                    self.line("221 bye")
                    return
                else:
                    self.line("250 well")
        except OSError:
            pass


class TlsMail(Mail):
    tls_first = True


class Threaded(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


class Web(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


servers = {"smtp": Threaded(("127.0.0.1", 0), Mail), "smtps": Threaded(("127.0.0.1", 0), TlsMail),
           "http": Web(("127.0.0.1", 0), Hook), "https": Web(("127.0.0.1", 0), Hook)}
servers["https"].socket = context.wrap_socket(servers["https"].socket, server_side=True)
for server in servers.values():
    threading.Thread(target=server.serve_forever, daemon=True).start()
tell(**{name: server.server_address[1] for name, server in servers.items()})
sys.stdin.read()
