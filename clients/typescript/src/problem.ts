// What the shop says when it refuses (RFC 9457), as exceptions: one class for each thing a caller can do about it.

import type { components } from "./api.js";

export type ProblemBody = components["schemas"]["Problem"];

/** The shop refused. `code` is stable: branch on it, not on the words. */
export class SoukProblem extends Error {
  readonly status: number;
  readonly code: string;
  readonly detail: string;
  /** The id that the shop's logs know this request by. */
  readonly requestId: string | undefined;
  /** Whether the same request may succeed later. */
  readonly retryable: boolean;
  /** After how many seconds it may. */
  readonly retryAfter: number | undefined;
  /** The fields at fault. */
  readonly errors: NonNullable<ProblemBody["errors"]>;
  /** All that was said, with the facts of this code. */
  readonly body: Readonly<Record<string, unknown>>;

  constructor(status: number, body: Partial<ProblemBody>, retryAfter: number | undefined) {
    super(`${status} ${body.code ?? "unknown"}: ${body.detail ?? body.title ?? "no problem was told"}`);
    this.name = new.target.name;
    this.status = status;
    this.code = body.code ?? "unknown";
    this.detail = body.detail ?? "";
    this.requestId = body.request_id;
    this.retryable = body.retryable ?? false;
    this.retryAfter = retryAfter;
    this.errors = body.errors ?? [];
    this.body = body;
  }
}

/** What was sent cannot be read, or breaks a rule: see `errors`. */
export class InvalidRequest extends SoukProblem {}
/** Nobody is signed in, or the sign-in has ended. */
export class NotSignedIn extends SoukProblem {}
/** Whoever asks may not. */
export class Forbidden extends SoukProblem {}
/** There is none, or none that whoever asks may see. */
export class NotFound extends SoukProblem {}
/** It cannot be as things stand: stock is short, a move is not allowed, a key was used for something else. */
export class Conflict extends SoukProblem {}
/** Somebody changed it first: read it again. */
export class Stale extends SoukProblem {}
/** The payment was declined. */
export class PaymentRefused extends SoukProblem {}
/** Too many requests, and the retries are used up. */
export class TooManyRequests extends SoukProblem {}
/** The shop, or a part of it, cannot answer now. */
export class Unavailable extends SoukProblem {}

type Kind = new (status: number, body: Partial<ProblemBody>, retryAfter: number | undefined) => SoukProblem;

const KINDS: Readonly<Record<number, Kind>> = {
  400: InvalidRequest,
  401: NotSignedIn,
  402: PaymentRefused,
  403: Forbidden,
  404: NotFound,
  409: Conflict,
  412: Stale,
  413: InvalidRequest,
  415: InvalidRequest,
  422: InvalidRequest,
  429: TooManyRequests,
};

/** The exception for an answer that is none of the good ones. */
export async function problemOf(response: Response): Promise<SoukProblem> {
  const Kind = KINDS[response.status] ?? (response.status >= 500 ? Unavailable : SoukProblem);
  let body: Partial<ProblemBody> = {};
  try {
    body = (await response.json()) as Partial<ProblemBody>;
  } catch {
    // Not the shop's own words: a proxy's page, or nothing.
  }
  return new Kind(response.status, body, secondsOf(response.headers.get("retry-after")));
}

/** `Retry-After` in seconds: a number, or a date. */
export function secondsOf(header: string | null, now: number = Date.now()): number | undefined {
  if (header === null) return undefined;
  if (/^\d+$/.test(header)) return Number(header);
  const date = Date.parse(header);
  return Number.isNaN(date) ? undefined : Math.max(0, (date - now) / 1000);
}
