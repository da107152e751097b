import { jetstream } from "@nats-io/jetstream";
import type { Msg } from "@nats-io/transport-node";
import { type ConnectionEntry, connectionSubject } from "#shared/contract/connection-log.ts";
import { ASK_EDGES, edgeQuestionSchema, type OpenConnection } from "#shared/contract/edge-questions.ts";
import { openConnection } from "./open-connection.ts";
import { type Bus, openBus } from "../support/start-stack.ts";

/** An edge on the bus that says what a test wants: it writes entries of the connection log, and answers policy's questions. */
export interface EdgeStandIn extends AsyncDisposable {
  readonly bus: Bus;
  /** The streams that it has open, of any tenant. */
  readonly open: OpenConnection[];
  /** Whether it answers nothing. */
  isSilent: boolean;
  /** Writes that a stream of a person was opened; `more` overrides. */
  opened(subject: string, connectionId: string, more?: Partial<EntryOf<"opened">>): Promise<void>;
  changed(subject: string, connectionId: string, more: Partial<EntryOf<"changed">>): Promise<void>;
  ended(subject: string, connectionId: string, more: Partial<EntryOf<"ended">>): Promise<void>;
  /** Has a stream open. */
  holds(stream: Partial<OpenConnection>): void;
}

type EntryOf<Event extends ConnectionEntry["event"]> = Extract<ConnectionEntry, { readonly event: Event }>;

/** Connects one that serves this tenant; ids are of a log of this epoch. */
export async function startEdgeStandIn(url: string, tenant: string, epoch: string): Promise<EdgeStandIn> {
  const bus = await openBus(url, "stream");
  const js = jetstream(bus.connection);
  const write = async (entry: ConnectionEntry): Promise<void> => {
    await js.publish(connectionSubject(tenant, entry.subject, entry.event), JSON.stringify(entry));
  };
  const common = (subject: string, connectionId: string) => ({
    at: new Date().toISOString(),
    tenant,
    subject,
    connectionId,
  });
  const edge: EdgeStandIn = {
    bus,
    open: [],
    isSilent: false,
    opened: (subject, connectionId, more) =>
      write({
        event: "opened",
        ...common(subject, connectionId),
        sid: `${subject}-1`,
        requestId: "r-1",
        address: "127.0.0.1",
        topics: [{ topic: "order.>", granted: true }],
        from: `${epoch}.1.0`,
        isResumed: false,
        ...more,
      }),
    changed: (subject, connectionId, more) =>
      write({ event: "changed", ...common(subject, connectionId), topics: [], from: `${epoch}.1.0`, ...more }),
    ended: (subject, connectionId, more) =>
      write({
        event: "ended",
        ...common(subject, connectionId),
        reason: "gone",
        openedAt: new Date().toISOString(),
        through: `${epoch}.1.0`,
        events: 0,
        bytes: 0,
        ...more,
      }),
    holds: (stream) => void edge.open.push(openConnection({ tenant, ...stream })),
    [Symbol.asyncDispose]: () => bus.connection.close(),
  };
  bus.connection.subscribe(ASK_EDGES, { callback: (_, message) => answer(edge, message) });
  await bus.connection.flush();
  return edge;
}

function answer({ isSilent, open }: EdgeStandIn, message: Msg): void {
  const question = edgeQuestionSchema.parse(message.json());
  if (isSilent || question.ask !== "connections") return;
  const { tenant, subject, limit } = question;
  const asked = open.filter((each) => each.tenant === tenant && (subject ?? each.subject) === each.subject);
  const told = { from: "stand-in", connections: asked.slice(0, limit), hasMore: asked.length > limit };
  message.respond(JSON.stringify(told));
}
