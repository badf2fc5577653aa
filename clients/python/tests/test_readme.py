"""What the README says is run as it stands there, in the shop of SOUK_URL."""

from __future__ import annotations

import contextlib
import io
import os
import re
import unittest
from pathlib import Path

from souk import Conflict, Souk
from souk.rest.api.identity import register
from souk.rest.models import RegisterUser

README = Path(__file__).parents[1] / "README.md"


class Readme(unittest.TestCase):
    def test_its_example_orders_tea(self) -> None:
        url = os.environ["SOUK_URL"]
        ann = RegisterUser(email="ann@example.com", password="correct horse")
        with Souk(url) as souk, contextlib.suppress(Conflict):
            register.sync(client=souk.client, body=ann)
        [example] = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
        said = io.StringIO()
        with contextlib.redirect_stdout(said):
            exec(compile(example.replace("http://127.0.0.1:8080", url), README, "exec"), {})
        first, *others = said.getvalue().splitlines()
        number, status = first.split()
        self.assertEqual(status, "paid")
        self.assertIn(number, others)


if __name__ == "__main__":
    unittest.main()
