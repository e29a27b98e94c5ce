#!/usr/bin/env python3
"""What docs/alerts.md tells people to do without an account works as it stands there, but for the port; and
what `notifier --send-test` says when it does not work."""

import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

BIN = pathlib.Path(sys.argv[1]).resolve()
TOP = pathlib.Path(__file__).resolve().parents[2]
failures = []
count = 0


def expect(holds, what):
    global count
    count += 1
    if not holds:
        failures.append(what)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


section = re.search(r"^## Try it without an account\n(.*?)^## ", (TOP / "docs/alerts.md").read_text(), re.S | re.M)[1]
(apps,), (script,) = (re.findall(rf"^```{kind}\n(.*?)^```$", section, re.S | re.M) for kind in ("json", "sh"))
port = str(free_port())
script = script.replace("demo/far-side/far-side &", f"demo/far-side/far-side {port} >got &").replace(":8027", f":{port}")
#  The far side is there a moment after it was begun.
script = script.replace("notifier --check-apps", "until grep -q ^ready got; do :; done\nnotifier --check-apps", 1)
settings = {"PATH": f"{BIN}:{os.environ['PATH']}", "HOME": "/"}

with tempfile.TemporaryDirectory() as folder:
    place = pathlib.Path(folder)
    (place / "try.json").write_text(apps.replace(":8027", f":{port}"))
    (place / "demo").symlink_to(TOP / "demo")
    shell = subprocess.Popen(["bash", "-eu", "-c", script], cwd=place, env=settings, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True, start_new_session=True)
    code = shell.wait(timeout=60)
    said = os.read(shell.stdout.fileno(), 10000).decode()
    got = (place / "got").read_text().splitlines()
    expect(code == 0, f"the commands: {code}: {said}")
    expect(len(said.splitlines()) == 4 and "no mistake" in said, f"a line for each command: {said}")
    expect(got[1:2] and got[1].startswith("Slack, C0123ABC: "), f"Slack: {got}")
    expect(got[2:3] and got[2].startswith("SMS, +4930123456: "), f"SMS: {got}")
    body = json.loads(got[3].removeprefix("webhook, /chat: ")) if len(got) > 3 else {}
    expect(body.get("type") == "test" and body.get("data") == {}, f"webhook: {got}")

    def send(channel, to, app="demo", file="try.json", **more):
        here = {**settings, "APPS_FILE": place / file, "SLACK_URL": f"http://127.0.0.1:{port}/api",
                "TWILIO_URL": f"http://127.0.0.1:{port}", "OUT_ALLOWED_NETWORKS": "127.0.0.1/32", **more}
        return subprocess.run([BIN / "notifier", "--send-test", channel, "--app", app, "--to", to],
                              capture_output=True, text=True, timeout=30, env=here)

    hook = {"appId": "demo", "slack": {"webhook": f"http://127.0.0.1:{port}/services/x"}}
    (place / "hook.json").write_text(json.dumps({"apps": [hook]}))
    nobody = f"http://127.0.0.1:{free_port()}"
    for expected, words, answer in (
            (69, "was not reached", send("slack", "C1", SLACK_URL=nobody)),
            (69, "was not reached", send("sms", "+4930123456", TWILIO_URL=nobody)),
            (69, "no such endpoint", send("webhook", "other")),
            (78, "OUT_ALLOWED_NETWORKS", send("webhook", "crm", OUT_ALLOWED_NETWORKS="")),
            (78, "no \"webhook\"", send("slack", "webhook")),
            (0, "posted", send("slack", "webhook", file="hook.json")),
            (78, "http:// sends", send("slack", "webhook", file="hook.json", OUT_ALLOWED_NETWORKS="")),
            (78, "no such app", send("slack", "C1", app="other")),
            (78, "no such app", send("sms", "+4930123456", app="other")),
            (64, "no number", send("sms", "anna")),
            (78, "no section \"email\"", send("email", "anna@example.com")),
            (64, "usage", send("fax", "anna"))):
        expect(answer.returncode == expected and words in answer.stdout + answer.stderr, f"{words}: {answer}")
    os.killpg(shell.pid, signal.SIGTERM)

for failure in failures:
    print(failure)
print(f"{count - len(failures)} passed, {len(failures)} failed")
sys.exit(1 if failures else 0)
