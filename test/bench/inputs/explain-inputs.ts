import { ASK_EDGES, type EdgeQuestion, MAX_CONNECTIONS_LISTED } from "#shared/contract/edge-questions.ts";
import { type ConnectionEntry, connectionSubject, CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import { openConnection } from "#test/rigs/open-connection.ts";
import { waitFor } from "#test/support/wait.ts";
import type { InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

const TENANT = "demo";

/** As many as the log keeps of one person, of each kind. */
const MOST_ENTRIES = 1_000;

const TOPICS = Array.from({ length: 100 }, (_, at) => ({ topic: `a${at}.${"t".repeat(34)}`, granted: true }));

/** An event to explain to a person of whom the connection log and the edges know as much as they can. */
export function explainInputs(world: InputsWorld): readonly OutsideInput[] {
  return [
    {
      name: "policy, an event that many streams came past",
      through: ["GET /v1/tenants/:tenant/explain"],
      service: world.stack.policy,
      answers: answers(200),
      send: (size) => explain(world, size),
    },
  ];
}

async function explain({ stack, bus, policyBus }: InputsWorld, size: InputSize): Promise<number> {
  const subject = size === "largest" ? "é".repeat(128) : "n";
  const { config } = await (await policyBus.manager()).streams.info(`EVENTS_${TENANT}`);
  const epoch = config.metadata?.["sluice_epoch"] ?? "";
  const seq = await bus.publish(`events.${TENANT}.push.event.x`, "{}");
  const edge = await stack.bus("stream");
  const isLargest = size === "largest";
  for (let number = 0; number < (isLargest ? MOST_ENTRIES : 1); number += 1) {
    for (const entry of entriesOf({ subject, epoch, seq, number }))
      edge.connection.publish(connectionSubject(TENANT, subject, entry.event), JSON.stringify(entry));
  }
  const told = Array.from({ length: MAX_CONNECTIONS_LISTED }, (_, number) =>
    openConnection({ id: `open-${number + 100}`, tenant: TENANT, subject, lastId: `${epoch}.${seq}.0` }),
  );
  const connections = isLargest ? told.toSorted((a, b) => (a.id < b.id ? -1 : 1)) : told.slice(0, 1);
  const answering = edge.connection.subscribe(ASK_EDGES, {
    callback: (_, message) => {
      if (message.json<EdgeQuestion>().ask === "connections")
        message.respond(JSON.stringify({ from: "stand-in", connections, hasMore: isLargest }));
    },
  });
  await edge.connection.flush();
  const manager = await policyBus.manager();
  const wanted = (isLargest ? MOST_ENTRIES : 1) * 3;
  await waitFor("the entries", async () => {
    const filter = connectionSubject(TENANT, subject, "*");
    const { state } = await manager.streams.info(CONNECTIONS_STREAM, { subjects_filter: filter });
    return Object.values(state.subjects ?? {}).reduce((sum, count) => sum + count, 0) >= wanted;
  });
  const query = new URLSearchParams({ subject, sequence: String(seq) }).toString();
  const { status } = await stack.operate("GET", `${TENANT}/explain?${query}`);
  answering.unsubscribe();
  return status;
}

interface Numbered {
  readonly subject: string;
  readonly epoch: string;
  readonly seq: number;
  readonly number: number;
}

/** The life of a stream with the longest topics, which came past the event. */
function entriesOf({ subject, epoch, seq, number }: Numbered): ConnectionEntry[] {
  const at = "2026-01-01T00:00:00Z";
  const common = { at, tenant: TENANT, subject, connectionId: `c${number}` };
  const origin = { sid: `s${number}`, requestId: "r", address: "127.0.0.1", userAgent: "u".repeat(256) };
  const from = `${epoch}.${seq - 1}.0`;
  return [
    { event: "opened", ...common, ...origin, topics: TOPICS, from, isResumed: true },
    { event: "changed", ...common, topics: TOPICS, from },
    { event: "ended", ...common, reason: "gone", openedAt: at, through: `${epoch}.${seq}.0`, events: 1, bytes: 1 },
  ];
}
