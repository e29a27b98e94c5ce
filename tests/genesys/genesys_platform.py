"""Genesys Cloud for tests: login, Open Messaging, conversations, users, and the webhooks that it sends.

usage: genesys_platform.py DIRECTORY [APP]        (by way of tests/genesys/run, which brings the SDK)

Writes into the directory, then says `ready`:

    url          where it is: http://127.0.0.1:PORT
    apps.json    apps `demo` and `other`, each with the section `genesys` of an organisation of its own;
                 APP is a JSON object that is laid over `demo` ("genesys" member by member)
    platform.log what it was asked and told, a line each (below)

Bodies are checked with the models of the official SDK. What the real platform refuses is refused; what it
would take although nobody should say it (a member that is none, a message id again with another body) is
taken, and logged as a line that begins with WRONG. A test ends with `GET /control/wrong` being empty.

The log: `MILLISECONDS ORG METHOD PATH STATUS BODY`. Others begin with WRONG, with EARLY (a call before the end of a
Retry-After), with LOGIN (and what came of it), with WEBHOOK (and its answer), with AGAIN (a message that is there).

The control protocol: GET (or POST with a JSON object) /control/VERB?NAME=VALUE&…; answers are JSON. `org` is `demo`
(default) or `other`; `conversation` is an id, or absent: the newest; `user` is an id, or a name of `users` below.

    verb             parameters and what it does
    state            → all of the org: conversations with their participants and messages, users, settings
    log              → {"lines": […]}, with `text`: those that contain it
    count            `text` → {"count": n} lines of the log
    wrong            → {"lines": […]}: WRONG and EARLY
    most             → {"most": n}: the most calls that one token made in one window, refused ones as well
    set              any of `rate` (calls), `windowMs`, `tokenSeconds`, `secret` (of the client), `threading` (true),
                     `prefetch` (`conversationId` is said when it is asked for: true),
                     `drops` (a message that is there again is dropped: true), `again_ms` (pause before a webhook is
                     sent again: 5000), `webhookUrl`, `webhookSecret`, `webhookHeader`, `webhookHeaderValue`
    permission       `name`, `on` (true or false): of the client's role
    revoke           all tokens are refused from now on
    fault            `kind`, `path` and `method` (regular expressions of the whole; absent: all), `times` (0: always),
                     → {"fault": n}. Kinds: `status` (`status`, `retry`: Retry-After in seconds, `code`, `text`: a body
                     that is no JSON), `slow` (`ms`), `hang`, `drop` (the connection ends, nothing is done),
                     `drop-after` (all is done, then the connection ends), `hang-after` (all is done, no answer comes),
                     `cut` (half of the answer), `garbage` (200 and no JSON), `large` (200 and more than a MiB), `token` (of a login: an answer without a token, or with
                     `text` for one)
    mend             ends all faults
    user             `user`, `name`, `preferred`, `image` (URL; several with blanks between), `is404`: makes or changes one
    agent-alerts     `user`: it rings
    agent-joins      `user`: connected; it rings no more, and nobody is in the queue
    agent-leaves     `user`, `type` (client), `ends` (true: the customer's leg ends, too)
    transfer         `user` leaves with `type` (transfer), and the queue has the conversation
    takeover         `user` comes, and whoever was there leaves with `takeover`
    queue            the queue has the conversation (again)
    customer-ends    `type` (endpoint): the customer's leg ends, and all others
    park             `user`: the agent's leg is parked
    forget           the conversation is not found any more (404)
    says             `text`, `user` (absent: a bot says it), `type`, `content`, `events`, `time` (ms later than now), `id`,
                     `over` (laid over the body), `without` (names of members to leave out, with blanks between), `to`;
                     how: `send` (true; false: kept for `send`), `times` (1), `signature` (good, wrong, none, hex),
                     `header` (false: without it) → {"id","time"}
    typing           `user`, `duration` (5000): likewise
    receipt          `id` (of the inbound message), `status`, `reason`: likewise
    send             `id`: what was kept or sent, (again), with `times`, `signature`, `header`
    raw              `body` (text), `signature`, `header`, `type` (application/json): any webhook → {"statuses": […]}
    delivery         `id` → {"statuses": […]} of its webhooks up to now; 0 is no answer
    receipts         → {"receipts": […]} that it was told, with `id`: of that message

A webhook that is answered with 429, 5xx or not at all within 10 s is sent again, five times at most.
"""

import base64
import datetime
import hashlib
import hmac
import http.server
import json
import math
import pathlib
import re
import signal
import socket
import sys
import threading
import time
import urllib.parse
import urllib.request
import uuid

import genesys_models

HOST = "127.0.0.1"
WEBHOOK_SECONDS, WEBHOOK_TRIES = 10, 6
THREADING_MS = 72 * 3600 * 1000
ON_ITS_WAY = 1.0   # seconds that a call may take which was sent before the 429 was heard
LOCK = threading.RLock()
PERMISSIONS = {"conversation:message:receive", "conversation:message:view", "conversation:communication:disconnect",
               "conversation:communication:view", "messaging:integration:view"}
