#!/usr/bin/env python3
"""The commands about apps files, of the real programs: --check-apps, --apps-schema. The schema and
the reader agree: what one refuses the other refuses, but for rules that a schema cannot say."""

import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import jsonschema

BIN = pathlib.Path(sys.argv[1])
TOP = pathlib.Path(__file__).parent.parent.parent
SERVICES = ["edge", "postoffice", "stentor-connector", "notifier", "genesys-connector"]

APP = {"appId": "a", "bot": {"url": "http://b/", "key": "k", "name": "N"}, "origins": ["https://x"]}
GOOD = [
    {"apps": [{"appId": "a"}]},
    {"apps": [APP]},
    {"//": "why", "apps": [{"appId": "a", "// x": 1}]},
    {"apps": [{"appId": "a", "later": {"x": 1}}], "later": {}},
    {"apps": [{"appId": "a", "origins": ["null", "file://", "http://h:1"], "textLimit": 1}]},
]
HASH = "sha256:" + "0a" * 32
GOOD += [{"apps": [{"appId": "a", "apiKeys": {"keys": keys}}]} for keys in (
    [], [{"name": "crm", "hash": HASH}], [{"name": "crm", "hash": HASH, "scopes": []}],
    [{"name": "crm", "hash": HASH, "scopes": ["SESSION_READ", "message_post_as"]}])]
#  The example of docs/alerts.md, and its recipes as one app.
PAGE = (TOP / "docs/alerts.md").read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"^```json\n(.*?)^```", PAGE, re.M | re.S)]
WAYS = {
    "people": [{"id": name, "email": f"{name}@example.com", "phone": "+4930123456",
                "groups": ["front-desk", "legal", "operators"]} for name in ("anna", "otto", "archive")],
    "email": {"url": "smtp://mail:587", "user": "u", "password": "p", "from": "a@example.com"},
    "sms": {"accountSid": "AC" + 32 * "0", "token": "t", "from": "+15550100"},
    "slack": {"token": "xoxb-1", "channel": "C01"},
}
RECIPES = {"apps": [{"appId": "a", **WAYS, "alerts": [rule for rule in EXAMPLES if "on" in rule]}]}
GOOD.append(RECIPES)
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
GOOD.append({"apps": [{"appId": "a", "webhooksOut": [{"name": "crm", "url": "https://c/", "secret": SECRET}],
                       "webhooksIn": [{"channel": "c", "kind": "standard", "secret": SECRET}]}]})
BAD = [
    None, [], {}, {"apps": []}, {"apps": {}}, {"apps": [1]}, {"apps": [{}]}, {"app": [], "apps": [APP]},
    {"apps": [{"appId": "a b"}]}, {"apps": [{"appId": 7}]}, {"apps": [{"appId": "a" * 65}]},
    {"apps": [{"appId": "a", "bto": 7}]}, {"apps": [{"appId": "a", "bot": []}]},
    {"apps": [{"appId": "a", "bot": {}}]}, {"apps": [{"appId": "a", "bot": {"url": "ftp://b/"}}]},
    {"apps": [{"appId": "a", "bot": {"url": "http://b/", "kye": {}}}]},
    {"apps": [{"appId": "a", "origins": "x"}]}, {"apps": [{"appId": "a", "origins": ["x"]}]},
    {"apps": [{"appId": "a", "textLimit": 0}]}, {"apps": [{"appId": "a", "textLimit": "1"}]},
    {"apps": [{"appId": "a", "textLimit": 1.5}]}, {"apps": [{"appId": "a", "textLimit": 2**64}]},
    {"apps": [{"appId": "a", "bot": {"url": "http://\u2461.\u2461.\u2461.\u2461/"}}]},
    {"apps": [{"appId": "a", "bot": {"url": "http://b:999999/"}}]},
]
BAD += [{"apps": [{"appId": "a", **WAYS, **section}]} for section in (
    {"people": [{"id": "a", "email": "Anna <a@b>"}]}, {"people": [{"id": "a", "phone": "030 12"}]},
    {"email": {"url": "smtp://m:123456", "withoutLogin": True, "from": "a@b"}},
    {"webhooksIn": [{"channel": "c", "kind": "rcs", "secret": ""}]},
    {"alerts": [{"name": "r", "on": "session-ended", "where": {"pages": ["shop"]},
                 "steps": [{"by": ["email"], "to": ["person:anna"]}]}]},
    {"people": {}}, {"people": [{"id": "a", "groups": ["a b"]}]}, {"alerts": [{"name": "r"}]},
    {"alerts": [{"name": "r", "on": "X", "steps": [{"by": ["email"], "to": ["person:a"]}]}]},
    {"alerts": [{"name": "r", "on": "keyword", "steps": [{"by": ["fax"], "to": ["person:a"]}]}]},
    {"alerts": [{"name": "r", "on": "keyword", "steps": [{"by": ["email"], "to": ["a"]}]}]},
    {"alerts": [{"name": "r", "on": "keyword", "steps": []}]}, {"sms": {"accountSid": "AC1"}},
    {"email": {"url": "mail", "from": "a@b"}}, {"slack": {"channel": "#x"}},
    {"webhooksOut": [{"name": "c", "url": "ftp://c/"}]}, {"webhooksIn": [{"channel": "C", "kind": "rcs"}]})]
