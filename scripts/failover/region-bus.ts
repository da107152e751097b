import { connect, createInbox, errors, type NatsConnection } from "@nats-io/transport-node";
import { z } from "zod";
import { formatAddress, type ServerUrls } from "#shared/config/server-urls.ts";
import { accountNames } from "../region/home-accounts.ts";
import { ScriptError } from "../shared/run-script.ts";
import { type HomeStream, isHomeStream, streamSchema } from "./home-stream.ts";

/** Whoever is asked and does not answer within this time does not answer. */
const TIMEOUT_MS = 5_000;

/** JetStream gives out so many streams at once at most. `missing`: those whose leader did not answer. */
const listSchema = z.object({
  total: z.int(),
  streams: z.array(streamSchema).nullable().default(null),
  missing: z.array(z.string()).nullish(),
});
const refusalSchema = z.object({
  error: z.object({ code: z.int(), err_code: z.int().optional(), description: z.string() }),
});

/** JetStream has no such stream, or no such entry (nats-server's codes). */
const NOT_THERE = [10_059, 10_037];

const entrySchema = z.object({
  message: z.object({
    seq: z.int(),
    subject: z.string(),
    time: z.string(),
    hdrs: z.string().optional(),
    data: z.string().optional(),
  }),
});

/** An entry of a stream; headers and data in base64. */
export type StoredEntry = z.infer<typeof entrySchema>["message"];

/** A call that JetStream refused. */
export class RefusedCall extends ScriptError {
  readonly errorCode: number | undefined;

  constructor(message: string, errorCode: number | undefined) {
    super(message);
    this.errorCode = errorCode;
  }
}

/** A region of which a server answered, though not with what was asked. */
export class RunningRegion extends ScriptError {}

/** The JetStream of one region, in the account of a home, as an operator. */
export interface RegionBus extends AsyncDisposable {
  readonly region: string;
  /** The account of the home here, as the server's configuration names it. */
  readonly account: string;
  readonly nats: NatsConnection;
  /** A subject that this user may listen to, and nobody else uses. */
  inbox(): string;
  /** The home's streams here: originals and mirrors. */
  streams(): Promise<HomeStream[]>;
  /** One of them, with what is asked for besides; undefined where there is none. */
  stream(name: string, details?: { readonly deleted_details: true }): Promise<HomeStream | undefined>;
  /** The first entry at this sequence or behind it, of those with this subject; undefined where there is none. */
  entryFrom(stream: string, seq: number, subject?: string): Promise<StoredEntry | undefined>;
  /** Gives a stream these settings in place of all it has. */
  update(config: HomeStream["config"]): Promise<void>;
  /** Deletes a stream; it may be gone already. */
  delete(name: string): Promise<void>;
  /**
   * Asks JetStream.
   * @throws {RefusedCall} with what it answers; {ScriptError} where it does not answer.
   */
  ask(call: string, question?: object): Promise<unknown>;
}

/**
 * Connects to a region. The connection is not made anew when it ends: what a command that was held up wanted to do may be wrong by
 * then, and nobody else begins before it has ended (see `lockRegion`).
 * @throws {ScriptError} where nothing answers; {RunningRegion} where the user is refused, and where it is another region.
 */
export async function openRegion(
  region: string,
  { scheme, user = "", password = "", servers }: ServerUrls,
): Promise<RegionBus> {
  const addresses = servers.map(formatAddress);
  const inboxPrefix = `_INBOX.${user}`;
  const nats = await connect({
    servers: addresses,
    user,
    pass: password,
    inboxPrefix,
    reconnect: false,
    timeout: TIMEOUT_MS,
    pingInterval: TIMEOUT_MS,
    ...(scheme === "tls" ? { tls: {} } : {}),
  }).catch((error: Error) => {
    const Fault = error instanceof errors.AuthorizationError ? RunningRegion : ScriptError;
    throw new Fault(`region ${region} does not answer at ${addresses.join(", ")} as ${user} (${error.message})`);
  });
  // The client's types do not name it.
  const { domain } = (nats.info ?? {}) as { readonly domain?: string };
  const [, home] = /^operator-(.+)$/.exec(user) ?? [];
  const [account = ""] = accountNames(home);
  if (domain === region) return busOf({ region, account, nats, inboxPrefix });
  await nats.close();
  const found = domain === undefined ? "no region: its JetStream has no domain" : `region ${domain}`;
  throw new RunningRegion(`at ${addresses.join(", ")} is ${found}, and not ${region}`);
}

function busOf({
  region,
  account,
  nats,
  inboxPrefix,
}: Pick<RegionBus, "region" | "account" | "nats"> & { readonly inboxPrefix: string }): RegionBus {
  const ask = async (call: string, question: object = {}): Promise<unknown> => {
    const answer: unknown = await nats
      .request(`$JS.API.${call}`, JSON.stringify(question), { timeout: TIMEOUT_MS })
      .then((message) => message.json())
      .catch((error: Error) => {
        throw new ScriptError(`region ${region} does not answer ${call} (${error.message})`);
      });
    const { success, data } = refusalSchema.safeParse(answer);
    if (!success) return answer;
    throw new RefusedCall(`region ${region} refuses ${call}: ${data.error.description}`, data.error.err_code);
  };
  return {
    region,
    account,
    nats,
    inbox: () => createInbox(inboxPrefix),
    ask,
    async streams() {
      const streams = await listStreams(region, ask);
      return streams.filter(({ config }) => isHomeStream(config.name));
    },
    stream: async (name, details) => ifThere(async () => streamSchema.parse(await ask(`STREAM.INFO.${name}`, details))),
    entryFrom: (name, seq, subject = ">") =>
      ifThere(
        async () => entrySchema.parse(await ask(`STREAM.MSG.GET.${name}`, { seq, next_by_subj: subject })).message,
      ),
    update: async (config) => void (await ask(`STREAM.UPDATE.${config.name}`, config)),
    delete: async (name) => void (await ifThere(() => ask(`STREAM.DELETE.${name}`))),
    [Symbol.asyncDispose]: () => nats.close(),
  };
}

/** Lists made of pages lose streams where others are deleted meanwhile: then all are listed anew, so often at most. */
const MAX_LISTS = 5;

/** @throws {ScriptError} where one is not known: a command must not take it for one that is not there. */
async function listStreams(region: string, ask: RegionBus["ask"]): Promise<HomeStream[]> {
  for (let list = 1; list <= MAX_LISTS; list += 1) {
    const streams = new Map<string, HomeStream>();
    let total: number | undefined;
    for (let offset = 0; offset < (total ?? 1);) {
      const page = listSchema.parse(await ask("STREAM.LIST", { offset }));
      const [missing] = page.missing ?? [];
      if (missing !== undefined)
        throw new ScriptError(`region ${region} does not say what ${missing} is: it has no leader`);
      if (page.total !== (total ?? page.total)) break;
      ({ total } = page);
      for (const stream of page.streams ?? []) streams.set(stream.config.name, stream);
      offset += Math.max(1, page.streams?.length ?? 0);
    }
    if (streams.size === total) return [...streams.values()];
  }
  throw new ScriptError(`region ${region} makes or deletes streams all the time: try again`);
}

async function ifThere<Answer>(ask: () => Promise<Answer>): Promise<Answer | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof RefusedCall && NOT_THERE.includes(error.errorCode ?? 0)) return undefined;
    throw error;
  }
}
