"""network — who may talk to whom by the NetworkPolicies, compared with the picture of the architecture.

usage: network.py NAME=FILE…

NAME is a row of EXPECTED. Every pair of who is in the picture is asked, as a network plugin would: what
goes out of the one must be allowed, and what comes into the other one.
"""

import ipaddress
import sys

from manifests import OURS, finish, load, name_of, of_kind, pod_of, pods

WORKERS = ["stentor-connector", "genesys-connector", "notifier"]
SPACE = "stentor"
OPERATIONS = {"edge": 9001, "postoffice": 9101, "stentor-connector": 9103, "notifier": 9104, "genesys-connector": 9105}

#  Others: in namespaces without policies, and addresses outside of the cluster.
OTHERS = {
    "prometheus": {"space": "monitoring", "labels": {"app.kubernetes.io/name": "prometheus"}},
    "gateway": {"space": "gateways", "labels": {"app": "envoy"}},
    "names": {"space": "kube-system", "labels": {"k8s-app": "kube-dns"}},
    "operator": {"space": "cnpg-system", "labels": {"app.kubernetes.io/name": "cloudnative-pg"}},
    "stranger": {"space": SPACE, "labels": {"app": "stranger"}},
    "internet": {"address": "203.0.113.7"},
    "internet-6": {"address": "2001:db8::7"},
    "private": {"address": "10.20.30.40"},
    "private-6": {"address": "fd00::7"},
    "node": {"address": "192.168.1.4"},
    "cloud": {"address": "169.254.169.254"},
}
PORTS = [("TCP", 25), ("TCP", 53), ("UDP", 53), ("TCP", 80), ("TCP", 443), ("TCP", 5432), ("TCP", 6443), ("TCP", 7001),
         ("TCP", 8000), ("TCP", 8080), ("TCP", 8090), ("UDP", 443)] + [("TCP", port) for port in OPERATIONS.values()]


def is_selected(selector, labels):
    if any(labels.get(key) != value for key, value in selector.get("matchLabels", {}).items()):
        return False
    for row in selector.get("matchExpressions", []):
        assert row["operator"] == "In", row
        if labels.get(row["key"]) not in row["values"]:
            return False
    return True


def is_peer(rule, who):
    if "ipBlock" in rule:
        if "address" not in who:
            return False
        address, block = ipaddress.ip_address(who["address"]), rule["ipBlock"]
        inside = [ipaddress.ip_network(network) for network in [block["cidr"]] + block.get("except", [])]
        return address in inside[0] and not any(address in network for network in inside[1:])
    if "labels" not in who:
        return False
    if "namespaceSelector" in rule:
        if not is_selected(rule["namespaceSelector"], {"kubernetes.io/metadata.name": who["space"]}):
            return False
    elif who["space"] != SPACE:
        return False
    return is_selected(rule.get("podSelector", {}), who["labels"])


def is_port(row, to, protocol, port):
    if row.get("protocol", "TCP") != protocol:
        return False
    wanted = row.get("port")
    return wanted is None or (to.get("ports", {}).get(wanted) if isinstance(wanted, str) else wanted) == port


def is_allowed(policies, way, who, other, to, protocol, port):
    """Whether who's policies allow the one way ("ingress", "egress") with the other."""
    if "labels" not in who or who["space"] != SPACE:
        return True
    mine = [policy["spec"] for policy in policies
            if way.capitalize() in policy["spec"]["policyTypes"] and is_selected(policy["spec"]["podSelector"], who["labels"])]
    if not mine:
        return True
    peers = {"ingress": "from", "egress": "to"}[way]
    return any((not rule.get(peers) or any(is_peer(peer, other) for peer in rule[peers]))
               and (not rule.get("ports") or any(is_port(row, to, protocol, port) for row in rule["ports"]))
               for policy in mine for rule in policy.get(way, []))


