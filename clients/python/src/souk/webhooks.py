"""Webhooks that a shop sends are signed as Standard Webhooks say; nothing of a body may be believed before this."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
import time
from collections.abc import Mapping, Sequence
from typing import Any


class BadSignature(Exception):
    """The message is not of this shop, or not of this moment."""


def verify_webhook(
    secrets: str | Sequence[str],
    headers: Mapping[str, str],
    body: bytes,
    *,
    tolerance_seconds: float = 300.0,
    now: float | None = None,
) -> Any:
    """Checks a webhook, and answers its body as JSON.

    ``body`` are the bytes as they came, ``secrets`` all that are valid now (``whsec_...``): while a secret changes there
    are two.
    """
    given = {name.lower(): value for name, value in headers.items()}
    message_id, timestamp, signatures = (
        _header(given, name) for name in ("webhook-id", "webhook-timestamp", "webhook-signature")
    )
    moment = time.time() if now is None else now
    if not re.fullmatch(r"[0-9]{1,12}", timestamp) or abs(moment - int(timestamp)) > tolerance_seconds:
        raise BadSignature("the message is too old, or comes from the future")
    signed = f"{message_id}.{timestamp}.".encode() + body
    offered = [one.removeprefix("v1,") for one in signatures.split(" ") if one.startswith("v1,")]
    for secret in [secrets] if isinstance(secrets, str) else secrets:
        wanted = base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()
        # Comparing texts takes as long whatever is in them, but they must be ASCII.
        if any(hmac.compare_digest(wanted.encode(), one.encode()) for one in offered):
            return json.loads(body)
    raise BadSignature("no signature is of these secrets")


def _key(secret: str) -> bytes:
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error:
        key = b""
    if not key:
        raise BadSignature("the secret is none")
    return key


def _header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise BadSignature(f"{name} is missing")
    return value
