import { randomUUID } from "node:crypto";
import type { CallContext } from "#shared/async/call-context.ts";
import { AppError } from "#shared/errors/app-error.ts";
import type { Identity } from "./access/registration.ts";
import {
  commandHold,
  type HoldAnswer,
  type HoldDeps,
  type SubscriptionCall,
} from "./connections/calls/command-hold.ts";
import {
  rebindStream,
  type RebindAnswer,
  type RebindCall,
  type RebindDeps,
} from "./connections/calls/rebind-stream.ts";
import {
  changeTopics,
  type ChangeTopicsCall,
  type ChangeTopicsDeps,
  type TopicsAnswer,
} from "./connections/calls/change-topics.ts";
import type { Stream } from "./connections/hub.ts";

/**
 * THE CALL WAY, from a person's request about their open connection to the answer.
 *
 *     verify the caller, parse (http/) → here, or at a peer → find the person's connection → carry out
 *
 * A new kind of call is a file in `connections/calls/`, a member of this union and a line in `carryOut`; the adapter of the
 * peers refuses to compile until it parses the kind, too.
 */
export type ConnectionCall = Addressed & (RebindCall | ChangeTopicsCall | SubscriptionCall);

/** The called connection, and the caller by a verified token. */
interface Addressed {
  readonly connectionId: string;
  readonly identity: Identity;
}

/** What a call answers, by its kind. */
export type CallAnswer = RebindAnswer | TopicsAnswer | HoldAnswer;

/**
 * Carries out a call, wherever its connection is held, for the request that is given; another worker does not get to know
 * that. Safe to repeat.
 * @throws {AppError} `not_found` for a connection that is not there, or another person's; `unavailable` when there is no
 * answer in time: the call may have been carried out.
 */
export type CallConnection = (call: ConnectionCall, context?: CallContext) => Promise<CallAnswer>;

/** The other workers and edges. */
export interface Peers {
  /** Carries out a call at the worker that its connection id names; throws as `CallConnection` does. */
  readonly call: CallConnection;
  /** Carries out the peers' calls with `here`, until disposed. */
  serve(here: CallConnection): Disposable;
}

/** The edge, as far as calls use it. */
export interface CallDeps extends RebindDeps, ChangeTopicsDeps {
  readonly subscriptions: HoldDeps;
  /** This worker's id, with which its connection ids begin. */
  readonly workerId: string;
  readonly observer: ChangeTopicsDeps["observer"];
}

/** Carries out calls of this worker's own API and, until disposed, of its peers. */
export function openCalls(deps: CallDeps, peers: Peers): Disposable & { readonly callConnection: CallConnection } {
  const here: CallConnection = async (call, context) => {
    // Who changed the record of a holder that is about to deliver would not be heard: what was acknowledged would come again.
    if (call.kind === "subscription") await deps.subscriptions.holds.attached(call.connectionId);
    return carryOut(call, findStream(call, deps), deps, context);
  };
  const serving = peers.serve(here);
  return {
    callConnection: (call, context) =>
      workerOf(call.connectionId) === deps.workerId ? here(call, context) : peers.call(call),
    [Symbol.dispose]: () => serving[Symbol.dispose](),
  };
}

/**
 * The called stream. Another person's is refused as if it did not exist: the caller learns nothing. A callback's is its subscription's
 * alone: it goes by what its owner may see, by no token.
 */
function findStream({ connectionId, identity, kind }: ConnectionCall, { hub }: CallDeps): Stream {
  const stream = hub.find(connectionId);
  const owner = stream?.reader.registration.identity;
  const isOwn = owner?.tenant === identity.tenant && owner.subject.id === identity.subject.id;
  if (stream === undefined || !isOwn) throw noSuchConnection();
  if (kind !== "subscription" && stream.reader.record.origin === undefined) throw noSuchConnection();
  return stream;
}

function carryOut(
  call: ConnectionCall,
  stream: Stream,
  deps: CallDeps,
  context: CallContext | undefined,
): Promise<CallAnswer> {
  switch (call.kind) {
    case "rebind":
      return rebindStream(stream, call.identity, deps, context);
    case "topics":
      return changeTopics(stream, call.identity, call, deps, context);
    case "subscription":
      return commandHold(stream.reader, call, deps.subscriptions);
  }
}

/** The refusal of a call for a connection that is not there. */
export function noSuchConnection(): AppError {
  return new AppError("not_found", "there is no such connection");
}

/** A fresh connection id, `<worker id>-<random>`. */
export function createConnectionId(workerId: string): string {
  // Node draws these for 128 ids at once; random bytes of its own were one thirtieth of a handshake.
  return `${workerId}-${randomUUID().replaceAll("-", "")}`;
}

/** The id of the worker that a connection id names; undefined where it names none. */
export function workerOf(connectionId: string): string | undefined {
  return /^([A-Za-z0-9_]{1,32})-[A-Za-z0-9_]{1,32}$/.exec(connectionId)?.[1];
}
