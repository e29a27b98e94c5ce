"""Webhooks that vendors' own libraries have signed (PyPI: standardwebhooks, twilio; npm: the same)
are taken by a running stack, once each; what was changed behind the signature is not.

    webhooks.py BINARIES PLACE

PLACE has node_modules/."""

import json
import pathlib
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from datetime import datetime, timedelta, timezone

import standardwebhooks
from twilio.request_validator import RequestValidator

import stack

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
TOKEN = "an-auth-token"
PUBLIC = "https://chat.example.com"
SECTIONS = "," + json.dumps({
    "sms": {"accountSid": "AC" + 32 * "0", "token": TOKEN, "from": "+447700900000"},
    "webhooksIn": [{"channel": "crm", "kind": "standard", "secret": SECRET},
                   {"channel": "sms", "kind": "twilio", "secret": TOKEN}]})[1:-1]


class Sender:
    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        self.wrong = 0
        self.count = 0

    def post(self, path, headers, body):
        request = urllib.request.Request(self.base + path, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            return refused.code, refused.read().decode()

    def expect(self, what, found, status):
        self.count += 1
        if found[0] != status:
            self.wrong += 1
            print(f"webhooks: {what}: {found[0]} in place of {status}: {found[1]}")


def message(user, number, text="Grüße & “mehr”"):
    return json.dumps({"type": "message.created", "data": {
        "messageId": f"{user}-{number}", "userId": user, "text": text}}, ensure_ascii=False)


def by_standard(sender):
    signer = standardwebhooks.Webhook(SECRET)
    now = datetime.now(timezone.utc)

    def send(ident, at, body, signed=None):
        signature = signer.sign(ident, at, body if signed is None else signed)
        return sender.post("/webhooks/demo/crm", {
            "webhook-id": ident, "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": signature, "content-type": "application/json"}, body.encode())

    first = send("msg_1", now, message("py", 1))
    sender.expect("signed", first, 200)
    again = send("msg_1", now + timedelta(seconds=5), message("py", 1))
    sender.expect("again", again, 200)
    if json.loads(first[1]).get("seq") != json.loads(again[1]).get("seq"):
        sender.expect(f"stored twice: {first[1]} {again[1]}", again, 0)
    sender.expect("changed", send("msg_2", now, message("py", 2), message("py", 3)), 403)
    for minutes in (-6, 6):
        sender.expect("too old or new", send("msg_3", now + timedelta(minutes=minutes),
                                             message("py", 3)), 403)


def by_twilio(sender):
    validator = RequestValidator(TOKEN)

    def send(url_path, fields, signed=None):
        signature = validator.compute_signature(PUBLIC + url_path, fields if signed is None else signed)
        return sender.post(url_path, {
            "X-Twilio-Signature": signature,
            "content-type": "application/x-www-form-urlencoded"},
            urllib.parse.urlencode(fields).encode())

    fields = {"MessageSid": "SMpy1", "From": "+447700900513", "To": "+447700900000",
              "Body": " Grüße & 100% + “mehr” \n", "NumMedia": "0", "FromCity": "",
              "AccountSid": "AC" + 32 * "0"}
    sender.expect("an SMS", send("/webhooks/demo/sms", fields), 200)
    sender.expect("again", send("/webhooks/demo/sms", fields), 200)
    sender.expect("with a query", send("/webhooks/demo/sms?a=b%20c", {**fields, "MessageSid": "SMpy2"}),
                  200)
    sender.expect("changed", send("/webhooks/demo/sms", {**fields, "Body": "x"}, fields), 403)
    sender.expect("a status", send("/webhooks/demo/sms/status?item=9%3Ademo", {
        "MessageSid": "SMout", "MessageStatus": "delivered"}), 200)


def by_node(sender, place):
    """The same libraries of npm sign; their words come back as lines of JSON."""
    script = pathlib.Path(__file__).parent / "webhooks.mjs"
    made = subprocess.run(["node", script, pathlib.Path(place).resolve(), SECRET, TOKEN, PUBLIC,
                           str(int(time.time()))], check=True, text=True, capture_output=True)
    for line in made.stdout.splitlines():
        each = json.loads(line)
        sender.expect(each["what"], sender.post(each["path"], each["headers"], each["body"].encode()),
                      each["status"])


def main(binaries, place):
    with stack.Stack(binaries, {"EDGE_PUBLIC_URL": PUBLIC}, SECTIONS) as running:
        sender = Sender(running.edge)
        stack.eventually("the edge has its postoffice", lambda: sender.post(
            "/webhooks/demo/crm", {}, b"{}")[0] == 401)
        by_standard(sender)
        by_twilio(sender)
        by_node(sender, place)
        if sender.wrong:
            print(running.log("edge")[-2000:])
    print(f"webhooks: {sender.count - sender.wrong} of {sender.count} as expected")
    return 1 if sender.wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