USERS = {"ann": ("Ann Agent", "Ann"), "bob": ("Bob Builder", None), "boss": ("Sue Supervisor", "Sue")}
INBOUND = {"message": ("OpenInboundNormalizedMessage", "OpenMessageNormalizedMessage"),
           "event": ("OpenInboundNormalizedEvent", "OpenEventNormalizedMessage"),
           "receipt": ("OpenInboundNormalizedReceipt", "OpenReceiptNormalizedMessage"),
           "structured/response": ("OpenInboundStructuredResponseMessage", "OpenStructuredResponseNormalizedMessage")}
UUID = r"[0-9a-fA-F-]{36}"


def now_ms():
    return int(time.time() * 1000)


def iso(ms=None):
    when = datetime.datetime.fromtimestamp((now_ms() if ms is None else ms) / 1000, datetime.timezone.utc)
    return when.strftime("%Y-%m-%dT%H:%M:%S.") + f"{when.microsecond // 1000:03d}Z"


def is_true(value, usual=True):
    return usual if value is None else str(value).lower() in ("1", "true", "yes", "on")


class Refused(Exception):
    """An answer that is an error of the platform."""

    def __init__(self, status, code, message, headers=()):
        super().__init__(message)
        self.status, self.code, self.message, self.headers = status, code, message, dict(headers)


class Gone(Exception):
    """The connection ends without an answer."""


class Org:
    def __init__(self, name):
        self.name = name
        number = {"demo": "1", "other": "2"}[name]
        self.client_id, self.secret = f"client-{name}", f"very-secret-{name}"
        self.integration = f"{number * 8}-aaaa-bbbb-cccc-{number * 12}"
        self.queue = f"{number * 8}-dddd-eeee-ffff-{number * 12}"
        self.webhook_secret = f"webhook-secret-of-{name}"
        self.webhook_url = self.webhook_header = self.webhook_header_value = ""
        self.permissions = set(PERMISSIONS)
        self.rate, self.window_ms, self.token_seconds = 300, 60000, 86399
        self.threading = self.drops = self.prefetch = True
        self.again_ms = 5000
        self.tokens = {}          # token → {ends, began, count, held}
        self.most = 0
        self.conversations = {}   # by id, in the order of their making
        self.inbound = {}         # our message's id → body and answer
        self.outbound = {}        # the platform's message's id → webhook's body and statuses
        self.receipts = []
        self.faults = []
        self.users = {}
        for user, (words, preferred) in USERS.items():
            self.users[str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{user}.{name}"))] = {
                "short": user, "name": words, "preferred": preferred, "is404": False,
                "images": [f"https://pictures.example.com/{user}-48.png", f"https://pictures.example.com/{user}-200.png"]}

    def section(self, url):
        return {"apiUrl": url, "loginUrl": url, "clientId": self.client_id, "clientSecret": self.secret,
                "integrationId": self.integration, "webhookSecret": self.webhook_secret}


