#!/usr/bin/env python3
"""A mail server that does what its script says, for tests of the notifier.

    smtp_server.py DIRECTORY

Each row of SCRIPTS is an app, with a port of its own that behaves in one way. Writes into DIRECTORY:
`apps.json` (all apps, with the ports), `ca.pem` (who is trusted), and for each app
`<app>.log`: what clients said, a line each, mails with a blank before each line. Says `ready` when all
of that is there. The answer "held" is given behind a SIGUSR1.
"""

import json
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading

HOST = "127.0.0.1"
USER, PASSWORD = "robot@example.com", "open-sesame"

#  What is said in place of the usual answer, by command ("." is the end of the mail). An answer may
#  be a list, an item for each time that it comes to it (the last one stays); "" says nothing,
#  "close" ends the connection, "reset" ends it roughly, "hang" waits for the client to go, "held" for
#  a signal.
OK = {"offer": ["STARTTLS"], "then": ["AUTH PLAIN LOGIN"]}
TLS = {"tls": True, "offer": ["AUTH PLAIN LOGIN"]}
PLAIN = {"offer": ["8BITMIME"], "email": {"security": "none", "user": None, "withoutLogin": True}}


def like(base, **more):
    return {**base, **more}


SCRIPTS = {
    "good": OK,
    "good-tls": TLS,
    "good-plain": PLAIN,
    "greeting-421": like(PLAIN, greeting="421 4.3.2 not now"),
    "greeting-554": like(PLAIN, greeting="554 5.7.1 not you"),
    "greeting-close": like(PLAIN, greeting="close"),
    "greeting-hang": like(PLAIN, greeting="hang"),
    "greeting-then-close": like(PLAIN, ehlo="close"),
    "helo-only": like(OK, ehlo="502 5.5.1 what"),
    "helo-only-tls": like(TLS, ehlo="502 5.5.1 what"),
    "helo-only-plain": like(PLAIN, ehlo="502 5.5.1 what"),
    "no-starttls": like(OK, offer=["AUTH PLAIN LOGIN"]),
    "starttls-454": like(OK, starttls="454 4.7.0 no TLS now"),
    "injected": like(OK, starttls="220 go\r\n250 smuggled"),
    "not-trusted": like(OK, certificate="other"),
    "expired": like(TLS, certificate="old"),
    "tls-to-plain": like(PLAIN, email={"security": "tls", "user": None, "withoutLogin": True}),
    "no-auth": like(TLS, offer=["8BITMIME"]),
    "no-auth-starttls": like(OK, then=["8BITMIME"]),
    "no-auth-allowed": like(TLS, offer=["8BITMIME"], email={"withoutLogin": True}),
    "no-mechanism": like(TLS, offer=["AUTH GSSAPI"]),
    "auth-535": like(OK, auth="535 5.7.8 bad open-sesame b3Blbi1zZXNhbWU="),
    "auth-454": like(OK, auth="454 4.7.0 later"),
    "auth-538": like(OK, auth="538 5.7.11 more TLS"),
    "mail-451": like(PLAIN, mail="451 4.3.0 later"),
    "mail-452": like(PLAIN, mail="452 4.3.1 full"),
    "mail-421": like(PLAIN, mail=["421 4.3.2 going", "close"], closes=True),
    "mail-530": like(PLAIN, mail="530 5.7.0 log in first"),
    "mail-550": like(PLAIN, mail="550 5.7.1 no"),
    "mail-close": like(PLAIN, mail="close"),
    "rcpt-450": like(PLAIN, rcpt="450 4.2.0 greylisted"),
    "rcpt-501": like(PLAIN, rcpt="501 5.1.3 what"),
    "rcpt-550": like(PLAIN, rcpt="550 5.1.1 no such user"),
    "rcpt-550-4": like(PLAIN, rcpt="550 4.2.1 try again"),
    "rcpt-552": like(PLAIN, rcpt="552 5.2.2 mailbox full"),
    "rcpt-553": like(PLAIN, rcpt="553 5.1.3 no"),
    "rcpt-close": like(PLAIN, rcpt="close"),
    "rcpt-hang": like(PLAIN, rcpt="hang"),
    "data-421": like(PLAIN, data="421 4.3.2 going", closes=True),
    "data-554": like(PLAIN, data="554 5.5.1 no"),
    "end-421": like(PLAIN, **{".": "421 4.3.2 going"}, closes=True),
    "end-451": like(PLAIN, **{".": "451 4.3.0 later"}),
    "end-552": like(PLAIN, **{".": "552 5.3.4 too big"}),
    "end-554": like(PLAIN, **{".": "554 5.7.1 spam"}),
    "end-554-4": like(PLAIN, **{".": "554 4.7.1 later"}),
    "end-close": like(PLAIN, **{".": "close"}),
    "end-reset": like(PLAIN, **{".": "reset"}),
    "end-hang": like(PLAIN, **{".": "hang"}),
    "end-half": like(PLAIN, **{".": "250-half"}, closes=True),
    "end-close-once": like(PLAIN, **{".": ["close", "250 2.0.0 taken"]}),
    "quit-hang": like(OK, quit="hang"),
    "quit-close": like(OK, quit="close"),
    "held": like(PLAIN, **{".": "held"}),
}
USUAL = {"greeting": "220 test ESMTP", "mail": "250 2.1.0 ok", "rcpt": "250 2.1.5 ok", "data": "354 go on",
         ".": "250 2.0.0 taken as 7", "quit": "221 2.0.0 bye", "rset": "250 ok", "helo": "250 test",
         "starttls": "220 2.0.0 go on"}

