// Webhooks that a shop sends are signed as Standard Webhooks say; nothing of a body may be believed before this.

import { createHmac, timingSafeEqual } from "node:crypto";

export class BadSignature extends Error {
  override readonly name = "BadSignature";
}

/** The headers of a request, whatever the framework calls them. */
export type WebhookHeaders = Headers | Readonly<Record<string, string | string[] | undefined>>;

export interface VerifyOptions {
  /** How old, or how far ahead, a message may be, in seconds. */
  toleranceSeconds?: number;
  /** The present moment, in milliseconds. */
  now?: number;
}

/**
 * Checks a webhook, and answers its body as JSON. `body` are the bytes as they came, `secrets` all that are valid now
 * (`whsec_...`): while a secret changes there are two.
 */
export function verifyWebhook(
  secrets: string | readonly string[],
  headers: WebhookHeaders,
  body: string | Uint8Array,
  options: VerifyOptions = {},
): unknown {
  const id = header(headers, "webhook-id");
  const timestamp = header(headers, "webhook-timestamp");
  const signatures = header(headers, "webhook-signature");
  const { toleranceSeconds = 300, now = Date.now() } = options;
  if (!/^\d{1,12}$/.test(timestamp) || Math.abs(now / 1000 - Number(timestamp)) > toleranceSeconds) {
    throw new BadSignature("the message is too old, or comes from the future");
  }
  const text = typeof body === "string" ? body : new TextDecoder("utf-8", { fatal: true }).decode(body);
  const given = signatures.split(" ").flatMap((one) => (one.startsWith("v1,") ? [Buffer.from(one.slice(3), "base64")] : []));
  const all = typeof secrets === "string" ? [secrets] : secrets;
  const isGood = all.some((secret) => {
    const key = Buffer.from(secret.replace(/^whsec_/, ""), "base64");
    if (key.length === 0) throw new BadSignature("the secret is none");
    const wanted = createHmac("sha256", key).update(`${id}.${timestamp}.${text}`).digest();
    return given.some((one) => one.length === wanted.length && timingSafeEqual(one, wanted));
  });
  if (!isGood) throw new BadSignature("no signature is of these secrets");
  return JSON.parse(text);
}

function header(headers: WebhookHeaders, name: string): string {
  const found =
    headers instanceof Headers
      ? headers.get(name)
      : Object.entries(headers).find(([own]) => own.toLowerCase() === name)?.[1];
  if (typeof found !== "string" || found === "") throw new BadSignature(`${name} is missing`);
  return found;
}
