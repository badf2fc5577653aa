// What is tried again and what is not, without a shop.

import assert from "node:assert/strict";
import test from "node:test";
import { createSouk, NotFound, take, TooManyRequests, Unavailable } from "../src/index.js";
import { secondsOf } from "../src/problem.js";
import { RETRIES, retrying } from "../src/retries.js";

type Answer = Response | Error;

function problem(status: number, retryable: boolean, headers: Record<string, string> = {}): Response {
  return new Response(JSON.stringify({ code: "x", status, retryable }), {
    status,
    headers: { "content-type": "application/problem+json", ...headers },
  });
}

/** Sends a request to a server that answers these, one after the other. */
async function sent(request: Request, answers: Answer[]): Promise<{ status: number; bodies: string[]; waits: number[] }> {
  const [bodies, waits]: [string[], number[]] = [[], []];
  const send = retrying(
    async (one) => {
      bodies.push(await one.text());
      const answer = answers.shift() ?? assert.fail("asked once too often");
      if (answer instanceof Error) throw answer;
      return answer;
    },
    RETRIES,
    async (seconds) => void waits.push(seconds),
  );
  const response = await send(request);
  return { status: response.status, bodies, waits };
}

const get = (): Request => new Request("http://shop.example/");
const post = (key?: string): Request =>
  new Request("http://shop.example/", { method: "POST", body: "wish", headers: key ? { "idempotency-key": key } : {} });

test("a read is tried again until it is answered, as late as the shop asks", async () => {
  const answers = [new Error("reset"), problem(503, true, { "retry-after": "2" }), new Response("ok")];
  const { status, waits } = await sent(get(), answers);
  assert.equal(status, 200);
  assert.ok((waits[0] ?? 9) <= 0.2 && waits[1] === 2, waits.join());
});

test("a write is tried again with its key and its body, and without a key never", async () => {
  const kept = await sent(post("k"), [problem(504, true), new Response(null, { status: 502 }), new Response("ok")]);
  assert.deepEqual([kept.status, kept.bodies], [200, ["wish", "wish", "wish"]]);
  assert.equal((await sent(post(), [problem(503, true)])).status, 503);
  await assert.rejects(sent(post(), [new Error("reset")]), /reset/);
});

test("too many requests is tried again by all, for nothing was begun", async () => {
  const { status, bodies } = await sent(post(), [problem(429, true, { "retry-after": "1" }), new Response("ok")]);
  assert.deepEqual([status, bodies.length], [200, 2]);
});

test("what will not help is not tried, and no wait is longer than was given", async () => {
  assert.equal((await sent(get(), [problem(404, false)])).waits.length, 0);
  assert.equal((await sent(get(), [problem(503, true, { "retry-after": "3600" })])).status, 503);
  const many = Array.from({ length: RETRIES.attempts }, () => problem(503, true));
  assert.equal((await sent(get(), many)).waits.length, RETRIES.attempts - 1);
});

test("a date is a time to wait as well", () => {
  assert.equal(secondsOf("Wed, 21 Oct 2026 07:28:05 GMT", Date.parse("2026-10-21T07:28:00Z")), 5);
  assert.equal(secondsOf("soon"), undefined);
});

test("refusals become exceptions of their kind, also those that a proxy makes", async () => {
  const asked = (answer: () => Response): Promise<unknown> => {
    const souk = createSouk({ baseUrl: "http://shop.example/", retries: { attempts: 1 }, fetch: async () => answer() });
    return take(souk.GET("/api/v1/products"));
  };
  await assert.rejects(asked(() => problem(404, false)), NotFound);
  await assert.rejects(asked(() => problem(429, true, { "retry-after": "7" })), (error) => {
    return error instanceof TooManyRequests && error.retryAfter === 7 && error.retryable;
  });
  await assert.rejects(asked(() => new Response("<html>", { status: 502 })), Unavailable);
});
