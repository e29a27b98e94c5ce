#!/usr/bin/env python3
"""Endpoints of webhooks that do what their script says, for tests of the notifier.

    webhook_peer.py DIRECTORY

Each row of SCRIPTS is an app, with an endpoint `crm` on a port of its own that behaves in one way. Writes
into DIRECTORY: `apps.json` (all apps), `ca.pem` (who signed the good certificate), and for each app
`<app>.log`: a line for each request, with what was found of its signatures, and one with a blank before
it for its body. Says `ready` when all of that is there.
"""

import base64
import hashlib
import hmac
import json
import pathlib
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading
import time

HOST = "127.0.0.1"
KEY, OLD_KEY = bytes(range(32)), bytes(range(32, 64))
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OLD_SECRET = "whsec_" + base64.b64encode(OLD_KEY).decode()

#  `says` is the answer, an item for each time that it comes to it (the last one stays); "close" ends
#  the connection, "reset" ends it roughly, "hang" waits for the client to go.
OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def status(number, *headers, body=""):
    lines = [f"HTTP/1.1 {number} Word", f"Content-Length: {len(body)}", *headers]
    return "".join(f"{line}\r\n" for line in lines) + "\r\n" + body


SCRIPTS = {
    "good": {"says": OK},
    "good-201": {"says": status(201)},
    "good-204": {"says": "HTTP/1.1 204 No\r\n\r\n"},
    "good-large": {"says": status(200, body="x" * 1000000)},
    "good-cut": {"says": "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf"},
    "good-clear": {"says": OK, "scheme": "http"},
    "rotating": {"says": OK, "endpoint": {"previousSecret": OLD_SECRET}},
    "status-301": {"says": status(301, "Location: /elsewhere")},
    "status-307": {"says": status(307, "Location: /elsewhere")},
    "status-400": {"says": status(400, body="no: /hook?key=open-sesame")},
    "status-401": {"says": status(401)},
    "status-404": {"says": status(404)},
    "status-408": {"says": status(408)},
    "status-410": {"says": status(410)},
    "status-429": {"says": status(429)},
    "status-429-wait": {"says": status(429, "Retry-After: 7")},
    "status-500": {"says": status(500, "Retry-After: 7")},
    "status-502": {"says": status(502)},
    "status-502-wait": {"says": status(502, "Retry-After: 3600")},
    "status-503": {"says": status(503)},
    "status-503-wait": {"says": status(503, "Retry-After: 120")},
    "status-503-week": {"says": status(503, "Retry-After: 604800")},
    "status-503-odd": {"says": status(503, "Retry-After: soon")},
    "status-504-wait": {"says": status(504, "Retry-After: 60")},
    "status-700": {"says": status(700)},
    "close": {"says": "close"},
    "reset": {"says": "reset"},
    "hang": {"says": "hang"},
    "head-hang": {"says": "HTTP/1.1 200 OK\r\n", "hangs": True},
    "no-http": {"says": "220 hello\r\n\r\n"},
    "head-large": {"says": "HTTP/1.1 200 OK\r\nX: " + "x" * 100000 + "\r\n\r\n"},
    "not-trusted": {"says": OK, "certificate": "other"},
    "expired": {"says": OK, "certificate": "expired"},
    "tls-to-plain": {"says": OK, "is_plain": True},
    "twice": {"says": ["close", OK]},
}

directory = pathlib.Path(sys.argv[1])
lock = threading.Lock()
times = {}


def note(app, line):
    with lock, open(directory / f"{app}.log", "ab") as log:
        log.write(line + b"\n")


def is_signed(key, headers, body):
    """Is one of the signatures right? Of its own, beside the router's code."""
    said = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    wanted = "v1," + base64.b64encode(hmac.new(key, said, hashlib.sha256).digest()).decode()
    return wanted in headers["webhook-signature"].split(" ")


def take(app, file):
    """One request; False: there is none."""
    line = file.readline().rstrip(b"\r\n")
    if not line:
        return False
    headers = {}
    while header := file.readline().rstrip(b"\r\n"):
        name, value = header.decode().split(": ", 1)
        headers[name.lower()] = value
    body = file.read(int(headers["content-length"]))
    age = abs(int(headers["webhook-timestamp"]) - time.time())
    assert age < 300, age
    assert headers["content-type"] == "application/json", headers
    json.loads(body)
    assert len(body) <= 20000, len(body)
    note(app, b"%s %s signed=%d old=%d count=%d" % (
        line, headers["webhook-id"].encode(), is_signed(KEY, headers, body), is_signed(OLD_KEY, headers, body),
        len(headers["webhook-signature"].split(" "))))
    note(app, b" " + body)
    return True


