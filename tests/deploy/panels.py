"""Asks a Prometheus every query of every panel: python3 panels.py PROMETHEUS FOLDER

A query that cannot be read, or has no answer, is a failure; only panels whose description begins with "Empty" may have
none, for they show what a shop of one node has not.
"""

import json
import pathlib
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

VARIABLES = {"$__rate_interval": "10s", "$instance": ".*"}


def ask(prometheus, query):
    url = f"{prometheus}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return json.load(answer)["data"]["result"], None
    except urllib.error.HTTPError as error:
        return [], json.load(error).get("error", "no answer")


def numbers(result):
    return [float(sample["value"][1]) for sample in result]


def main(prometheus, folder):
    asked, empty, wrong = 0, 0, []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        for panel in json.loads(path.read_text())["panels"]:
            for target in panel["targets"]:
                query = target["expr"]
                for name, value in VARIABLES.items():
                    query = query.replace(name, value)
                result, error = ask(prometheus, query)
                asked += 1
                where = f"{path.stem}: {panel['title']}: {target['expr']}"
                if error:
                    wrong.append(f"{where}: {error}")
                elif not result and panel["description"].startswith("Empty"):
                    empty += 1
                elif not result:
                    wrong.append(f"{where}: no answer")
                elif all(number != number for number in numbers(result)):
                    wrong.append(f"{where}: no number")
    for line in wrong:
        print(line)
    alerts = json.load(urllib.request.urlopen(f"{prometheus}/api/v1/alerts", timeout=10))["data"]["alerts"]
    for alert in alerts:
        print(f"alert {alert['labels']['alertname']}: {alert['state']}")
    print(f"{asked} queries, {empty} of them empty as they may be, {len(wrong)} wrong")
    # How long orders take says how busy this machine is, and nothing of a dashboard.
    firing = [alert for alert in alerts if alert["state"] == "firing" and alert["labels"].get("objective") != "latency"]
    sys.exit(1 if wrong or firing else 0)


if __name__ == "__main__":
    time.sleep(2)
    main(sys.argv[1], sys.argv[2])
