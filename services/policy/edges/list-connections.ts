import type { EdgeNode, EdgeQuestion, OpenConnection } from "#shared/contract/edge-questions.ts";
import type { Edges } from "./edges.ts";

/** A part of the list of open streams. */
export interface ConnectionList {
  /** In the order of their ids. */
  readonly connections: readonly OpenConnection[];
  /** Behind which id the list goes on; undefined at its end. */
  readonly next: string | undefined;
  /** A worker is missing, with what it holds. */
  readonly partial: boolean;
}

/** Which streams are asked for. */
export type ConnectionFilter = Omit<Extract<EdgeQuestion, { readonly ask: "connections" }>, "ask">;

/** A part of the open streams of all workers; throws what `Edges` throws. */
export async function listConnections(edges: Edges, filter: ConnectionFilter): Promise<ConnectionList> {
  const { answers, partial } = await edges.ask({ ask: "connections", ...filter });
  const sorted = answers.flatMap(({ connections }) => connections).toSorted((a, b) => (a.id < b.id ? -1 : 1));
  // A worker that has more has nothing to say about ids behind its last one.
  const ends = answers
    .filter(({ hasMore }) => hasMore)
    .map(({ connections }) => connections.at(-1)?.id ?? filter.after);
  const known = sorted.filter(({ id }) => ends.every((end) => id <= end));
  const connections = known.slice(0, filter.limit);
  const hasMore = ends.length > 0 || known.length > connections.length;
  return { connections, next: hasMore ? connections.at(-1)?.id : undefined, partial };
}

/** How all workers are, in the order of their ids; throws what `Edges` throws. */
export async function listNodes(
  edges: Edges,
): Promise<{ readonly nodes: readonly (EdgeNode & { readonly id: string })[]; readonly partial: boolean }> {
  const { answers, partial } = await edges.ask({ ask: "nodes" });
  const nodes = answers.map(({ from: id, node }) => ({ id, ...node }));
  return { nodes: nodes.toSorted((a, b) => (a.id < b.id ? -1 : 1)), partial };
}
