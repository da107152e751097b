import { randomBytes } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Ledger } from "#test/support/checker/ledger.ts";
import { createProducer, type Producer } from "#test/support/checker/producer.ts";
import { freePort } from "#test/support/ports.ts";
import type { RunningService } from "#test/support/start-service.ts";
import { type Stack, startStack } from "#test/support/start-stack.ts";
import { startTcpProxy, type TcpProxy } from "#test/support/tcp-proxy.ts";
import { waitFor } from "#test/support/wait.ts";
import type { Client } from "./client.ts";
import { ClientRun, type Property } from "./client-run.ts";

const TOPIC = "push.event.k";

/** Longer than any client may take to come back on a busy machine: browsers wait for up to 5 s, some libraries ever longer. */
const PATIENCE_MS = 40_000;

/** The edge sends something within 15 s. */
const HEARTBEAT_MS = 15_500;

/** Runs all clients beside each other against one edge, through everything that the table asks for. */
export async function runMatrix(clients: readonly Client[]): Promise<readonly ClientRun[]> {
  await using scene = await openScene(clients);
  await showEventsAtOnce(scene);
  const publishing = publishSteadily(scene);
  await cutConnections(scene);
  await killEdge(scene);
  await refuseForNow(scene);
  await drainEdge(scene);
  await publishing.stop();
  const last = JSON.stringify("the last event");
  await scene.producer.publish(TOPIC, last);
  await allShow(scene, "ledger", "the last event", (run) => run.hasSeen(last));
  for (const run of scene.runs) if (!run.isOut) run.conclude(scene.published, last);
  return scene.runs;
}

/** The servers, the network in front of them, and the clients. */
interface Scene extends AsyncDisposable {
  readonly stack: Stack;
  readonly runs: readonly ClientRun[];
  readonly published: Ledger;
  readonly producer: Producer;
  /** Between the edge and auth. */
  readonly authLink: TcpProxy;
  /** Between the clients and the edge. */
  network: TcpProxy;
  edge: RunningService;
}

async function openScene(clients: readonly Client[]): Promise<Scene> {
  await using starting = new AsyncDisposableStack();
  const authPort = await freePort();
  const authLink = starting.use(await startTcpProxy(authPort));
  const stack = starting.use(
    await startStack({
      auth: { AUTH_GRPC_PORT: String(authPort) },
      stream: { SLUICE_DEMO: "1", AUTH_GRPC_URL: `127.0.0.1:${authLink.port}` },
    }),
  );
  const published: Ledger = [];
  const scene = {
    stack,
    published,
    authLink,
    runs: clients.map((client) => new ClientRun(client)),
    producer: createProducer(await stack.bus("demo"), "demo", published),
    network: await startTcpProxy(stack.edge.ports.http),
    edge: stack.edge,
  };
  starting.defer(() => scene.network[Symbol.asyncDispose]());
  const { access_token: token } = await stack.login("bob");
  const target = { origin: `http://127.0.0.1:${scene.network.port}`, path: "/v1/stream?topic=push.>", token };
  const start = async (run: ClientRun): Promise<void> => {
    try {
      starting.use(await run.client.start(target, run.report));
    } catch (error) {
      run.giveUp("atOnce", `its start: ${(error as Error).message}`);
    }
  };
  await Promise.all(scene.runs.map(start));
  const owned = starting.move();
  return Object.assign(scene, { [Symbol.asyncDispose]: () => owned.disposeAsync() });
}

/** Waits until every client that is still in shows it; those that do not are out. */
async function allShow(
  { runs }: Scene,
  property: Property,
  what: string,
  shows: (run: ClientRun) => boolean,
): Promise<void> {
  const waiting = runs.filter(({ isOut }) => !isOut);
  await waitFor(what, () => waiting.every(shows), PATIENCE_MS).catch(() => {});
  for (const run of waiting) if (!shows(run)) run.giveUp(property, what);
}

/** Each event is published when every client has shown the one before: small ones, one of more than 64 KB, one after silence. */
async function showEventsAtOnce(scene: Scene): Promise<void> {
  await allShow(scene, "atOnce", "ready", (run) => run.count("ready") > 0);
  const show = async (what: string, text: string): Promise<void> => {
    await scene.producer.publish(TOPIC, text);
    await allShow(scene, "atOnce", what, (run) => run.hasSeen(text));
  };
  for (let n = 1; n <= 5; n += 1) await show(`small event ${n}`, JSON.stringify({ n }));
  await show("an event of 100 KB", JSON.stringify(randomBytes(75_000).toString("base64")));
  await show("a small event after it", JSON.stringify("after 100 KB"));
  // Not for a state of the system but for the time in which everybody gets a heartbeat.
  await delay(HEARTBEAT_MS);
  await show("an event after a heartbeat", JSON.stringify("after a heartbeat"));
}

async function cutConnections(scene: Scene): Promise<void> {
  const areBack = returned(scene);
  reset(scene.network);
  await allShow(scene, "afterCut", "ready after a cut", areBack);
}

/** The edge is killed, its port refuses connections for a while, and it comes again on the same port. */
async function killEdge(scene: Scene): Promise<void> {
  const areBack = returned(scene);
  const ends = new Map(scene.runs.map((run) => [run, run.ends]));
  const { http } = scene.edge.ports;
  const { port } = scene.network;
  await scene.edge.child.end("SIGKILL");
  await scene.network[Symbol.asyncDispose]();
  scene.edge = await scene.stack.startEdge({ STREAM_HTTP_PORT: String(http) });
  scene.network = await startTcpProxy(http, port);
  await allShow(scene, "afterKill", "ready after kill -9", areBack);
  for (const run of scene.runs) {
    // HTTP/1.0 cannot tell the two apart.
    if (run.client.transport.startsWith("HTTP/1.0") || run.ends === ends.get(run)) continue;
    run.fault("afterKill", "it took the killed edge's body for complete");
  }
}

/** While auth is away connections are refused for now. */
async function refuseForNow(scene: Scene): Promise<void> {
  const areBack = returned(scene);
  scene.authLink.set("reset");
  reset(scene.network);
  await allShow(scene, "afterEnd", "busy", (run) => run.count("busy") > 0);
  scene.authLink.set("pass");
  await allShow(scene, "afterEnd", "ready after busy", areBack);
}

async function drainEdge(scene: Scene): Promise<void> {
  const areBack = returned(scene);
  const { http } = scene.edge.ports;
  await scene.edge.child.end("SIGTERM");
  await allShow(scene, "afterEnd", "bye", (run) => run.count("bye") > 0);
  scene.edge = await scene.stack.startEdge({ STREAM_HTTP_PORT: String(http) });
  await allShow(scene, "afterEnd", "ready after bye", areBack);
}

/** Whether a client has been ready once more than now. */
function returned({ runs }: Scene): (run: ClientRun) => boolean {
  const before = new Map(runs.map((run) => [run, run.count("ready")]));
  return (run) => run.count("ready") > (before.get(run) ?? 0);
}

function reset(network: TcpProxy): void {
  network.set("reset");
  network.set("pass");
}

function publishSteadily({ producer }: Scene): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const running = (async () => {
    for (let steady = 0; !stopping.signal.aborted; steady += 1) {
      await producer.publish(TOPIC, JSON.stringify({ steady }));
      await delay(40);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
    },
  };
}
