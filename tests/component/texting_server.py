"""Twilio and Slack for a test: an HTTPS server that keeps what it takes, and says what scripts want.

usage: texting_server.py DIRECTORY

Writes into the directory: `apps.json` (an app for each script), `ca.pem` (who signed the good
certificate), `good` and `other` (URLs of the server with that certificate, and with another one),
and for each app `<app>.log`: its requests, a line each, decoded. Says `ready` when all of that is
there. A line that begins with WRONG is a request that the vendor's documentation does not allow.
"""

import base64
import email.utils
import http.server
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
import urllib.parse

HOST, TOKEN = "127.0.0.1", "open-sesame"
FROM, SERVICE = "+15555550111", "MG" + "5" * 32

#  What is answered: a status and an error's code or body, for each request in turn (the last one
#  stays). "sent" takes it; "close", "reset" and "hang" give no answer; "taken-…" takes it before.
#  Behind "look" is what is answered to the question for the list.


def error(status, code, **more):
    return {"status": status, "body": json.dumps({"code": code, "message": f"error <{code}>", "status": status}),
            **more}


SMS = {
    "good": ["sent"],
    "service": ["sent"],
    "key": ["sent"],
    "one-a-second": ["sent"],
    "login-401": [error(401, 20003)],
    "forbidden-403": [error(403, 20003)],
    "path-404": [error(404, 20404)],
    "to-21211": [error(400, 21211)],
    "from-21212": [error(400, 21212)],
    "from-21606": [error(400, 21606)],
    "region-21408": [error(400, 21408)],
    "stop-21610": [error(400, 21610)],
    "route-21612": [error(400, 21612)],
    "mobile-21614": [error(400, 21614)],
    "long-21617": [error(400, 21617)],
    "long-21658": [error(400, 21658)],
    "long-21605": [error(400, 21605)],
    "new-29999": [error(400, 29999)],
    "html-400": [{"status": 400, "body": "<html>no</html>"}],
    "busy-429": [error(429, 20429)],
    "busy-after": [error(429, 20429, headers={"Retry-After": "77"})],
    "busy-html": [{"status": 429, "body": "slow down"}],
    "server-500": [error(500, 20500)],
    "server-503": [error(503, 20503)],
    "proxy-502": [{"status": 502, "body": "<html>bad gateway</html>"}],
    "proxy-408": [{"status": 408, "body": ""}],
    "moved-302": [{"status": 302, "body": "", "headers": {"Location": "/elsewhere"}}],
    "garbage-201": [{"status": 201, "body": "{\"sid\":7"}],
    "list-201": [{"status": 201, "body": "[1,2]"}],
    "close": ["close"],
    "reset": ["reset"],
    "hang": ["hang"],
    "cut": ["cut"],
    "close-once": ["close", "sent"],
    "taken-close": ["taken-close", "sent"],
    "second-close": ["sent", "taken-close", "sent"],
    "second-lost": ["sent", "close", "sent"],
    "second-500": ["sent", error(500, 20500), "sent"],
    "no-look": ["sent"],
    "look-500": ["sent"],
}
LOOKS = {"no-look": error(403, 20003), "look-500": error(500, 20500)}


def words(word, status=200, **more):
    return {"status": status, "body": json.dumps({"ok": False, "error": word}), **more}


SLACK = {
    "good": ["sent"],
    "thread": ["sent"],
    "pace": ["sent"],
    **{word.replace("_", "-"): [words(word)] for word in (
        "channel_not_found", "not_in_channel", "is_archived", "msg_too_long", "msg_blocks_too_long", "no_text",
        "restricted_action", "messages_tab_disabled", "invalid_auth", "not_authed", "account_inactive",
        "token_revoked", "token_expired", "missing_scope", "ekm_access_denied", "invalid_json", "invalid_charset",
        "internal_error", "fatal_error", "service_unavailable", "brand_new_error")},
    "ratelimited": [words("ratelimited", 429, headers={"Retry-After": "12"})],
    "ratelimited-bare": [words("ratelimited", 429)],
    "server-500": [{"status": 500, "body": "oops"}],
    "server-503": [{"status": 503, "body": ""}],
    "html-200": [{"status": 200, "body": "<html>hello</html>"}],
    "moved-302": [{"status": 302, "body": "", "headers": {"Location": "/elsewhere"}}],
    "close": ["close"],
    "reset": ["reset"],
    "hang": ["hang"],
    "cut": ["cut"],
    "close-once": ["close", "sent"],
    "old-thread": [words("thread_not_found"), "sent"],
}
HOOKS = {
    "hook-good": ["sent"],
    "hook-payload": [{"status": 400, "body": "invalid_payload"}],
    "hook-user": [{"status": 400, "body": "user_not_found"}],
    "hook-prohibited": [{"status": 403, "body": "action_prohibited"}],
    "hook-token": [{"status": 403, "body": "invalid_token"}],
    "hook-channel": [{"status": 404, "body": "channel_not_found"}],
    "hook-service": [{"status": 404, "body": "no_service"}],
    "hook-team": [{"status": 404, "body": "no_team"}],
    "hook-archived": [{"status": 410, "body": "channel_is_archived"}],
    "hook-410": [{"status": 410, "body": ""}],
    "hook-rollup": [{"status": 500, "body": "rollup_error"}],
    "hook-429": [{"status": 429, "body": "slow down", "headers": {"Retry-After": "9"}}],
    "hook-429-bare": [{"status": 429, "body": ""}],
    "hook-404": [{"status": 404, "body": "<html>https://hooks.slack.com/services/SECRET</html>"}],
    "hook-302": [{"status": 302, "body": "", "headers": {"Location": "https://example.com/SECRET"}}],
    "hook-close": ["close"],
    "hook-hang": ["hang"],
}

