"""The API's document (`edge --openapi`), for whoever compares something with it: which operation a
request is, and whether what goes in and out is as the document says. Needs jsonschema only."""

import json
import re
import subprocess
import urllib.parse

import jsonschema

JSON_TYPES = ("application/json", "application/problem+json")
#  They say who asks, and are passed over where nobody is asked who asks.
WHO_ASKS = ("userId", "appId", "isAdmin", "token", "protocol")
LONGEST = 300  # characters of a complaint


class Mismatch(Exception):
    """What was said is not what the document says."""


def read(edge):
    """The document of this program."""
    return json.loads(subprocess.run([edge, "--openapi"], capture_output=True, check=True).stdout)


class Operation:
    """A path and method of the document."""

    def __init__(self, document, path, method, said):
        self.document = document
        self.method = method.upper()
        self.said = said
        self.name = said["operationId"]
        self.names = re.findall(r"{([a-z]+)}", path)
        self.pattern = re.compile("^" + re.sub(r"{[a-z]+}", "([^/]+)", re.escape(path)
                                               .replace(r"\{", "{").replace(r"\}", "}")) + "$")
        self.parameters = [document.resolve(one) for one in said.get("parameters", [])]

    def parameter(self, where, name):
        for one in self.parameters:
            if one["in"] == where and one["name"].lower() == name.lower():
                return one
        return None

    def check_request(self, path, query, headers, body):
        """For a request that was accepted: is it one that the document allows?"""
        for name, value in zip(self.names, self.pattern.match(path).groups()):
            self.check_value("path", name, urllib.parse.unquote(value))
        for name, value in urllib.parse.parse_qsl(query, keep_blank_values=True):
            if name not in WHO_ASKS or self.parameter("query", name):
                self.check_value("query", name, value)
        for one in self.parameters:
            if one["in"] == "header" and one["name"].lower() in headers:
                self.check_value("header", one["name"], headers[one["name"].lower()])
        wanted = self.said.get("requestBody")
        if not wanted:
            return
        if not body:
            if wanted.get("required"):
                raise Mismatch("a body is required")
            return
        self.document.check(wanted["content"]["application/json"]["schema"], json.loads(body),
                            "the body that was accepted")

    def check_value(self, where, name, value):
        one = self.parameter(where, name)
        if not one:
            raise Mismatch(f"the {where} has {name}, which the document does not know")
        kinds = one["schema"].get("type", "string")
        if kinds == "integer" and re.fullmatch(r"-?[0-9]+", value):
            value = int(value)
        elif kinds == "boolean" and value in ("true", "false"):
            value = value == "true"
        self.document.check(one["schema"], value, f"the {where}'s {name}")

    def check_answer(self, status, headers, body, is_head=False):
        said = self.said["responses"].get(str(status))
        if not said:
            raise Mismatch(f"the document has no answer of {status}")
        self.document.check_answer(self.document.resolve(said), headers, body, is_head)


class Document:
    def __init__(self, tree):
        self.tree = tree
        self.validators = {}
        self.operations = [Operation(self, path, method, said)
                           for path, item in tree["paths"].items() for method, said in item.items()]
        #  A literal segment goes before a parameter.
        self.operations.sort(key=lambda one: len(one.names))

    def resolve(self, said):
        while "$ref" in said:
            target = self.tree
            for name in said["$ref"].removeprefix("#/").split("/"):
                target = target[name]
            said = target
        return said

    def find(self, method, path):
        """The operation, or None: and whether there is such a path at all."""
        method = "GET" if method == "HEAD" else method
        fitting = [one for one in self.operations if one.pattern.match(path)]
        return next((one for one in fitting if one.method == method), None), bool(fitting)

    def check(self, schema, value, what):
        """Raises a Mismatch that says where."""
        key = json.dumps(schema)
        if key not in self.validators:
            self.validators[key] = jsonschema.Draft202012Validator(
                {"components": self.tree["components"], "allOf": [schema]})
        error = jsonschema.exceptions.best_match(self.validators[key].iter_errors(value))
        if error:
            place = "/".join(str(step) for step in error.absolute_path)
            raise Mismatch(f"{what}, at /{place}: {error.message[:LONGEST]}")

    def check_answer(self, said, headers, body, is_head=False):
        for name, one in said.get("headers", {}).items():
            one = self.resolve(one)
            if name.lower() not in headers:
                if one.get("required"):
                    raise Mismatch(f"there is no {name}")
                continue
            self.check(one["schema"], headers[name.lower()], f"the answer's {name}")
        content = {kind.split(";")[0]: one for kind, one in said.get("content", {}).items()}
        if not content:
            if body:
                raise Mismatch("there is a body")
            return
        kind = headers.get("content-type", "").split(";")[0].strip()
        if kind not in content:
            raise Mismatch(f"it is of type {kind!r}; the document has {list(content)}")
        if is_head:
            return
        if kind in JSON_TYPES:
            self.check(content[kind]["schema"], json.loads(body), "the answer")
        elif "x-line" in content[kind]:
            for line in body.splitlines():
                self.check(content[kind]["x-line"], json.loads(line), "a line of the answer")

    def check_refusal(self, status, headers, body, is_head=False):
        """An answer to something that is no operation."""
        said = self.tree["components"]["responses"].get(f"Refusal{status}")
        if not said:
            raise Mismatch(f"{status} is no refusal that the document has")
        self.check_answer(said, headers, body, is_head)
