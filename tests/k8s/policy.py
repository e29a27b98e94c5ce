"""policy — what every manifest of deploy/k8s must be, whatever a schema allows.

usage: policy.py SETTINGS FILE

SETTINGS has the settings of the programs, "service NAME" a line. Says each fault in a line, and ends
with 1 when there is one.
"""

import sys

import yaml

LABELS = {"name", "instance", "version", "component", "part-of", "managed-by"}
KINDS = {"Deployment", "StatefulSet"}
OURS = {"edge", "postoffice", "stentor-connector", "genesys-connector", "notifier"}


def pods(things):
    return [thing for thing in things if thing["kind"] in KINDS]


def check_labels(thing):
    labels = thing["metadata"].get("labels", {})
    wanted = LABELS if thing["kind"] in KINDS | {"Service"} else LABELS - {"name", "component"}
    return [f"has no label {label}" for label in sorted(wanted)
            if f"app.kubernetes.io/{label}" not in labels]


def check_selector(thing):
    spec = thing["spec"]
    selector, labels = spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]
    faults = [f"selects {key}, which its pods do not have" for key in selector
              if labels.get(key) != selector[key]]
    #  They can never be changed: nothing of a release, or of who manages it, belongs there.
    return faults + [f"selects by {key}" for key in selector
                     if key.split("/")[-1] not in ("name", "part-of")]


def check_claims(thing):
    """Their templates cannot be changed either: the next version could not be applied."""
    return [f"has its version in the claim {claim['metadata']['name']}"
            for claim in thing["spec"].get("volumeClaimTemplates", [])
            if "app.kubernetes.io/version" in claim["metadata"].get("labels", {})]


def check_pod(thing):
    pod = thing["spec"]["template"]["spec"]
    context = pod.get("securityContext", {})
    faults = []
    for is_good, words in [
        (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0, "may run as root"),
        (context.get("seccompProfile", {}).get("type") == "RuntimeDefault", "has no seccomp profile"),
        (pod.get("automountServiceAccountToken") is False, "gets a token of the API server"),
        (pod.get("enableServiceLinks") is False, "gets the services as variables"),
        (not pod.get("hostNetwork") and not pod.get("hostPID") and not pod.get("hostIPC"), "sees the host"),
        (not any("hostPath" in volume for volume in pod.get("volumes", [])), "mounts the host"),
    ]:
        if not is_good:
            faults.append(words)
    for container in pod["containers"] + pod.get("initContainers", []):
        faults += check_container(container)
    return faults


def check_container(container):
    context = container.get("securityContext", {})
    resources = container.get("resources", {})
    tag = container["image"].rsplit("/", 1)[-1].partition(":")[2]
    faults = []
    for is_good, words in [
        (context.get("allowPrivilegeEscalation") is False, "may get more rights"),
        (context.get("readOnlyRootFilesystem") is True, "may write to its root"),
        (context.get("capabilities", {}).get("drop") == ["ALL"], "has capabilities"),
        (tag not in ("", "latest"), "has an image without a version"),
        ({"cpu", "memory"} <= set(resources.get("requests", {})), "asks for no cpu or memory"),
        ("memory" in resources.get("limits", {}), "has no limit of memory"),
    ] + [(f"{probe}Probe" in container, f"has no {probe} probe") for probe in ("startup", "liveness", "readiness")]:
        if not is_good:
            faults.append(f"{container['name']} {words}")
    return faults


def check_service(thing, settings):
    """What only our services are held to."""
    name, spec = thing["metadata"]["name"], thing["spec"]["template"]["spec"]
    container = spec["containers"][0]
    faults = []
    for variable in container["env"]:
        known = variable["name"].removesuffix("_FILE")
        if variable["name"] not in settings[name] and known not in settings[name]:
            faults.append(f"sets {variable['name']}, which {name} does not have")
        if variable["name"].endswith("_FILE") or "SECRET" not in variable["name"]:
            continue
        faults.append(f"has a secret in {variable['name']}")
    if any("secretKeyRef" in variable.get("valueFrom", {}) for variable in container["env"]):
        faults.append("has a secret as a variable")
    strategy = thing["spec"]["strategy"]
    for is_good, words in [
        (strategy.get("type") == "RollingUpdate", "names no strategy: each apply would say that it changes"),
        (strategy["rollingUpdate"]["maxUnavailable"] == 0, "is replaced before its successor is there"),
        (container["lifecycle"]["preStop"] == {"sleep": {"seconds": 10}}, "is not slept before its end"),
        (spec["terminationGracePeriodSeconds"] == 45, "has another time to end than 45 s"),
        (container["livenessProbe"]["httpGet"]["path"] == "/healthz", "is killed by another path than /healthz"),
        (container["readinessProbe"]["httpGet"]["path"] == "/readyz", "is ready by another path than /readyz"),
        (len(spec.get("topologySpreadConstraints", [])) == 2, "is not spread over zones and nodes"),
    ]:
        if not is_good:
            faults.append(words)
    return faults


def check_all(things):
    """Between them: budgets, policies, and names that lead somewhere."""
    faults = []
    names = {(thing["kind"], thing["metadata"]["name"]) for thing in things}
    policed = set()
    for thing in things:
        if thing["kind"] == "NetworkPolicy":
            policed.add(thing["metadata"]["name"])
    if not {"nobody", "names"} <= policed:
        faults.append("NetworkPolicy: nobody is denied by default")
    for thing in pods(things):
        name = thing["metadata"]["name"]
        has_budget = ("PodDisruptionBudget", name) in names
        if has_budget != (thing["spec"]["replicas"] > 1):
            faults.append(f"{name}: a budget is for more than one replica, and only for that")
        account = thing["spec"]["template"]["spec"]["serviceAccountName"]
        if ("ServiceAccount", account) not in names:
            faults.append(f"{name}: there is no account {account}")
    for thing in things:
        if thing["kind"] == "Secret":
            faults.append(f"Secret {thing['metadata']['name']}: a secret is rendered")
    return faults


def main():
    settings = {name: set() for name in OURS}
    with open(sys.argv[1], encoding="utf-8") as file:
        for line in file:
            service, name = line.split()
            settings[service].add(name)
    with open(sys.argv[2], encoding="utf-8") as file:
        things = [thing for thing in yaml.safe_load_all(file) if thing]
    faults = check_all(things)
    for thing in things:
        found = check_labels(thing) if thing["kind"] != "Namespace" else []
        if thing["kind"] in KINDS:
            found += check_selector(thing) + check_claims(thing) + check_pod(thing)
        if thing["kind"] == "Deployment" and thing["metadata"]["name"] in OURS:
            found += check_service(thing, settings)
        faults += [f"{thing['kind']} {thing['metadata']['name']}: {fault}" for fault in found]
    for fault in faults:
        print(f"policy: {fault}")
    print(f"policy: {len(things)} things, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
