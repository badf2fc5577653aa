"""Lints a chart by Helm's own library, with its values and with everything switched on: python helm.py CHART

Linting renders each template; whatever is no YAML then, or asks for a value that there is not, is an error. No cluster is
asked.
"""

import asyncio
import json
import pathlib
import shutil
import sys
import tempfile

import helm_sdkpy

NOBODY = """
apiVersion: v1
kind: Config
clusters: [{name: none, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: none, context: {cluster: none, user: none}}]
current-context: none
users: [{name: none, user: {}}]
"""

VARIANTS = {
    "as it is": {},
    "everything switched on": {
        "enabled: false": "enabled: true",
        "inFlight: 0": "inFlight: 100",
        'digest: ""': f'digest: "sha256:{"0" * 64}"',
    },
    "apart": {"shape: alike": "shape: apart"},
    "a shape that there is not": {"shape: alike": "shape: strange"},
}


async def lint(lint, chart, changes):
    with tempfile.TemporaryDirectory() as folder:
        copy = pathlib.Path(folder) / "souk"
        shutil.copytree(chart, copy)
        values = (copy / "values.yaml").read_text()
        for before, after in changes.items():
            if before not in values:
                sys.exit(f"values.yaml has no {before}")
            values = values.replace(before, after)
        (copy / "values.yaml").write_text(values)
        try:
            return True, await lint.run(str(copy))
        except Exception as error:
            return False, str(error)


async def main(chart):
    linter = helm_sdkpy.Lint(helm_sdkpy.Configuration(kubeconfig=NOBODY))
    wrong = 0
    for name, changes in VARIANTS.items():
        passed, said = await lint(linter, chart, changes)
        text = said if isinstance(said, str) else json.dumps(said)
        passed = passed and "[ERROR]" not in text and '"Severity": 3' not in text
        expected = not name.startswith("a shape")
        wrong += passed != expected
        print(f"{name}: {'passed' if passed else 'refused'}{'' if passed == expected else ' (WRONG)'}: {text[:400]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
