"""What the shop says when it refuses (RFC 9457), as exceptions: one class for each thing a caller can do about it."""

from __future__ import annotations

import json
import re
import time
from email.utils import parsedate_to_datetime
from typing import Any

import httpx


class Problem(Exception):
    """The shop refused. ``code`` is stable: branch on it, not on the words."""

    def __init__(self, status: int, body: dict[str, Any], retry_after: float | None) -> None:
        self.status = status
        self.code: str = body.get("code", "unknown")
        self.detail: str = body.get("detail", "")
        #: The id that the shop's logs know this request by.
        self.request_id: str | None = body.get("request_id")
        #: Whether the same request may succeed later.
        self.retryable: bool = body.get("retryable", False)
        #: After how many seconds it may.
        self.retry_after = retry_after
        #: The fields at fault: ``field``, ``code``, ``message``.
        self.errors: list[dict[str, str]] = body.get("errors", [])
        #: All that was said, with the facts of this code.
        self.body = body
        super().__init__(f"{status} {self.code}: {self.detail or 'no problem was told'}")


class InvalidRequest(Problem):
    """What was sent cannot be read, or breaks a rule: see ``errors``."""


class NotSignedIn(Problem):
    """Nobody is signed in, or the sign-in has ended."""


class Forbidden(Problem):
    """Whoever asks may not."""


class NotFound(Problem):
    """There is none, or none that whoever asks may see."""


class Conflict(Problem):
    """It cannot be as things stand: stock is short, a move is not allowed, a key was used for something else."""


class Stale(Problem):
    """Somebody changed it first: read it again."""


class PaymentRefused(Problem):
    """The payment was declined."""


class TooManyRequests(Problem):
    """Too many requests, and the retries are used up."""


class Unavailable(Problem):
    """The shop, or a part of it, cannot answer now."""


KINDS: dict[int, type[Problem]] = {
    400: InvalidRequest,
    401: NotSignedIn,
    402: PaymentRefused,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    412: Stale,
    413: InvalidRequest,
    415: InvalidRequest,
    422: InvalidRequest,
    429: TooManyRequests,
}


def body_of(response: httpx.Response) -> dict[str, Any]:
    """What was told; nothing, where it is not the shop's own words but a proxy's page."""
    try:
        body = json.loads(response.content)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def problem_of(response: httpx.Response) -> Problem:
    """The exception for an answer that is none of the good ones, and was read."""
    kind = KINDS.get(response.status_code, Unavailable if response.status_code >= 500 else Problem)
    return kind(response.status_code, body_of(response), seconds_of(response.headers.get("retry-after")))


def seconds_of(header: str | None, now: float | None = None) -> float | None:
    """``Retry-After`` in seconds: a number, or a date."""
    if header is None:
        return None
    if re.fullmatch(r"\d+", header):
        return float(header)
    try:
        date = parsedate_to_datetime(header).timestamp()
    except ValueError:
        return None
    return max(0.0, date - (time.time() if now is None else now))
