"""Makes src/souk/rest, the typed functions and values of the whole API, of the shop's own document.

An installation runs it (hatch_build.py). ``--check`` only says whether what was made is of the document as it is now.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
MADE = HERE / "src" / "souk" / "rest"
MARK = MADE / "document.sha256"
CONFIG = {"post_hooks": [], "literal_enums": True}


def document() -> Path:
    """The shop's document: in a source distribution it lies beside this file."""
    beside = HERE / "openapi.json"
    return beside if beside.is_file() else HERE.parents[1] / "docs" / "openapi.json"


def mark() -> str:
    return hashlib.sha256(document().read_bytes()).hexdigest()


def slim(spec: dict[str, Any]) -> None:
    """Leaves out what this client tells otherwise, and names what the document writes out once more."""
    for methods in spec["paths"].values():
        for operation in methods.values():
            if "responses" in operation:
                # Refusals are exceptions here, and "unchanged" is nothing that this client asks for.
                good = {code: said for code, said in operation["responses"].items() if code < "300"}
                operation["responses"] = good
    schemas = spec["components"]["schemas"]
    for name, schema in schemas.items():
        row = name.removeprefix("Page_")
        if row != name and row in schemas:
            schema["properties"]["data"]["items"] = {"$ref": f"#/components/schemas/{row}"}


def generate() -> None:
    spec = json.loads(document().read_text())
    slim(spec)
    with tempfile.TemporaryDirectory() as folder:
        slimmed, config = Path(folder, "openapi.json"), Path(folder, "config.json")
        slimmed.write_text(json.dumps(spec))
        config.write_text(json.dumps(CONFIG))
        words = ["generate", "--path", slimmed, "--config", config, "--meta", "none"]
        command = [sys.executable, "-m", "openapi_python_client", *words, "--output-path", MADE, "--overwrite"]
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL)
    (MADE / "py.typed").touch()
    MARK.write_text(mark())


def main() -> int:
    if "--check" not in sys.argv:
        generate()
    elif not MARK.is_file() or MARK.read_text() != mark():
        print("src/souk/rest is not of docs/openapi.json as it is now: `python generate.py`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
