#!/usr/bin/env python3
"""Every exchange with the HTTP API that the tests had, compared with the API's document: the
answer is one that the document has, and a request that was accepted is one that it allows.

    tests/contract/exchanges.py BIN FOLDER

FOLDER is where tests/harness/exchange_record.c has written (EXCHANGES)."""

import collections
import json
import pathlib
import sys

import document

SHOWN = 20  # mismatches at most


def fields(lines):
    pairs = (line.split(":", 1) for line in lines.split("\r\n") if ":" in line)
    return {name.strip().lower(): value.strip() for name, value in pairs}


def compare(known, exchange, seen):
    path, _, query = exchange["target"].partition("?")
    method, status = exchange["method"], exchange["status"]
    headers = fields(exchange["answerHeaders"])
    body = exchange["answerBody"] or ""
    operation, is_path = known.find(method, path)
    seen[operation.name if operation else "(none)", status] += 1
    if method == "OPTIONS" and status == 204:
        return
    if not operation:
        if status == 405 and "allow" not in headers:
            raise document.Mismatch("there is no Allow")
        if status < 400:
            raise document.Mismatch("it is no operation" + ", though a path" * is_path)
        known.check_refusal(status, headers, body, method == "HEAD")
        return
    operation.check_answer(status, headers, body, method == "HEAD")
    if status < 400:
        operation.check_request(path, query, fields(exchange["headers"] or ""), exchange["body"])


def check_itself(known):
    """What is wrong must be found: one good exchange, and it spoilt in several ways."""
    json_type = "HTTP/1.1 %d x\r\ncontent-type: application/%s\r\n"
    good = {"method": "POST", "target": "/api/v1/sessions/s/messages?userId=u", "headers": "",
            "body": '{"messageId":"1","text":"t"}', "status": 201,
            "answerHeaders": json_type % (201, "json"),
            "answerBody": '{"seq":1,"messageId":"1","time":"2026-11-26T02:03:04.567Z"}'}
    problem = {"status": 401, "answerHeaders": json_type % (401, "problem+json"), "answerBody":
               '{"type":"urn:stentor:problem:unauthenticated","title":"t","status":401}'}
    compare(known, good, collections.Counter())
    spoilt = [{"status": 299}, {"answerHeaders": ""}, {"answerBody": "{"},
              {"answerBody": good["answerBody"].replace("1,", '"1",', 1)},
              {"answerBody": good["answerBody"].replace("{", '{"x":1,')},
              {"body": '{"messageId":"1"}'}, {"body": None}, {"target": good["target"] + "&x=1"},
              {"target": "/api/v1/nothing"}, {"method": "PUT"},
              problem]  # without WWW-Authenticate
    for one in spoilt:
        try:
            compare(known, {**good, **one}, collections.Counter())
        except (document.Mismatch, ValueError):
            continue
        raise AssertionError(f"passed: {one}")


def main():
    known = document.Document(document.read(pathlib.Path(sys.argv[1]) / "edge"))
    check_itself(known)
    seen, failed, count = collections.Counter(), 0, 0
    for file in sorted(pathlib.Path(sys.argv[2]).glob("*.jsonl")):
        for line in file.read_text("utf-8", "surrogateescape").split("\n"):
            if not line:
                continue
            count += 1
            exchange = json.loads(line)
            try:
                compare(known, exchange, seen)
            except (document.Mismatch, ValueError) as error:
                failed += 1
                if failed <= SHOWN:
                    print(f"contract: {exchange['method']} {exchange['target']}"
                          f" -> {exchange['status']}: {error}")
    for operation in sorted(known.operations, key=lambda one: one.name):
        statuses = {status: number for (name, status), number in sorted(seen.items())
                    if name == operation.name}
        print(f"contract: {operation.name:20}",
              ", ".join(f"{status} x{number}" for status, number in statuses.items()) or "never")
    if count == 0:
        print(f"contract: there are no exchanges in {sys.argv[2]}")
    print(f"contract: {count} exchanges, {failed} that the document does not have")
    print(f"# pass {len(seen)}\n# fail {failed}")  # kinds of them: how often is chance
    sys.exit(1 if failed or not count else 0)


main()
