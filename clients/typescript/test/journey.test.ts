// The whole way through a real shop, whose address is in SOUK_URL: `cargo xtask clients` opens one for this.

import assert from "node:assert/strict";
import test from "node:test";
import {
  Conflict,
  createSouk,
  each,
  InvalidRequest,
  newKey,
  NotFound,
  NotSignedIn,
  PaymentRefused,
  type Schemas,
  type Souk,
  SoukProblem,
  take,
} from "../src/index.js";

const baseUrl = process.env["SOUK_URL"] ?? assert.fail("SOUK_URL must name a shop that is open");

async function somebody(): Promise<Souk> {
  const souk = createSouk({ baseUrl });
  const body = { email: `${newKey()}@example.com`, password: "correct horse battery", name: "Ann" };
  souk.signInAs(await take(souk.POST("/api/v1/auth/register", { body })));
  return souk;
}

async function something(souk: Souk): Promise<Schemas["ProductView"]> {
  const query = { in_stock: true, sort: "price", limit: 1 } as const;
  const { data } = await take(souk.GET("/api/v1/products", { params: { query } }));
  return data[0] ?? assert.fail("the shop sells nothing");
}

function order(souk: Souk, product: Schemas["ProductView"], quantity: number, key = newKey()): Promise<Schemas["OrderView"]> {
  const body = { items: [{ product_id: product.id, quantity }] };
  return take(souk.POST("/api/v1/orders", { params: { header: { "Idempotency-Key": key } }, body }));
}

test("somebody registers, finds something, orders it, pays, and sees it", async () => {
  const souk = await somebody();
  const me = await take(souk.GET("/api/v1/me"));
  assert.equal(me.name, "Ann");
  const product = await something(souk);
  const placed = await order(souk, product, 2);
  assert.equal(placed.status, "pending");
  assert.equal(placed.total.amount, 2 * product.price.amount);
  const payment = await take(
    souk.POST("/api/v1/payments", {
      params: { header: { "Idempotency-Key": newKey() } },
      body: { order_id: placed.id, method: "tok_ok" },
    }),
  );
  assert.equal(payment.amount.amount, placed.total.amount);
  const paid = await take(souk.GET("/api/v1/orders/{id}", { params: { path: { id: placed.id } } }));
  assert.equal(paid.status, "paid");
  const timeline = await take(souk.GET("/api/v1/orders/{id}/timeline", { params: { path: { id: placed.id } } }));
  assert.ok(timeline.data.some((step) => step.kind.includes("paid")), JSON.stringify(timeline.data));
});

test("the same wish with the same key is one order", async () => {
  const souk = await somebody();
  const product = await something(souk);
  const key = newKey();
  const [first, second] = await Promise.all([order(souk, product, 1, key), order(souk, product, 1, key)]);
  assert.equal(first.id, second.id);
  await assert.rejects(order(souk, product, 3, key), (error) => error instanceof SoukProblem && error.status >= 400);
  let orders = 0;
  for await (const one of each((cursor) =>
    take(souk.GET("/api/v1/orders", { params: { query: { limit: 1, ...(cursor && { cursor }) } } })),
  )) {
    assert.equal(one.id, first.id);
    orders += 1;
  }
  assert.equal(orders, 1);
});

test("a history of several pages comes whole and in order", async () => {
  const souk = await somebody();
  const product = await something(souk);
  const placed: string[] = [];
  for (let n = 0; n < 5; n += 1) placed.unshift((await order(souk, product, 1)).id);
  const listed: string[] = [];
  for await (const one of each((cursor) =>
    take(souk.GET("/api/v1/orders", { params: { query: { limit: 2, ...(cursor && { cursor }) } } })),
  )) {
    listed.push(one.id);
  }
  assert.deepEqual(listed, placed);
});

test("refusals are exceptions that say what can be done", async () => {
  const souk = await somebody();
  const product = await something(souk);
  const nobody = createSouk({ baseUrl });
  await assert.rejects(take(nobody.GET("/api/v1/me")), NotSignedIn);
  const other = await somebody();
  const { id } = await order(souk, product, 1);
  await assert.rejects(take(other.GET("/api/v1/orders/{id}", { params: { path: { id } } })), NotFound);
  await assert.rejects(order(souk, product, 0), (error) => {
    assert.ok(error instanceof InvalidRequest && error.errors[0]?.field.includes("quantity"), String(error));
    return error.requestId !== undefined;
  });
  await assert.rejects(order(souk, product, 1_000_000), (error) => {
    assert.ok(error instanceof Conflict, String(error));
    return error.code === "insufficient_stock";
  });
  const body = { order_id: id, method: "tok_declined" };
  const declined = souk.POST("/api/v1/payments", { params: { header: { "Idempotency-Key": newKey() } }, body });
  await assert.rejects(take(declined), PaymentRefused);
});

test("a sign-in goes on when its token has ended", async () => {
  const souk = await somebody();
  const { tokens } = souk;
  assert.ok(tokens);
  const later = createSouk({ baseUrl });
  later.signInAs({ ...tokens, access_token: "of.no.worth" });
  const both = await Promise.all([take(later.GET("/api/v1/me")), take(later.GET("/api/v1/me"))]);
  assert.equal(both[0].id, both[1].id);
  assert.notEqual(later.tokens?.refresh_token, tokens.refresh_token);
});