class Platform:
    def __init__(self, directory):
        self.orgs = {name: Org(name) for name in ("demo", "other")}
        self.file = (directory / "platform.log").open("w", encoding="utf-8", buffering=1)
        self.lines = []

    def log(self, line):
        with LOCK:
            self.lines.append(line)
            self.file.write(line.replace("\n", "\\n") + "\n")

    def wrong(self, words):
        self.log(f"WRONG {words}")

    # ------------------------------------------------------------------------------------------
    #  Login

    def org_of_client(self, headers):
        value = headers.get("Authorization", "")
        if not value.startswith("Basic "):
            raise Refused(400, "invalid_request", "no Basic")
        try:
            client, secret = base64.b64decode(value[6:], validate=True).decode().split(":", 1)
        except ValueError:
            raise Refused(400, "invalid_request", "bad Basic")
        for org in self.orgs.values():
            if org.client_id == client:
                if secret != org.secret:
                    raise Refused(400, "invalid_client", "authentication failed")
                return org
        raise Refused(401, "invalid_client", "client not found")

    def login(self, headers, body):
        if headers.get("Content-Type", "").split(";")[0] != "application/x-www-form-urlencoded":
            self.wrong(f"login: Content-Type {headers.get('Content-Type')}")
        org = self.org_of_client(headers)
        if urllib.parse.parse_qs(body.decode()) != {"grant_type": ["client_credentials"]}:
            raise Refused(400, "unsupported_grant_type", "grant type")
        token = f"token-{org.name}-{uuid.uuid4().hex}"
        org.tokens[token] = {"ends": time.monotonic() + org.token_seconds, "began": None, "count": 0, "held": 0, "told": 0}
        return {"access_token": token, "token_type": "bearer", "expires_in": org.token_seconds}

    # ------------------------------------------------------------------------------------------
    #  The API

    def org_of_token(self, headers):
        token = headers.get("Authorization", "")
        token = token[7:] if token.startswith("Bearer ") else ""
        for org in self.orgs.values():
            if token in org.tokens:
                if org.tokens[token]["ends"] <= time.monotonic():
                    raise Refused(401, "credentials.expired", "The access token has expired.")
                return org, org.tokens[token]
        raise Refused(401, "bad.credentials" if token else "authentication.required", "Invalid login credentials.")

    def take(self, org, token, line):
        """Counts a call in the token's window; refuses what is too much."""
        now = time.monotonic()
        if token["held"] > now and now > token["told"] + ON_ITS_WAY:
            self.log(f"EARLY {line}")
        if token["began"] is None or now >= token["began"] + org.window_ms / 1000:
            token["began"], token["count"] = now, 0
        token["count"] += 1
        org.most = max(org.most, token["count"])
        if token["count"] > org.rate:
            left = max(1, math.ceil(token["began"] + org.window_ms / 1000 - now))
            self.hold(token, left)
            raise Refused(429, "too.many.requests.retry.after",
                          f"Rate limit exceeded the maximum. Retry the request in [{left}] seconds", {"Retry-After": left})

    @staticmethod
    def hold(token, seconds):
        token["told"] = time.monotonic()
        token["held"] = token["told"] + seconds

    @staticmethod
    def need(org, permission):
        if permission not in org.permissions:
            raise Refused(403, "missing.any.permissions",
                          f"You are not authorized to perform the requested action. Missing: {permission}")

    def call(self, org, method, path, query, body):
        for verb, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return handler(self, org, query, body, *found.groups())
        self.wrong(f"there is no {method} {path}")
        raise Refused(404, "not.found", "no such call")

    def inbound(self, org, query, body, integration, kind):
        self.need(org, "conversation:message:receive")
        if integration != org.integration:
            raise Refused(404, "not.found", "The integration was not found.")
        lines = genesys_models.mistakes(INBOUND[kind][0], body)
        hard = [line for line in lines if "is no member of" not in line] + missing_of(kind, body)
        for line in lines:
            self.wrong(f"{kind}: {line}")
        if hard:
            raise Refused(400, "bad.request", "; ".join(hard))
        answer, status = {"message": self.message, "structured/response": self.structured, "event": self.event,
                          "receipt": self.receipt}[kind](org, query, body), 200
        for line in genesys_models.mistakes(INBOUND[kind][1], answer):
            self.wrong(f"the platform's own answer: {line}")
        return status, answer

    def message(self, org, query, body):
        return self.said(org, query, body, {"type": "Text", "text": body.get("text", ""),
                                            **({"content": [{"contentType": "Attachment", **one} for one in body["content"]]}
                                               if body.get("content") else {})})

    def structured(self, org, query, body):
        if body["originatingMessageId"] not in org.outbound:
            raise Refused(400, "bad.request", "The originating message was not found.")
        return self.said(org, query, body, {"type": "Structured", "text": body["buttonResponse"]["text"]})

    def said(self, org, query, body, more):
        channel = body["channel"]
        ours, who = channel["messageId"], channel["from"]["id"]
        raw = json.dumps(body, sort_keys=True)
        before = org.inbound.get(ours)
        if before:
            self.log(f"AGAIN {ours}")
            if before["raw"] != raw:
                self.wrong(f"{ours} again with another body")
            if org.drops:
                return dict(before["answer"])
        conversation = self.conversation_for(org, who, channel["from"].get("nickname", ""))
        theirs = uuid.uuid4().hex
        conversation["messages"].append({"id": theirs, "ours": ours, "from": who, "direction": "inbound", **more,
                                         "body": body})
        leg(conversation, "customer")["messages"].append({"messageId": theirs, "messageStatus": "received",
                                                          "messageTime": iso()})
        attributes = channel.get("metadata", {}).get("customAttributes", {})
        leg(conversation, "customer")["attributes"].update(attributes)
        answer = {"id": theirs, **more,
                  "channel": {"id": org.integration, "platform": "Open", "type": "Private", "messageId": ours,
                              "to": {"id": org.integration}, "from": channel["from"], "time": channel["time"]}}
        if more["type"] == "Structured":
            answer.pop("text")
            answer["content"] = [{"contentType": "ButtonResponse", "buttonResponse": body["buttonResponse"]}]
        elif org.prefetch and is_true(query.get("prefetchConversationId"), False):
            answer["conversationId"] = conversation["id"]
        org.inbound[ours] = {"raw": raw, "answer": answer, "conversation": conversation["id"], "theirs": theirs}
        return dict(answer)

    def event(self, org, query, body):
        who = body["channel"]["from"]["id"]
        for conversation in org.conversations.values():
            if conversation["from"] == who:
                conversation["typing"] += 1
        return {"id": uuid.uuid4().hex, "type": "Event",
                "channel": {"id": org.integration, "platform": "Open", "type": "Private", "from": body["channel"]["from"],
                            "to": {"id": org.integration}, "time": body["channel"]["time"]},
                "events": [{"eventType": "Typing", "typing": {"type": "On", "duration": 5000}}]}

    def receipt(self, org, query, body):
        if body["id"] not in org.outbound:
            raise Refused(404, "not.found", "The message was not found.")
        if org.outbound[body["id"]]["body"].get("type") == "Receipt":
            self.wrong("a receipt for a receipt")
        if body["status"] not in ("Delivered", "Failed"):
            self.wrong(f"a receipt with status {body['status']}")
        if body["status"] == "Failed" and not body.get("reasons"):
            self.wrong("a receipt that failed, without a reason")
        if body["channel"]["to"]["id"] != org.outbound[body["id"]]["body"]["channel"]["to"]["id"]:
            self.wrong("a receipt for somebody else's message")
        org.receipts.append(body)
        return {"id": body["id"], "type": "Receipt", "status": body["status"],
                "channel": {"id": org.integration, "platform": "Open", "type": "Private", "time": body["channel"]["time"],
                            "to": body["channel"]["to"], "from": {"id": org.integration}, "messageId": body["id"]}}

    def look(self, org, query, body, ident):
        conversation = conversation_of(org, ident)
        answer = {"id": conversation["id"], "participants": conversation["participants"],
                  "selfUri": f"/api/v2/conversations/messages/{ident}"}
        for line in genesys_models.mistakes("MessageConversation", answer):
            self.wrong(f"the platform's own answer: {line}")
        return 200, answer

    def disconnect_all(self, org, query, body, ident):
        self.need(org, "conversation:communication:disconnect")
        conversation = conversation_of(org, ident)
        must_disconnect(body)
        end_all(conversation, "client")
        return 200, {"id": ident}

    def disconnect(self, org, query, body, ident):
        self.need(org, "conversation:communication:disconnect")
        end_all(conversation_of(org, ident), "system")
        return 202, None

    def disconnect_one(self, org, query, body, ident, participant):
        self.need(org, "conversation:communication:disconnect")
        conversation = conversation_of(org, ident)
        for line in genesys_models.mistakes("MediaParticipantRequest", body):
            self.wrong(f"participant: {line}")
        must_disconnect(body)
        found = [one for one in conversation["participants"] if one["id"] == participant]
        if not found:
            raise Refused(404, "not.found", "The participant was not found.")
        if found[0]["purpose"] != "customer":
            self.wrong(f"disconnects {found[0]['purpose']}")
        if found[0]["state"] != "connected":
            raise Refused(409, "conflict", "The participant is not connected.")
        end_all(conversation, "client")
        return 202, None

    def attributes(self, org, query, body, ident, participant):
        conversation = conversation_of(org, ident)
        for one in conversation["participants"]:
            if one["id"] == participant:
                one["attributes"].update(body["attributes"])
                return 202, None
        raise Refused(404, "not.found", "The participant was not found.")

    def user(self, org, query, body, ident):
        one = org.users.get(ident)
        if not one or one["is404"]:
            raise Refused(404, "not.found", "The user was not found.")
        answer = {"id": ident, "name": one["name"], "state": "active", "version": 7,
                  "images": [{"resolution": size, "imageUri": uri}
                             for size, uri in zip(("x48", "x200", "x400"), one["images"])],
                  "selfUri": f"/api/v2/users/{ident}"}
        if one["preferred"]:
            answer["preferredName"] = one["preferred"]
        for line in genesys_models.mistakes("User", answer):
            self.wrong(f"the platform's own answer: {line}")
        return 200, answer

    def details(self, org, query, body, ident):
        self.need(org, "conversation:message:view")
        for conversation in org.conversations.values():
            for one in conversation["messages"]:
                if one["id"] == ident:
                    return 200, {"id": ident, "conversationId": conversation["id"], "direction": one["direction"],
                                 "status": one.get("status", "sent"),
                                 **({"createdBy": {"id": one["user"]}} if one.get("user") else {})}
        raise Refused(404, "not.found", "The message was not found.")

    def integration_of(self, org, query, body, ident):
        self.need(org, "messaging:integration:view")
        if ident != org.integration:
            raise Refused(404, "not.found", "The integration was not found.")
        answer = {"id": ident, "name": "Router", "status": "active", "createStatus": "Completed",
                  "outboundNotificationWebhookUrl": org.webhook_url, "recipient": {"id": str(uuid.uuid4())},
                  "webhookHeaders": {org.webhook_header: org.webhook_header_value} if org.webhook_header else {}}
        for line in genesys_models.mistakes("OpenIntegration", answer):
            self.wrong(f"the platform's own answer: {line}")
        return 200, answer

    # ------------------------------------------------------------------------------------------
    #  Conversations

    def conversation_for(self, org, who, nickname):
        """The one that the user's message belongs to: by threading an old one may begin anew."""
        mine = [one for one in org.conversations.values() if one["from"] == who and not one["forgotten"]]
        if mine and leg(mine[-1], "customer")["state"] == "connected":
            return mine[-1]
        if mine and org.threading and now_ms() - mine[-1]["ended"] < THREADING_MS:
            conversation = mine[-1]
        else:
            ident = str(uuid.uuid4())
            conversation = {"id": ident, "from": who, "participants": [], "messages": [], "typing": 0, "ended": 0,
                            "forgotten": False, "began": now_ms()}
            org.conversations[ident] = conversation
        add_leg(conversation, "customer", "connected", name=nickname or "Visitor", direction="inbound")
        flow = add_leg(conversation, "workflow", "terminated", name="Flow")
        flow["endTime"], flow["disconnectType"] = iso(), "transfer"
        add_leg(conversation, "acd", "connected", name="Queue", queue={"id": org.queue})
        return conversation


