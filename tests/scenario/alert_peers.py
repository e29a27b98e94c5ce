"""Slack and Twilio for stories: they keep what they take, and can be made to hang in the middle.

usage: alert_peers.py DIRECTORY

Writes into the directory: `url` (of both), and a line in `slack.log` or `sms.log` for each message that
was taken: its text, as JSON. Says `ready` when `url` is there.

While there is a file `hold-slack`, a request is held before anything of it is taken; with `hold-sms`, when
all of it is. Then there is a file `held-slack` or `held-sms`. It ends with the file, or when the client is
gone.
"""

import email.utils
import http.server
import json
import pathlib
import select
import signal
import socket
import sys
import threading
import time
import urllib.parse

directory = pathlib.Path(sys.argv[1])
lock = threading.Lock()
sent, posted = [], []


def keep(name, of, message):
    with lock:
        of.append(message)
        with open(directory / f"{name}.log", "a", encoding="utf-8") as log:
            log.write(json.dumps(message.get("text") or message["body"], ensure_ascii=False) + "\n")


class Peer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def say(self, status, answer):
        data = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def is_gone(self):
        if not select.select([self.connection], [], [], 0.02)[0]:
            return False
        try:
            return not self.connection.recv(1, socket.MSG_PEEK)
        except OSError:
            return True

    def is_held(self, name):
        """True when the client has not waited for it."""
        if (directory / f"hold-{name}").exists():
            (directory / f"held-{name}").touch()
        while (directory / f"hold-{name}").exists():
            if self.is_gone():
                self.close_connection = True
                return True
        return False

    def body(self):
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def do_GET(self):
        asked = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query))
        with lock:
            found = [one for one in reversed(sent) if one["to"] == asked["To"]]
        self.say(200, {"messages": found, "page": 0, "next_page_uri": None})

    def do_POST(self):
        if self.path == "/api/chat.postMessage":
            message = json.loads(self.body())
            if not self.is_held("slack"):
                keep("slack", posted, message)
                self.say(200, {"ok": True, "channel": message["channel"], "ts": f"1700000000.{len(posted):06}"})
            return
        form = dict(urllib.parse.parse_qsl(self.body().decode("ascii"), strict_parsing=True))
        message = {
            "sid": f"SM{len(sent):032x}", "to": form["To"], "from": form.get("From"), "body": form["Body"],
            "status": "queued", "direction": "outbound-api", "num_segments": "1", "num_media": "0",
            "error_code": None, "error_message": None, "date_created": email.utils.formatdate(time.time()),
            "date_sent": None}
        keep("sms", sent, message)
        if not self.is_held("sms"):
            self.say(201, message)


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


server = Server(("127.0.0.1", 0), Peer)
threading.Thread(target=server.serve_forever, daemon=True).start()
(directory / "url").write_text(f"http://127.0.0.1:{server.server_address[1]}")
print("ready", flush=True)
while True:
    signal.pause()
