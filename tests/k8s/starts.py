"""starts — whether the programs start with the environment of their manifests and the files of the
Secrets, and refuse what production must not have by one line.

usage: starts.py BIN SECRETS FILE DIRECTORY

SECRETS is what deploy/k8s/secrets wrote, FILE what was rendered for production. Below DIRECTORY each
service gets its files, as kubelet would lay them, and the paths of its environment lead there. No
database is there: a postoffice starts all the same, and is not ready.
"""

import base64
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import threading

from manifests import OURS, environment_of, finish, load, name_of, of_kind, pod_of

PATIENCE = 30 * float(os.environ.get("HARNESS_PATIENCE", "1"))
#  Any free port, of this machine only.
HERE = {"OPERATIONS_PORT": "0", "POSTGRES_TIMEOUT": "1s"}
OF_SERVICE = {
    "edge": {"EDGE_PORT": "0"},
    "postoffice": {"POSTOFFICE_BUS_ADDRESS": "tcp://127.0.0.1:*"},
}


def files_of(volume, secrets):
    """{file: contents}"""
    if "secret" in volume:
        return secrets[volume["secret"]["secretName"]]
    return {item["path"]: secrets[source["secret"]["name"]][item["key"]]
            for source in volume["projected"]["sources"] for item in source["secret"]["items"]}


def lay(thing, secrets, root):
    """The mounts of a pod's container below root."""
    shutil.rmtree(root, ignore_errors=True)
    pod = pod_of(thing)
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    for mount in pod["containers"][0]["volumeMounts"]:
        place = root / mount["mountPath"].lstrip("/")
        files = files_of(volumes[mount["name"]], secrets)
        for name, contents in files.items():
            path = place if mount.get("subPath") == name else place / name
            if "subPath" in mount and mount["subPath"] != name:
                continue
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(contents)


def environment(thing, root):
    made = {}
    for name, value in environment_of(thing).items():
        if isinstance(value, str):
            made[name] = f"{root}{value}" if value.startswith("/run/") else value
    return made | HERE | OF_SERVICE.get(name_of(thing), {})


def run(program, variables):
    """(exit code, its log) of a program that is ended as soon as it has started."""
    process = subprocess.Popen([program], env=variables, stderr=subprocess.PIPE, text=True)
    watchdog = threading.Timer(PATIENCE, process.kill)
    watchdog.start()
    log = []
    for line in process.stderr:
        log.append(json.loads(line))
        if log[-1]["event"] == "started":
            process.send_signal(signal.SIGTERM)
    code = process.wait()
    watchdog.cancel()
    return code, log


def complaints_of(log):
    return [line.get("complaint", line["event"]) for line in log if line["level"] == "fatal"]


def edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert old in text, (path, old)
    path.write_text(text.replace(old, new), encoding="utf-8")


#  Service, what is wrong, how it gets so (root, variables), and what the one line has in it.
REFUSED = [
    ("edge", "demo mode", lambda root, v: v.update(EDGE_DEMO_MODE="on"), "EDGE_DEMO_MODE"),
    ("edge", "no keys of the bus", lambda root, v: v.pop("BUS_KEYS"), "BUS_KEYS"),
    ("edge", "a key that is not there", lambda root, v: (root / "run/bus/own_secret").unlink(), "own_secret"),
    ("edge", "no TLS", lambda root, v: [v.pop(name) for name in ("EDGE_TLS_CERTIFICATE", "EDGE_TLS_KEY")], "EDGE_TLS_CERTIFICATE"),
    ("edge", "no certificate", lambda root, v: (root / "run/secrets/tls/tls.crt").unlink(), "tls.crt"),
    ("edge", "wrong apps", lambda root, v: edit(root / "run/apps/apps.json", '"apps"', '"applications"'), "applications"),
    ("edge", "no apps", lambda root, v: (root / "run/apps/apps.json").unlink(), "apps.json"),
    ("postoffice", "no verify-full", lambda root, v: edit(root / "run/database/url", "verify-full", "require"), "verify-full"),
    ("postoffice", "no database", lambda root, v: (root / "run/database/url").unlink(), "POSTGRES_URL"),
    ("notifier", "wrong apps", lambda root, v: edit(root / "run/apps/apps.json", "{", "", ), "apps.json"),
]


def check_start(program, thing, secrets, root):
    lay(thing, secrets, root)
    code, log = run(program, environment(thing, root))
    events = [line["event"] for line in log]
    if code != 0 or "started" not in events:
        return [f"{name_of(thing)}: ended with {code}: {complaints_of(log) or events}"]
    return []


def check_refusal(program, thing, secrets, root, row):
    _, words, spoil, wanted = row
    lay(thing, secrets, root)
    variables = environment(thing, root)
    spoil(root, variables)
    code, log = run(program, variables)
    complaints = complaints_of(log)
    if code != 78 or len(complaints) != 1 or wanted not in json.dumps(log):
        return [f"{name_of(thing)}, {words}: ended with {code}: {complaints}"]
    return []


def main():
    bins, directory = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[4]).resolve()
    secrets = {name_of(secret): {key: base64.b64decode(value) for key, value in secret["data"].items()}
               for secret in load(sys.argv[2])}
    things = {name_of(thing): thing for thing in of_kind(load(sys.argv[3]), "Deployment")}
    faults = []
    for name in OURS:
        faults += check_start(bins / name, things[name], secrets, directory / name)
    for row in REFUSED:
        faults += check_refusal(bins / row[0], things[row[0]], secrets, directory / row[0], row)
    return finish("starts", faults, f"{len(OURS)} started, {len(REFUSED)} refused")


if __name__ == "__main__":
    sys.exit(main())
