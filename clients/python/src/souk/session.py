"""Who asks: a token that never changes (an API key, say), or a sign-in whose tokens are renewed when they end.

Here refusals become exceptions as well: this is the last that sees an answer before the caller does.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Generator
from typing import Protocol

import httpx

from .problems import problem_of


class Tokens(Protocol):
    """What signing in answers."""

    access_token: str
    refresh_token: str


class Session(httpx.Auth):
    """Puts the token into every request, and renews it once when the shop says that it has ended."""

    def __init__(self, base_url: str, token: str | None) -> None:
        self._renewal_url = f"{base_url}/api/v1/auth/refresh"
        self._bearer = token
        self._refresh: str | None = None
        # A refresh token is used once: requests that fail together wait for one renewal.
        self._lock = threading.Lock()
        self._async_lock = asyncio.Lock()

    def use(self, tokens: Tokens | None) -> None:
        self._bearer = None if tokens is None else tokens.access_token
        self._refresh = None if tokens is None else tokens.refresh_token

    @property
    def refresh_token(self) -> str | None:
        return self._refresh

    def _sign(self, request: httpx.Request) -> str | None:
        request.headers.pop("authorization", None)
        if self._bearer is not None:
            request.headers["authorization"] = f"Bearer {self._bearer}"
        return self._bearer

    def _renewal(self) -> httpx.Request:
        return httpx.Request("POST", self._renewal_url, json={"refresh_token": self._refresh})

    def _renewed(self, response: httpx.Response) -> None:
        if response.is_success:
            told = response.json()
            self._bearer, self._refresh = told["access_token"], told["refresh_token"]
        else:
            self._bearer = self._refresh = None

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        used = self._sign(request)
        response = yield request
        if response.status_code == 401 and self._refresh is not None:
            with self._lock:
                if self._bearer == used:
                    renewal = yield self._renewal()
                    renewal.read()
                    self._renewed(renewal)
            if self._sign(request) is not None:
                response = yield request
        if response.is_error:
            response.read()
            raise problem_of(response)

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        used = self._sign(request)
        response = yield request
        if response.status_code == 401 and self._refresh is not None:
            async with self._async_lock:
                if self._bearer == used:
                    renewal = yield self._renewal()
                    await renewal.aread()
                    self._renewed(renewal)
            if self._sign(request) is not None:
                response = yield request
        if response.is_error:
            await response.aread()
            raise problem_of(response)
