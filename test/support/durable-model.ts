import type { SubscriptionMoment } from "./checker/subscription-audit.ts";
import { type EventStream, openEventStream } from "./event-stream.ts";
import { random } from "./random.ts";
import type { RunningService } from "./start-service.ts";
import type { Bus, Stack } from "./start-stack.ts";
import { type Subscriber, subscriberAt } from "./subscriptions.ts";
import { waitFor } from "./wait.ts";

/** How the subscription of a model is defined. */
export const MODEL = { topics: ["push.>"], window: 5, ackWaitMs: 1_000, maxDeliver: 3 };

/** What a run of the model has at hand. */
export interface DurableWorld {
  readonly stack: Stack;
  readonly edges: RunningService[];
  readonly bus: Bus;
  readonly token: string;
  readonly name: string;
}

/**
 * Does random steps with one subscription: publishes, attaches at any edge, breaks off, acknowledges and refuses anywhere, kills edges
 * and the broker. In the end it acknowledges all that comes, and answers what happened.
 */
export async function runDurableModel(world: DurableWorld, steps: number): Promise<readonly SubscriptionMoment[]> {
  const client = new DurableClient(world);
  await subscriberOf(world, 0).call("PUT", `/${world.name}`, MODEL);
  for (let step = 0; step < steps; step += 1) await takeStep(world, client, random());
  await client.finish();
  return client.moments;
}

async function takeStep(world: DurableWorld, client: DurableClient, dice: number): Promise<void> {
  if (dice < 0.35) return client.publish(1 + Math.floor(random() * 4));
  if (dice < 0.6) return client.acknowledge(random() < 0.3 ? 1 : random());
  if (dice < 0.65) return client.refuse();
  if (dice < 0.8) return client.attach();
  if (dice < 0.86) return client.breakOff();
  if (dice < 0.92) return new Promise((resolve) => setTimeout(resolve, random() * 600));
  if (dice < 0.97) return killEdge(world, Math.floor(random() * world.edges.length));
  await world.stack.nats.stop("SIGKILL");
  await world.stack.nats.start();
}

/** The edge comes back on its port while the run goes on. */
async function killEdge({ stack, edges }: DurableWorld, index: number): Promise<void> {
  const edge = edges[index];
  if (edge === undefined) return;
  await edge.child.end("SIGKILL");
  edges[index] = await stack.startEdge({ STREAM_HTTP_PORT: String(edge.ports.http) });
}

function subscriberOf({ edges, token }: DurableWorld, index = Math.floor(random() * edges.length)): Subscriber {
  return subscriberAt(`http://127.0.0.1:${edges[index]?.ports.http}`, token);
}

/** A client that forgets nothing of what it was sent and answered. */
class DurableClient {
  readonly moments: SubscriptionMoment[] = [];
  readonly #world: DurableWorld;
  readonly #open = new Set<string>();
  #stream: EventStream | undefined;
  #published = 0;

  constructor(world: DurableWorld) {
    this.#world = world;
  }

  async publish(count: number): Promise<void> {
    for (let index = 0; index < count; index += 1) {
      const text = `${this.#world.name} ${(this.#published += 1)}`;
      const at = performance.now();
      const stored = await this.#world.bus.publish("events.demo.push.event.k", text).catch(() => undefined);
      // Without an answer it may come, and need not.
      if (stored !== undefined) this.moments.push({ of: "published", text, at });
    }
  }

  async attach(): Promise<void> {
    await this.breakOff();
    const { name, token } = this.#world;
    const index = Math.floor(random() * this.#world.edges.length);
    const url = `http://127.0.0.1:${this.#world.edges[index]?.ports.http}`;
    const openedAt = performance.now();
    const stream = await openEventStream(`${url}/v1/stream?subscription=${name}&takeover=true`, {
      token,
      onFrame: ({ event, id = "", data }) => {
        if (event !== "message") return;
        this.#open.add(id);
        this.moments.push({ of: "received", id, text: data, openedAt });
      },
    }).catch(() => undefined);
    this.#stream = stream;
  }

  async breakOff(): Promise<void> {
    await this.#stream?.[Symbol.asyncDispose]();
    this.#stream = undefined;
  }

  /** Acknowledges a share of what is open, at any edge. */
  async acknowledge(share: number): Promise<void> {
    const ids = [...this.#open].filter(() => random() < share);
    if (ids.length === 0) return;
    const status = await subscriberOf(this.#world)
      .ack(this.#world.name, ids)
      .catch(() => 0);
    if (status !== 204) return;
    const at = performance.now();
    for (const id of ids) {
      this.#open.delete(id);
      if (!this.#isAcknowledged(id)) this.moments.push({ of: "acknowledged", id, at });
    }
  }

  async refuse(): Promise<void> {
    const ids = [...this.#open].slice(0, 1);
    const { name } = this.#world;
    await subscriberOf(this.#world)
      .call("POST", `/${name}/nacks`, { ids, delayMs: Math.floor(random() * 300) })
      .catch(() => undefined);
  }

  /** Acknowledges all that comes until nothing is open, and notes the dead letters. */
  async finish(): Promise<void> {
    const { name, bus } = this.#world;
    const last = `${name} end`;
    await waitFor("the log takes events", () => bus.publish("events.demo.push.event.k", last).catch(() => undefined));
    await waitFor(
      "everything is acknowledged or dead",
      async () => {
        if (this.#stream === undefined || this.#stream.isClosed) await this.attach();
        await this.acknowledge(1);
        const { body } = await subscriberOf(this.#world)
          .call("GET", `/${name}`)
          .catch(() => ({ body: {} as Record<string, unknown> }));
        const hasEnd = this.moments.some((moment) => moment.of === "received" && moment.text === last);
        return hasEnd && this.#open.size === 0 && body["open"] === 0;
      },
      60_000,
    );
    const { body } = await subscriberOf(this.#world).call("GET", `/${name}/dead`);
    for (const { id, deliveries } of body["dead"] as { id: string; deliveries: number }[]) {
      this.moments.push({ of: "dead", id, deliveries });
    }
    await this.breakOff();
  }

  #isAcknowledged(id: string): boolean {
    return this.moments.some((moment) => moment.of === "acknowledged" && moment.id === id);
  }
}
