"""templates — the templates of all pods in FILE… as JSON, for pod-security.

usage: templates.py [--spoilt] FILE…

--spoilt: each with one thing that `restricted` does not allow.
"""

import json
import sys

from manifests import load, name_of, pod_of, pods


def main():
    paths = [path for path in sys.argv[1:] if path != "--spoilt"]
    rows = []
    for path in paths:
        for thing in pods(load(path)):
            if "--spoilt" in sys.argv:
                pod_of(thing)["containers"][0]["securityContext"]["allowPrivilegeEscalation"] = True
            rows.append({"name": f"{path} {name_of(thing)}", "template": thing["spec"]["template"]})
    json.dump(rows, sys.stdout)


if __name__ == "__main__":
    main()
