// Tries again what may be tried again. Never a write without an idempotency key, unless the shop says that nothing was
// begun (429); never longer than the time that was given.

import { secondsOf } from "./problem.js";

export interface Retries {
  /** Tries in all. */
  attempts: number;
  /** How long all waiting between them may take, in seconds. */
  seconds: number;
  /** The first wait, in seconds, when the shop names none; it doubles. */
  firstWait: number;
}

export const RETRIES: Retries = { attempts: 4, seconds: 30, firstWait: 0.2 };

type Send = (request: Request) => Promise<Response>;

/** Sends through `send`, and again where that is safe. */
export function retrying(send: Send, retries: Retries, pause: (seconds: number) => Promise<void> = wait): Send {
  return async (request) => {
    const mayRepeat = ["GET", "HEAD"].includes(request.method) || request.headers.has("idempotency-key");
    let left = retries.seconds;
    for (let attempt = 1; ; attempt += 1) {
      const isLast = attempt >= retries.attempts;
      let response: Response | undefined;
      try {
        // A request can be sent once; what is kept is for the next try.
        response = await send(isLast ? request : request.clone());
      } catch (error) {
        if (isLast || !mayRepeat || request.signal.aborted) throw error;
      }
      if (response !== undefined && (isLast || !(await isWorthIt(response, mayRepeat)))) return response;
      const backoff = retries.firstWait * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
      const asked = secondsOf(response?.headers.get("retry-after") ?? null);
      const seconds = Math.max(asked ?? 0, backoff);
      if (seconds > left) {
        if (response !== undefined) return response;
        throw new Error("the shop did not answer, and the time for retries is used up");
      }
      left -= seconds;
      await response?.body?.cancel();
      await pause(seconds);
    }
  };
}

async function isWorthIt(response: Response, mayRepeat: boolean): Promise<boolean> {
  if (response.status === 429) return true;
  if (!mayRepeat) return false;
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    const body: unknown = await response.clone().json();
    return typeof body === "object" && body !== null && "retryable" in body && body.retryable === true;
  }
  return [502, 503, 504].includes(response.status);
}

function wait(seconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, seconds * 1000));
}
