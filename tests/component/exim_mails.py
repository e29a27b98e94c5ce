#!/usr/bin/env python3
"""Notifications as hostile as people can make them, and whether each arrived as it was meant. The mails
are read by Python's own parser of mails, which knows nothing of who wrote them.

    exim_mails.py items DIRECTORY    writes DIRECTORY/item-<number>.json
    exim_mails.py check DIRECTORY    reads DIRECTORY/Maildir, and says what is wrong
    exim_mails.py show DIRECTORY     prints the first mail as it arrived
"""

import email
import email.policy
import html
import json
import pathlib
import sys

LINK = "https://chat.example.com/alerts/abc.def"
CONSOLE = "https://chat.example.com/agent.html?session=s-1&app=a"
USUAL = {
    "kind": "alert", "appId": "a", "sessionId": "s-1", "alert": "7", "rule": "waiting", "event": "visitor-waits",
    "step": 0, "time": "2026-03-29T01:30:00.000Z", "person": {"id": "anna", "name": "Anna M\u00fcller"},
    "address": "anna@example.com", "subject": "Bob waits", "text": "Bob waits for 60 seconds.\nHe says: Hello",
    "html": "Bob waits for 60 seconds.\nHe says: Hello", "link": LINK, "console": CONSOLE, "suppressed": 0,
}
RTL = "\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd"
EMOJI = "\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f600"

#  What is other than usual, and the subject, name and text that are to arrive where these are not as
#  they were given.
CASES = [
    ({}, {}),
    ({"subject": "H\u00e4llo \u2013 " + "\u00e4" * 200}, {}),
    ({"subject": "Hi\r\nBcc: victim@example.com\r\n\r\nbody"}, {"subject": "Hi Bcc: victim@example.com body"}),
    ({"subject": "a\u0085b\u2028c\u2029d\x7fe\x00f\x1bg\x0bh"}, {"subject": "a b c d e f g h"}),
    ({"subject": RTL + " \u202eevil\u202c \u2066x\u2069"}, {"subject": RTL + " evil x"}),
    ({"subject": EMOJI * 20}, {}),
    ({"subject": "=?UTF-8?B?SGFsbG8=?="}, {}),
    ({"subject": "x" * 300}, {}),
    ({"subject": "word " * 60}, {"subject": ("word " * 60).strip()}),
    ({"subject": ""}, {"subject": "waiting"}),
    ({"person": {"id": "e", "name": "Eve\" <victim@example.com>, \"x"}}, {}),
    ({"person": {"id": "e", "name": "Eve\\\r\nCc: victim@example.com"}}, {"name": "Eve\\ Cc: victim@example.com"}),
    ({"person": {"id": "e", "name": RTL + " " + EMOJI}}, {}),
    ({"person": {"id": "e", "name": ""}}, {}),
    ({"person": {"id": "e", "name": "a, b; c: (d) @ e"}}, {}),
    ({"rule": "r\r\nX-Evil: 1", "event": "e\nX-Evil: 2"}, {}),
    ({"sessionId": "s\r\nX-Evil: <1> \u00e4", "alert": "\n"}, {}),
    ({"text": "one\n.\n..\nFrom me\n.\r\nQUIT\r\n.\rRSET\r.\r\nend"}, {}),
    ({"text": "=41=0D=0A\ttab \n trailing \n" + "long " * 400}, {}),
    ({"text": RTL + "\n" + EMOJI + "\n<b>bold</b> & <script>alert(1)</script>",
      "html": RTL + "\n" + EMOJI + "\n&lt;b&gt;bold&lt;/b&gt; &amp; &lt;script&gt;alert(1)&lt;/script&gt;"}, {}),
    ({"text": "--boundary\nContent-Type: text/html\n\n<h1>x</h1>"}, {}),
    ({"text": "see " + LINK + " and " + CONSOLE}, {}),
    ({"html": "".join(f'<a href="{html.escape(url)}">here</a><br>\n' for url in (LINK, CONSOLE))}, {}),
    ({"html": ""}, {}),
    ({"text": "\u00e4" * 5000, "html": "\u00e4" * 5000}, {}),
    ({"time": "yesterday"}, {}),
    ({"link": "", "console": ""}, {}),
]