def pictured(things):
    """Who is there: {name: its labels, namespace, and named ports}."""
    who = {name: dict(other) for name, other in OTHERS.items()}
    for thing in pods(things):
        ports = {port["name"]: port["containerPort"] for container in pod_of(thing)["containers"]
                 for port in container.get("ports", [])}
        who[name_of(thing)] = {"space": SPACE, "labels": thing["spec"]["template"]["metadata"]["labels"], "ports": ports}
    for cluster in of_kind(things, "Cluster"):
        who[name_of(cluster)] = {"space": SPACE, "labels": {"cnpg.io/cluster": name_of(cluster)}}
    return who


def pairs_of(things):
    policies = of_kind(things, "NetworkPolicy")
    who = pictured(things)
    ours = [name for name in who if name not in OTHERS]
    found = set()
    for one in who:
        for other in who:
            if one not in ours and other not in ours:
                continue
            for protocol, port in PORTS:
                if one != other and is_allowed(policies, "egress", who[one], who[other], who[other], protocol, port) \
                        and is_allowed(policies, "ingress", who[other], who[one], who[other], protocol, port):
                    found.add((one, other, protocol, port))
    return found, who


#  The picture. Each row: who, to whom, at which ports. What is in no row is denied.
ANYBODY = object()
ALL_TCP = [port for protocol, port in PORTS if protocol == "TCP"]
ALWAYS = [
    #  Whoever asks for a name may ask anybody, at that port only.
    (OURS, ANYBODY, [("UDP", 53), ("TCP", 53)]),
    (["edge"] + WORKERS, ["postoffice"], [("TCP", 7001)]),
    (WORKERS, ["internet", "internet-6"], [("TCP", port) for port in ALL_TCP]),
    #  Clients come through whatever stands in front.
    (ANYBODY, ["edge"], [("TCP", 8080)]),
]
EXTERNAL = [(["postoffice"], ANYBODY, [("TCP", 5432)])]
MONITORED = [(["prometheus"], [name], [("TCP", port)]) for name, port in OPERATIONS.items()]
#  What the operator's pods may do is the operator's; into them comes nobody else.
OPERATED = [
    (["postoffice"], ["stentor-postgres"], [("TCP", 5432)]),
    (["operator"], ["stentor-postgres"], [("TCP", 5432), ("TCP", 8000)]),
    (["stentor-postgres"], [name for name in OTHERS], PORTS),
]
EXPECTED = {
    "demo": ALWAYS + [
        (["postgres", "demo-bot"], ANYBODY, [("UDP", 53), ("TCP", 53)]),
        (["postoffice"], ["postgres"], [("TCP", 5432)]),
        (["stentor-connector"], ["demo-bot"], [("TCP", 8090)]),
    ],
    "external": ALWAYS + EXTERNAL,
    "external-monitored": ALWAYS + EXTERNAL + MONITORED,
    "operated": ALWAYS + OPERATED,
    "operated-monitored": ALWAYS + OPERATED + MONITORED,
}


def expected_of(rows, who):
    """The rows, without what the other side does not let in: only edges let anybody in."""
    closed = {name for name in who if name not in OTHERS}
    wanted = set()
    for ones, others, ports in rows:
        for one in who if ones is ANYBODY else ones:
            for other in who if others is ANYBODY else others:
                #  Of ours only the edges let anybody in; ours go out to nobody but by a row of their own.
                if (others is ANYBODY and other in closed) or (ones is ANYBODY and one in closed - {"stentor-postgres"}):
                    continue
                wanted |= {(one, other, protocol, port) for protocol, port in ports if one != other}
    return wanted


def main():
    faults, count = [], 0
    for argument in sys.argv[1:]:
        name, path = argument.split("=", 1)
        found, who = pairs_of(load(path))
        wanted = expected_of(EXPECTED[name], who)
        count += len(found)
        for words, rows in [("is allowed", found - wanted), ("is denied", wanted - found)]:
            faults += [f"{path}: {one} to {other}, {protocol} {port}, {words}" for one, other, protocol, port in sorted(rows)]
    return finish("network", faults, f"{count} pairs allowed")


if __name__ == "__main__":
    sys.exit(main())
