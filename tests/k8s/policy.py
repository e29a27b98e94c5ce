"""policy — what every manifest of deploy/k8s must be, whatever a schema allows.

usage: policy.py SETTINGS SELECTORS FILE…

SETTINGS has the settings of the programs, "service|NAME|default" a line. SELECTORS has the selectors
that were ever released, and can never change. Says each fault in a line, and ends with 1 when there is
one.
"""

import re
import sys

from manifests import KINDS, OURS, environment_of, finish, labels_of, load, load_settings, name_of, of_kind, pod_of, pods

LABELS = ["name", "instance", "version", "component", "part-of", "managed-by"]
SPREAD = {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
VOLUMES = {"secret", "projected", "emptyDir", "persistentVolumeClaim"}


def said(*rows):
    """The words of each row whose condition does not hold."""
    return [words for is_good, words in rows if not is_good]


def check_labels(thing):
    labels = labels_of(thing)
    return [f"has no label {label}" for label in LABELS if not labels.get(f"app.kubernetes.io/{label}")]


def selector_line(thing):
    selector = thing["spec"]["selector"]["matchLabels"]
    return f"{thing['kind']} {name_of(thing)} " + ",".join(f"{key}={selector[key]}" for key in sorted(selector))


def check_selector(thing, selectors):
    spec = thing["spec"]
    selector, labels = spec["selector"]["matchLabels"], spec["template"]["metadata"]["labels"]
    faults = [f"selects {key}, which its pods do not have" for key in selector
              if labels.get(key) != selector[key]]
    #  They can never be changed: nothing of a release, or of who manages it, belongs there.
    faults += [f"selects by {key}" for key in selector if key.split("/")[-1] not in ("name", "part-of")]
    if selector_line(thing) not in selectors:
        faults.append("has another selector than before: it can never be applied again")
    return faults


def check_claims(thing):
    """Their templates cannot be changed either: the next version could not be applied."""
    return [f"has its version in the claim {claim['metadata']['name']}"
            for claim in thing["spec"].get("volumeClaimTemplates", [])
            if "app.kubernetes.io/version" in labels_of(claim)]


def check_pod(thing):
    pod = pod_of(thing)
    context = pod.get("securityContext", {})
    faults = said(
        (context.get("runAsNonRoot") is True and context.get("runAsUser", 0) > 0, "may run as root"),
        (context.get("seccompProfile", {}).get("type") == "RuntimeDefault", "has no seccomp profile"),
        (pod.get("automountServiceAccountToken") is False, "gets a token of the API server"),
        (pod.get("enableServiceLinks") is False, "gets the services as variables"),
        (not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), "sees the host"),
        (all(VOLUMES & set(volume) for volume in pod.get("volumes", [])), "mounts what is no secret and no data"),
        (not pod.get("initContainers"), "has a first container, which would hold up every start"),
    )
    for container in pod["containers"]:
        faults += check_container(container)
    return faults


def check_container(container):
    context = container.get("securityContext", {})
    resources = container.get("resources", {})
    tag = container["image"].rsplit("/", 1)[-1].partition(":")[2]
    rows = [
        (context.get("allowPrivilegeEscalation") is False, "may get more rights"),
        (context.get("readOnlyRootFilesystem") is True, "may write to its root"),
        (context.get("capabilities") == {"drop": ["ALL"]}, "has capabilities"),
        (not context.get("privileged"), "is privileged"),
        (tag not in ("", "latest"), "has an image without a version"),
        ({"cpu", "memory"} <= set(resources.get("requests", {})), "asks for no cpu or memory"),
        ("memory" in resources.get("limits", {}), "has no limit of memory"),
        ("cpu" not in resources.get("limits", {}), "has a limit of cpu"),
        (not container.get("envFrom"), "takes variables from elsewhere"),
        (not any("hostPort" in port for port in container.get("ports", [])), "listens on the node"),
    ] + [(f"{probe}Probe" in container, f"has no {probe} probe") for probe in ("startup", "liveness", "readiness")]
    for variable in container.get("env", []):
        rows.append(("secretKeyRef" not in variable.get("valueFrom", {}), f"has a secret as {variable['name']}"))
    return [f"{container['name']} {words}" for words in said(*rows)]


def check_settings(thing, settings):
    faults = []
    known = settings[name_of(thing)]
    for name in environment_of(thing):
        if name not in known and name.removesuffix("_FILE") not in known:
            faults.append(f"sets {name}, which {name_of(thing)} does not have")
    return faults


def check_paths(thing):
    """A path below /run that a variable names is a mounted Secret."""
    container = pod_of(thing)["containers"][0]
    mounts = {mount["mountPath"]: mount for mount in container.get("volumeMounts", [])}
    faults = []
    for name, value in environment_of(thing).items():
        if not isinstance(value, str) or not value.startswith("/run/"):
            continue
        if not any(value == path or value.startswith(path + "/") or path.startswith(value + "/") for path in mounts):
            faults.append(f"{name} leads to {value}, where nothing is mounted")
    return faults + [f"may write to {path}" for path, mount in mounts.items() if not mount.get("readOnly")]


def is_open(volume):
    """Whether a secret can be read by any user of the pod. The lists of public keys are none."""
    secret = volume.get("secret") or volume.get("projected") or {}
    is_public = volume["name"] in ("bus-nodes", "bus-postoffices")
    return bool(secret) and not is_public and secret.get("defaultMode", 0o644) & 0o007 != 0