BAD += [{"apps": [{"appId": "a", "apiKeys": keys}]} for keys in (
    [], {}, {"keys": {}}, {"keys": [{"name": "crm"}]}, {"keys": [{"hash": HASH}]},
    {"keys": [{"name": "a b", "hash": HASH}]}, {"keys": [{"name": "crm", "hash": HASH.upper()}]},
    {"keys": [{"name": "crm", "hash": HASH, "scopes": [1]}]},
    {"keys": [{"name": "crm", "hash": HASH, "key": "stk_"}]})]


def run(service, *arguments, **settings):
    return subprocess.run([BIN / service, *arguments], capture_output=True, text=True, timeout=20,
                          env={**os.environ, **settings})


def check(file, service="edge"):
    return run(service, "--check-apps", file)


schema = json.loads(run("edge", "--apps-schema").stdout)
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
failures = []
count = 0


def expect(holds, what):
    global count
    count += 1
    if not holds:
        failures.append(what)


with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "apps.json"
    for is_good, documents in ((True, GOOD), (False, BAD)):
        for document in documents:
            file.write_text(json.dumps(document))
            answer = check(file)
            expect(validator.is_valid(document) == is_good, f"schema: {document}")
            expect(answer.returncode == (0 if is_good else 78), f"reader: {document}: {answer}")
            expect(is_good or f"{file}: line 1: " in answer.stderr, f"complaint: {answer}")
    file.write_text(json.dumps(GOOD[3]))
    expect("section \"later\" is not known" in check(file).stderr, "a newer section is a warning")
    file.write_text('{"apps":[{"appId":"a","bot":{"url":"http://b/","keyFile":"no/such"}}]}')
    expect(check(file, "stentor-connector").returncode == 78, "the key's file is missing")
    expect(check(file, "postoffice").returncode == 0, "a postoffice needs no key")
    expect(check(pathlib.Path(folder) / "none").returncode == 78, "there is no such file")
    expect(check(folder).returncode == 78, "a folder is no file")
#  Each says what any of them would refuse: all are given the same file.
UUID = "0a1b2c3d-0a1b-0a1b-0a1b-0a1b2c3d4e5f"
GENESYS = {"region": "eu_central_1", "clientId": "c", "clientSecret": "s", "integrationId": UUID,
           "webhookSecret": "0123456789abcdef"}
REFUSED = [
    ({"region": None}, '"genesys" needs a "region"', "genesys-connector"),
    ({"domain": "mypurecloud.de"}, '"region" and "domain" say the same', "genesys-connector"),
    ({"clientSecret": None}, '"genesys" needs a "clientSecret"', "genesys-connector"),
    ({"webhookSecret": None}, '"genesys" needs a "webhookSecret"', "edge"),
    ({"webhookSecret": "short"}, 'a "webhookSecret" is longer than 15 bytes', "edge"),
    ({"webhookSecret": ""}, '"webhookSecret" must not be empty', None),
    ({"webhookHeader": "X-Router"}, '"webhookHeader" and "webhookHeaderValue" need each other', "edge"),
]
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "apps.json"

    def refused(apps, words, by, services=SERVICES):
        file.write_text(json.dumps({"apps": apps}))
        for service in services:
            answer = check(file, service)
            ending = f" (refused by {by})" if by and by != service else ""
            expect(answer.returncode == (78 if words else 0), f"{service}: {apps}: {answer}")
            expect(not words or (words in answer.stderr and ending in answer.stderr), f"{service}: {answer}")

    refused([{"appId": "a", "genesys": GENESYS}], "", None)
    for change, words, by in REFUSED:
        section = {name: value for name, value in {**GENESYS, **change}.items() if value is not None}
        refused([{"appId": "a", "genesys": section}], words, by)
    refused([{"appId": "a", "genesys": GENESYS},
             {"appId": "b", "genesys": {**GENESYS, "integrationId": UUID.upper()}}],
            "an app above has this integration already", None)
    #  Rules of other sections, too. Files of others' secrets are not there, and need not be.
    refused([{"appId": "a", "tokens": {}}], '"tokens" needs "keys" or "jwks"', "edge")
    refused([{"appId": "a", **WAYS, "alerts": [{"name": "r", "on": "keyword", "where": {"keywords": ["x"]}, "steps": [
        {"by": ["email"], "to": ["person:nobody"]}]}]}], 'there is no "nobody" in "people"', "postoffice")
    hidden = {f"{name}File" if "Secret" in name else name: value for name, value in GENESYS.items()}
    keys = [{"kid": "k", "algorithm": "HS256", "keyFile": "no/key"}]
    own = {"genesys": hidden, "tokens": {"keys": keys, "jwksFile": "no/jwks"}}
    refused([{"appId": "a", **own}], "", None, ["postoffice", "stentor-connector", "notifier"])
    refused([{"appId": "a", **own}], "No such file", None, ["edge", "genesys-connector"])
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "apps.json"
    file.write_text(json.dumps(RECIPES))
    for service in SERVICES:
        expect(check(file, service).returncode == 0, f"the recipes: {service}: {check(file, service)}")
    for name in ("smtp.password", "slack.token"):
        (pathlib.Path(folder) / name).write_text("xoxb-1\n")
    file.write_text(json.dumps({"apps": [EXAMPLES[0]]}))
    for service in SERVICES:
        expect(check(file, service).returncode == 0, f"docs/alerts.md: {service}: {check(file, service)}")
    expect(len(RECIPES["apps"][0]["alerts"]) >= 6, "there are recipes")
