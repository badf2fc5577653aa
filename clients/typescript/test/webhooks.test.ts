// Signatures, with the reference library of Standard Webhooks as the witness.

import assert from "node:assert/strict";
import test from "node:test";
import { Webhook } from "standardwebhooks";
import { BadSignature, verifyWebhook } from "../src/index.js";

const SECRET = `whsec_${Buffer.from("a secret of 24 bytes, ok").toString("base64")}`;
const OTHER = `whsec_${Buffer.from("another one, as long, ok").toString("base64")}`;
const BODY = '{"type":"order.paid","data":{"id":"é"}}';

function signed(secret: string, at: Date = new Date()): Record<string, string> {
  return {
    "Webhook-Id": "msg_1",
    "Webhook-Timestamp": String(Math.floor(at.getTime() / 1000)),
    "Webhook-Signature": new Webhook(secret).sign("msg_1", at, BODY),
  };
}

test("what the reference library signs is good, as text, as bytes, with two secrets, among other signatures", () => {
  const body = JSON.parse(BODY) as unknown;
  assert.deepEqual(verifyWebhook(SECRET, signed(SECRET), BODY), body);
  assert.deepEqual(verifyWebhook([OTHER, SECRET], new Headers(signed(SECRET)), Buffer.from(BODY)), body);
  const headers = signed(SECRET);
  headers["Webhook-Signature"] = `v1a,xx v1,AAAA ${headers["Webhook-Signature"] ?? ""}`;
  assert.deepEqual(verifyWebhook(SECRET, headers, BODY), body);
});

test("anything else is refused", () => {
  const refused = (headers: Record<string, string>, body = BODY, secret = SECRET): void =>
    assert.throws(() => verifyWebhook(secret, headers, body), BadSignature);
  refused(signed(OTHER));
  refused(signed(SECRET), BODY.replace("paid", "void"));
  refused({ ...signed(SECRET), "Webhook-Id": "msg_2" });
  refused(signed(SECRET, new Date(Date.now() - 301_000)));
  refused(signed(SECRET, new Date(Date.now() + 301_000)));
  refused({ ...signed(SECRET), "Webhook-Timestamp": "soon" });
  refused({ ...signed(SECRET), "Webhook-Signature": "v1," });
  refused({ "Webhook-Id": "msg_1" });
  refused(signed(SECRET), BODY, "whsec_");
});
