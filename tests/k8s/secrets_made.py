"""secrets_made — whether all Secrets, and all files of them, that manifests mount are made.

usage: secrets_made.py SECRETS FILE

SECRETS is what deploy/k8s/secrets wrote, FILE what was rendered.
"""

import sys

from manifests import environment_of, finish, load, name_of, of_kind, pod_of, pods

#  The operator makes it.
BY_OPERATOR = {"stentor-postgres-ca": {"ca.crt"}}


def files_of(volume):
    """{Secret: the files that the volume takes of it, or None for all}"""
    if "secret" in volume:
        return {volume["secret"]["secretName"]: None}
    return {source["secret"]["name"]: {item["key"] for item in source["secret"]["items"]}
            for source in volume.get("projected", {}).get("sources", [])}


def check_pod(thing, made):
    faults = []
    pod = pod_of(thing)
    container = pod["containers"][0]
    files = {}
    for volume in pod["volumes"]:
        for secret, keys in files_of(volume).items():
            missing = {secret} if secret not in made else (keys or set()) - made[secret]
            faults += [f"{name_of(thing)}: {name} is not made" for name in missing]
            files.setdefault(volume["name"], set()).update(keys or made.get(secret, set()))
    for name, value in environment_of(thing).items():
        for mount in container["volumeMounts"]:
            path = mount["mountPath"]
            if isinstance(value, str) and value.startswith(path + "/") and "subPath" not in mount \
                    and value[len(path) + 1:] not in files[mount["name"]]:
                faults.append(f"{name_of(thing)}: {name} names {value}, which no Secret has")
    return faults


def main():
    secrets = load(sys.argv[1])
    made = {name_of(secret): set(secret["data"]) for secret in secrets} | BY_OPERATOR
    faults = []
    things = load(sys.argv[2])
    for thing in pods(things):
        faults += check_pod(thing, made)
    for cluster in of_kind(things, "Cluster"):
        owner = cluster["spec"]["bootstrap"]["initdb"]["secret"]["name"]
        if made.get(owner) != {"username", "password"}:
            faults.append(f"{name_of(cluster)}: {owner} is not made")
    return finish("secrets", faults, f"{len(secrets)} Secrets")


if __name__ == "__main__":
    sys.exit(main())