directory = pathlib.Path(sys.argv[1])
lock = threading.Lock()
times, sent = {}, {}


def sid(prefix, number):
    return f"{prefix}{number:032x}"


accounts = {sid("AC", at + 1): app for at, app in enumerate(SMS)}
channels = {f"C{at + 1:03}": app for at, app in enumerate(SLACK)}


def note(app, line):
    with lock, open(directory / f"{app}.log", "a", encoding="utf-8") as log:
        log.write(line + "\n")


class End(Exception):
    pass


class Peer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def check(self, app, is_good, what):
        if not is_good:
            note(app, f"WRONG {what}")

    def script(self, key, scripts):
        with lock:
            at = times[key] = times.get(key, -1) + 1
        return scripts[min(at, len(scripts) - 1)]

    def say(self, status, body, headers=None, kind="application/json"):
        data = body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def follow(self, step, take):
        """Does what the script says; returns when it has answered."""
        if step == "sent":
            self.say(*take())
            return
        if isinstance(step, dict):
            self.say(step["status"], step["body"], step.get("headers"))
            return
        if step.startswith("taken-"):
            take()
            step = step[6:]
        if step == "cut":
            self.wfile.write(b"HTTP/1.1 201 Created\r\nContent-Length: 5000\r\n\r\n{")
            self.wfile.flush()
        if step == "hang":
            self.connection.settimeout(60)
            try:
                self.rfile.read(1)
            except OSError:
                pass
        if step == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def twilio(self, parts, query, body):
        account = parts[2]
        app = accounts[account]
        kind, _, login = self.headers.get("Authorization", "").partition(" ")
        user = "SK" + "7" * 32 if app == "key" else account
        self.check(app, kind == "Basic" and base64.b64decode(login).decode() == f"{user}:{TOKEN}", "login")
        self.check(app, parts == ["2010-04-01", "Accounts", account, "Messages.json"], "path")
        if self.command == "GET":
            asked = dict(urllib.parse.parse_qsl(query, strict_parsing=True))
            note(app, "GET " + " ".join(f"{name}={value}" for name, value in asked.items()))
            self.check(app, "To" in asked and len(asked["DateSent>"]) == 10, "list")
            if app in LOOKS:
                self.follow(LOOKS[app], None)
                return
            with lock:
                found = [one for one in reversed(sent.get(account, [])) if one["to"] == asked["To"]]
            self.say(200, json.dumps({"messages": found, "page": 0, "next_page_uri": None}))
            return
        self.check(app, self.headers["Content-Type"] == "application/x-www-form-urlencoded; charset=utf-8", "type")
        form = urllib.parse.parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        message = dict(form)
        self.check(app, len(message) == len(form) and set(message) <= {
            "To", "From", "MessagingServiceSid", "Body", "StatusCallback", "ValidityPeriod"}, f"form {message}")
        self.check(app, len(message["Body"].encode("utf-16-le")) <= 3200, "length")
        note(app, "POST " + json.dumps(message, ensure_ascii=False))

        def take():
            with lock:
                entries = sent.setdefault(account, [])
                number = sum(map(len, sent.values()))
                entries.append({
                    "sid": sid("SM", number), "account_sid": account, "to": message["To"],
                    "from": message.get("From"), "messaging_service_sid": message.get("MessagingServiceSid"),
                    "body": message["Body"], "status": "queued", "direction": "outbound-api", "num_segments": "3",
                    "num_media": "0", "error_code": None, "error_message": None,
                    "date_created": email.utils.formatdate(time.time()), "date_sent": None,
                    "api_version": "2010-04-01"})
                return 201, json.dumps(entries[-1])

        self.follow(self.script(account, SMS[app]), take)

    def slack(self, message):
        app = channels[message["channel"]]
        self.check(app, self.headers["Authorization"] == f"Bearer xoxb-{TOKEN}", "token")
        self.check(app, set(message) <= {"channel", "text", "thread_ts", "unfurl_links", "unfurl_media"}, "members")
        self.check(app, isinstance(message.get("thread_ts", ""), str), "thread_ts")
        self.post(app, message, SLACK[app],
                  lambda number: (200, json.dumps({"ok": True, "channel": message["channel"],
                                                   "ts": f"1700000000.{number:06}", "message": message})))

    def hook(self, app, message):
        self.check(app, "Authorization" not in self.headers, "token")
        self.check(app, set(message) <= {"text", "unfurl_links", "unfurl_media"}, "members")
        self.post(app, message, HOOKS[app], lambda number: (200, "ok", None, "text/plain"))

    def post(self, app, message, script, answer):
        self.check(app, self.headers["Content-Type"] == "application/json; charset=utf-8", "type")
        self.check(app, 0 < len(message["text"].encode()) <= 4000, "length")
        self.check(app, message["unfurl_links"] is False and message["unfurl_media"] is False, "unfurl")
        note(app, "POST " + json.dumps(message, ensure_ascii=False))

        def take():
            with lock:
                number = sent[app] = sent.get(app, 0) + 1
            return answer(number)

        self.follow(self.script(app, script), take)

    def answer(self):
        url = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = url.path.strip("/").split("/")
        if parts[0] == "2010-04-01":
            self.twilio(parts, url.query, body)
        elif parts == ["api", "chat.postMessage"]:
            self.slack(json.loads(body))
        elif parts[:2] == ["services", "SECRET"]:
            self.hook(parts[2], json.loads(body))
        else:
            note("nobody", self.path)
            self.say(404, "")

    do_GET = do_POST = answer


