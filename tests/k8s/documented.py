"""documented — the blocks of YAML in docs/kubernetes.md, each as a file: those that are patches of an
installation, and those that are things of their own.

usage: documented.py DIRECTORY

Writes DIRECTORY/patches-N.yaml and DIRECTORY/things-N.yaml.
"""

import pathlib
import re
import sys


def main():
    directory = pathlib.Path(sys.argv[1])
    text = pathlib.Path("docs/kubernetes.md").read_text(encoding="utf-8")
    for number, block in enumerate(re.findall(r"^```yaml\n(.*?)^```$", text, re.M | re.S)):
        kind = "patches" if block.startswith("patches:") else "things"
        if block.startswith("patches:") or "kind: HTTPRoute" in block:
            (directory / f"{kind}-{number}.yaml").write_text(block, encoding="utf-8")


if __name__ == "__main__":
    main()
