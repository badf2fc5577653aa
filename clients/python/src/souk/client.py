"""A shop to talk to. Nothing of the API is written down here by hand."""

from __future__ import annotations

import ssl
import uuid
from types import TracebackType
from typing import TypeVar

import httpx

from .rest.client import AuthenticatedClient
from .retries import Retries, Retrying
from .session import Session, Tokens

T = TypeVar("T")


class Souk:
    """A client of one shop: ``place_order.sync(client=souk.client, ...)``.

    ``token`` is an API key or an access token; whoever signs in by name calls ``sign_in_as``.
    """

    def __init__(
        self,
        base_url: str,
        token: str | None = None,
        *,
        retries: Retries = Retries(),
        timeout_seconds: float = 30.0,
        verify: ssl.SSLContext | bool = True,
        transport: httpx.BaseTransport | None = None,
        transport_async: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        base_url = base_url.rstrip("/")
        self._session = Session(base_url, token)
        sending = Retrying(
            retries,
            transport or httpx.HTTPTransport(verify=verify),
            transport_async or httpx.AsyncHTTPTransport(verify=verify),
        )
        #: What the functions of ``souk.rest.api`` take. Its own token is not used: the session signs.
        self.client = AuthenticatedClient(
            base_url=base_url,
            token="",
            timeout=httpx.Timeout(timeout_seconds),
            httpx_args={"auth": self._session, "transport": sending},
        )

    def sign_in_as(self, tokens: Tokens | None) -> None:
        """Goes on with what signing in answered, and renews it when it ends; as nobody, without."""
        self._session.use(tokens)

    @property
    def refresh_token(self) -> str | None:
        """What is needed to come back later: to be kept where it is safe."""
        return self._session.refresh_token

    def close(self) -> None:
        self.client.get_httpx_client().close()

    async def aclose(self) -> None:
        await self.client.get_async_httpx_client().aclose()

    def __enter__(self) -> Souk:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Souk:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()


def take(answer: T | None) -> T:
    """The value of an answer: ``order = take(place_order.sync(...))``. Refusals were raised before."""
    if answer is None:
        raise ValueError("the answer has no body that the document knows")
    return answer


def new_key() -> str:
    """A name for a wish that must be granted once: keep it, and use it again for every retry of the same wish."""
    return str(uuid.uuid4())
