#!/usr/bin/env python3
"""webhook_schema.py SCHEMA BODIES — are these bodies of webhooks, one on each line, as the schema says, and is
each kind among them? Prints what is wrong, and ends with 1 then. A schema that takes everything is wrong, too."""

import json
import sys

import jsonschema

schema = json.load(open(sys.argv[1], encoding="utf-8"))
bodies = [json.loads(line) for line in open(sys.argv[2], encoding="utf-8")]
jsonschema.Draft202012Validator.check_schema(schema)
validator = jsonschema.Draft202012Validator(schema)
wrong = [f"{error.json_path}: {error.message}: {json.dumps(body)}"
         for body in bodies for error in validator.iter_errors(body)]
kinds = schema["properties"]["type"]["enum"]
wrong += [f"no {kind}" for kind in kinds if kind not in [body["type"] for body in bodies]]
for body in bodies:
    #  Each member that a kind must have is missed, and each of another type is refused.
    needed = schema["$defs"][body["type"]]["required"]
    for member in needed:
        for spoilt in ({name: value for name, value in body["data"].items() if name != member},
                       {**body["data"], member: [member]}):
            if validator.is_valid({**body, "data": spoilt}):
                wrong.append(f"{body['type']} is good without {member}, or with any")
    #  What the schema does not name stands in no body: then the page does not explain it.
    known = schema["$defs"][body["type"]]["properties"]
    wrong += [f"{body['type']}: {member} is not explained" for member in body["data"] if member not in known]
    for name, value in body["data"].items():
        if isinstance(value, dict) and name in known:
            inner = schema["$defs"][known[name]["$ref"].rsplit("/", 1)[1]]["properties"]
            wrong += [f"{body['type']}: {name}.{member} is not explained" for member in value if member not in inner]
print("\n".join(wrong) or f"{len(bodies)} bodies of {len(kinds)} kinds")
sys.exit(1 if wrong else 0)
