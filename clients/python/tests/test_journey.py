"""The whole way through a real shop, whose address is in SOUK_URL: ``cargo xtask clients`` opens one for this."""

from __future__ import annotations

import asyncio
import os
import unittest
from concurrent.futures import ThreadPoolExecutor

from souk import (
    Conflict,
    InvalidRequest,
    NotFound,
    NotSignedIn,
    PaymentRefused,
    Problem,
    Souk,
    each,
    each_async,
    new_key,
    take,
)
from souk.rest.api.catalog import list_products
from souk.rest.api.identity import get_me, register
from souk.rest.api.orders import find_order, list_orders, order_timeline, place_order
from souk.rest.api.payments import pay_order
from souk.rest.models import OrderItem, OrderView, PayOrder, PlaceOrder, ProductView, RegisterUser, TokenAnswer

URL = os.environ["SOUK_URL"]


def somebody() -> tuple[Souk, TokenAnswer]:
    souk = Souk(URL)
    wish = RegisterUser(email=f"{new_key()}@example.com", password="correct horse battery", name="Ann")
    tokens = take(register.sync(client=souk.client, body=wish))
    souk.sign_in_as(tokens)
    return souk, tokens


def something(souk: Souk) -> ProductView:
    return take(list_products.sync(client=souk.client, in_stock=True, sort="price", limit=1)).data[0]


def order(souk: Souk, product: ProductView, quantity: int, key: str | None = None) -> OrderView:
    wish = PlaceOrder(items=[OrderItem(product_id=product.id, quantity=quantity)])
    return take(place_order.sync(client=souk.client, body=wish, idempotency_key=key or new_key()))


def pay(souk: Souk, order_id: str, method: str) -> None:
    wish = PayOrder(order_id=order_id, method=method)
    take(pay_order.sync(client=souk.client, body=wish, idempotency_key=new_key()))


class Journey(unittest.TestCase):
    def test_somebody_registers_finds_something_orders_it_pays_and_sees_it(self) -> None:
        souk, _ = somebody()
        with souk:
            self.assertEqual(take(get_me.sync(client=souk.client)).name, "Ann")
            product = something(souk)
            placed = order(souk, product, 2)
            self.assertEqual((placed.status, placed.total.amount), ("pending", 2 * product.price.amount))
            pay(souk, placed.id, "tok_ok")
            self.assertEqual(take(find_order.sync(placed.id, client=souk.client)).status, "paid")
            steps = [step.kind for step in take(order_timeline.sync(placed.id, client=souk.client)).data]
            self.assertTrue(any("paid" in step for step in steps), steps)

    def test_the_same_wish_with_the_same_key_is_one_order(self) -> None:
        souk, _ = somebody()
        with souk, ThreadPoolExecutor(4) as pool:
            product, key = something(souk), new_key()
            placed = {one.id for one in pool.map(lambda _: order(souk, product, 1, key), range(4))}
            self.assertEqual(len(placed), 1)
            with self.assertRaises(Problem):
                order(souk, product, 3, key)
            listed = [one.id for one in each(lambda cursor: list_orders.sync(client=souk.client, cursor=cursor))]
            self.assertEqual(listed, list(placed))

    def test_a_history_of_several_pages_comes_whole_and_in_order(self) -> None:
        souk, _ = somebody()
        with souk:
            product = something(souk)
            placed = [order(souk, product, 1).id for _ in range(5)]
            read = each(lambda cursor: list_orders.sync(client=souk.client, limit=2, cursor=cursor))
            self.assertEqual([one.id for one in read], placed[::-1])

    def test_refusals_are_exceptions_that_say_what_can_be_done(self) -> None:
        (souk, _), (other, _) = somebody(), somebody()
        with souk, other, Souk(URL) as nobody:
            product = something(souk)
            with self.assertRaises(NotSignedIn):
                get_me.sync(client=nobody.client)
            placed = order(souk, product, 1)
            with self.assertRaises(NotFound):
                find_order.sync(placed.id, client=other.client)
            with self.assertRaises(InvalidRequest) as said:
                order(souk, product, 0)
            self.assertIn("quantity", said.exception.errors[0]["field"])
            self.assertIsNotNone(said.exception.request_id)
            with self.assertRaises(Conflict) as short:
                order(souk, product, 1_000_000)
            self.assertEqual(short.exception.code, "insufficient_stock")
            with self.assertRaises(PaymentRefused):
                pay(souk, placed.id, "tok_declined")

    def test_a_sign_in_goes_on_when_its_token_has_ended(self) -> None:
        souk, tokens = somebody()
        first = tokens.refresh_token
        tokens.access_token = "of.no.worth"
        souk.sign_in_as(tokens)
        with souk, ThreadPoolExecutor(4) as pool:
            names = list(pool.map(lambda _: take(get_me.sync(client=souk.client)).name, range(4)))
            self.assertEqual(names, ["Ann"] * 4)
            self.assertNotEqual(souk.refresh_token, first)

    def test_the_same_without_blocking(self) -> None:
        async def way() -> None:
            souk, tokens = somebody()
            product = something(souk)
            tokens.access_token = "of.no.worth"
            souk.sign_in_as(tokens)
            async with souk:
                client = souk.client
                wish = PlaceOrder(items=[OrderItem(product_id=product.id, quantity=1)])
                orders = (place_order.asyncio(client=client, body=wish, idempotency_key=new_key()) for _ in range(3))
                placed = {take(one).id for one in await asyncio.gather(*orders)}
                read = each_async(lambda cursor: list_orders.asyncio(client=client, limit=2, cursor=cursor))
                self.assertEqual({one.id async for one in read}, placed)
                with self.assertRaises(NotFound):
                    await find_order.asyncio("ord_00000000000000000000000000", client=client)
            souk.close()

        asyncio.run(way())


if __name__ == "__main__":
    unittest.main()