def certify(name, *names):
    """A certificate that signs itself, for these hosts."""
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "2", "-subj", f"/CN={name}", "-addext", f"subjectAltName={','.join(names)}",
                    "-keyout", directory / f"{name}.key", "-out", directory / f"{name}.pem"],
                   stderr=subprocess.DEVNULL, check=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / f"{name}.pem", directory / f"{name}.key")
    return context


class Server(http.server.ThreadingHTTPServer):
    request_queue_size = 100
    daemon_threads = True

    def __init__(self, context):
        super().__init__((HOST, 0), Peer)
        self.context = context

    #  In the connection's own thread: one that says nothing keeps no other waiting.
    def finish_request(self, request, client_address):
        try:
            with self.context.wrap_socket(request, server_side=True) as connection:
                super().finish_request(connection, client_address)
        except OSError:
            pass

    def handle_error(self, request, client_address):
        if not isinstance(sys.exc_info()[1], OSError):
            note("good", f"WRONG {sys.exc_info()[1]!r}")


def serve(name, context):
    server = Server(context)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url = f"https://{HOST}:{server.server_address[1]}"
    (directory / name).write_text(url)
    return url


good = serve("good", certify("ca", "IP:127.0.0.1"))
other = serve("other", certify("bad", "IP:127.0.0.1"))
closed = socket.create_server((HOST, 0))
nowhere = f"https://{HOST}:{closed.getsockname()[1]}"
closed.close()
(directory / "nowhere").write_text(nowhere)
apps = []
for account, app in accounts.items():
    sms = {"accountSid": account, "token": TOKEN, "from": FROM, "perSecond": 1 if app == "one-a-second" else 1000}
    if app == "service":
        del sms["from"]
        sms["messagingServiceSid"] = SERVICE
    if app == "key":
        sms["apiKeySid"] = "SK" + "7" * 32
    webhooks = [{"channel": "text", "kind": "twilio", "secret": TOKEN}] if app in ("good", "service") else []
    apps.append({"appId": app, "sms": sms, "webhooksIn": webhooks})
apps.append({"appId": "slack", "slack": {"token": f"xoxb-{TOKEN}", "channel": "C001"}})
apps.append({"appId": "no-channel", "slack": {"token": f"xoxb-{TOKEN}"}})
for app in HOOKS:
    apps.append({"appId": app, "slack": {"webhook": f"{good}/services/SECRET/{app}"}})
apps.append({"appId": "hook-certificate", "slack": {"webhook": f"{other}/services/SECRET/hook-good"}})
apps.append({"appId": "hook-refused", "slack": {"webhook": f"{nowhere}/services/SECRET/hook-good"}})
apps.append({"appId": "nothing"})
(directory / "apps.json").write_text(json.dumps({"apps": apps}))
(directory / "channels").write_text("".join(f"{app}={channel}\n" for channel, app in channels.items()))
print("ready", flush=True)
while True:
    signal.pause()
