"""compose — whether docker-compose.yml and Kubernetes run the same: each service has the same settings in
both, but for what a table here allows, with the reason.

usage: compose.py SETTINGS DEMO PRODUCTION

What Compose passes on from .env counts as its default there. A setting that only one of them names must
have the program's own default, so that it is the same all the same.
"""

import re
import sys

import yaml

from manifests import OURS, environment_of, finish, load, load_settings, name_of, of_kind, pod_of

DOOR = "the door of Compose hides the addresses of clients"
LINKS = "Compose has no public name"

#  (service or *, setting): why the two may differ.
BOTH = {
    ("*", "NODE_NAME"): "a pod has the name of its pod, a container that of its host",
    ("postoffice", "ALERT_URL"): LINKS,
    ("*", "EDGE_PUBLIC_URL"): LINKS,
    ("stentor-connector", "BOT_ANSWER_URL"): LINKS,
    ("stentor-connector", "BOT_URL"): "Compose falls back to the demo bot without an apps file; Kubernetes always has one",
    ("stentor-connector", "BOT_KEY"): "the same",
    ("*", "APPS_FILE"): "an old installation of Compose has none; .env of a new one names the same path",
    ("edge", "EDGE_ADDRESS_SOCKETS"): DOOR,
    ("edge", "EDGE_ADDRESS_SILENT"): DOOR,
    ("edge", "EDGE_ADDRESS_SOCKETS_PER_SECOND"): DOOR,
    ("edge", "EDGE_ADDRESS_UPGRADES_PER_SECOND"): DOOR,
    ("edge", "EDGE_ADDRESS_REQUESTS_PER_SECOND"): DOOR,
    ("edge", "EDGE_ADDRESS_JOINS_PER_SECOND"): DOOR,
    ("edge", "EDGE_ADDRESS_MESSAGES_PER_SECOND"): DOOR,
}
#  Only between Compose, which is a demonstration, and production.
PRODUCTION = {
    ("*", "PRODUCTION"): "Compose is a demonstration",
    ("edge", "EDGE_DEMO_MODE"): "Compose is a demonstration",
    ("edge", "EDGE_TLS_CERTIFICATE"): "Compose is published on the loopback only",
    ("edge", "EDGE_TLS_KEY"): "Compose is published on the loopback only",
    ("edge", "EDGE_SOCKETS_PER_SECOND"): "handshakes of TLS cost more than what is accepted in clear",
    ("edge", "EDGE_SOCKETS_BURST"): "handshakes of TLS cost more than what is accepted in clear",
}


def passed_on(value):
    """What Compose makes of ${NAME:-default} when .env says nothing."""
    return re.sub(r"\$\{[A-Z_]+:?-([^}]*)\}", r"\1", str(value))


def as_setting(variables):
    """NAME_FILE is NAME, from a file; where it stands is for each of the two to say."""
    settings = {}
    for name, value in variables.items():
        if name.endswith("_FILE") and name not in ("APPS_FILE", "BOT_CA_FILE", "OUT_CA_FILE", "GENESYS_CA_FILE"):
            settings[name.removesuffix("_FILE")] = "from a file"
        else:
            settings[name] = value
    return settings


def of_compose(service):
    return as_setting({name: passed_on(value) for name, value in service["environment"].items()})


def differences(service, ours, theirs, defaults, allowed):
    for name in sorted(ours.keys() | theirs.keys()):
        if (service, name) in allowed or ("*", name) in allowed:
            continue
        default = defaults.get(name, "")
        #  Passed on as nothing: a number or a switch is not set then, and a text has nothing as its default.
        compose, kubernetes = ours.get(name, default) or default, theirs.get(name, default)
        if compose != kubernetes:
            yield f"{service}: {name} is `{compose}` in Compose, and `{kubernetes}` in Kubernetes"


def unused(allowed, services):
    """Rows of a table that allow what nobody does any more."""
    return [f"{service}: {name} differs nowhere any more" for service, name in allowed
            if not any(name in settings for other, pair in services.items() for settings in pair
                       if service in ("*", other))]


def check_hardening(name, service, pod):
    """What else both promise: no root file system to write to, no capability, no more rights."""
    container = pod["containers"][0]
    context = container["securityContext"]
    faults = []
    if service["read_only"] != context["readOnlyRootFilesystem"]:
        faults.append(f"{name}: only one of the two has a root that nobody can write to")
    if service["cap_drop"] != context["capabilities"]["drop"]:
        faults.append(f"{name}: they drop other capabilities")
    if ("no-new-privileges:true" in service["security_opt"]) == context["allowPrivilegeEscalation"]:
        faults.append(f"{name}: only one of the two lets it get more rights")
    if int(service["stop_grace_period"].removesuffix("s")) > pod["terminationGracePeriodSeconds"] - 10:
        faults.append(f"{name}: has less time to end in Kubernetes than in Compose")
    return faults


def compare(compose, things, settings, allowed):
    faults, services = [], {}
    for name in OURS:
        faults += [f"{name}: Compose sets {setting}, which it does not have" for setting in of_compose(compose["services"][name])
                   if setting not in settings[name]]
    for thing in of_kind(things, "Deployment"):
        name = name_of(thing)
        if name not in OURS:
            continue
        service = compose["services"][name]
        services[name] = of_compose(service), as_setting(environment_of(thing))
        faults += differences(name, *services[name], settings[name], allowed)
        faults += check_hardening(name, service, pod_of(thing))
    return faults, services


def check_images(compose, things):
    """The same PostgreSQL, and the same names of images."""
    of_pods = {name_of(thing): pod_of(thing)["containers"][0]["image"] for thing in of_kind(things, "Deployment", "StatefulSet")}
    return [f"{name}: the image is {compose['services'][name]['image']} in Compose, and {image} in Kubernetes"
            for name, image in of_pods.items()
            if image.partition(":")[0] != compose["services"][name]["image"].partition(":")[0]
            or (name == "postgres" and image != compose["services"][name]["image"])]


def load_compose():
    with open("docker-compose.yml", encoding="utf-8") as file:
        return yaml.safe_load(file)


def main():
    settings, compose = load_settings(sys.argv[1]), load_compose()
    demo, production = load(sys.argv[2]), load(sys.argv[3])
    faults, _ = compare(compose, demo, settings, BOTH)
    more, services = compare(compose, production, settings, BOTH | PRODUCTION)
    faults += more + unused(BOTH | PRODUCTION, services) + check_images(compose, demo)
    return finish("compose", faults, f"{sum(len(a.keys() | b.keys()) for a, b in services.values())} settings compared")


if __name__ == "__main__":
    sys.exit(main())
