/** A message as a client hands it to its user. */
export interface Message {
  /** `message` where the frame names none. */
  readonly event: string;
  /** The last id, as far as the client tells it. */
  readonly id: string;
  readonly data: string;
}

/** What a client reports while it runs. */
export type Report =
  | Message
  /** The body ended as if nothing was missing. Native clients do not tell. */
  | { readonly ended: true }
  /** The client gave up a connection, or itself. */
  | { readonly failed: string };

/** What to follow: the address that clients reach the edge by, and the token they bring. */
export interface Target {
  readonly origin: string;
  /** `/v1/stream?topic=…` */
  readonly path: string;
  readonly token: string;
}

/** A client of the matrix. */
export interface Client {
  /** Its name in the table. */
  readonly name: string;
  /** The version that is pinned; a program of the system has none. */
  readonly version: string;
  /** HTTP version, framing and content coding, as the client asks for them. */
  readonly transport: string;
  /** Who opens the next connection when one is over. */
  readonly comesBack: string;
  /** What its user must know. */
  readonly notes: readonly string[];
  /** What is missing to run it here. */
  missing(): string | undefined;
  /** Starts it; it follows the target until it is disposed of. */
  start(target: Target, report: (report: Report) => void): Promise<AsyncDisposable>;
}

/** The events of the edge that a client must name to be told of them. */
export const CONTROL_EVENTS = ["ready", "cursor", "gap", "reset", "degraded", "recovered", "busy", "bye"];

/** A folder of what npm test has brought for the matrix. */
export const PROVISIONED = new URL("../../../.sluice/", import.meta.url);
