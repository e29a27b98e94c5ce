"""alarms — whether the alarms of components/monitoring are those of docs/operations.md, can be read by
Prometheus, and ask for metrics that the programs have.

usage: alarms.py FILE

FILE is what was rendered with the monitoring component, and with KEDA's, whose query is checked as well.
The metrics are those of the tables that tools/docs writes from the programs (unit/docs compares them).
"""

import re
import sys

import promql_parser

from manifests import finish, load, of_kind

#  What no program has: Prometheus makes it, or the suffix of a histogram.
MADE_BY_PROMETHEUS = {"up"}
#  In a cluster only.
BESIDES = {'absent (up{job="stentor",namespace="stentor"})'}


def read_page():
    with open("docs/operations.md", encoding="utf-8") as file:
        return file.read()


def section(text, heading, end):
    return text[text.index(f"\n## {heading}\n"):text.index(f"\n## {end}\n")]


def documented_metrics(text):
    """{name: {label: its values}}, from the tables of metrics, all services together."""
    metrics = {}
    for name, kind, words in re.findall(r"^\| `(\w+)` \| (counter|gauge|histogram) \| (.*) \|$", text, re.M):
        labels = re.findall(r"(\w+): ([^;()]+)", (re.findall(r"\(([^()]*: [^()]*)\)$", words) or [""])[0])
        for suffix in [""] if kind != "histogram" else ["_bucket", "_sum", "_count"]:
            known = metrics.setdefault(name + suffix, {})
            for label, values in labels:
                known.setdefault(label, set()).update(values.split(", "))
    return metrics


def documented_alarms(text):
    """Each expression of the two tables, with its time."""
    alarms = set()
    for row in re.findall(r"^\| (?!what is wrong|---)(.*) \|$", section(text, "Alarms", "Log lines"), re.M):
        cell = re.split(r"(?<!\\) \| ", row)[1]
        for expression, time, unit in re.findall(r"`([^`]+)`(?: for (\d+) (min|s))?", cell):
            alarms.add((expression.replace("\\|", "|"), time + unit[:1]))
    return alarms


def selectors_of(node):
    if isinstance(node, promql_parser.VectorSelector):
        yield node
    for part in ("expr", "lhs", "rhs", "vector_selector"):
        if hasattr(node, part):
            yield from selectors_of(getattr(node, part))
    for argument in getattr(node, "args", None) or []:
        yield from selectors_of(argument)


def nodes_of(node):
    yield node
    for part in ("expr", "lhs", "rhs"):
        if hasattr(node, part):
            yield from nodes_of(getattr(node, part))
    for argument in getattr(node, "args", None) or []:
        yield from nodes_of(argument)


def is_of_one(node):
    """Whether an aggregation keeps namespaces apart: staging must not count for production."""
    labels = node.modifier.labels if node.modifier else []
    is_by = not node.modifier or node.modifier.type == promql_parser.AggModifierType.By
    return ("namespace" in labels) == is_by


def check_namespaces(expression):
    """Faults of what adds up several installations. By itself, or by a matcher, it must be of one."""
    aggregations = [node for node in nodes_of(promql_parser.parse(expression)) if isinstance(node, promql_parser.AggregateExpr)]
    named = [all(any(matcher.name == "namespace" for matcher in selector.matchers.matchers) for selector in selectors_of(node))
             for node in aggregations]
    return [f"{expression}: adds up the namespaces" for node, is_named in zip(aggregations, named)
            if not is_named and not is_of_one(node)]


def check_expression(expression, metrics):
    try:
        tree = promql_parser.parse(expression)
    except ValueError as error:
        return [f"{expression}: {error}"]
    faults = []
    selectors = list(selectors_of(tree))
    if not selectors:
        faults.append(f"{expression}: asks for no metric")
    faults += check_namespaces(expression)
    for selector in selectors:
        if selector.name in MADE_BY_PROMETHEUS:
            continue
        if selector.name not in metrics:
            faults.append(f"{expression}: no program has {selector.name}")
            continue
        for matcher in selector.matchers.matchers:
            if matcher.name in ("job", "namespace"):
                continue
            missing = set(matcher.value.split("|")) - metrics[selector.name].get(matcher.name, set())
            if missing:
                faults.append(f"{expression}: {selector.name} has no {matcher.name} {', '.join(sorted(missing))}")
    return faults


def main():
    things = load(sys.argv[1])
    text = read_page()
    metrics = documented_metrics(text)
    rules = [rule for thing in of_kind(things, "PrometheusRule") for group in thing["spec"]["groups"] for rule in group["rules"]]
    rendered = {(rule["expr"], rule.get("for", "")) for rule in rules if rule["expr"] not in BESIDES}
    documented = documented_alarms(text)
    faults = [f"{expression} {time}: only in the manifests" for expression, time in sorted(rendered - documented)]
    faults += [f"{expression} {time}: only in docs/operations.md" for expression, time in sorted(documented - rendered)]
    names = [rule["alert"] for rule in rules]
    faults += [f"{name}: twice" for name in sorted(set(names)) if names.count(name) > 1]
    queries = [trigger["metadata"]["query"] for thing in of_kind(things, "ScaledObject") for trigger in thing["spec"]["triggers"]]
    for expression in [rule["expr"] for rule in rules] + queries:
        faults += check_expression(expression, metrics)
    if not rules or not queries or not metrics:
        faults.append("there is nothing to compare")
    return finish("alarms", faults, f"{len(rules)} alarms, {len(metrics)} metrics")


if __name__ == "__main__":
    sys.exit(main())