def missing_of(kind, body):
    """What the platform wants, and the models do not say."""
    def lacks(path):
        at = body
        for name in path.split("."):
            at = at.get(name) if isinstance(at, dict) else None
        return at in (None, "")
    wanted = {"message": ["channel.from.id", "channel.from.idType", "channel.time", "channel.messageId"],
              "event": ["channel.from.id", "channel.from.idType", "channel.time"],
              "receipt": ["id", "channel.to.id", "channel.time", "status"],
              "structured/response": ["channel.from.id", "channel.from.idType", "channel.time", "channel.messageId",
                                      "originatingMessageId", "buttonResponse.type", "buttonResponse.text",
                                      "buttonResponse.payload"]}[kind]
    lines = [f"should have required property '{path}'" for path in wanted if lacks(path)]
    if kind == "message" and lacks("text") and not body.get("content"):
        lines.append("should have required property 'content', should have required property '.text', should match some "
                     "schema in anyOf")
    if kind == "message" and len(body.get("content") or []) > 1:
        lines.append("content should have one element")
    if len(body.get("text") or "") > 4000:
        lines.append("text should not be longer than 4000 characters")
    for name in ("nickname", "firstName", "lastName", "image", "email"):
        if isinstance(body.get("channel", {}).get("from"), dict) and body["channel"]["from"].get(name) == "":
            lines.append(f"channel.from.{name} should not be empty")
    if kind == "event" and body.get("events") != [{"eventType": "Typing"}]:
        lines.append("events should be one, Typing")
    return lines


