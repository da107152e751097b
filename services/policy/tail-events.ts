import { within } from "#shared/async/within.ts";
import { type Poll, poll } from "#shared/async/poll.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type EventId, formatEventId } from "#shared/protocol/event-id.ts";
import type { Edges } from "./edges/edges.ts";
import type { EventFeed } from "./events/event-feed.ts";
import type { EventLog } from "./events/event-log.ts";
import { askReach } from "./tail/ask-reach.ts";
import { MAX_HELD, TenantTail } from "./tail/tenant-tail.ts";
import type { TailViewer } from "./tail/viewer.ts";

/** How many may look at one tenant's tail, and how many tenants' tails are open. */
const MAX_VIEWERS = 16;
const MAX_TAILS = 32;

/** How many events a viewer is shown who asks for recent ones. */
const RECENT = 50;

/** How many events a viewer is shown at once who comes back. */
const MAX_RESUMED = 200;

/** How long the last events of a log may take to be read. */
const OPEN_WITHIN_MS = 5_000;

const ROUND_MS = 500;
const CHECK_LOG_EVERY_MS = 30_000;

/** What the tails are made of. */
export interface TailDeps {
  readonly logs: Pick<EventLog, "describe">;
  readonly feed: EventFeed;
  readonly edges: Edges;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
}

/** Where a viewer begins. */
export interface TailStart {
  readonly tenant: string;
  /** Behind this event, where it is given. */
  readonly after: EventId | undefined;
  /** Otherwise with recent events, or with the next one. */
  readonly isRecent: boolean;
}

/** The tails of tenants' logs. Disposing ends all of their viewers. */
export interface EventTails extends AsyncDisposable {
  /**
   * Has a viewer see what is stored, until the answer is disposed.
   * @throws {AppError} `tenant_unknown`; `too_many_requests` where too many look already; `unavailable` when the log does not answer.
   */
  open(start: TailStart, viewer: TailViewer): Promise<Disposable>;
}

/** A tail with what keeps it going. */
interface OpenTail extends AsyncDisposable {
  readonly tail: TenantTail;
}

/**
 * The way of a live tail: find the log → read its last events → show where the viewer begins → follow the log, one reader for all
 * viewers of a tenant → ask the edges, twice a second at most, whom the events reached → end with the last viewer.
 */
export function createEventTails(deps: TailDeps): EventTails {
  const tails = new Map<string, Promise<OpenTail>>();
  const closing = new Set<Promise<void>>();

  const close = (tenant: string, open: OpenTail): void => {
    tails.delete(tenant);
    const closed = Promise.resolve(open[Symbol.asyncDispose]());
    closing.add(closed);
    void closed.then(() => closing.delete(closed));
  };
  const tailOf = (tenant: string): Promise<OpenTail> => {
    const known = tails.get(tenant);
    if (known !== undefined) return known;
    if (tails.size >= MAX_TAILS) throw tooMany("too many tenants are looked at; try again later");
    const opening = openTail(deps, tenant);
    tails.set(tenant, opening);
    opening.catch(() => tails.delete(tenant));
    return opening;
  };
  const watch = async ({ tenant, ...start }: TailStart, viewer: TailViewer): Promise<Disposable> => {
    const opening = tailOf(tenant);
    const open = await opening;
    // Its last viewer has left meanwhile.
    if (tails.get(tenant) !== opening) return watch({ tenant, ...start }, viewer);
    const { tail } = open;
    if (tail.viewers >= MAX_VIEWERS) throw tooMany(`${MAX_VIEWERS} look at this tenant's tail already`);
    const watching = show(tail, start, viewer);
    return {
      [Symbol.dispose]() {
        watching[Symbol.dispose]();
        if (tail.viewers === 0 && tails.get(tenant) === opening) close(tenant, open);
      },
    };
  };
  return {
    open: watch,
    async [Symbol.asyncDispose]() {
      for (const opening of tails.values()) (await opening.catch(() => undefined))?.tail.end("stopping");
      await Promise.all(closing);
    },
  };
}

function show(tail: TenantTail, { after, isRecent }: Omit<TailStart, "tenant">, viewer: TailViewer): Disposable {
  const { tenant, epoch, last } = tail;
  const isOtherLog = after !== undefined && after.epoch !== epoch;
  const isResumed = after !== undefined && !isOtherLog;
  const from = isResumed ? after.position.seq : last;
  viewer.show({ event: "ready", data: { tenant, from: formatEventId(epoch, { seq: from, tag: "0" }) } });
  if (isOtherLog) viewer.show({ event: "gap", data: { reason: "other_log" } });
  if (isResumed && !tail.reachesBackTo(from)) viewer.show({ event: "gap", data: { reason: "too_far_back" } });
  if (isResumed) return tail.watch(viewer, from, MAX_RESUMED);
  return isRecent || isOtherLog ? tail.watch(viewer, 0, RECENT) : tail.watch(viewer, last, 0);
}

async function openTail(deps: TailDeps, tenant: string): Promise<OpenTail> {
  const { epoch, first: kept, last } = await deps.logs.describe(tenant);
  const first = Math.max(kept, last - MAX_HELD + 1);
  const tail = new TenantTail(tenant, epoch, { first, last });
  const stop = new AbortController();
  const caughtUp = Promise.withResolvers<void>();
  const listener = {
    onEvent: (event: Parameters<TenantTail["add"]>[0]) => tail.add(event, deps.wall()),
    onErased: (entry: Parameters<TenantTail["erase"]>[0]) => tail.erase(entry),
    onCaughtUp: () => caughtUp.resolve(),
  };
  const following = deps.feed
    .follow(tenant, first, listener, stop.signal)
    .catch((error: unknown) => caughtUp.reject(error))
    .finally(() => tail.end("unavailable"));
  const isOpen = await within(OPEN_WITHIN_MS, caughtUp.promise);
  if (!isOpen) caughtUp.reject(new AppError("unavailable", `the log of tenant ${tenant} does not answer; try again`));
  await caughtUp.promise.catch((error: unknown) => {
    stop.abort();
    throw error;
  });
  const polls = keepGoing(deps, tail);
  return {
    tail,
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([following, ...polls.map((each) => each[Symbol.asyncDispose]())]);
    },
  };
}

function keepGoing({ logs, edges, wall }: TailDeps, tail: TenantTail): readonly Poll[] {
  const askEdges = async (): Promise<void> => {
    const due = tail.beginRound(wall());
    if (due.length === 0) return;
    // A bus that is away leaves unknown whom they reached.
    const reaches = await askReach(edges, tail, due, wall()).catch(() => []);
    tail.sendReach(reaches, wall());
  };
  const checkLog = async (): Promise<void> => {
    const log = await logs.describe(tail.tenant).catch((error: unknown) => error as AppError);
    const isGone = log instanceof Error ? log.code === "tenant_unknown" : log.epoch !== tail.epoch;
    if (isGone) tail.end("log_changed");
  };
  return [poll(ROUND_MS, askEdges), poll(CHECK_LOG_EVERY_MS, checkLog)];
}

function tooMany(message: string): AppError {
  return new AppError("too_many_requests", message);
}
