"""A typed client of a Souk shop.

The functions of the API are in ``souk.rest.api`` and its values in ``souk.rest.models``: both are made of the shop's own
document. This is what stands around them: sign-in, retries, problems as exceptions, pages, webhooks.
"""

from .client import Souk, new_key, take
from .pages import each, each_async
from .problems import (
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    NotSignedIn,
    PaymentRefused,
    Problem,
    Stale,
    TooManyRequests,
    Unavailable,
)
from .retries import Retries
from .session import Tokens
from .webhooks import BadSignature, verify_webhook

__all__ = [
    "BadSignature",
    "Conflict",
    "Forbidden",
    "InvalidRequest",
    "NotFound",
    "NotSignedIn",
    "PaymentRefused",
    "Problem",
    "Retries",
    "Souk",
    "Stale",
    "Tokens",
    "TooManyRequests",
    "Unavailable",
    "each",
    "each_async",
    "new_key",
    "take",
    "verify_webhook",
]
