"""Makes, of a shop's OpenAPI document, one that sqlmap is given: `targets.py all|cursors FROM TO NAME=VALUE...`.

Parameters and fields get values that are there, so that what follows them is reached. What ends the session that
sqlmap asks with is left out, for after it everything would be refused. A cursor that nobody made is refused before
anything else is read; so cursors are left out of `all`, and come by themselves with `cursors`.
"""

import json
import sys

LEFT_OUT = {"logout", "end_sessions", "end_session", "delete_me", "change_password"}
CURSOR = "cursor"


def targets(document, which, values):
    for operations in document["paths"].values():
        for method, operation in list(operations.items()):
            if not isinstance(operation, dict) or "operationId" not in operation:
                continue
            parameters = operation.get("parameters", [])
            has_cursor = any(parameter["name"] == CURSOR for parameter in parameters)
            if operation["operationId"] in LEFT_OUT or (which == "cursors" and not has_cursor):
                del operations[method]
                continue
            wanted = (lambda name: name != CURSOR) if which == "all" else (lambda name: name == CURSOR)
            operation["parameters"] = [
                parameter for parameter in parameters if parameter["in"] == "path" or wanted(parameter["name"])
            ]
            for parameter in operation["parameters"]:
                if parameter["name"] in values:
                    parameter["example"] = values[parameter["name"]]
    for schema in document["components"]["schemas"].values():
        for name, field in schema.get("properties", {}).items():
            if name in values and isinstance(field, dict):
                field["example"] = values[name]
    return document


def main():
    which, source, target, *pairs = sys.argv[1:]
    with open(source, encoding="utf-8") as file:
        document = json.load(file)
    values = dict(pair.split("=", 1) for pair in pairs)
    with open(target, "w", encoding="utf-8") as file:
        json.dump(targets(document, which, values), file)


if __name__ == "__main__":
    main()