#  Before there are threads, each of which could get it in place of who waits for it.
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
directory = pathlib.Path(sys.argv[1])
lock = threading.Lock()
times = {}
release = threading.Event()


def note(app, line):
    with lock, open(directory / f"{app}.log", "ab") as log:
        log.write(line.rstrip(b"\r\n") + b"\n")


class End(Exception):
    pass


class Talk:
    """One connection."""

    def __init__(self, app, connection):
        self.app, self.script, self.connection = app, SCRIPTS[app], connection
        self.file, self.is_encrypted = None, False

    def encrypt(self):
        self.connection = contexts[self.script.get("certificate", "good")].wrap_socket(
            self.connection, server_side=True)
        self.is_encrypted = True
        self.file = self.connection.makefile("rb")

    def answer(self, what):
        said = self.script.get(what, USUAL.get(what))
        if isinstance(said, list):
            with lock:
                at = times[self.app, what] = times.get((self.app, what), -1) + 1
            said = said[min(at, len(said) - 1)]
        if said == "held":
            release.wait()
            said = USUAL[what]
        if said == "hang":
            self.connection.recv(1)
            raise End
        if said == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        if said in ("close", "reset"):
            raise End
        if said:
            self.connection.sendall(said.encode() + b"\r\n")
        if self.script.get("closes") and said[:3] in ("421", "250") and what in ("mail", "data", "."):
            if said[:3] == "421" or said[3] == "-":
                raise End
        return said

    def hello(self):
        if "ehlo" in self.script:
            self.answer("ehlo")
            return
        offer = self.script.get("then" if self.is_encrypted and "then" in self.script else "offer", [])
        lines = ["test", *offer]
        self.connection.sendall("".join(
            f"250{' ' if line is lines[-1] else '-'}{line}\r\n" for line in lines).encode())

    def log_in(self, words):
        if "auth" in self.script:
            self.answer("auth")
            return
        import base64
        given = base64.b64decode(words[2]) if len(words) > 2 else b""
        is_good = given == f"\0{USER}\0{PASSWORD}".encode()
        self.connection.sendall(b"235 2.7.0 welcome\r\n" if is_good else b"535 5.7.8 no\r\n")

    def take_mail(self):
        if not self.answer("data").startswith("354"):
            return
        for line in self.file:
            if line == b".\r\n":
                break
            assert line.endswith(b"\r\n") and b"\r" not in line[:-2] and b"\n" not in line[:-2], line
            note(self.app, b" " + (line[1:] if line.startswith(b".") else line))
        else:
            raise End
        note(self.app, b".")
        self.answer(".")

    def run(self):
        if self.script.get("tls"):
            self.encrypt()
        else:
            self.file = self.connection.makefile("rb")
        note(self.app, b"connected")
        self.answer("greeting")
        #  Not by iterating: STARTTLS brings another file.
        while line := self.file.readline():
            words = line.decode().split()
            command = words[0].lower() if words else ""
            #  A password is nobody's business, also here.
            note(self.app, line if command != "auth" else b"AUTH " + words[1].encode())
            if command == "ehlo":
                self.hello()
            elif command == "starttls":
                if self.answer("starttls").startswith("220"):
                    self.encrypt()
            elif command == "auth":
                self.log_in(words)
            elif command == "data":
                self.take_mail()
            elif command == "quit":
                self.answer("quit")
                break
            elif command in USUAL:
                self.answer(command)
            else:
                self.connection.sendall(b"500 5.5.2 what\r\n")


