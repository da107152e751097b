import { randomBytes } from "node:crypto";
import { AppError } from "#shared/errors/app-error.ts";
import type { Identity } from "./access/registration.ts";
import { rebindStream, type RebindDeps } from "./connections/calls/rebind-stream.ts";

/**
 * What is asked of an open connection, by the person `identity` names: whoever passes the call on has verified that. Each
 * kind may be repeated.
 */
export interface ConnectionCall {
  /** `rebind`: the stream goes on by the identity's token. */
  readonly kind: "rebind";
  readonly connectionId: string;
  readonly identity: Identity;
}

/** What a call answers: until when the stream may go on. */
export interface CallAnswer {
  readonly expiresAt: string;
}

/**
 * Carries out a call, wherever its connection is held. Safe to repeat.
 * @throws {AppError} `not_found` for a connection that is not there, or another person's; `unavailable` when there is no
 * answer in time: it may have been carried out.
 */
export type CallConnection = (call: ConnectionCall) => Promise<CallAnswer>;

/** Carries out calls for connections that this process holds; its own person alone finds one. */
export function callHere(deps: RebindDeps): CallConnection {
  return async ({ connectionId, identity }) => {
    const stream = deps.hub.find(connectionId);
    const owner = stream?.reader.registration.identity;
    const isOwn = owner?.tenant === identity.tenant && owner.subject.id === identity.subject.id;
    // That of somebody else is as good as none: nothing is to be learned from asking.
    if (stream === undefined || !isOwn) throw noSuchConnection();
    return rebindStream(stream, identity, deps);
  };
}

/** The refusal of a call for a connection that is not there. */
export function noSuchConnection(): AppError {
  return new AppError("not_found", "there is no such connection");
}

/** A fresh connection id, `<worker id>-<random>`. */
export function createConnectionId(workerId: string): string {
  return `${workerId}-${randomBytes(12).toString("hex")}`;
}

/** The id of the worker that a connection id names; undefined where it names none. */
export function workerOf(connectionId: string): string | undefined {
  return /^([A-Za-z0-9_]{1,32})-[A-Za-z0-9_]{1,31}$/.exec(connectionId)?.[1];
}
