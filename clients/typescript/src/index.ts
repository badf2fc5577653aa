// A shop, typed from its own document: `souk.GET("/api/v1/products", ...)` and its like know every path, parameter and
// answer. Around them: retries, sign-in, problems as exceptions. Nothing of the API is written down here by hand.

import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "./api.js";
import { problemOf } from "./problem.js";
import { RETRIES, type Retries, retrying } from "./retries.js";
import { Session, type Tokens } from "./session.js";

export type { components, operations, paths } from "./api.js";
export { each, type Page } from "./pages.js";
export * from "./problem.js";
export { RETRIES, type Retries } from "./retries.js";
export type { Tokens } from "./session.js";
export { BadSignature, verifyWebhook, type VerifyOptions, type WebhookHeaders } from "./webhooks.js";

/** The values of the document, as `Schemas["OrderView"]`. */
export type Schemas = components["schemas"];

export interface SoukOptions {
  /** The shop's address, as `https://shop.example`. */
  baseUrl: string;
  /** An API key, or an access token. */
  token?: string;
  retries?: Partial<Retries>;
  /** How long one try may take, in seconds. */
  timeoutSeconds?: number;
  fetch?: (request: Request) => Promise<Response>;
}

export type Souk = Client<paths> & {
  /** Goes on with these tokens and renews them when they end; as nobody, without. */
  signInAs(tokens: Tokens | undefined): void;
  /** The tokens as they are now: to be kept where they are safe. */
  readonly tokens: Tokens | undefined;
};

/** A client of one shop. */
export function createSouk(options: SoukOptions): Souk {
  const baseUrl = options.baseUrl.replace(/\/+$/, "");
  const { timeoutSeconds = 30, fetch: given = (request) => fetch(request) } = options;
  const timed = (request: Request): Promise<Response> => {
    const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeoutSeconds * 1000)]);
    return given(new Request(request, { signal }));
  };
  const session = new Session(baseUrl, retrying(timed, { ...RETRIES, ...options.retries }), options.token);
  const client = createClient<paths>({ baseUrl, fetch: session.send });
  client.use({
    onResponse: async ({ response }) => {
      if (!response.ok && response.status !== 304) throw await problemOf(response);
    },
  });
  const souk = Object.assign(client, { signInAs: session.use.bind(session), tokens: undefined });
  return Object.defineProperty(souk, "tokens", { get: () => session.tokens });
}

/** The data of an answer: `const order = await take(souk.POST("/api/v1/orders", ...))`. */
export async function take<A extends { data?: unknown }>(answer: Promise<A>): Promise<NonNullable<A["data"]>> {
  const { data } = await answer;
  if (data === undefined || data === null) throw new Error("the answer has no body");
  return data;
}

/** A name for a wish that must be granted once: keep it, and use it again for every retry of the same wish. */
export function newKey(): string {
  return crypto.randomUUID();
}
