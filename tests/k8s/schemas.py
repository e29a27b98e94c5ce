"""schemas — whether manifests are what Kubernetes, and the definitions of other kinds (CRDs), allow:
strictly, so that a member that nobody knows is a fault.

usage: schemas.py DEFINITIONS FILE…

DEFINITIONS is a directory with CustomResourceDefinitions. Rules in CEL are not evaluated.
"""

import pathlib
import sys

import jsonschema
import kubernetes_validate
import yaml

from manifests import finish, load, name_of

#  The newest three that the package has, and the oldest that docs/kubernetes.md names.
VERSIONS = ["1.37", "1.36", "1.35", "1.30"]


def strict(schema):
    """A schema of OpenAPI as one of JSON Schema, in which nothing unknown is allowed."""
    if not isinstance(schema, dict):
        return schema
    made = {key: value for key, value in schema.items() if not key.startswith("x-kubernetes") and key != "format"}
    for key in ("items", "additionalProperties"):
        if key in made:
            made[key] = strict(made[key])
    if "properties" in made:
        made["properties"] = {name: strict(value) for name, value in made["properties"].items()}
        if "additionalProperties" not in made and not schema.get("x-kubernetes-preserve-unknown-fields"):
            made["additionalProperties"] = False
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    return made


def definitions_of(directory):
    """{(group/version, kind): a validator}"""
    definitions = {}
    for path in sorted(pathlib.Path(directory).glob("**/*.yaml")):
        for definition in load(path):
            if definition["kind"] != "CustomResourceDefinition":
                continue
            spec = definition["spec"]
            for version in spec["versions"]:
                schema = strict(version["schema"]["openAPIV3Schema"])
                #  What every thing has.
                schema.setdefault("properties", {}).update(apiVersion={}, kind={}, metadata={"type": "object"})
                definitions[(f"{spec['group']}/{version['name']}", spec["names"]["kind"])] = jsonschema.Draft7Validator(schema)
    return definitions


def check(thing, definitions):
    where = f"{thing['kind']} {name_of(thing)}"
    definition = definitions.get((thing["apiVersion"], thing["kind"]))
    if definition:
        return [f"{where}: {'.'.join(map(str, error.absolute_path))}: {error.message[:200]}"
                for error in definition.iter_errors(thing)]
    faults = []
    for version in VERSIONS:
        try:
            kubernetes_validate.validate(thing, version, strict=True)
        except kubernetes_validate.SchemaNotFoundError:
            faults.append(f"{where}: Kubernetes {version} has no {thing['apiVersion']} {thing['kind']}, and nobody defines it")
        except kubernetes_validate.ValidationError as error:
            faults.append(f"{where}: Kubernetes {version}: {'.'.join(map(str, error.path))}: {error.message[:200]}")
    return faults


def check_check(thing, definitions, kinds):
    """Once for each kind: a member that nobody knows must be a fault."""
    if thing["kind"] in kinds or "spec" not in thing:
        return []
    kinds.add(thing["kind"])
    spoilt = thing | {"spec": thing["spec"] | {"unheardOf": 1}}
    return [] if check(spoilt, definitions) else [f"{thing['kind']}: spec.unheardOf is allowed"]


def main():
    definitions = definitions_of(sys.argv[1])
    faults, seen, kinds = [], {}, set()
    for path in sys.argv[2:]:
        for thing in load(path):
            #  Most are in several installations as they are.
            key = yaml.safe_dump(thing)
            if key not in seen:
                seen[key] = check(thing, definitions)
                faults += check_check(thing, definitions, kinds)
            faults += [f"{path}: {fault}" for fault in seen[key]]
    return finish("schemas", faults, f"{len(seen)} different things, Kubernetes {', '.join(VERSIONS)}")


if __name__ == "__main__":
    sys.exit(main())
