"""Whether a JSON body is one of the official SDK's: every member is known, of its type, and of its values.

The SDK (PyPI: PureCloudPlatformClientV2) has a class for each object, with a table of its members. Only the
classes that are asked for are loaded, as all of them take seconds. What must be there the SDK does not say:
genesys_platform.py does.
"""

import datetime
import importlib
import pathlib
import re
import sys
import sysconfig
import types

PACKAGE = "PureCloudPlatformClientV2"
OUTDATED = "outdated_sdk_version"   # what a setter of the SDK makes of a value that is none

#  What the platform takes, as the fact sheet says, although the SDK does not list it.
BEYOND = {("OpenInboundMessageMessagingChannel", "metadata", "customAttributes"): "dict(str, str)",
          ("OpenMessagingChannel", "metadata", "customAttributes"): "dict(str, str)"}


def prepare():
    """The packages without what their __init__ would load."""
    place = pathlib.Path(sysconfig.get_paths()["purelib"]) / PACKAGE
    for name, path in ((PACKAGE, place), (f"{PACKAGE}.models", place / "models")):
        module = types.ModuleType(name)
        module.__path__ = [str(path)]
        sys.modules[name] = module


def class_of(name):
    if PACKAGE not in sys.modules:
        prepare()
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])|(?<=[A-Z])([A-Z])(?=[a-z])", lambda found: "_" + found.group(0), name).lower()
    return getattr(importlib.import_module(f"{PACKAGE}.models.{snake}"), name)


def is_time(text):
    try:
        datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))
    except (AttributeError, ValueError):
        return False
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", text))


def mistakes(kind, value, path=""):
    """What is wrong with a value that should be of this kind, in the SDK's notation; a list of lines."""
    where = path or "the body"
    plain = {"str": str, "bool": bool, "int": int}
    if kind == "datetime":
        return [] if is_time(value) else [f"{where} is no time of ISO 8601 in UTC"]
    if kind == "object":
        return []
    if kind in plain:
        good = type(value) is plain[kind] or (kind == "float" and type(value) is int)
        return [] if good else [f"{where} is no {kind}"]
    if kind == "float":
        return [] if type(value) in (int, float) else [f"{where} is no number"]
    if kind.startswith("list["):
        if not isinstance(value, list):
            return [f"{where} is no array"]
        return [line for at, one in enumerate(value) for line in mistakes(kind[5:-1], one, f"{path}[{at}]")]
    if kind.startswith("dict("):
        if not isinstance(value, dict):
            return [f"{where} is no object"]
        inner = kind[5:-1].split(", ", 1)[1]
        return [line for name, one in value.items() for line in mistakes(inner, one, f"{path}.{name}")]
    return mistakes_of_object(kind, value, path)


def mistakes_of_object(kind, value, path):
    if not isinstance(value, dict):
        return [f"{path or 'the body'} is no object"]
    model = class_of(kind)()
    members = {wire: name for name, wire in model.attribute_map.items()}
    found = []
    for wire, one in value.items():
        beyond = {name: inner for (of, member, name), inner in BEYOND.items() if (of, member) == (kind, wire)}
        place = f"{path}.{wire}" if path else wire
        if wire not in members:
            found.append(f"{place} is no member of {kind}")
            continue
        if beyond and isinstance(one, dict):
            for name in set(beyond) & set(one):
                found += mistakes(beyond[name], one[name], f"{place}.{name}")
            one = {name: inner for name, inner in one.items() if name not in beyond}
        of_type = model.swagger_types[members[wire]]
        lines = mistakes(of_type, one, place)
        found += lines
        if not lines and of_type == "str":
            setattr(model, members[wire], one)
            if getattr(model, members[wire]) == OUTDATED:
                found.append(f"{place} must not be {one!r}")
    return found