#  What people say goes out in clear only where the operator allows it.
with tempfile.TemporaryDirectory() as folder:
    file = pathlib.Path(folder) / "apps.json"
    for url, allowed, is_good in (
            ("https://crm.example.com/", "", True), ("http://crm.example.com/", "", False),
            ("http://crm.example.com/", " , ", False), ("HTTP://crm.example.com/", "", False),
            ("http://crm.example.com/", "10.0.0.0/8", True), ("http://10.1.2.3/", "", False),
            ("http://10.1.2.3/", "10.0.0.0/8", True), ("http://11.1.2.3/", "10.0.0.0/8", False),
            ("http://127.0.0.1:9999/", "127.0.0.1/32", True), ("http://localhost/", "10.0.0.0/8", False),
            ("http://0x7f.1/", "10.0.0.0/8", False), ("http://localhost/", "127.0.0.0/8", True),
            ("http://[fd00::1]/", "fd00::/8", True), ("http://[fd00::1]/", "10.0.0.0/8", False)):
        file.write_text(json.dumps({"apps": [{"appId": "a", "webhooksOut": [
            {"name": "crm", "url": url, "secret": "whsec_" + "A" * 32}]}]}))
        answer = run("notifier", "--check-apps", file, OUT_ALLOWED_NETWORKS=allowed)
        expect(answer.returncode == (0 if is_good else 78), f"{url}, {allowed}: {answer}")
        expect(is_good or "line 1: http:// sends" in answer.stderr, f"{url}, {allowed}: {answer}")
        expect(check(file, "postoffice").returncode == 0, "it is the notifier's")
    answer = run("notifier", "--check-apps", file, OUT_ALLOWED_NETWORKS="", TRY_WITHIN="soon")
    expect(answer.returncode == 78 and "TRY_WITHIN" in answer.stderr, f"a wrong setting: {answer}")
for service in SERVICES:
    expect(check(TOP / "apps.example.json", service).returncode == 0, f"the example: {service}")
    expect(run(service, "--check-apps").returncode == 64, f"an argument is missing: {service}")
    expect("an argument is missing: --check-apps FILE" in run(service, "--check-apps").stderr, service)
    expect(run(service, "--help", "more").returncode == 64, f"an argument too many: {service}")
    expect("too many arguments" in run(service, "--help", "more").stderr, service)
    expect("no such command" in run(service, "--no-such").stderr, service)
    expect("--check-apps FILE" in run(service, "--help").stdout, f"--help: {service}")
    expect(run(service, "--no-such").returncode == 64, f"no such command: {service}")
expect("an argument is missing: make-token CLAIMS" in run("edge", "make-token").stderr, "make-token")
answer = run("edge", "make-key", "crm")
key, row = answer.stdout.splitlines()
expect(answer.returncode == 0 and key.startswith("stk_") and len(key) == 68, f"make-key: {answer}")
expect(json.loads(row) == {"name": "crm", "hash": "sha256:" + hashlib.sha256(key.encode()).hexdigest()}, row)
expect(run("edge", "make-key", "crm").stdout.splitlines()[0] != key, "make-key makes another one each time")
expect(run("edge", "make-key", "no name").returncode == 64, "make-key: no such name")
for failure in failures:
    print(failure)
print(f"{count - len(failures)} passed, {len(failures)} failed")
sys.exit(1 if failures else 0)