def must_disconnect(body):
    if body != {"state": "disconnected"}:
        raise Refused(400, "invalid.value", "'disconnected' is the only valid state")


def add_leg(conversation, purpose, state, **more):
    one = {"id": str(uuid.uuid4()), "purpose": purpose, "state": state, "startTime": iso(), "attributes": {},
           "messages": [], "held": False, "type": "open", "provider": "Open", **more}
    if state == "connected":
        one["connectedTime"] = iso()
    conversation["participants"].append(one)
    return one


def leg(conversation, purpose, user=None):
    """The latest one; of a person whatever it is there for."""
    found = [one for one in conversation["participants"]
             if (one.get("user", {}).get("id") == user if user else one["purpose"] == purpose)]
    if not found:
        raise Refused(404, "control", f"there is no leg {purpose} {user or ''}")
    return found[-1]


def end_leg(one, words):
    if one["state"] not in ("disconnected", "terminated"):
        one.update(state="disconnected", endTime=iso(), disconnectType=words)


def end_purpose(conversation, purposes, words):
    for one in conversation["participants"]:
        if one["purpose"] in purposes:
            end_leg(one, words)


def end_all(conversation, words):
    for one in conversation["participants"]:
        end_leg(one, words if one["purpose"] == "customer" else "peer")
    conversation["ended"] = now_ms()


def conversation_of(org, ident):
    one = org.conversations.get(ident)
    if not one or one["forgotten"]:
        raise Refused(404, "not.found", "The conversation was not found.")
    return one


ROUTES = (
    ("POST", rf"/api/v2/conversations/messages/([^/]+)/inbound/open/(message|event|receipt|structured/response)",
     Platform.inbound),
    ("GET", rf"/api/v2/conversations/messaging/integrations/open/([^/]+)", Platform.integration_of),
    ("GET", rf"/api/v2/conversations/messages/([^/]+)/details", Platform.details),
    ("GET", rf"/api/v2/conversations/messages/({UUID})", Platform.look),
    ("PATCH", rf"/api/v2/conversations/messages/({UUID})", Platform.disconnect_all),
    ("PATCH", rf"/api/v2/conversations/messages/({UUID})/participants/({UUID})", Platform.disconnect_one),
    ("PATCH", rf"/api/v2/conversations/({UUID})/participants/({UUID})/attributes", Platform.attributes),
    ("POST", rf"/api/v2/conversations/({UUID})/disconnect", Platform.disconnect),
    ("GET", rf"/api/v2/users/({UUID})", Platform.user),
)


# ------------------------------------------------------------------------------------------------
#  Webhooks

def signed(org, body, how):
    key = org.webhook_secret.encode() if how != "wrong" else b"0" * 20
    digest = hmac.new(key, body, hashlib.sha256).digest()
    return {"good": "sha256=" + base64.b64encode(digest).decode(), "wrong": "sha256=" + base64.b64encode(digest).decode(),
            "hex": "sha256=" + digest.hex()}.get(how)


def post(org, body, asked):
    headers = {"Content-Type": asked.get("contentType", "application/json")}
    signature = signed(org, body, asked.get("signature", "good"))
    if signature:
        headers["X-Hub-Signature-256"] = signature
    if org.webhook_header and is_true(asked.get("header")):
        headers[org.webhook_header] = org.webhook_header_value
    request = urllib.request.Request(org.webhook_url, data=body, headers=headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=WEBHOOK_SECONDS) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except (OSError, ValueError):
        return 0


def deliver(platform, org, ident, asked):
    """As the platform does: again when there is no answer, or one that may pass."""
    kept = org.outbound[ident]
    for attempt in range(WEBHOOK_TRIES):
        status = post(org, kept["raw"], asked)
        platform.log(f"WEBHOOK {org.name} {ident} {status}")
        with LOCK:
            kept["statuses"].append(status)
        if status != 0 and status != 429 and status < 500:
            return
        time.sleep(org.again_ms / 1000)


def send(platform, org, ident, asked):
    for _ in range(int(asked.get("times", 1))):
        threading.Thread(target=deliver, args=(platform, org, ident, asked), daemon=True).start()