def check_service(thing, settings):
    """What only our services are held to."""
    spec = pod_of(thing)
    container = spec["containers"][0]
    rolling = thing["spec"]["strategy"].get("rollingUpdate", {})
    spread = {row["topologyKey"] for row in spec.get("topologySpreadConstraints", [])}

    def path(probe):
        return container.get(probe, {}).get("httpGet", {}).get("path")

    return check_settings(thing, settings) + check_paths(thing) + said(
        (thing["spec"]["strategy"].get("type") == "RollingUpdate", "names no strategy: each apply would say that it changes"),
        (rolling.get("maxUnavailable") == 0, "is replaced before its successor is there"),
        (rolling.get("maxSurge") == 1, "is replaced by another number than one at a time"),
        (container.get("lifecycle", {}).get("preStop") == {"sleep": {"seconds": 10}}, "does not sleep before its end"),
        (spec.get("terminationGracePeriodSeconds") == 45, "has another time to end than 45 s"),
        (path("startupProbe") == "/healthz", "starts by another path than /healthz"),
        (path("livenessProbe") == "/healthz", "is killed by another path than /healthz"),
        (path("readinessProbe") == "/readyz", "is ready by another path than /readyz"),
        (spread == SPREAD, "is not spread over zones and nodes"),
        (name_of(thing) != "postoffice" or thing["spec"].get("minReadySeconds", 0) >= 40,
         "is replaced before caches of names let others find its successor"),
        (not any(is_open(volume) for volume in spec["volumes"]), "lets others than its group read a secret"),
        (not any(mount["mountPath"] in ("/", "/tmp") for mount in container["volumeMounts"]), "has a place to write"),
    )


def replicas_of(thing, things):
    for scaler in of_kind(things, "ScaledObject"):
        if scaler["spec"]["scaleTargetRef"]["name"] == name_of(thing):
            return scaler["spec"]["minReplicaCount"]
    return thing["spec"]["replicas"]


def check_scalers(things):
    faults = []
    for scaler in of_kind(things, "ScaledObject"):
        target = scaler["spec"]["scaleTargetRef"]["name"]
        down = scaler["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        faults += [f"{target}: {words}" for words in said(
            (down["stabilizationWindowSeconds"] >= 600, "shrinks before ten minutes have shown that it may"),
            (all(policy["type"] == "Pods" and policy["value"] == 1 and policy["periodSeconds"] >= 300
                 for policy in down["policies"]), "shrinks by more than one in five minutes"),
            (not any(name_of(thing) == target and "replicas" in thing["spec"] for thing in pods(things)),
             "is set back to its replicas by each apply"),
        )]
    return faults


def check_ways(things):
    """A route hangs on one listener: a Gateway with another one in clear would serve the chat there, too."""
    return [f"HTTPRoute {name_of(route)}: hangs on every listener of its Gateway" for route in of_kind(things, "HTTPRoute")
            if not all(parent.get("sectionName") for parent in route["spec"]["parentRefs"])]


def check_databases(things):
    return [f"Cluster {name_of(cluster)}: the tag of its image moves on by itself" for cluster in of_kind(things, "Cluster")
            if not re.search(r":\d+\.\d|@sha256:", cluster["spec"].get("imageName", ":0.0"))]


def check_all(things):
    """Between them: budgets, policies, and names that lead somewhere."""
    faults = check_scalers(things) + check_ways(things) + check_databases(things)
    names = {(thing["kind"], name_of(thing)) for thing in things}
    policies = {name_of(thing): thing["spec"] for thing in of_kind(things, "NetworkPolicy")}
    everybody = {"matchLabels": {"app.kubernetes.io/part-of": "stentor"}}
    if policies.get("nobody") != {"podSelector": everybody, "policyTypes": ["Ingress", "Egress"]}:
        faults.append("NetworkPolicy: somebody is not denied by default")
    for thing in pods(things):
        name = name_of(thing)
        if (("PodDisruptionBudget", name) in names) != (replicas_of(thing, things) > 1):
            faults.append(f"{name}: a budget is for more than one replica, and only for that")
        if ("ServiceAccount", pod_of(thing)["serviceAccountName"]) not in names:
            faults.append(f"{name}: its account is not there")
    for budget in of_kind(things, "PodDisruptionBudget"):
        if budget["spec"].get("maxUnavailable") != 1 or "minAvailable" in budget["spec"]:
            faults.append(f"{name_of(budget)}: its budget does not let one go at a time")
    faults += [f"Secret {name_of(thing)}: a secret is rendered" for thing in of_kind(things, "Secret")]
    for job in of_kind(things, "Job", "CronJob"):
        faults.append(f"{name_of(job)}: a job, which could hang between the services")
    return faults


def check(things, settings, selectors):
    faults = check_all(things)
    for thing in things:
        found = check_labels(thing) if thing["kind"] != "Namespace" else []
        if thing["kind"] in KINDS:
            found += check_selector(thing, selectors) + check_claims(thing) + check_pod(thing)
        if thing["kind"] == "Deployment" and name_of(thing) in OURS:
            found += check_service(thing, settings)
        faults += [f"{thing['kind']} {name_of(thing)}: {fault}" for fault in found]
    return faults


def load_selectors(path):
    with open(path, encoding="utf-8") as file:
        return {line.strip() for line in file if line.strip() and not line.startswith("#")}


def main():
    settings, selectors = load_settings(sys.argv[1]), load_selectors(sys.argv[2])
    faults, count = [], 0
    for path in sys.argv[3:]:
        things = load(path)
        count += len(things)
        faults += [f"{path}: {fault}" for fault in check(things, settings, selectors)]
    return finish("policy", faults, f"{count} things")


if __name__ == "__main__":
    sys.exit(main())
