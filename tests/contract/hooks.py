"""What schemathesis is told of the router beside the document: which sessions and people there are,
so that not all that it asks for is missing; limits in bytes, which JSON Schema counts in characters;
and what goes together, or depends on who asks, which no schema can say. KNOWN is JSON:
{"session": [ids], "user": [...], "item": [...]}."""

import json
import os
import random
import re

import schemathesis

KNOWN = json.loads(os.environ["KNOWN"])
PRINCIPAL = os.environ["PRINCIPAL"]
CHANCE = random.Random(int(os.environ["SEED"]))
WHO_ASKS = ("userId", "appId", "isAdmin")
AS_SOMEBODY = ("sessionEnter", "sessionExit", "sessionReadMark", "controlTake", "controlRelease",
               "controlAccept", "controlDecline")
TIMES = ("activeAfter", "activeBefore", "createdAfter", "createdBefore")


def is_positive(case):
    return case.meta is None or case.meta.generation.mode.is_positive


def spoilt_parameter(case):
    return getattr(case.meta.phase.data, "parameter", None)


def in_bytes(value):
    """With as many bytes as it has characters now, everywhere; and names without a NUL."""
    if isinstance(value, str) and not value.isascii():
        return value.encode("utf-8", "ignore")[:len(value)].decode("utf-8", "ignore") or "x"
    if isinstance(value, list):
        return [in_bytes(one) for one in value]
    if isinstance(value, dict):
        return {name.replace("\0", ""): in_bytes(one) for name, one in value.items()}
    return value


def mend_query(query, operation):
    for name in WHO_ASKS:
        if CHANCE.random() < 0.9:
            query.pop(name, None)  # it would contradict the token
    if PRINCIPAL == "anonymous":
        query.setdefault("userId", "ann")
    query.pop("cursor", None)  # whose form is nobody's business
    for name in TIMES:  # RFC 3339 has years that nobody stored anything in, and zones of 23 hours
        if not re.match(r"(19[7-9]|2[0-9]{2})[0-9]-.*Z$", query.get(name, "")):
            query.pop(name, None)
    if operation == "search":
        query.setdefault("q", "hello")
    if query.get("kind") == "timer":
        query.setdefault("session", "s-1")
    if "zone" in query:
        query.update(zone="Europe/Zurich", format="text")


def mend_body(case, body, operation):
    if PRINCIPAL == "api" and operation in (*AS_SOMEBODY, "messagePost"):
        who = body.setdefault("as", {"kind": "agent", "userId": "anna"})
        if operation != "messagePost" and who.get("kind") != "agent":
            body["as"] = {"kind": "agent", "userId": "anna"}  # who else may depends on the operation
        body.pop("name", None)  # stands in "as"
    elif PRINCIPAL == "api" and operation == "controlOffer":
        body.pop("as", None)
    if PRINCIPAL != "api":
        for name in ("as", "visitor", "info"):
            body.pop(name, None)
    elif operation == "sessionCreate":
        body.setdefault("visitor", {"userId": "kim"})
        body.pop("info", None)  # has a limit of bytes in all
    if operation != "messagePost":
        return
    if "Idempotency-Key" in (case.headers or {}):
        body.pop("messageId", None)  # it is the key
    else:
        body.setdefault("messageId", f"m-{CHANCE.random()}")


@schemathesis.hook
def before_call(_context, case, _arguments):
    """A good request is made one that this asker may well make; most are of sessions that are."""
    operation = case.operation.definition.raw["operationId"]
    if not is_positive(case):
        #  Without a token the app is the one that the query names: what is missing is the token.
        if spoilt_parameter(case) == "Authorization" and case.query:
            case.query.pop("appId", None)
        return
    path, query = in_bytes(case.path_parameters or {}), in_bytes(dict(case.query or {}))
    mend_query(query, operation)
    for name in path:
        if KNOWN.get(name) and CHANCE.random() < 0.7:
            path[name] = CHANCE.choice(KNOWN[name])
    case.path_parameters, case.query = path, query
    if case.headers and "If-Match" in case.headers:
        case.headers["If-Match"] = '"' + case.headers["If-Match"].strip('"') + '"'
    if PRINCIPAL == "api" and operation in ("sessionCreate", *AS_SOMEBODY):
        if not isinstance(case.body, dict):
            case.body, case.media_type = {}, "application/json"  # a server must say who
    if isinstance(case.body, dict):
        case.body = in_bytes(case.body)
        mend_body(case, case.body, operation)


@schemathesis.hook
def filter_case(_context, case):
    """Blanks around a header's value are none of it, and an empty value is none: not negative."""
    key = (case.headers or {}).get("Idempotency-Key")
    return is_positive(case) or not isinstance(key, str) or not re.fullmatch(r"[!-~]*", key.strip())
