import { useEffect, useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { useQuery } from "../../http/use-query.ts";
import { Badge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatBytes, formatCount, formatSpan } from "../../parts/format.ts";
import { Loaded } from "../../parts/loaded.tsx";
import { Page } from "../../parts/page.tsx";
import { type CurvePoint, Sparkline } from "../../parts/sparkline.tsx";
import { addNodes, type EdgeNode, type NodeHistory, type NodeMoment } from "./node-history.ts";
import "./nodes.css";

interface NodesAnswer {
  readonly nodes: readonly EdgeNode[];
  readonly partial: boolean;
}

const REFRESH_MS = 5_000;

/** More workers are not drawn: an installation has tens of them. */
const MAX_DRAWN = 100;

/** How the workers of all edges are. */
export function NodesScreen() {
  const { api } = useConsole();
  const [history, setHistory] = useState<NodeHistory>(new Map());
  const query = useQuery("nodes", (signal) => api.get<NodesAnswer>("/v1/nodes", { signal }), { everyMs: REFRESH_MS });
  const answer = query.state === "ready" ? query.value : undefined;
  useEffect(() => {
    if (answer !== undefined) setHistory((before) => addNodes(before, answer.nodes, Date.now()));
  }, [answer]);
  return (
    <Page
      title="Nodes"
      lead="How the workers of all edges are. The curves begin when this screen is opened, and keep 15 minutes."
    >
      <Loaded query={query} what="the nodes">
        {({ nodes, partial }) => (
          <>
            {partial ? (
              <p class="note warn">A worker did not answer: it is overloaded, out of reach, or has ended.</p>
            ) : null}
            {nodes.length === 0 ? <NoNodes /> : null}
            <ul class="nodes">
              {nodes.slice(0, MAX_DRAWN).map((node) => (
                <li key={node.id}>
                  <Node node={node} moments={history.get(node.id) ?? []} />
                </li>
              ))}
            </ul>
          </>
        )}
      </Loaded>
    </Page>
  );
}

function Node({ node, moments }: { readonly node: EdgeNode; readonly moments: readonly NodeMoment[] }) {
  const { id, host, pid, version, upForSeconds, streams, maxStreams, feeds } = node;
  const { loopDelayP99Ms, heapBytes, rssBytes, cpuShare } = node;
  return (
    <section class="node" aria-label={`Worker ${id}`}>
      <header class="section-head">
        <h2>
          {host} <span class="quiet">· {pid}</span>
        </h2>
        <NodeState node={node} />
      </header>
      <dl class="node-figures">
        <Figure
          title="Streams"
          value={streams.toLocaleString()}
          note={`of ${maxStreams.toLocaleString()}`}
          points={curveOf(moments, (each) => each.streams)}
        />
        <Figure
          title="Loop delay, p99"
          value={`${loopDelayP99Ms.toFixed(1)} ms`}
          points={curveOf(moments, (each) => each.loopDelayP99Ms)}
        />
        <Figure
          title="CPU"
          value={`${Math.round(cpuShare * 100)} %`}
          note="of a core"
          points={curveOf(moments, (each) => each.cpuShare * 100)}
        />
        <Figure
          title="Heap"
          value={formatBytes(heapBytes)}
          note={`of ${formatBytes(rssBytes)} in use`}
          points={curveOf(moments, (each) => each.heapBytes / 1_048_576)}
        />
      </dl>
      <Facts
        facts={{
          Worker: <code>{id}</code>,
          Version: version,
          Up: formatSpan(upForSeconds),
          Feeds: `of ${formatCount(feeds, "tenant")}`,
        }}
      />
    </section>
  );
}

interface FigureProps {
  readonly title: string;
  readonly value: string;
  readonly note?: string;
  readonly points: readonly CurvePoint[];
}

function Figure({ title, value, note, points }: FigureProps) {
  return (
    <div class="node-figure">
      <dt>{title}</dt>
      <dd>
        <strong>{value}</strong> <span class="quiet">{note}</span>
        <Sparkline label={`${title} in the last 15 minutes, now ${value}`} points={points} />
      </dd>
    </div>
  );
}

function curveOf(moments: readonly NodeMoment[], valueOf: (node: EdgeNode) => number): CurvePoint[] {
  return moments.map(({ at, node }) => [at, valueOf(node)]);
}

function NodeState({ node: { isDraining, overloadStep } }: { readonly node: EdgeNode }) {
  if (isDraining) return <Badge tone="warn">draining</Badge>;
  return overloadStep === null ? (
    <Badge tone="good">serves</Badge>
  ) : (
    <Badge tone="bad">overloaded: {overloadStep}</Badge>
  );
}

function NoNodes() {
  return (
    <EmptyState title="No edge is running" commands={["npm start"]}>
      Nothing is delivered. In the demo this starts one; elsewhere look at the logs of the edges.
    </EmptyState>
  );
}
