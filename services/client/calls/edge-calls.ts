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
   * @throws {TypeError} when the body is no JSON.
   */
  async call<Answer>(path: string, call: Call = {}): Promise<Answer> {
    let response = await this.#send(path, call);
    if (response.status === 401 && (await this.#isRenewed())) response = await this.#send(path, call);
    if (!response.ok) throw await readProblem(response);
    return (response.status === 204 ? undefined : await readAnswer(response)) as Answer;
  }

  async #send(path: string, { method = "POST", headers, body }: Call): Promise<Response> {
    const text = body === undefined ? undefined : JSON.stringify(body);
    await this.#credentials.prepare().catch(() => {});
    try {
      return await this.#environment.fetch(this.#url + path, {
        method,
        headers: {
          ...bearer(this.#credentials.token),
          ...(text !== undefined && { "content-type": "application/json" }),
          ...headers,
        },
        ...(text !== undefined && { body: text }),
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

/** The login page of a network answers everything with 200, and an answer may break off behind its headers. */
async function readAnswer(response: Response): Promise<unknown> {
  try {
    return await response.json();
  } catch (cause) {
    throw new ProblemError("unavailable", "what answered is no edge, or broke off", { status: response.status, cause });
  }
}
