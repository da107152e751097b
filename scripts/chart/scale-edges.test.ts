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
  *annotations*) echo "$FEWER_AT" ;;
  *raw*) pod=\${3##*/pods/}; pod=\${pod%%:*}
    [ "$pod" != silent ] || { echo 'Error: 421' >&2; exit 1; }
    printf 'sluice_stream_connections{worker="0"} %s\\nsluice_stream_connections{worker="1"} %s\\n' $STREAMS $STREAMS
    printf 'nodejs_eventloop_lag_p99_seconds{worker="0"} 0.001\\nnodejs_eventloop_lag_p99_seconds{worker="1"} %s\\n' $LATE ;;
  *annotate*) ;;
  *scale*) echo "scaled: $*" ;;
esac
`;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-scale-"));
  await writeFile(join(folder, "kubectl"), KUBECTL, { mode: 0o755 });
});
afterAll(() => rm(folder, { recursive: true }));

test.each([
  { case: "as many as their streams need", edges: 2, pods: "a b", streams: 900, late: 0.001, wanted: 4 },
  { case: "twice as many at most", edges: 2, pods: "a b", streams: 9_000, late: 0.001, wanted: 4 },
  { case: "more where their loops are late", edges: 2, pods: "a b", streams: 100, late: 0.075, wanted: 3 },
  { case: "one less where fewer would do", edges: 5, pods: "a b c d e", streams: 10, late: 0.001, wanted: 4 },
  { case: "not less than the least", edges: 2, pods: "a b", streams: 0, late: 0.001, wanted: 2 },
  { case: "not more than the most", edges: 8, pods: "a b c d e f g h", streams: 900, late: 0.001, wanted: 10 },
  { case: "no fewer while one is not there", edges: 3, pods: "a b", streams: 10, late: 0.001, wanted: 3 },
  { case: "no fewer while one does not answer", edges: 3, pods: "a silent b", streams: 10, late: 0.001, wanted: 3 },
  {
    case: "no fewer soon after there were fewer",
    edges: 5,
    pods: "a b c d e",
    streams: 10,
    late: 0.001,
    ago: 290,
    wanted: 5,
  },
  {
    case: "fewer again after five minutes",
    edges: 5,
    pods: "a b c d e",
    streams: 10,
    late: 0.001,
    ago: 310,
    wanted: 4,
  },
])("edges are $case", async ({ edges, pods, streams, late, ago, wanted }) => {
  const settings = [`PATH=${folder}${delimiter}${process.env["PATH"]}`, `EDGES=${edges}`, `PODS=${pods}`];
  const fewerAt = ago === undefined ? "" : Math.floor(Date.now() / 1_000) - ago;
  const figures = [`STREAMS=${streams}`, `LATE=${late}`, `FEWER_AT=${fewerAt}`];
  const script = projectPath("infra", "helm", "scale-edges.sh");
  const printed = await requireCommand("env", [...settings, ...figures, script, "x", "edge", "2", "10", "1000", "50"]);
  const scaled = `scaled: --namespace x scale deployment edge --replicas ${wanted}\n`;
  expect(printed).toBe(`edge: ${edges} edges, ${wanted} wanted\n${wanted === edges ? "" : scaled}`);
});
