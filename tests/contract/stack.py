"""The whole suite for tests in Python: a private PostgreSQL, a postoffice, a connector, the demo bot
and an edge, on free ports of the loopback; and a visitor's chat, as short as it can be."""

import base64
import contextlib
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request

TOP = pathlib.Path(__file__).parent.parent.parent
sys.path.append(str(TOP / "tests" / "harness"))
from postgres_server import Server, say  # noqa: E402  # from the folder named above

PATIENCE = 30  # seconds
#  Who asks here asks as fast as possible.
LIMITS = re.findall(r'"(EDGE_[A-Z_]+_PER_SECOND)"',
                    (TOP / "services" / "edge" / "tables" / "limits.def").read_text("utf-8"))
SECRET = "0123456789abcdef0123456789abcdef"
TOKENS = ('"tokens":{"keys":[{"kid":"k","algorithm":"HS256","key":"' + SECRET + '"}]}')


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def eventually(what, question):
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        with contextlib.suppress(OSError):
            if question():
                return
        time.sleep(0.05)
    raise AssertionError(f"not in {PATIENCE} s: {what}")


class Stack:
    def __init__(self, binaries, settings=(), sections="", also=()):
        """`sections`: of the app demo, each with a comma before it. `also`: further services."""
        self.services = ("postoffice", "stentor-connector", "edge", *also)
        self.binaries = pathlib.Path(binaries).resolve()
        self.settings = dict(settings)
        self.sections = sections
        self.folder = tempfile.mkdtemp(prefix="stentor-contract-")
        self.processes = {}
        self.edge = free_port()
        self.apps = pathlib.Path(self.folder) / "apps.json"

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def start(self):
        self.postgres = Server(self.folder)
        self.postgres.wait()
        say(self.postgres.url("boss", "postgres"),
            "CREATE ROLE stentor LOGIN;\nCREATE DATABASE stentor OWNER stentor;")
        bus, bot = free_port(), free_port()
        self.url = self.postgres.url("stentor", "stentor")
        self.apps.write_text('{"apps":[{"appId":"demo",' + TOKENS + ',"bot":{"url":"http://127.0.0.1:'
                             + f'{bot}/"' + '}' + self.sections + '},{"appId":"other",' + TOKENS + '}]}')
        common = {"POSTOFFICE_ADDRESSES": f"127.0.0.1:{bus}", "POSTGRES_URL": self.url,
                  "POSTOFFICE_BUS_ADDRESS": f"tcp://127.0.0.1:{bus}", "EDGE_PORT": str(self.edge),
                  "APPS_FILE": str(self.apps), "SHUTDOWN_GRACE": "2s", "LOG_LEVEL": "warn",
                  **{f"EDGE_ADDRESS_{limit}": "0" for limit in
                     ("SOCKETS", "SILENT", "SOCKETS_PER_SECOND", "UPGRADES_PER_SECOND",
                      "REQUESTS_PER_SECOND")},
                  **{limit: "0" for limit in LIMITS}, **self.settings}
        subprocess.run([self.binaries / "postoffice", "migrate"], check=True, env=common,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.run("demo-bot", {"DEMO_BOT_PORT": str(bot)})
        for service in self.services:
            port = free_port()
            self.run(service, {**common, "NODE_NAME": service, "OPERATIONS_PORT": str(port)})
            eventually(f"{service} is ready", lambda: self.alive(service) and urllib.request.urlopen(
                f"http://127.0.0.1:{port}/readyz", timeout=5).status == 200)

    def run(self, service, settings):
        with open(f"{self.folder}/{service}.log", "wb") as log:
            self.processes[service] = subprocess.Popen(
                ["setpriv", "--pdeathsig", "TERM", self.binaries / service], env=settings,
                stdout=log, stderr=log)

    def alive(self, service):
        if self.processes[service].poll() is not None:
            raise AssertionError(f"{service} has ended:\n{self.log(service)}")
        return True

    def log(self, service):
        return pathlib.Path(self.folder, f"{service}.log").read_text("utf-8", "replace")

    def token(self, claims):
        return subprocess.run([self.binaries / "edge", "make-token", claims], check=True, text=True,
                              capture_output=True, env={"APPS_FILE": str(self.apps)}).stdout.strip()

    def end(self):
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            process.wait()
        if hasattr(self, "postgres"):
            self.postgres.end()
        shutil.rmtree(self.folder, ignore_errors=True)

    def chat(self, who, session, *texts):
        """A visitor, "userId=…" or "token=…", opens the session and says these; they are stored."""
        with socket.create_connection(("127.0.0.1", self.edge), PATIENCE) as way:
            key = base64.b64encode(os.urandom(16)).decode()
            way.sendall(f"GET /?appId=demo&{who} HTTP/1.1\r\nHost: h\r\nConnection: Upgrade"
                        f"\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key:"
                        f" {key}\r\n\r\n".encode())
            self.hear(way, b"\r\n\r\n")
            self.frame(way, f'{{"event":"user joined","sessionId":"{session}"}}')
            self.hear(way, b"sessionCreated")
            for text in texts:
                self.frame(way, f'{{"event":"new message","sessionId":"{session}","data":'
                                f'{{"rawQuery":"{text}"}}}}')
                self.hear(way, b'"new message"')

    @staticmethod
    def frame(way, text):
        data = text.encode()
        assert len(data) < 65536
        size = bytes([0x80 | len(data)]) if len(data) < 126 else b"\xfe" + len(data).to_bytes(2, "big")
        way.sendall(b"\x81" + size + bytes(4) + data)  # masked with zeros

    @staticmethod
    def hear(way, what):
        heard = b""
        while what not in heard:
            piece = way.recv(65536)
            assert piece, f"closed before {what}: {heard}"
            heard += piece
