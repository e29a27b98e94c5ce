#!/usr/bin/env python3
"""Asks a running stack what the API's document allows, and much that it forbids: schemathesis with
all of its checks, as a server, an agent and a visitor, from a fixed seed.

    tests/contract/fuzz.py BIN [--examples N] [--seed N] [--as PRINCIPAL]...

BIN is where the built programs are. --examples: cases of each operation, principal and phase."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import time
import urllib.request

import stack

HERE = pathlib.Path(__file__).parent
#  What is there for whom; what is erased is nobody else's.
SESSIONS = {"api": ["s-1", "s-2", "s/4 \u00e9"], "agent": ["s-1", "s-2", "s/4 \u00e9"],
            "visitor": ["s-2"], "anonymous": ["s-1"]}
USERS = ["anonymous:zoe", "anonymous:max"]
#  Deliveries that nobody could make.
DEAD = """INSERT INTO work_item (item, app, session, topic, body, state, finished_at)
    SELECT 'w-' || n, 'demo', 'demo/s-1', 'test.nowhere', '{}', 3, now ()
    FROM generate_series (1, 20) n"""
PRINCIPALS = {
    "api": '{"app":"demo","kind":"api","sub":"crm"}',
    "agent": '{"app":"demo","kind":"agent","sub":"anna"}',
    "visitor": '{"app":"demo","kind":"visitor","sub":"vera"}',
    "anonymous": None,
}


def without_streams(text):
    """The document without the operations whose answer has no end: who asks waits for it."""
    document = json.loads(text)
    for members in document["paths"].values():
        for method in [name for name, operation in members.items()
                       if isinstance(operation, dict) and "text/event-stream"
                       in operation.get("responses", {}).get("200", {}).get("content", {})]:
            del members[method]
    return json.dumps(document)


def items(running):
    """The ids of work items."""
    request = urllib.request.Request(f"http://127.0.0.1:{running.edge}/api/v1/work-items")
    request.add_header("Authorization", f"Bearer {running.token(PRINCIPALS['api'])}")
    with urllib.request.urlopen(request, timeout=20) as answer:
        return [item["itemId"] for item in json.load(answer)["items"]]


def ask(running, principal, arguments, document, phases):
    command = [
        pathlib.Path(sys.executable).parent / "schemathesis", "--config-file",
        HERE / "schemathesis.toml", "run", document, "--url", f"http://127.0.0.1:{running.edge}",
        "--seed", str(arguments.seed), "--max-examples", str(arguments.examples),
        *phases]
    if PRINCIPALS[principal]:
        command += ["-H", f"Authorization: Bearer {running.token(PRINCIPALS[principal])}"]
    known = {"session": SESSIONS[principal], "user": USERS, "item": running.items}
    environment = {**os.environ, "SCHEMATHESIS_HOOKS": "hooks", "PYTHONPATH": str(HERE),
                   "KNOWN": json.dumps(known), "SEED": str(arguments.seed), "NO_COLOR": "1",
                   "PRINCIPAL": principal}
    began = time.monotonic()
    done = subprocess.run(command, env=environment, cwd=running.folder, check=False)
    print(f"contract: as {principal}: {'ok' if done.returncode == 0 else 'FAILED'},"
          f" {time.monotonic() - began:.0f} s", flush=True)
    return done.returncode == 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("binaries")
    parser.add_argument("--examples", type=int, default=10)
    parser.add_argument("--quick", action="store_true", help="all phases for the first principal only")
    parser.add_argument("--seed", type=int, default=20261126)
    parser.add_argument("--as", dest="principals", action="append", choices=PRINCIPALS)
    arguments = parser.parse_args()
    with stack.Stack(arguments.binaries) as running:
        document = pathlib.Path(running.folder) / "openapi.json"
        document.write_text(without_streams(subprocess.run(
            [running.binaries / "edge", "--openapi"], check=True, capture_output=True).stdout))
        running.chat("userId=ann", "s-1", "hello", "help")
        running.chat(f"token={running.token(PRINCIPALS['visitor'])}", "s-2", "hello")
        running.chat("userId=zoe", "s-3", "hello")
        stack.say(running.url, DEAD)
        running.items = items(running)
        outcomes = []
        for one in arguments.principals or PRINCIPALS:
            phases = ["--phases", "examples,fuzzing"] if arguments.quick and outcomes else []
            outcomes.append(ask(running, one, arguments, document, phases))
        for service in running.processes:
            running.alive(service)
    print(f"# pass {outcomes.count(True)}\n# fail {outcomes.count(False)}")
    sys.exit(0 if all(outcomes) else 1)


main()
