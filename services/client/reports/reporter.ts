import { type FallbackReason, NETWORKS } from "../../shared/protocol/client-report.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Environment } from "../environment/environment.ts";
import type { ClientRoad, StreamOptions } from "../options.ts";
import { bearer } from "../roads/ask-edge.ts";

/** One stream in twenty tells: enough to see what goes wrong, and next to no requests. */
const SHARE = 0.05;

/** A stream tells no more often. */
const BETWEEN_MS = 300_000;

/** What a stream has seen since its last report. */
interface Seen {
  transport?: ClientRoad;
  fallback?: { readonly from: ClientRoad; readonly reason: FallbackReason };
  reconnects: number;
  stalls: number;
  firstEventMs?: number;
}

/** Tells the edge how a stream fares (`POST /v1/reports`), where that was asked for: nothing of the person, the page or its events. */
export class Reporter {
  readonly #url: string;
  readonly #region: object;
  readonly #credentials: Credentials;
  readonly #environment: Environment;
  readonly #isOn: boolean;
  #seen: Seen = { reconnects: 0, stalls: 0 };
  #sentAt = -Infinity;

  constructor(
    { url, reports = false }: Pick<StreamOptions, "url" | "reports">,
    credentials: Credentials,
    environment: Environment,
  ) {
    this.#url = url;
    this.#region = typeof reports === "object" ? reports : {};
    this.#credentials = credentials;
    this.#environment = environment;
    this.#isOn = reports !== false && environment.random() < SHARE;
  }

  /** A road was left for another. */
  left(from: ClientRoad, reason: FallbackReason): void {
    this.#seen.fallback = { from, reason };
  }

  /** A stream that was open has to be opened again. */
  lost({ isStall }: { readonly isStall: boolean }): void {
    this.#seen.reconnects += 1;
    if (isStall) this.#seen.stalls += 1;
  }

  /** A stream is open, along this road. `firstEventMs`: since it was asked for. Sends a report where one is due. */
  opened(transport: ClientRoad, firstEventMs: number): void {
    this.#seen = { ...this.#seen, transport, firstEventMs };
    const { now, network, fetch } = this.#environment;
    if (!this.#isOn || now() - this.#sentAt < BETWEEN_MS) return;
    this.#sentAt = now();
    const { speed } = network();
    const body = {
      ...this.#seen,
      ...this.#region,
      ...(NETWORKS.some((known) => known === speed) && { network: speed }),
    };
    this.#seen = { reconnects: 0, stalls: 0 };
    const { token, mode } = this.#credentials;
    // A report that does not arrive is missed by nobody.
    fetch(`${this.#url}/v1/reports`, {
      method: "POST",
      headers: { "content-type": "application/json", ...bearer(token) },
      credentials: mode,
      keepalive: true,
      body: JSON.stringify(body),
    }).catch(() => {});
  }
}
