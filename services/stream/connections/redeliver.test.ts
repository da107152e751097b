import { expect, test } from "vitest";
import { eventAt } from "#test/rigs/event-entry.ts";
import { Grant, STILL_VALID } from "../access/grant.ts";
import type { Registration } from "../access/registration.ts";
import type { Residual } from "../access/residual.ts";
import type { Hold } from "../durable/hold.ts";
import type { Position } from "../event.ts";
import type { Behind, ReaderDeps } from "./reader-state.ts";
import { redeliver } from "./redeliver.ts";
import type { Tenant } from "./tenant.ts";

const FORMAT = { body: "cloudevents", naming: "message", framing: "json" } as const;

test("events that come again share a message with as many others as each of them may", async () => {
  // By the number of events that a message may have with each of them.
  const rooms = [3, 3, 1, 2, 3, 3];
  expect(await messagesOf(rooms)).toEqual([[1, 2], [3], [4, 5], [6]]);
});

/** The events of each message, by their sequences. */
async function messagesOf(rooms: readonly number[]): Promise<readonly number[][]> {
  const left = rooms.map((_, place) => place + 1);
  const messages: number[][] = [];
  const hold = {
    get next() {
      return left[0] === undefined ? undefined : { seq: left[0], tag: "t" };
    },
    asksFor: () => true,
    redelivered: () => void left.shift(),
  };
  const connection = {
    get room() {
      return rooms[(left[0] ?? 0) - 1] ?? 1;
    },
    write: (_: Buffer, events: readonly Position[] = []) => void messages.push(events.map(({ seq }) => seq)),
  };
  const registration = { grantAt: () => grantOfAll(), grantEndedBy: undefined } as unknown as Registration;
  const state = { past: { slices: {}, gone: undefined }, wait: undefined } as unknown as Behind;
  const deps = { now: () => 0 } as unknown as ReaderDeps;
  while (left.length > 0) {
    const reader = { registration, connection, gotEvents: () => {} };
    await redeliver(tenantOf(), hold as unknown as Hold, reader, state, { format: FORMAT }, deps);
  }
  return messages;
}

function grantOfAll(): Grant {
  const grant = new Grant("g", ["reader"]);
  const residual = { allows: () => true } as unknown as Residual;
  grant.decide("read", { version: { number: 1, build: "" }, residual, through: STILL_VALID });
  return grant;
}

function tenantOf(): Tenant {
  return {
    id: "acme",
    log: { epoch: "epoch", tail: { at: eventAt } },
    decisions: { knowsEventsBefore: () => true, permissionFor: () => "read" },
    observer: { decided: () => {} },
    noteWritten: () => {},
  } as unknown as Tenant;
}