def answer(app, connection):
    script = SCRIPTS[app]
    said = script["says"]
    if isinstance(said, list):
        with lock:
            at = times[app] = times.get(app, -1) + 1
        said = said[min(at, len(said) - 1)]
    if said == "reset":
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if said not in ("close", "reset", "hang"):
        connection.sendall(said.encode())
    if said == "hang" or script.get("hangs"):
        connection.recv(1)


def serve(app, connection):
    script = SCRIPTS.get(app, {})
    try:
        if not script.get("is_plain") and script.get("scheme") != "http":
            connection = contexts[script.get("certificate", "good")].wrap_socket(connection, server_side=True)
        with connection.makefile("rb") as file:
            if take(app, file):
                answer(app, connection)
    except (AssertionError, KeyError, ValueError) as error:
        if not script.get("is_plain"):
            note(app, b"WRONG " + repr(error).encode())
    except OSError:
        pass
    finally:
        connection.close()


def listen(app, listener):
    while True:
        connection, _ = listener.accept()
        note(app, b"connected")
        threading.Thread(target=serve, args=(app, connection), daemon=True).start()


def certify(name, days, *names):
    """A certificate that signs itself, for these hosts."""
    subject = ",".join(names)
    begin = ["-days", str(days)] if days > 0 else ["-not_before", "20200101000000Z", "-not_after",
                                                   "20200201000000Z"]
    made = subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *begin,
         "-subj", f"/CN={name}", "-addext", f"subjectAltName={subject}", "-keyout", directory / f"{name}.key",
         "-out", directory / f"{name}.pem"], stderr=subprocess.DEVNULL, check=False)
    if made.returncode != 0:  # an older openssl can write no date of the past
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


contexts = {"good": certify("ca", 2, "IP:127.0.0.1", "DNS:localhost"),
            "other": certify("other", 2, "IP:127.0.0.1"),
            "expired": certify("expired", 0, "IP:127.0.0.1")}
if not contexts["expired"]:
    contexts["expired"] = contexts["other"]
else:
    with open(directory / "ca.pem", "ab") as trusted:
        trusted.write((directory / "expired.pem").read_bytes())


def app_of(app, url, **more):
    endpoint = {"name": "crm", "url": url, "secret": SECRET, "events": ["message.created"], **more}
    return {"appId": app, "webhooksOut": [endpoint],
            "webhooksIn": [{"channel": "support", "kind": "standard", "secret": SECRET, "reply": "crm"}]}


apps, port = [], 0
for app, script in SCRIPTS.items():
    listener = socket.create_server((HOST, 0), backlog=50)
    threading.Thread(target=listen, args=(app, listener), daemon=True).start()
    here = listener.getsockname()[1]
    port = port or here
    apps.append(app_of(app, f"{script.get('scheme', 'https')}://{HOST}:{here}/hook?key=open-sesame",
                       **script.get("endpoint", {})))
closed = socket.create_server((HOST, 0))
apps.append(app_of("refused", f"https://{HOST}:{closed.getsockname()[1]}/"))
closed.close()
apps.append(app_of("resolve", "https://nowhere.invalid/"))
apps.append({"appId": "no-endpoint"})

#  Addresses of this machine, and of others that must not be reached, in every spelling.
SPELLINGS = [
    "127.0.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "017700000001", "0177.0.0.01", "127.1", "127.0.1",
    "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:7f00:0001]", "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]", "127.0.0.1.", "user@127.0.0.1", "user:word@127.0.0.1", "example.com@127.0.0.1",
    "0.0.0.0", "0", "[::]", "localhost", "LocalHost", "localhost.", "127.255.255.254", "%31%32%37.0.0.1",
    "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "0xa9fea9fe", "100.64.0.1", "[fd00::1]",
    "[fe80::1]", "224.0.0.1", "255.255.255.255",
]
(directory / "apps.json").write_text(json.dumps({"apps": apps}))
(directory / "spellings.json").write_text(json.dumps({"apps": [
    app_of(f"spelling-{at}", f"https://{spelling}:{port}/") for at, spelling in enumerate(SPELLINGS)]}))
(directory / "spellings").write_text("".join(f"{spelling}\n" for spelling in SPELLINGS))
print("ready", flush=True)
while True:
    signal.pause()
