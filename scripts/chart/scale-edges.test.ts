import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { projectPath } from "../shared/project-folder.ts";
import { requireCommand } from "../shared/run-command.ts";

// In place of kubectl: it answers as Kubernetes does for edges with these figures, and says what it is told to scale.
const KUBECTL = `#!/bin/sh
case "$*" in
  *matchLabels*) echo '{"app.kubernetes.io/name":"sluice"}' ;;
  *spec.replicas*) echo "$EDGES" ;;
  *"get pods"*) echo $PODS ;;
  *annotations*) cat "$MARK" ;;
  *raw*) pod=\${3##*/pods/}; pod=\${pod%%:*}
    [ "$pod" != silent ] || { echo 'Error: 421' >&2; exit 1; }
    printf 'sluice_stream_connections{worker="0"} %s\\nsluice_stream_connections{worker="1"} %s\\n' $STREAMS $STREAMS
    printf 'nodejs_eventloop_lag_p99_seconds{worker="0"} 0.001\\nnodejs_eventloop_lag_p99_seconds{worker="1"} %s\\n' $LATE ;;
  *fewer-from-) : > "$MARK" ;;
  *annotate*) echo "\${*##*=}" > "$MARK" ;;
  *scale*) echo "scaled: $*" ;;
esac
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-scale-"));
  await writeFile(join(folder, "kubectl"), KUBECTL, { mode: 0o755 });
  await writeFile(join(folder, "date"), '#!/bin/sh\necho "$TIME"\n', { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

interface Edges {
  readonly edges: number;
  readonly pods: string;
  readonly streams: number;
  readonly late: number;
}

/** What the script prints of edges with these figures, at a second of the clock. */
async function scale({ edges, pods, streams, late }: Edges, time: number): Promise<string> {
  const settings = [`PATH=${folder}${delimiter}${process.env["PATH"]}`, `EDGES=${edges}`, `PODS=${pods}`];
  const figures = [`STREAMS=${streams}`, `LATE=${late}`, `TIME=${time}`, `MARK=${join(folder, "mark")}`];
  const script = projectPath("infra", "helm", "scale-edges.sh");
  return requireCommand("env", [...settings, ...figures, script, "x", "edge", "2", "10", "1000", "50"]);
}

test.each([
  { case: "as many as their streams need", edges: 2, pods: "a b", streams: 900, late: 0.001, wanted: 4 },
  { case: "twice as many at most", edges: 2, pods: "a b", streams: 9_000, late: 0.001, wanted: 4 },
  { case: "more where their loops are late", edges: 2, pods: "a b", streams: 100, late: 0.075, wanted: 3 },
  { case: "one less where fewer would do", edges: 5, pods: "a b c d e", streams: 10, late: 0.001, wanted: 4 },
  { case: "not less than the least", edges: 2, pods: "a b", streams: 0, late: 0.001, wanted: 2 },
  { case: "not more than the most", edges: 8, pods: "a b c d e f g h", streams: 900, late: 0.001, wanted: 10 },
  { case: "no fewer while one is not there", edges: 3, pods: "a b", streams: 10, late: 0.001, wanted: 3 },
  { case: "no fewer while one does not answer", edges: 3, pods: "a silent b", streams: 10, late: 0.001, wanted: 3 },
])("edges are $case", async ({ wanted, ...edges }) => {
  await writeFile(join(folder, "mark"), "1000000");
  const scaled = `scaled: --namespace x scale deployment edge --replicas ${wanted}\n`;
  expect(await scale(edges, 1_000_000)).toBe(
    `edge: ${edges.edges} edges, ${wanted} wanted\n${wanted === edges.edges ? "" : scaled}`,
  );
});

/** The minutes in which one edge is taken away of five that have so many streams in each worker, minute by minute. */
async function minutesOfFewer(streams: readonly number[]): Promise<readonly number[]> {
  await writeFile(join(folder, "mark"), "");
  const minutes: number[] = [];
  for (const [minute, each] of streams.entries()) {
    const printed = await scale({ edges: 5, pods: "a b c d e", streams: each, late: 0.001 }, 1_000_000 + 60 * minute);
    if (printed.includes("--replicas 4")) minutes.push(minute);
  }
  return minutes;
}

test("one edge goes after a quarter of an hour in which fewer were enough, and the next one after five minutes", async () => {
  expect(await minutesOfFewer(Array.from({ length: 24 }, () => 10))).toEqual([15, 20]);
});

test("no edge goes that would be missed within a quarter of an hour", async () => {
  expect(await minutesOfFewer(Array.from({ length: 30 }, (_, minute) => (minute % 10 === 9 ? 410 : 390)))).toEqual([]);
});
