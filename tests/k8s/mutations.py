"""mutations — spoils manifests in one way at a time, and wants the check that it is for to say so.

usage: mutations.py SETTINGS SELECTORS DEMO EVERYTHING

DEMO and EVERYTHING are what was rendered of the demonstration, and of production with all components.
"""

import copy
import sys

import alarms
import compose
import network
import policy
from manifests import finish, load, load_settings, name_of, pod_of


def find(things, kind, name):
    return next(thing for thing in things if thing["kind"] == kind and name_of(thing) == name)


def edge(things):
    return find(things, "Deployment", "edge")


def container(things):
    return pod_of(edge(things))["containers"][0]


def policy_named(things, name):
    return find(things, "NetworkPolicy", name)


def drop(things, kind, name):
    things.remove(find(things, kind, name))


def add_variable(things, **variable):
    container(things)["env"].append(variable)


def scaling(things):
    return find(things, "ScaledObject", "edge")["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]


#  What is spoilt, how, and what policy.py has to say.
MUTATIONS = [
    ("root", lambda t: pod_of(edge(t))["securityContext"].pop("runAsNonRoot"), "may run as root"),
    ("user 0", lambda t: pod_of(edge(t))["securityContext"].update(runAsUser=0), "may run as root"),
    ("seccomp", lambda t: pod_of(edge(t))["securityContext"].pop("seccompProfile"), "no seccomp"),
    ("token", lambda t: pod_of(edge(t)).pop("automountServiceAccountToken"), "gets a token"),
    ("links", lambda t: pod_of(edge(t)).update(enableServiceLinks=True), "services as variables"),
    ("host network", lambda t: pod_of(edge(t)).update(hostNetwork=True), "sees the host"),
    ("host path", lambda t: pod_of(edge(t))["volumes"].append({"name": "h", "hostPath": {"path": "/"}}), "mounts what"),
    ("first container", lambda t: pod_of(edge(t)).update(initContainers=[{}]), "has a first container"),
    ("escalation", lambda t: container(t)["securityContext"].pop("allowPrivilegeEscalation"), "more rights"),
    ("root file system", lambda t: container(t)["securityContext"].update(readOnlyRootFilesystem=False), "may write to its root"),
    ("capability", lambda t: container(t)["securityContext"]["capabilities"].update(add=["NET_ADMIN"]), "has capabilities"),
    ("privileged", lambda t: container(t)["securityContext"].update(privileged=True), "is privileged"),
    ("found late", lambda t: find(t, "Deployment", "postoffice")["spec"].pop("minReadySeconds"), "caches of names"),
    ("no tag", lambda t: container(t).update(image="r.example/edge"), "without a version"),
    ("latest", lambda t: container(t).update(image="r.example/edge:latest"), "without a version"),
    ("port and no tag", lambda t: container(t).update(image="r.example:5000/edge"), "without a version"),
    ("no request", lambda t: container(t)["resources"]["requests"].pop("cpu"), "asks for no cpu"),
    ("no limit", lambda t: container(t)["resources"].pop("limits"), "no limit of memory"),
    ("limit of cpu", lambda t: container(t)["resources"]["limits"].update(cpu="1"), "a limit of cpu"),
    ("variables from a Secret", lambda t: container(t).update(envFrom=[{"secretRef": {"name": "s"}}]), "from elsewhere"),
    ("secret as variable", lambda t: add_variable(t, name="ALERT_KEY", valueFrom={"secretKeyRef": {}}), "a secret as ALERT_KEY"),
    ("port of the node", lambda t: container(t)["ports"][0].update(hostPort=80), "listens on the node"),
    ("no startup probe", lambda t: container(t).pop("startupProbe"), "no startup probe"),
    ("no liveness probe", lambda t: container(t).pop("livenessProbe"), "no liveness probe"),
    ("no readiness probe", lambda t: container(t).pop("readinessProbe"), "no readiness probe"),
    ("liveness by readiness", lambda t: container(t)["livenessProbe"]["httpGet"].update(path="/readyz"), "killed by another path"),
    ("readiness by health", lambda t: container(t)["readinessProbe"]["httpGet"].update(path="/healthz"), "ready by another path"),
    ("no sleep", lambda t: container(t).pop("lifecycle"), "does not sleep"),
    ("sleep by a shell", lambda t: container(t)["lifecycle"].update(preStop={"exec": {"command": ["sleep", "10"]}}), "does not sleep"),
    ("less grace", lambda t: pod_of(edge(t)).update(terminationGracePeriodSeconds=30), "another time to end"),
    ("may be unavailable", lambda t: edge(t)["spec"]["strategy"]["rollingUpdate"].update(maxUnavailable="25%"), "before its successor"),
    ("no strategy", lambda t: edge(t)["spec"]["strategy"].pop("type"), "names no strategy"),
    ("version of a claim", lambda t: find(t, "StatefulSet", "postgres")["spec"]["volumeClaimTemplates"][0]["metadata"].update(
        labels={"app.kubernetes.io/version": "0.2.0"}), "its version in the claim"),
    ("recreated", lambda t: edge(t)["spec"].update(strategy={"type": "Recreate"}), "before its successor"),
    ("not spread over zones", lambda t: pod_of(edge(t))["topologySpreadConstraints"].pop(0), "not spread"),
    ("unknown setting", lambda t: add_variable(t, name="EDGE_DEMO", value="x"), "sets EDGE_DEMO, which"),
    ("setting of another service", lambda t: add_variable(t, name="POSTGRES_URL", value="x"), "sets POSTGRES_URL, which"),
    ("nothing mounted", lambda t: container(t)["volumeMounts"].pop(0), "where nothing is mounted"),
    ("writable mount", lambda t: container(t)["volumeMounts"][0].pop("readOnly"), "may write to"),
    ("secret for all", lambda t: pod_of(edge(t))["volumes"][0]["secret"].pop("defaultMode"), "lets others than its group"),
    ("label", lambda t: edge(t)["metadata"]["labels"].pop("app.kubernetes.io/version"), "no label version"),
    ("label of a policy", lambda t: policy_named(t, "names")["metadata"]["labels"].clear(), "no label name"),
    ("selector with a version", lambda t: edge(t)["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/version": "0.2.0"}), "selects by app.kubernetes.io/version"),
    ("another selector", lambda t: edge(t)["spec"]["selector"]["matchLabels"].pop("app.kubernetes.io/part-of"), "another selector"),
    ("selector without pods", lambda t: edge(t)["spec"]["selector"]["matchLabels"].update({"app.kubernetes.io/name": "door"}), "do not have"),
    ("no budget", lambda t: drop(t, "PodDisruptionBudget", "edge"), "edge: a budget"),
    ("budget of one", lambda t: find(t, "Deployment", "notifier")["spec"].update(replicas=1), "notifier: a budget"),
    ("budget that holds all", lambda t: find(t, "PodDisruptionBudget", "edge")["spec"].update(maxUnavailable=0), "does not let one go"),
    ("no denial", lambda t: drop(t, "NetworkPolicy", "nobody"), "denied by default"),
    ("denial one way", lambda t: policy_named(t, "nobody")["spec"].update(policyTypes=["Ingress"]), "denied by default"),
    ("no account", lambda t: drop(t, "ServiceAccount", "stentor"), "account is not there"),
    ("a rendered secret", lambda t: t.append({"kind": "Secret", "metadata": {"name": "s", "labels": {}}}), "a secret is rendered"),
    ("a job", lambda t: t.append({"kind": "Job", "metadata": {"name": "migrate", "labels": {}}}), "migrate: a job"),
]

