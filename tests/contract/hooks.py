"""What schemathesis is told of the router beside the document: which sessions and people there are,
so that not all that it asks for is missing, and limits in bytes, which JSON Schema counts in
characters. KNOWN is JSON: {"session": [ids], "user": [...], "item": [...]}."""

import json
import os
import random

import schemathesis

KNOWN = json.loads(os.environ["KNOWN"])
BYTES = {"session": 200, "user": 200, "userId": 200, "item": 200, "messageId": 100}
CHANCE = random.Random(int(os.environ["SEED"]))


def is_positive(case):
    return case.meta is None or case.meta.generation.mode.is_positive


def spoilt_parameter(case):
    return getattr(case.meta.phase.data, "parameter", None)


@schemathesis.hook
def before_call(_context, case, _arguments):
    """In most requests that are good, the session is one that there is, and the query does not
    contradict the token."""
    if not is_positive(case):
        #  Without a token the app is the one that the query names: what is missing is the token.
        if spoilt_parameter(case) == "Authorization" and case.query:
            case.query.pop("appId", None)
        return
    for name in ("userId", "appId", "isAdmin"):
        if case.query and name in case.query and CHANCE.random() < 0.9:
            del case.query[name]
    if case.query:
        case.query.pop("cursor", None)  # whose form is nobody's business
    if os.environ["PRINCIPAL"] == "anonymous" and "userId" not in (case.query or {}):
        case.query = {**(case.query or {}), "userId": "ann"}
    for name in case.path_parameters or {}:
        if KNOWN.get(name) and CHANCE.random() < 0.7:
            case.path_parameters[name] = CHANCE.choice(KNOWN[name])


def too_long(values):
    return any(isinstance(values.get(name), str) and len(values[name].encode("utf-8", "replace")) > most
               for name, most in BYTES.items())


@schemathesis.hook
def filter_case(_context, case):
    """Characters are within the limit, and bytes are not: the document cannot say so."""
    body = case.body if isinstance(case.body, dict) else {}
    return not is_positive(case) or not any(
        too_long(values) for values in (case.path_parameters or {}, case.query or {}, body))