class Control:
    """The verbs; each has the org and the parameters."""

    def __init__(self, platform):
        self.platform = platform

    @staticmethod
    def conversation(org, asked):
        ident = asked.get("conversation")
        known = list(org.conversations.values())
        if ident is None and known:
            return known[-1]
        if ident not in org.conversations:
            raise Refused(404, "control", f"there is no conversation {ident}")
        return org.conversations[ident]

    @staticmethod
    def user_of(org, asked):
        word = asked.get("user")
        for ident, one in org.users.items():
            if word in (ident, one["short"]):
                return ident
        raise Refused(404, "control", f"there is no user {word}")

    def state(self, org, asked):
        return {"conversations": list(org.conversations.values()), "users": org.users, "receipts": org.receipts,
                "integration": org.integration, "clientId": org.client_id, "rate": org.rate, "most": org.most,
                "outbound": {ident: {"body": one["body"], "statuses": one["statuses"]}
                             for ident, one in org.outbound.items()}}

    def log(self, org, asked):
        return {"lines": [line for line in self.platform.lines if asked.get("text", "") in line]}

    def count(self, org, asked):
        return {"count": len(self.log(org, asked)["lines"])}

    def wrong(self, org, asked):
        return {"lines": [line for line in self.platform.lines if line.startswith(("WRONG", "EARLY"))]}

    def most(self, org, asked):
        return {"most": org.most}

    def set(self, org, asked):
        names = {"rate": ("rate", int), "windowMs": ("window_ms", int), "tokenSeconds": ("token_seconds", int),
                 "secret": ("secret", str), "threading": ("threading", is_true), "drops": ("drops", is_true),
                 "prefetch": ("prefetch", is_true),
                 "again_ms": ("again_ms", int), "webhookUrl": ("webhook_url", str),
                 "webhookSecret": ("webhook_secret", str), "webhookHeader": ("webhook_header", str),
                 "webhookHeaderValue": ("webhook_header_value", str)}
        for name, value in asked.items():
            attribute, kind = names[name]
            setattr(org, attribute, kind(value))
        return {}

    def permission(self, org, asked):
        (org.permissions.add if is_true(asked.get("on")) else org.permissions.discard)(asked["name"])
        return {}

    def revoke(self, org, asked):
        org.tokens.clear()
        return {}

    def fault(self, org, asked):
        org.faults.append({"times": 1, **asked, "left": int(asked.get("times", 1)) or -1})
        return {"fault": len(org.faults)}

    def mend(self, org, asked):
        org.faults.clear()
        return {}

    def user(self, org, asked):
        try:
            ident = self.user_of(org, asked)
        except Refused:
            ident = str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{asked['user']}.{org.name}"))
            org.users[ident] = {"short": asked["user"], "name": asked["user"], "preferred": None, "images": [],
                                "is404": False}
        one = org.users[ident]
        one["name"] = asked.get("name", one["name"])
        one["preferred"] = asked.get("preferred", one["preferred"])
        one["is404"] = is_true(asked.get("is404"), one["is404"])
        if "image" in asked:
            one["images"] = asked["image"].split()
        return {"id": ident}

    def agent_alerts(self, org, asked):
        user = self.user_of(org, asked)
        add_leg(self.conversation(org, asked), "agent", "alerting", name=org.users[user]["name"], user={"id": user},
                startAlertingTime=iso())
        return {"user": user}

    def agent_joins(self, org, asked):
        conversation, user = self.conversation(org, asked), self.user_of(org, asked)
        mine = [one for one in conversation["participants"]
                if one.get("user", {}).get("id") == user and one["state"] == "alerting"]
        if mine:
            mine[-1].update(state="connected", connectedTime=iso())
        else:
            add_leg(conversation, "agent", "connected", name=org.users[user]["name"], user={"id": user})
        end_purpose(conversation, ("acd",), "transfer")
        return {"user": user}

    def agent_leaves(self, org, asked):
        conversation, user = self.conversation(org, asked), self.user_of(org, asked)
        end_leg(leg(conversation, "agent", user), asked.get("type", "client"))
        if is_true(asked.get("ends"), False):
            end_all(conversation, "peer")
        return {"user": user}

    def transfer(self, org, asked):
        conversation, user = self.conversation(org, asked), self.user_of(org, asked)
        end_leg(leg(conversation, "agent", user), asked.get("type", "transfer"))
        add_leg(conversation, "acd", "connected", name="Queue", queue={"id": org.queue})
        return {"user": user}

    def takeover(self, org, asked):
        conversation, user = self.conversation(org, asked), self.user_of(org, asked)
        for one in conversation["participants"]:
            if one["purpose"] in ("agent", "user"):
                end_leg(one, "takeover")
        add_leg(conversation, "user", "connected", name=org.users[user]["name"], user={"id": user})
        return {"user": user}

    def queue(self, org, asked):
        add_leg(self.conversation(org, asked), "acd", "connected", name="Queue", queue={"id": org.queue})
        return {}

    def customer_ends(self, org, asked):
        end_all(self.conversation(org, asked), asked.get("type", "endpoint"))
        return {}

    def park(self, org, asked):
        leg(self.conversation(org, asked), "agent", self.user_of(org, asked)).update(state="parked", parkTime=iso())
        return {}

    def forget(self, org, asked):
        self.conversation(org, asked)["forgotten"] = True
        return {}

    def says(self, org, asked):
        content, events = asked.get("content"), asked.get("events")
        content = json.loads(content) if isinstance(content, str) else content
        events = json.loads(events) if isinstance(events, str) else events
        more = {"type": asked.get("type", "Text")}
        if "text" in asked:
            more["text"] = asked["text"]
        if content is not None:
            more["content"] = content
        if events is not None:
            more["events"] = events
        more["originatingEntity"] = "Human" if "user" in asked else "Bot"
        return self.webhook(org, asked, more)

    def typing(self, org, asked):
        #  With less than a message: the platform's typing events have no conversation and no origin.
        event = {"eventType": "Typing", "typing": {"type": "On", "duration": int(asked.get("duration", 5000))}}
        return self.webhook(org, {**asked, "without": "conversationId " + asked.get("without", "")},
                            {"type": "Event", "events": [event]})

    def receipt(self, org, asked):
        ours = {"id": org.inbound[asked["id"]]["theirs"] if asked["id"] in org.inbound else asked["id"]}
        reasons = {"reasons": [{"code": "GeneralError", "message": asked["reason"]}]} if "reason" in asked else {}
        return self.webhook(org, {**asked, "id": ours["id"]},
                            {"type": "Receipt", "status": asked.get("status", "Failed"), "isFinalReceipt": True, **reasons})

    def webhook(self, org, asked, more):
        conversation = self.conversation(org, asked) if org.conversations else None
        ident = asked.get("id") or uuid.uuid4().hex
        when = iso(now_ms() + int(asked.get("time", 0)))
        to = asked.get("to") or (conversation["from"] if conversation else "nobody")
        body = {"id": ident,
                "channel": {"id": org.integration, "platform": "Open", "type": "Private", "messageId": ident,
                            "to": {"id": to, "idType": "Opaque"},
                            "from": {"nickname": "Router", "id": org.integration, "idType": "Opaque"}, "time": when},
                **more, "direction": "Outbound"}
        if conversation:
            body["conversationId"] = conversation["id"]
        over = asked.get("over") or {}
        body.update(json.loads(over) if isinstance(over, str) else over)
        for name in asked.get("without", "").split():
            body.pop(name, None)
        if conversation and more["type"] in ("Text", "Structured"):
            user = self.user_of(org, asked) if "user" in asked else None
            conversation["messages"].append({"id": ident, "direction": "outbound", "user": user, **more})
            for one in conversation["participants"]:
                if user and one.get("user", {}).get("id") == user:
                    one["messages"].append({"messageId": ident, "messageStatus": "sent", "messageTime": when})
        org.outbound[ident] = {"body": body, "raw": json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode(),
                               "statuses": []}
        if is_true(asked.get("send")):
            send(self.platform, org, ident, asked)
        return {"id": ident, "time": when}

    def send(self, org, asked):
        send(self.platform, org, asked["id"], asked)
        return {}

    def delivery(self, org, asked):
        return {"statuses": org.outbound[asked["id"]]["statuses"]}

    def receipts(self, org, asked):
        return {"receipts": [one for one in org.receipts if asked.get("id") in (None, one["id"])]}