#  Only of what has every component.
COMPLETE = [
    ("every listener", lambda t: find(t, "HTTPRoute", "edge")["spec"]["parentRefs"][0].pop("sectionName"), "hangs on every listener"),
    ("a tag that moves", lambda t: find(t, "Cluster", "stentor-postgres")["spec"].update(imageName="r.example/postgresql:15"), "moves on"),
    ("quickly down", lambda t: scaling(t)["scaleDown"].update(stabilizationWindowSeconds=0), "shrinks before"),
    ("down by half", lambda t: scaling(t)["scaleDown"]["policies"].append({"type": "Percent", "value": 50, "periodSeconds": 60}), "shrinks by more"),
    ("replicas beside the scaler", lambda t: edge(t)["spec"].update(replicas=3), "set back"),
]

#  What is allowed or denied besides the picture: who, to whom, at which port.
NETWORK = [
    ("no denial", lambda t: drop(t, "NetworkPolicy", "nobody"), ("stranger", "notifier", "TCP", 9104)),
    ("a door for all", lambda t: policy_named(t, "postoffice")["spec"]["ingress"].append({}), ("stranger", "postoffice", "TCP", 7001)),
    ("a port for all", lambda t: policy_named(t, "postoffice")["spec"]["ingress"][0].pop("from"), ("prometheus", "postoffice", "TCP", 7001)),
    ("edges to the database", lambda t: policy_named(t, "edge")["spec"]["egress"].append({}), ("edge", "private", "TCP", 5432)),
    ("no names", lambda t: drop(t, "NetworkPolicy", "names"), ("edge", "names", "UDP", 53)),
    ("out by any port", lambda t: policy_named(t, "names")["spec"]["egress"][0].pop("ports"), ("edge", "internet", "TCP", 443)),
    ("metadata of the cloud", lambda t: policy_named(t, "workers")["spec"]["egress"][1]["to"][0]["ipBlock"]["except"].remove("169.254.0.0/16"),
     ("notifier", "cloud", "TCP", 80)),
    ("private addresses", lambda t: policy_named(t, "workers")["spec"]["egress"][1]["to"][0]["ipBlock"].pop("except"), ("notifier", "private", "TCP", 80)),
    ("the bot's door shut", lambda t: drop(t, "NetworkPolicy", "stentor-connector-to-demo-bot"), ("stentor-connector", "demo-bot", "TCP", 8090)),
]


