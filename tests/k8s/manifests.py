"""manifests — reads what kustomize rendered, for the checks beside this."""

import yaml

KINDS = {"Deployment", "StatefulSet"}
OURS = ["edge", "postoffice", "stentor-connector", "genesys-connector", "notifier"]

#  A text that is "=" alone has a type of its own in YAML 1.1, which nobody else knows.
yaml.SafeLoader.add_constructor("tag:yaml.org,2002:value", yaml.SafeLoader.construct_yaml_str)


def load(path):
    with open(path, encoding="utf-8") as file:
        return [thing for thing in yaml.safe_load_all(file) if thing]


def load_settings(path):
    """The settings of the programs, `service|NAME|default` a line, as {service: {NAME: default}}."""
    settings = {name: {} for name in OURS}
    with open(path, encoding="utf-8") as file:
        for line in file:
            service, name, default = line.rstrip("\n").split("|")
            settings[service][name] = default
    return settings


def of_kind(things, *kinds):
    return [thing for thing in things if thing["kind"] in kinds]


def pods(things):
    return of_kind(things, *KINDS)


def name_of(thing):
    return thing["metadata"]["name"]


def pod_of(thing):
    return thing["spec"]["template"]["spec"]


def environment_of(thing):
    """The first container's variables, those from elsewhere as the dictionary that says whence."""
    return {variable["name"]: variable.get("value", variable.get("valueFrom"))
            for variable in pod_of(thing)["containers"][0].get("env", [])}


def labels_of(thing):
    return thing["metadata"].get("labels", {})


def finish(name, faults, words):
    for fault in faults:
        print(f"{name}: {fault}")
    print(f"{name}: {words}, {len(faults)} faults")
    return 1 if faults else 0
