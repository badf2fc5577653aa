"""Makes the generated part while the package is built, so that it is always of the document beside it."""

import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).parent))

import generate  # noqa: E402


class Hook(BuildHookInterface[Any]):
    """Called by the build."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if self.target_name == "wheel":
            generate.generate()
