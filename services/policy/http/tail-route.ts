import type { Context, Hono } from "hono";
import { z } from "zod";
import { freeNameSchema } from "#shared/contract/name-schema.ts";
import { poll } from "#shared/async/poll.ts";
import { AppError, toAppError } from "#shared/errors/app-error.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { readParameter, singleParameter } from "#shared/http/read-parameter.ts";
import { type EventId, parseEventId } from "#shared/protocol/event-id.ts";
import type { FindRights } from "#shared/tokens/session-rights.ts";
import { isTopicPattern } from "#shared/protocol/topics.ts";
import type { EventTails } from "../tail-events.ts";
import type { TailFrame } from "#shared/contract/tail-frame.ts";
import { ViewerStream } from "./viewer-stream.ts";
import { TailPerson } from "../tail/tail-person.ts";
import type { TailFilter, TailViewer } from "../tail/viewer.ts";
import { authorizeAdmin, type AuthorizeDeps } from "./authorize.ts";
import { TENANT, TENANT_ERRORS } from "./admin-calls.ts";
import { requireFreeName, tenantParameter } from "./parameters.ts";

/** As many topics as a stream may have. */
const MAX_PATTERNS = 100;

/** What a person may see is asked for anew so often, while their events are looked for. */
const REFRESH_PERSON_EVERY_MS = 2_000;

/** What the tail takes: the tails, and who knows what people hold. */
export interface TailRouteDeps {
  readonly tails: EventTails;
  readonly find: FindRights;
}

const patternsSchema = z.array(z.string()).max(MAX_PATTERNS).describe("Topic patterns, any of which matches.");
const fromSchema = z.enum(["now", "recent"], { error: "must be now or recent" });

const TAIL = describeCall({
  id: "tailEvents",
  tag: "Events",
  summary: "Shows what is stored in a tenant's log and whom it reached, without payloads",
  by: BY_EXPLICIT_TOKEN,
  path: TENANT,
  query: {
    type: patternsSchema,
    topic: patternsSchema,
    subject: freeNameSchema.describe("Whose events are looked for: those that the person may see."),
    from: fromSchema.describe("Whether to begin with the last events."),
  },
  headers: { "last-event-id": z.string().describe("Goes on behind this event.") },
  answers: {
    200: {
      is: "Frames as docs/reference/policy-http.md describes them.",
      content: { "text/event-stream": z.string() },
    },
  },
  errors: [...TENANT_ERRORS, "malformed_topic", "too_many_requests"],
  example: { path: { tenant: "acme" }, query: { from: "recent" }, status: 200 },
});

/** How often the tail looks after itself, where it is not as often as always. */
export interface TailTimes {
  readonly checkRightEveryMs?: number;
}

/** Adds the stream of what is stored in a tenant's log, and whom it reached. It ends with its viewer's right. */
export function addTailRoute(
  api: Hono,
  authorizeDeps: AuthorizeDeps,
  deps: TailRouteDeps,
  times: TailTimes = {},
): void {
  const { tails } = deps;
  api.get("/v1/tenants/:tenant/tail", TAIL, async (c) => {
    const tenant = tenantParameter(c);
    const authorize = (): Promise<string> => authorizeAdmin(authorizeDeps, c, tenant);
    await authorize();
    const start = { tenant, after: readLastEventId(c), isRecent: readFrom(c) === "recent" };
    const patterns = { topics: patternParameters(c, "topic"), type: patternParameters(c, "type")[0] };
    const subject = subjectFilter(c);
    const person = subject === undefined ? undefined : new TailPerson({ ...authorizeDeps, ...deps }, tenant, subject);
    await person?.refresh();
    const viewer = new TailStream({ ...patterns, sees: person && ((event) => person.sees(event)) });
    const { stream } = viewer;
    stream.own(await tails.open(start, viewer));
    stream.watchRight({ authorize, policy: () => authorizeDeps.snapshots.find(tenant) }, times.checkRightEveryMs);
    if (person !== undefined) {
      const refresh = (): Promise<void> => person.refresh().catch((error: unknown) => stream.refuse(toAppError(error)));
      stream.own(poll(REFRESH_PERSON_EVERY_MS, refresh));
    }
    return stream.respond(c);
  });
}

/** A viewer at the other end of a response. */
class TailStream implements TailViewer {
  readonly filter: TailFilter;
  readonly stream = new ViewerStream();

  constructor(filter: TailFilter) {
    this.filter = filter;
  }

  show({ event, data }: TailFrame): void {
    const id = event === "event" ? data.id : event === "ready" ? data.from : undefined;
    this.stream.send({ event, id, data });
  }

  end(reason: string): void {
    this.stream.finish("bye", { reason });
  }
}

/** The person whose events are looked for; undefined where it is everybody. */
function subjectFilter(c: Context): string | undefined {
  const subject = singleParameter(c, "subject") ?? "";
  if (subject === "") return undefined;
  requireFreeName(subject);
  return subject;
}

function readLastEventId(c: Context): EventId | undefined {
  const text = c.req.header("last-event-id") ?? "";
  if (text === "") return undefined;
  const id = parseEventId(text);
  if (id === undefined) throw new AppError("malformed_request", "Last-Event-ID must be the id of an event");
  return id;
}

function readFrom(c: Context): "now" | "recent" {
  return readParameter(c, "from", fromSchema) ?? "now";
}

function patternParameters(c: Context, name: "topic" | "type"): readonly string[] {
  const patterns = c.req.queries(name)?.filter((pattern) => pattern !== "") ?? [];
  if (patterns.length > MAX_PATTERNS) throw new AppError("malformed_topic", `${MAX_PATTERNS} patterns are the most`);
  if (patterns.every(isTopicPattern)) return patterns;
  throw new AppError("malformed_topic", `"${name}" must be a topic pattern such as order.*.42`);
}
