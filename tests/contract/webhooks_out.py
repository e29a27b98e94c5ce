"""Webhooks of a running stack are genuine to vendors' own libraries (PyPI and npm: standardwebhooks):
with the new secret and with the one before it; what was changed, is old or has another secret is not.

    webhooks_out.py BINARIES PLACE

PLACE has node_modules/."""

import http.server
import json
import pathlib
import subprocess
import sys
import threading

import standardwebhooks

import stack

NEW = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OLD = "whsec_ZmVkY2JhOTg3NjU0MzIxMGZlZGNiYTk4NzY1NDMyMTA="
OTHER = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
EVENTS = ["session.created", "participant.joined", "message.created"]
SAID = "Grüße & “mehr” \U0001f600"


class Endpoint(http.server.BaseHTTPRequestHandler):
    taken = []

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.taken.append(({name.lower(): value for name, value in self.headers.items()}, body.decode()))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


def is_genuine(secret, headers, body):
    try:
        standardwebhooks.Webhook(secret).verify(body, headers)
    except standardwebhooks.WebhookVerificationError:
        return False
    return True


def by_python(headers, body):
    """What is wrong."""
    later = {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}
    cases = {"new secret": (NEW, headers, body, True), "old secret": (OLD, headers, body, True),
             "other secret": (OTHER, headers, body, False), "changed body": (NEW, headers, body + " ", False),
             "changed time": (NEW, later, body, False),
             "changed id": (NEW, {**headers, "webhook-id": headers["webhook-id"] + "0"}, body, False)}
    return [what for what, (secret, names, text, expected) in cases.items()
            if is_genuine(secret, names, text) != expected]


def by_node(place, headers, body):
    script = pathlib.Path(__file__).parent / "webhooks_out.mjs"
    said = subprocess.run(["node", script, pathlib.Path(place).resolve(), NEW, OLD, OTHER], check=True, text=True,
                          input=json.dumps({"headers": headers, "body": body}), capture_output=True)
    return [f"npm: {line}" for line in said.stdout.splitlines()]


def main(binaries, place):
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endpoint)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sections = "," + json.dumps({"webhooksOut": [{
        "name": "crm", "url": f"http://127.0.0.1:{server.server_port}/chat", "secret": NEW,
        "previousSecret": OLD, "events": EVENTS}]})[1:-1]
    wrong = []
    with stack.Stack(binaries, {"OUT_ALLOWED_NETWORKS": "127.0.0.1/32"}, sections, ["notifier"]) as running:
        running.chat("userId=ann", "s-1", SAID)
        stack.eventually("the bot's answer is told", lambda: any(
            '"role":"bot"' in body for _, body in list(Endpoint.taken)))
        stack.eventually("all is told", lambda: {json.loads(body)["type"] for _, body in list(
            Endpoint.taken)} == set(EVENTS))
        for headers, body in Endpoint.taken:
            wrong += by_python(headers, body) + by_node(place, headers, body)
        texts = [json.loads(body)["data"].get("text") for _, body in Endpoint.taken]
        if SAID not in texts:
            wrong.append(f"what was said is not in {texts}")
        if wrong:
            print(running.log("notifier")[-2000:])
    print(f"webhooks_out: {len(Endpoint.taken)} webhooks, wrong: {wrong or 'nothing'}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