#  What Compose would no longer have as well.
AGREEMENT = [
    ("another value", lambda t: container(t)["env"].append({"name": "TEXT_LIMIT", "value": "1k"}), "TEXT_LIMIT is"),
    ("no file", lambda t: container(t)["env"].remove({"name": "ALERT_KEY_FILE", "value": "/run/keys/alert_key"}), "ALERT_KEY is"),
    ("less grace", lambda t: pod_of(edge(t)).update(terminationGracePeriodSeconds=35), "less time to end"),
    ("a writable root", lambda t: container(t)["securityContext"].update(readOnlyRootFilesystem=False), "nobody can write to"),
]

#  Expressions that must not pass.
EXPRESSIONS = [
    ("stentor_nothing > 0", "no program has stentor_nothing"),
    ("sum (stentor_edge_connections > 0", "sum"),
    ('rate (stentor_edge_closed_total{reason="bored"}[5m]) > 0', "has no reason bored"),
    ("vector (1) > 0", "asks for no metric"),
    ("sum (stentor_edge_connections) > 0", "adds up the namespaces"),
    ("max by (dialect) (stentor_edge_connections) > 0", "adds up the namespaces"),
    ("sum without (namespace) (stentor_edge_connections) > 0", "adds up the namespaces"),
]


def try_agreement(things, settings):
    faults = []
    for words, spoil, wanted in AGREEMENT:
        spoilt = copy.deepcopy(things)
        spoil(spoilt)
        found, _ = compose.compare(compose.load_compose(), spoilt, settings, compose.BOTH)
        if not any(wanted in fault for fault in found):
            faults.append(f"{words}: compose.py does not say `{wanted}`")
    return faults


def try_expressions():
    metrics = alarms.documented_metrics(alarms.read_page())
    return [f"{expression}: alarms.py does not say `{wanted}`" for expression, wanted in EXPRESSIONS
            if not any(wanted in fault for fault in alarms.check_expression(expression, metrics))]


def try_network(things):
    right, _ = network.pairs_of(things)
    faults = []
    for words, spoil, pair in NETWORK:
        spoilt = copy.deepcopy(things)
        spoil(spoilt)
        if pair not in network.pairs_of(spoilt)[0] ^ right:
            faults.append(f"{words}: network.py sees no change of {pair}")
    return faults


def try_all(mutations, things, settings, selectors):
    faults = []
    if policy.check(things, settings, selectors):
        faults.append("what is not spoilt has faults")
    for words, spoil, wanted in mutations:
        spoilt = copy.deepcopy(things)
        spoil(spoilt)
        if not any(wanted in fault for fault in policy.check(spoilt, settings, selectors)):
            faults.append(f"{words}: policy.py does not say `{wanted}`")
    return faults


def main():
    settings, selectors = load_settings(sys.argv[1]), policy.load_selectors(sys.argv[2])
    faults = try_all(MUTATIONS, load(sys.argv[3]), settings, selectors)
    faults += try_all(COMPLETE, load(sys.argv[4]), settings, selectors)
    faults += try_network(load(sys.argv[3])) + try_agreement(load(sys.argv[3]), settings) + try_expressions()
    return finish("mutations", faults, f"{sum(map(len, [MUTATIONS, COMPLETE, NETWORK, AGREEMENT, EXPRESSIONS]))} spoilt")


if __name__ == "__main__":
    sys.exit(main())