def raw_webhook(platform, org, asked):
    """Without the lock, as it waits for the answer."""
    body = asked.get("body", "")
    body = body if isinstance(body, str) else json.dumps(body, separators=(",", ":"))
    status = post(org, body.encode(), asked)
    platform.log(f"WEBHOOK {org.name} raw {status}")
    return {"statuses": [status]}


# ------------------------------------------------------------------------------------------------
#  HTTP

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    platform = None

    def log_message(self, *words):
        pass

    def serve(self):
        url = urllib.parse.urlsplit(self.path)
        query = {name: values[-1] for name, values in urllib.parse.parse_qs(url.query, keep_blank_values=True).items()}
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            if url.path.startswith("/control/"):
                self.control(url.path[9:], query, body)
            elif url.path == "/oauth/token":
                self.login(body)
            else:
                self.api(url.path, query, body)
        except Gone:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    do_GET = do_POST = do_PATCH = do_PUT = do_DELETE = serve

    def answer(self, status, value, headers=(), raw=None, cut=False):
        body = raw if raw is not None else b"" if value is None else json.dumps(value).encode()
        self.send_response(status)
        if status != 204:
            self.send_header("Content-Type", "text/html" if raw is not None else "application/json")
            self.send_header("Content-Length", str(len(body)))
        self.send_header("ININ-Correlation-Id", str(uuid.uuid4()))
        for name, word in dict(headers).items():
            self.send_header(name, str(word))
        self.end_headers()
        self.wfile.write(body[:len(body) // 2] if cut else body)
        self.wfile.flush()
        if cut:
            raise Gone

    def control(self, verb, query, body):
        asked = {**query, **(json.loads(body) if body else {})}
        org = self.platform.orgs[asked.pop("org", "demo")]
        try:
            if verb == "raw":
                self.answer(200, raw_webhook(self.platform, org, asked))
                return
            with LOCK:
                value = getattr(Control(self.platform), verb.replace("-", "_"))(org, asked)
                raw = json.dumps(value).encode()
            self.answer(200, None, raw=raw)
        except Refused as error:
            self.answer(error.status, {"error": error.message})
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            self.platform.wrong(f"control {verb}: {error!r}")
            self.answer(400, {"error": repr(error)})

    #  The fault that is due for this call, if any.
    def fault_of(self, org, path):
        with LOCK:
            for fault in org.faults:
                if (fault["left"] and re.fullmatch(fault.get("path", ".*"), path)
                        and re.fullmatch(fault.get("method", ".*"), self.command)):
                    fault["left"] -= 1
                    return fault
        return {"kind": ""}

    def suffer(self, fault):
        """What of a fault comes before anything is done."""
        kind = fault["kind"]
        if kind == "slow":
            time.sleep(int(fault["ms"]) / 1000)
        if kind == "hang":
            self.hang()
        if kind == "drop":
            raise Gone
        if kind == "garbage":
            self.answer(200, None, raw=b"<html>welcome</html>")
        if kind == "large":
            self.answer(200, None, raw=b" " * (1 << 20) + b"{}")
        if kind == "status":
            headers = {"Retry-After": fault["retry"]} if "retry" in fault else {}
            status = int(fault["status"])
            if "text" in fault:
                self.answer(status, None, headers, raw=fault["text"].encode())
            else:
                self.answer(status, error_body(status, fault.get("code", "fault"), "A fault <of the test>."), headers)
        return kind in ("garbage", "large", "status")

    def hang(self):
        self.connection.settimeout(60)
        try:
            self.connection.recv(1)
        except OSError:
            pass
        raise Gone

    def conclude(self, fault, status, value, headers=()):
        """What of a fault comes behind."""
        if fault["kind"] == "hang-after":
            self.hang()
        if fault["kind"] == "drop-after":
            raise Gone
        self.answer(status, value, headers, cut=fault["kind"] == "cut")

    def login(self, body):
        client = "?"
        try:
            client = base64.b64decode(self.headers.get("Authorization", "")[6:]).decode().split(":")[0]
        except ValueError:
            pass
        org = next((one for one in self.platform.orgs.values() if one.client_id == client), self.platform.orgs["demo"])
        fault = self.fault_of(org, "/oauth/token")
        self.platform.log(f"{now_ms()} LOGIN {client} {fault['kind']}")
        if self.suffer(fault):
            return
        try:
            with LOCK:
                value = self.platform.login(self.headers, body)
            if fault["kind"] == "token":
                value = {"token_type": "bearer", "expires_in": 86399}
                value |= {"access_token": fault["text"]} if "text" in fault else {}
            self.conclude(fault, 200, value)
        except Refused as error:
            self.platform.log(f"{now_ms()} LOGIN refused {client}: {error.message}")
            self.conclude(fault, error.status, {"error": error.code, "description": error.message,
                                              "error_description": error.message})

    def api(self, path, query, body):
        line = f"{self.command} {self.path}"
        try:
            with LOCK:
                org, token = self.platform.org_of_token(self.headers)
                self.platform.take(org, token, line)
        except Refused as error:
            self.platform.log(f"{now_ms()} ? {line} {error.status}")
            self.answer(error.status, error_body(error.status, error.code, error.message), error.headers)
            return
        fault = self.fault_of(org, path)
        if fault["kind"] == "status" and "retry" in fault and int(fault["status"]) == 429:
            with LOCK:
                Platform.hold(token, float(fault["retry"]))
        if fault["kind"] in ("status", "garbage", "large", "drop", "hang"):
            self.platform.log(f"{now_ms()} {org.name} {line} {fault['kind']} {fault.get('status', '')}")
        if self.suffer(fault):
            return
        try:
            with LOCK:
                value = json.loads(body) if body else None
                if value is not None and self.headers.get("Content-Type", "").split(";")[0] != "application/json":
                    raise Refused(415, "unsupported.media.type", "Content-Type")
                status, answer = self.platform.call(org, self.command, path, query, value)
                answer = json.loads(json.dumps(answer))
            headers = {}
        except Refused as error:
            status, answer, headers = error.status, error_body(error.status, error.code, error.message), error.headers
        except ValueError:
            status, answer, headers = 400, error_body(400, "bad.request", "no JSON"), {}
        self.platform.log(f"{now_ms()} {org.name} {line} {status} {body.decode(errors='replace')}")
        self.conclude(fault, status, answer, headers)


def error_body(status, code, message):
    return {"message": message, "code": code, "status": status, "contextId": str(uuid.uuid4()), "details": [],
            "errors": []}


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        kind, error, _ = sys.exc_info()
        if not issubclass(kind, OSError):
            Handler.platform.wrong(f"the platform's own fault: {error!r}")
            super().handle_error(request, client_address)


def main():
    directory = pathlib.Path(sys.argv[1])
    over = json.loads(sys.argv[2]) if len(sys.argv) > 2 else {}
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    genesys_models.mistakes("OpenInboundNormalizedMessage", {})   # the SDK is there
    platform = Handler.platform = Platform(directory)
    server = Server((HOST, 0), Handler)
    url = f"http://{HOST}:{server.server_address[1]}"
    apps = [{"appId": name, "genesys": org.section(url)} for name, org in platform.orgs.items()]
    apps[0]["genesys"].update(over.pop("genesys", {}))
    apps[0].update(over)
    (directory / "apps.json").write_text(json.dumps({"apps": apps}, indent=2))
    (directory / "url").write_text(url)
    print("ready", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
