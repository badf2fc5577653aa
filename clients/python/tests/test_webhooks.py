"""Signatures, with the reference library of Standard Webhooks as the witness."""

from __future__ import annotations

import base64
import json
import unittest
from datetime import datetime, timedelta, timezone

from standardwebhooks.webhooks import Webhook

from souk import BadSignature, verify_webhook

SECRET = "whsec_" + base64.b64encode(b"a secret of 24 bytes, ok").decode()
OTHER = "whsec_" + base64.b64encode(b"another one, as long, ok").decode()
BODY = '{"type":"order.paid","data":{"id":"é"}}'


def signed(secret: str, ahead: timedelta = timedelta()) -> dict[str, str]:
    at = datetime.now(timezone.utc) + ahead
    return {
        "Webhook-Id": "msg_1",
        "Webhook-Timestamp": str(int(at.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("msg_1", at, BODY),
    }


class Signatures(unittest.TestCase):
    def test_what_the_reference_library_signs_is_good_with_two_secrets_and_among_others(self) -> None:
        body = json.loads(BODY)
        self.assertEqual(verify_webhook(SECRET, signed(SECRET), BODY.encode()), body)
        headers = signed(SECRET)
        headers["Webhook-Signature"] = "v1a,xx v1,AAAA " + headers["Webhook-Signature"]
        self.assertEqual(verify_webhook([OTHER, SECRET], headers, BODY.encode()), body)

    def test_anything_else_is_refused(self) -> None:
        def refused(headers: dict[str, str], body: str = BODY, secret: str = SECRET) -> None:
            with self.assertRaises(BadSignature):
                verify_webhook(secret, headers, body.encode())

        refused(signed(OTHER))
        refused(signed(SECRET), BODY.replace("paid", "void"))
        refused({**signed(SECRET), "Webhook-Id": "msg_2"})
        refused(signed(SECRET, timedelta(seconds=-301)))
        refused(signed(SECRET, timedelta(seconds=301)))
        refused({**signed(SECRET), "Webhook-Timestamp": "soon"})
        refused({**signed(SECRET), "Webhook-Signature": "v1,é"})
        refused({"Webhook-Id": "msg_1"})
        refused(signed(SECRET), BODY, "whsec_")
        refused(signed(SECRET), BODY, "whsec_!")


if __name__ == "__main__":
    unittest.main()
