"""What is tried again and what is not, without a shop."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import Sequence

import httpx

from souk import NotFound, Retries, Souk, TooManyRequests, Unavailable
from souk.problems import seconds_of
from souk.rest.api.catalog import list_products
from souk.retries import Retrying

Answer = httpx.Response | httpx.TransportError


def problem(status: int, retryable: bool, retry_after: str | None = None) -> httpx.Response:
    headers = {"content-type": "application/problem+json"}
    if retry_after is not None:
        headers["retry-after"] = retry_after
    return httpx.Response(status, json={"code": "x", "status": status, "retryable": retryable}, headers=headers)


def ok() -> httpx.Response:
    return httpx.Response(200)


class Sent:
    """A request to a server that answers these, one after the other."""

    def __init__(self, request: httpx.Request, answers: Sequence[Answer], retries: Retries = Retries()) -> None:
        self.bodies: list[bytes] = []
        self.waits: list[float] = []
        left = list(answers)

        def handle(request: httpx.Request) -> httpx.Response:
            self.bodies.append(request.read())
            answer = left.pop(0)
            if isinstance(answer, httpx.TransportError):
                raise answer
            return answer

        inner = httpx.MockTransport(handle)
        self.response = Retrying(retries, inner, inner, self.waits.append).handle_request(request)


def get() -> httpx.Request:
    return httpx.Request("GET", "http://shop.example/")


def post(key: str | None = None) -> httpx.Request:
    headers = {} if key is None else {"Idempotency-Key": key}
    return httpx.Request("POST", "http://shop.example/", content=b"wish", headers=headers)


class Tries(unittest.TestCase):
    def test_a_read_is_tried_again_until_it_is_answered_as_late_as_the_shop_asks(self) -> None:
        sent = Sent(get(), [httpx.ReadError("reset"), problem(503, True, "2"), ok()])
        self.assertEqual(sent.response.status_code, 200)
        self.assertTrue(sent.waits[0] <= 0.2 and sent.waits[1] == 2.0, sent.waits)

    def test_a_write_is_tried_again_with_its_key_and_its_body_and_without_a_key_never(self) -> None:
        kept = Sent(post("k"), [problem(504, True), httpx.Response(502), ok()])
        self.assertEqual((kept.response.status_code, kept.bodies), (200, [b"wish"] * 3))
        self.assertEqual(Sent(post(), [problem(503, True)]).response.status_code, 503)
        with self.assertRaises(httpx.ReadError):
            Sent(post(), [httpx.ReadError("reset")])

    def test_too_many_requests_is_tried_again_by_all_for_nothing_was_begun(self) -> None:
        sent = Sent(post(), [problem(429, True, "1"), ok()])
        self.assertEqual((sent.response.status_code, len(sent.bodies)), (200, 2))

    def test_what_will_not_help_is_not_tried_and_no_wait_is_longer_than_was_given(self) -> None:
        self.assertEqual(Sent(get(), [problem(404, False)]).waits, [])
        self.assertEqual(Sent(get(), [problem(503, True, "3600")]).waits, [])
        attempts = Retries().attempts
        self.assertEqual(len(Sent(get(), [problem(503, True)] * attempts).waits), attempts - 1)

    def test_the_same_without_blocking(self) -> None:
        answers = [problem(503, True), ok()]
        waits: list[float] = []

        async def pause(seconds: float) -> None:
            waits.append(seconds)

        async def way() -> int:
            inner = httpx.MockTransport(lambda _: answers.pop(0))
            sending = Retrying(Retries(), inner, inner, pause_async=pause)
            return (await sending.handle_async_request(get())).status_code

        self.assertEqual((asyncio.run(way()), len(waits)), (200, 1))

    def test_a_date_is_a_time_to_wait_as_well(self) -> None:
        self.assertEqual(seconds_of("Wed, 21 Oct 2026 07:28:05 GMT", 1792567680.0), 5.0)
        self.assertIsNone(seconds_of("soon"))

    def test_refusals_become_exceptions_of_their_kind_also_those_that_a_proxy_makes(self) -> None:
        def asked(answer: httpx.Response) -> None:
            inner = httpx.MockTransport(lambda _: answer)
            with Souk("http://shop.example/", retries=Retries(attempts=1), transport=inner) as souk:
                list_products.sync(client=souk.client)

        with self.assertRaises(NotFound):
            asked(problem(404, False))
        with self.assertRaises(TooManyRequests) as said:
            asked(problem(429, True, "7"))
        self.assertEqual((said.exception.retry_after, said.exception.retryable), (7.0, True))
        with self.assertRaises(Unavailable):
            asked(httpx.Response(502, text="<html>"))


if __name__ == "__main__":
    unittest.main()