def items():
    return [(number, {**USUAL, **given, "step": number}, expected) for number, (given, expected) in enumerate(CASES)]


def lines_of(text):
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")


def check(mail, given, expected, failures):
    def same(what, one, other):
        if one != other:
            failures.append(f"{given['number']}: {what} is {one!r}, not {other!r}")

    headers = [name.lower() for name in mail.keys()]
    for name in ("bcc", "cc", "x-evil", "rset", "quit"):
        same(name, headers.count(name), 0)
    for name in ("from", "to", "subject", "date", "message-id", "mime-version", "content-type", "auto-submitted",
                 "list-id", "references", "in-reply-to"):
        same(name, headers.count(name), 1)
    same("subject", str(mail["subject"]), expected.get("subject", given["subject"]))
    to = mail["to"].addresses
    same("recipients", [address.addr_spec for address in to], [given["address"]])
    same("name", to[0].display_name, expected.get("name", given["person"]["name"]))
    same("sender", [(address.display_name, address.addr_spec) for address in mail["from"].addresses],
         [("Chat \u00e4\u00f6\u00fc", "alerts@example.com")])
    same("envelope", (mail["return-path"], mail["envelope-to"]), ("<alerts@example.com>", given["address"]))
    same("defects", [str(defect) for part in mail.walk() for defect in part.defects], [])
    same("auto-submitted", mail["auto-submitted"], "auto-generated")
    same("references", mail["references"], mail["in-reply-to"])
    if given["sessionId"] == "s-1":
        same("thread", mail["references"], "<session.a.s-1@example.com>")
    if given["time"] == USUAL["time"]:
        same("date", mail["date"].datetime.isoformat(), "2026-03-29T01:30:00+00:00")
    parts = [part.get_content_type() for part in mail.walk()]
    same("parts", parts, ["multipart/alternative", "text/plain"] + (["text/html"] if given["html"] else []))
    plain = mail.get_body(("plain",)).get_content()
    if not plain.startswith(lines_of(given["text"]) + "\n"):
        failures.append(f"{given['number']}: the text is {plain!r}, not {given['text']!r}")
    for url in (given["link"], given["console"]):
        same("link", plain.count(url) if url else 1, 1)
    if given["html"]:
        page = mail.get_body(("html",)).get_content()
        words = lines_of(given["html"])
        if "<script>" in page or (words if "<" in words else words.replace("\n", "<br>\n")) not in page:
            failures.append(f"{given['number']}: the HTML is {page!r}")
        for url in (given["link"], given["console"]):
            same("link in HTML", page.count(f'href="{html.escape(url)}"') if url else 1, 1)


def read_all(directory):
    return [path.read_bytes() for path in sorted((directory / "Maildir" / "new").iterdir())]


def main(what, directory):
    if what == "items":
        for number, item, _ in items():
            (directory / f"item-{number}.json").write_text(json.dumps(item))
        print(len(CASES))
        return 0
    if what == "show":
        print(read_all(directory)[0].decode())
        return 0
    failures, seen, raw = [], {}, read_all(directory)
    for each in raw:
        mail = email.message_from_bytes(each, policy=email.policy.default)
        seen.setdefault(mail["x-stentor-step"], []).append(mail)
        ours = each.split(b"\nMime-Version: 1.0\n")[1].split(b"\n\n")[0].split(b"\n")
        failures += [f"a header is too long: {line!r}" for line in ours if len(line) > 76]
        if any(byte > 127 for byte in each):
            failures.append("there is a byte above 127")
    ids = {mail["message-id"] for mails in seen.values() for mail in mails}
    if len(ids) != len(CASES) or len(raw) != len(CASES):
        failures.append(f"{len(raw)} mails, {len(ids)} ids, {len(CASES)} items")
    for number, item, expected in items():
        mails = seen.get(str(number + 1), [])
        if len(mails) != 1:
            failures.append(f"{number}: {len(mails)} mails")
        else:
            check(mails[0], {**item, "number": number}, expected, failures)
    print("\n".join(failures) or f"{len(raw)} mails are as they were meant")
    return 1 if failures else 0


sys.exit(main(sys.argv[1], pathlib.Path(sys.argv[2])))
