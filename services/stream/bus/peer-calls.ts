import { type Msg, type NatsConnection, RequestError } from "@nats-io/transport-node";
import { z } from "zod";
import { expirySchema } from "#shared/tokens/access-token.ts";
import { freeNameSchema, nameSchema } from "#shared/contract/name-schema.ts";
import { type ErrorCode, httpStatusOf } from "#shared/protocol/problem-codes.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import {
  type CallAnswer,
  type CallConnection,
  type ConnectionCall,
  noSuchConnection,
  type Peers,
  workerOf,
} from "../call-connection.ts";
import { commandSchema } from "../durable/commands.ts";
import type { Observer } from "../observe/observer.ts";
import type { Identity } from "../access/registration.ts";
import type { Subject } from "../access/ports.ts";
import { MAX_TOPICS } from "../subscription/stream-parameters.ts";
import { whileOpen } from "#shared/nats/while-open.ts";

/** An identity with every role and group that a token has room for takes a third of this, the body of a change half. */
const MAX_CALL_BYTES = 192 * 1_024;

/** Ten thousand ids of a subscription take five times as much. */
const MAX_SUBSCRIPTION_CALL_BYTES = 960 * 1_024;

/** The record of a subscription with a hundred topics of the greatest length, and with all the events that it may have. */
const MAX_ANSWER_BYTES = 512 * 1_024;

const namesSchema = z.array(freeNameSchema);

// `satisfies` names a field that is missing here: the schema would refuse it on its way. A member of a call that this edge does not know
// may limit what its caller may do: such a call is refused.
const subjectSchema = z.strictObject({
  id: freeNameSchema,
  roles: namesSchema,
  groups: namesSchema,
  issuer: z.string().max(1_024).optional(),
  attributes: z.record(nameSchema, z.array(z.string().max(128)).max(64)).optional(),
  scope: z
    .array(z.strictObject({ permission: z.string(), topics: z.string() }))
    .max(32)
    .optional(),
} satisfies Record<keyof Subject, z.ZodType>);

const identitySchema = z.strictObject({
  tenant: nameSchema,
  sid: nameSchema,
  subject: subjectSchema,
  kid: z.string().max(256),
  tokenExpiresAt: expirySchema,
  loginAt: z.string().max(64).optional(),
  isOutside: z.boolean(),
} satisfies Record<keyof Identity, z.ZodType>);

const topicsSchema = z.array(z.string().refine(isTopicPattern)).max(MAX_TOPICS);

const addressed = { connectionId: nameSchema, identity: identitySchema };

/** Each kind of call as it goes over the bus. */
const callSchemas = {
  rebind: z.strictObject({ kind: z.literal("rebind"), ...addressed }),
  topics: z.strictObject({ kind: z.literal("topics"), ...addressed, add: topicsSchema, remove: topicsSchema }),
  subscription: z.strictObject({
    kind: z.literal("subscription"),
    ...addressed,
    name: nameSchema,
    command: z.union([
      commandSchema,
      z.strictObject({ do: z.literal("release"), why: z.enum(["replaced", "changed"]) }),
    ]),
  }),
} satisfies Record<ConnectionCall["kind"], z.ZodType>;

/** A call of one worker to another, as it goes over the bus. */
export const callSchema = z.discriminatedUnion("kind", [
  callSchemas.rebind,
  callSchemas.topics,
  callSchemas.subscription,
]);

/** What each kind of call answers; what a later edge has added is passed over. */
const doneSchemas = {
  rebind: z.object({ expiresAt: z.iso.datetime() }),
  topics: z.object({
    topics: z.array(z.object({ topic: z.string(), granted: z.boolean() })).readonly(),
    effectiveFrom: z.string(),
  }),
  subscription: z.union([z.object({ record: z.string() }), z.object({ moved: z.literal(true) })]),
} satisfies Record<ConnectionCall["kind"], z.ZodType<CallAnswer>>;

