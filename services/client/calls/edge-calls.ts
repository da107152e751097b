import type { Credentials } from "../credentials/credentials.ts";
import type { Environment } from "../environment/environment.ts";
import { bearer } from "../roads/ask-edge.ts";
import { ProblemError } from "./problem-error.ts";
import { readProblem } from "./read-problem.ts";

/** A call that was not answered within this is given up. */
const DEADLINE_MS = 15_000;

/** What a call sends. */
interface Call {
  readonly method?: "GET" | "POST";
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: unknown;
}

/** Makes calls with the credentials of a stream. */
export class EdgeCalls {
  readonly #url: string;
  readonly #environment: Pick<Environment, "fetch">;
  readonly #credentials: Credentials;

  constructor(url: string, environment: Pick<Environment, "fetch">, credentials: Credentials) {
    this.#url = url;
    this.#environment = environment;
    this.#credentials = credentials;
  }

  /**
   * Makes a call and answers its JSON; undefined where there is none. A token that is refused is renewed once.
   * @throws {ProblemError}
   */
  async call<Answer>(path: string, call: Call = {}): Promise<Answer> {
    let response = await this.#send(path, call);
    if (response.status === 401 && (await this.#isRenewed())) response = await this.#send(path, call);
    if (!response.ok) throw await readProblem(response);
    return (response.status === 204 ? undefined : await response.json()) as Answer;
  }

  async #send(path: string, { method = "POST", headers, body }: Call): Promise<Response> {
    await this.#credentials.prepare().catch(() => {});
    try {
      return await this.#environment.fetch(this.#url + path, {
        method,
        headers: {
          ...bearer(this.#credentials.token),
          ...(body !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(body !== undefined && { body: JSON.stringify(body) }),
        credentials: this.#credentials.mode,
        signal: AbortSignal.timeout(DEADLINE_MS),
      });
    } catch (cause) {
      throw new ProblemError("unavailable", `${this.#url} cannot be reached`, { cause });
    }
  }

  async #isRenewed(): Promise<boolean> {
    return (await this.#credentials.refresh().catch(() => "stale")) === "fresh";
  }
}
