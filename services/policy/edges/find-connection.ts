import type { ConnectionEntry } from "#shared/contract/connection-log.ts";
import type { OpenConnection } from "#shared/contract/edge-questions.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { ConnectionHistory } from "./connection-history.ts";
import type { Edges } from "./edges.ts";

/** A stream as its worker has it, or what the connection log keeps of one that has ended, the oldest first; or both. */
export type FoundConnection =
  | { readonly connection: OpenConnection; readonly entries?: readonly ConnectionEntry[] }
  | { readonly entries: readonly ConnectionEntry[] };

interface FindDeps {
  readonly edges: Edges;
  readonly history: ConnectionHistory;
}

/**
 * Finds a stream of a tenant by its id; of an open one also what the connection log keeps, where that is asked for.
 * @throws {AppError} `not_found`; `unavailable` when an edge is missing or the log does not answer: it may be there.
 */
export async function findConnection(
  { edges, history }: FindDeps,
  tenant: string,
  id: string,
  withEntries = false,
): Promise<FoundConnection> {
  const asked = { ask: "connections", tenant, connectionId: id, after: "", limit: 1 } as const;
  const { answers, partial } = await edges.ask(asked);
  const connection = answers.flatMap(({ connections }) => connections)[0];
  if (connection !== undefined && !withEntries) return { connection };
  const entries = await history.entriesOf(tenant, id);
  if (connection !== undefined) return { connection, entries };
  if (entries.length > 0) return { entries };
  throw partial ? edgeMissing() : noConnection();
}

/** Who closes a stream. */
export interface ConnectionClose {
  readonly tenant: string;
  readonly connectionId: string;
  readonly by: string;
  readonly address: string;
}

interface CloseDeps {
  readonly edges: Edges;
  /** Told of each stream that was closed. */
  readonly onClosed: (close: ConnectionClose) => Promise<void>;
}

/**
 * Ends an open stream of a tenant, whose client may come back.
 * @throws {AppError} `not_found`; `unavailable` when an edge is missing: it may be there.
 */
export async function closeConnection({ edges, onClosed }: CloseDeps, close: ConnectionClose): Promise<void> {
  const { tenant, connectionId } = close;
  const { answers, partial } = await edges.ask({ ask: "close", tenant, connectionId });
  if (answers.some(({ closed }) => closed)) return onClosed(close);
  throw partial ? edgeMissing() : noConnection();
}

function noConnection(): AppError {
  return new AppError("not_found", "there is no such connection");
}

function edgeMissing(): AppError {
  return new AppError("unavailable", "an edge did not answer; try again");
}