/** What the other worker answers: what was done, or why not. */
export const callAnswerSchema = z.union([
  z.object({ done: z.union(Object.values(doneSchemas)) }),
  z.object({
    refused: z.object({
      code: z.enum(Object.keys(httpStatusOf) as ErrorCode[]),
      message: z.string(),
      retryAfterSeconds: z.number().optional(),
    }),
  }),
]);

/** The edge, as far as peer calls use it. */
export interface PeerCallsDeps {
  readonly nats: NatsConnection;
  readonly workerId: string;
  /** How long to wait for another worker's answer. */
  readonly timeoutMs: number;
  readonly observer: Pick<Observer, "fault">;
}

/**
 * The peers by NATS request on `edge.<worker id>`. Nobody else reaches those subjects: the edges are an account of their own
 * on the bus.
 */
export function createPeers(deps: PeerCallsDeps): Peers {
  return { call: (call) => callPeer(call, deps), serve: (here) => serveCalls(here, deps) };
}

function serveCalls(here: CallConnection, { nats, workerId, observer }: PeerCallsDeps): Disposable {
  const answer = async (message: Msg): Promise<void> => {
    const answered = await carryOut(message.data, here, observer);
    // An edge that has closed its bus has ended the stream too: the caller finds no connection next time.
    whileOpen(() => message.respond(JSON.stringify(answered)));
  };
  const subscription = nats.subscribe(subjectOf(workerId), {
    callback: (error, message) => void (error === null ? answer(message) : observer.fault(error)),
  });
  return { [Symbol.dispose]: () => subscription.unsubscribe() };
}

async function callPeer(call: ConnectionCall, { nats, timeoutMs }: PeerCallsDeps): ReturnType<CallConnection> {
  const workerId = workerOf(call.connectionId);
  if (workerId === undefined) throw noSuchConnection();
  const reply = await nats
    .request(subjectOf(workerId), JSON.stringify(call), { timeout: timeoutMs })
    .catch((error: unknown) => {
      if (error instanceof RequestError && error.isNoResponders()) throw noSuchConnection();
      throw new AppError("unavailable", "the edge that holds this connection does not answer", { cause: error });
    });
  return readAnswer(reply.data);
}

async function carryOut(
  data: Uint8Array,
  here: CallConnection,
  observer: Pick<Observer, "fault">,
): Promise<z.infer<typeof callAnswerSchema>> {
  try {
    const call = parse(data, MAX_SUBSCRIPTION_CALL_BYTES, callSchema);
    const isTooLong = data.length > MAX_CALL_BYTES && call?.kind !== "subscription";
    if (call === undefined || isTooLong)
      throw new AppError("malformed_request", "this edge does not understand the call");
    return { done: await here(call) };
  } catch (thrown) {
    const { code, message, cause, retryAfterSeconds } = toAppError(thrown);
    if (code === "internal") observer.fault(cause);
    return { refused: { code, message, ...(retryAfterSeconds !== undefined && { retryAfterSeconds }) } };
  }
}

function readAnswer(data: Uint8Array): Awaited<ReturnType<CallConnection>> {
  const answer = parse(data, MAX_ANSWER_BYTES, callAnswerSchema);
  if (answer === undefined) throw new AppError("unavailable", "the edge that holds this connection answers strangely");
  if ("done" in answer) return answer.done;
  const { code, message, retryAfterSeconds } = answer.refused;
  throw new AppError(code, message, retryAfterSeconds === undefined ? {} : { retryAfterSeconds });
}

function parse<Schema extends z.ZodType>(
  data: Uint8Array,
  maxBytes: number,
  schema: Schema,
): z.infer<Schema> | undefined {
  if (data.length > maxBytes) return undefined;
  return schema.safeParse(parseJson(new TextDecoder().decode(data))).data;
}

function subjectOf(workerId: string): string {
  return `edge.${workerId}`;
}
