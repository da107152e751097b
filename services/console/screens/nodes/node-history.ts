/** How a worker of an edge is, as policy tells it. */
export interface EdgeNode {
  readonly id: string;
  readonly version: string;
  readonly host: string;
  readonly pid: number;
  readonly upForSeconds: number;
  readonly streams: number;
  readonly maxStreams: number;
  readonly feeds: number;
  readonly loopDelayP99Ms: number;
  readonly heapBytes: number;
  readonly rssBytes: number;
  /** Of one core. */
  readonly cpuShare: number;
  readonly isDraining: boolean;
  readonly overloadStep: string | null;
}

/** A worker at a time. */
export interface NodeMoment {
  readonly at: number;
  readonly node: EdgeNode;
}

/** What the workers were while the screen was open, by their ids. */
export type NodeHistory = ReadonlyMap<string, readonly NodeMoment[]>;

const KEPT_MS = 15 * 60_000;

/** Adds what the workers are now, and forgets what is older than 15 minutes. */
export function addNodes(before: NodeHistory, nodes: readonly EdgeNode[], at: number): NodeHistory {
  const kept = [...before].map(([id, moments]) => [id, moments.filter((moment) => at - moment.at < KEPT_MS)] as const);
  const history = new Map(kept.filter(([, moments]) => moments.length > 0));
  for (const node of nodes) history.set(node.id, [...(history.get(node.id) ?? []), { at, node }]);
  return history;
}
