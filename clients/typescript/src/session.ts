// Who asks: a token that never changes (an API key, say), or a sign-in whose tokens are renewed when they end.

import type { components } from "./api.js";

export type Tokens = Pick<components["schemas"]["TokenAnswer"], "access_token" | "refresh_token">;

type Send = (request: Request) => Promise<Response>;

/** Puts the token into every request, and renews it once when the shop says that it has ended. */
export class Session {
  #bearer: string | undefined;
  #refresh: string | undefined;
  #renewal: Promise<boolean> | undefined;
  readonly #baseUrl: string;
  readonly #send: Send;

  constructor(baseUrl: string, send: Send, token: string | undefined) {
    this.#baseUrl = baseUrl;
    this.#send = send;
    this.#bearer = token;
  }

  /** Goes on as whoever these tokens are of; nobody, without. */
  use(tokens: Tokens | undefined): void {
    this.#bearer = tokens?.access_token;
    this.#refresh = tokens?.refresh_token;
  }

  /** What is needed to come back later. */
  get tokens(): Tokens | undefined {
    if (this.#bearer === undefined || this.#refresh === undefined) return undefined;
    return { access_token: this.#bearer, refresh_token: this.#refresh };
  }

  readonly send: Send = async (request) => {
    const again = this.#refresh === undefined ? undefined : request.clone();
    const response = await this.#sendAs(request);
    if (response.status !== 401 || again === undefined || !(await this.#renew())) return response;
    await response.body?.cancel();
    return this.#sendAs(again);
  };

  #sendAs(request: Request): Promise<Response> {
    if (this.#bearer !== undefined && !request.headers.has("authorization")) {
      request.headers.set("authorization", `Bearer ${this.#bearer}`);
    }
    return this.#send(request);
  }

  /** A refresh token is used once: requests that fail together wait for one renewal. */
  #renew(): Promise<boolean> {
    this.#renewal ??= this.#ask().finally(() => {
      this.#renewal = undefined;
    });
    return this.#renewal;
  }

  async #ask(): Promise<boolean> {
    const request = new Request(`${this.#baseUrl}/api/v1/auth/refresh`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ refresh_token: this.#refresh }),
    });
    const response = await this.#send(request);
    if (!response.ok) {
      await response.body?.cancel();
      this.use(undefined);
      return false;
    }
    this.use((await response.json()) as Tokens);
    return true;
  }
}
