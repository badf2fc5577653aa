"""Tries again what may be tried again.

Never a write without an idempotency key, unless the shop says that nothing was begun (429); never longer than the time
that was given.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import httpx

from .problems import body_of, seconds_of


@dataclass(frozen=True)
class Retries:
    """How often, and how long."""

    #: Tries in all.
    attempts: int = 4
    #: How long all waiting between them may take.
    seconds: float = 30.0
    #: The first wait when the shop names none; it doubles.
    first_wait: float = 0.2


@dataclass
class Plan:
    """The tries of one request."""

    retries: Retries
    may_repeat: bool
    attempt: int = 0
    waited: float = field(default=0.0)

    @classmethod
    def of(cls, request: httpx.Request, retries: Retries) -> Plan:
        may_repeat = request.method in ("GET", "HEAD") or "idempotency-key" in request.headers
        return cls(retries, may_repeat)

    def wait_after(self, answer: httpx.Response | httpx.TransportError) -> float | None:
        """How long to wait before the next try; nothing, if there shall be none."""
        self.attempt += 1
        if self.attempt >= self.retries.attempts or not self._is_worth_it(answer):
            return None
        seconds = self.retries.first_wait * 2.0 ** (self.attempt - 1) * random.uniform(0.5, 1.0)
        if isinstance(answer, httpx.Response):
            seconds = max(seconds, seconds_of(answer.headers.get("retry-after")) or 0.0)
        if self.waited + seconds > self.retries.seconds:
            return None
        self.waited += seconds
        return seconds

    def _is_worth_it(self, answer: httpx.Response | httpx.TransportError) -> bool:
        if isinstance(answer, httpx.TransportError):
            return self.may_repeat
        if answer.status_code == 429:
            return True
        if not self.may_repeat or answer.status_code < 400:
            return False
        if answer.headers.get("content-type", "").startswith("application/problem+json"):
            return body_of(answer).get("retryable") is True
        return answer.status_code in (502, 503, 504)


class Retrying(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Sends through another transport, and again where that is safe."""

    def __init__(
        self,
        retries: Retries,
        inner: httpx.BaseTransport | None = None,
        inner_async: httpx.AsyncBaseTransport | None = None,
        pause: Callable[[float], None] = time.sleep,
        pause_async: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._retries = retries
        self._inner = inner or httpx.HTTPTransport()
        self._inner_async = inner_async or httpx.AsyncHTTPTransport()
        self._pause = pause
        self._pause_async = pause_async

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        plan = Plan.of(request, self._retries)
        while True:
            try:
                response = self._inner.handle_request(request)
            except httpx.TransportError as error:
                wait = plan.wait_after(error)
                if wait is None:
                    raise
            else:
                if response.status_code >= 400:
                    response.read()
                wait = plan.wait_after(response)
                if wait is None:
                    return response
                response.close()
            self._pause(wait)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        plan = Plan.of(request, self._retries)
        while True:
            try:
                response = await self._inner_async.handle_async_request(request)
            except httpx.TransportError as error:
                wait = plan.wait_after(error)
                if wait is None:
                    raise
            else:
                if response.status_code >= 400:
                    await response.aread()
                wait = plan.wait_after(response)
                if wait is None:
                    return response
                await response.aclose()
            await self._pause_async(wait)

    def close(self) -> None:
        self._inner.close()

    async def aclose(self) -> None:
        await self._inner_async.aclose()