def serve(app, connection):
    talk = Talk(app, connection)
    try:
        talk.run()
    except (End, OSError, ssl.SSLError, AssertionError) as error:
        if isinstance(error, AssertionError):
            note(app, b"WRONG " + repr(error).encode())
    finally:
        if talk.file:
            talk.file.close()
        talk.connection.close()


def listen(app, listener):
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(app, connection), daemon=True).start()


def certify(name, *names):
    """A certificate that signs itself, for these hosts."""
    subject = ",".join(names)
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}",
                    "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem"],
                   stderr=subprocess.DEVNULL, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


def certify_for_2020():
    """A certificate that was good for a day."""
    (directory / "index").touch()
    (directory / "ca.conf").write_text(f"""
[ca]
default_ca = own
[own]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
default_md = sha256
policy = any
x509_extensions = names
[any]
commonName = supplied
[names]
subjectAltName = IP:127.0.0.1
""")
    key, request = directory / "old.key", directory / "old.csr"
    subprocess.run(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-subj", "/CN=old", "-keyout", key, "-out", request], stderr=subprocess.DEVNULL, check=True)
    subprocess.run(["openssl", "ca", "-batch", "-selfsign", "-notext", "-config", directory / "ca.conf", "-keyfile",
                    key, "-in", request, "-out", directory / "old.pem", "-startdate", "20200101000000Z",
                    "-enddate", "20200102000000Z"], stderr=subprocess.DEVNULL, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "old.pem", key)
    return context


contexts = {"good": certify("ca", "IP:127.0.0.1", "DNS:localhost"), "other": certify("other", "IP:127.0.0.1"),
            "old": certify_for_2020()}
with open(directory / "ca.pem", "a", encoding="ascii") as trusted:
    trusted.write((directory / "old.pem").read_text())
apps = []
for app, script in SCRIPTS.items():
    listener = socket.create_server((HOST, 0), backlog=50)
    threading.Thread(target=listen, args=(app, listener), daemon=True).start()
    scheme = "smtps" if script.get("tls") or script.get("email", {}).get("security") == "tls" else "smtp"
    email = {"url": f"{scheme}://{HOST}:{listener.getsockname()[1]}", "user": USER, "password": PASSWORD,
             "security": "tls" if script.get("tls") else "starttls", "from": "alerts@example.com",
             "fromName": "Chat", **script.get("email", {})}
    if email["user"] is None:
        del email["user"], email["password"]
    apps.append({"appId": app, "email": email})
closed = socket.create_server((HOST, 0))
nobody = {"security": "none", "withoutLogin": True, "from": "alerts@example.com"}
apps.append({"appId": "refused", "email": {"url": f"smtp://{HOST}:{closed.getsockname()[1]}", **nobody}})
closed.close()
apps.append({"appId": "resolve", "email": {"url": "smtp://nowhere.invalid:25", **nobody}})
apps.append({"appId": "no-email"})
(directory / "apps.json").write_text(json.dumps({"apps": apps}))
print("ready", flush=True)
while True:
    signal.sigwait({signal.SIGUSR1})
    release.set()
