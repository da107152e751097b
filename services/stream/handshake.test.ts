import { afterEach, beforeEach, expect, test } from "vitest";
import { toAppError } from "#shared/errors/app-error.ts";
import { createAdmission, NO_LIMITS } from "#test/rigs/admission.ts";
import { createRig, type EdgeRig } from "#test/rigs/edge-rig.ts";
import { collectGarbage } from "#test/support/collect-garbage.ts";
import { waitFor } from "#test/support/wait.ts";
import { knock } from "./http/turn-away.ts";
import { openStream } from "./open-stream.ts";

let rig: EdgeRig;
beforeEach(() => void (rig = createRig()));
afterEach(() => rig[Symbol.asyncDispose]());

test("an overloaded edge turns away whoever asks for a stream, and keeps the streams it has", async () => {
  const client = await rig.open();
  expect(knock(rig.edge, undefined)).toBeUndefined();
  rig.load.now = { loopDelayMs: 0, memory: 0.9, descriptors: 0 };
  for (let look = 0; look < 3; look += 1) {
    rig.clock.now += 250;
    rig.edge.overload.look();
  }
  expect(knock(rig.edge, undefined)).toBe("overload");
  rig.event("as ever");
  await waitFor("the event", () => client.events().includes("as ever"));
});

test("a handshake is over at once when its client leaves, and nobody is asked about it any more", async () => {
  rig.holdSession();
  const policy = rig.policy.hold();
  const gone = new AbortController();
  const opening = openStream(rig.edge, rig.request({ signal: gone.signal }));
  await policy.asked;
  gone.abort();
  await expect(opening).rejects.toMatchObject({ code: "unavailable", message: "the client went away" });
  expect([rig.edge.admission.open, rig.tenant.registrations.size]).toEqual([0, 0]);
  policy.release();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect([rig.auth.asked.length, rig.policy.resolved]).toEqual([1, 1]);
});

test("a person who asks too often has neither policy asked for a path nor the store for a subscription", async () => {
  const limits = { ...NO_LIMITS, handshakesPerSubjectPerMinute: 1 };
  const asked: string[] = [];
  const { store } = rig.edge.subscriptions;
  Object.assign(rig.edge, {
    admission: createAdmission(10, { limits }),
    mapResource: async (_: string, path: string) => (asked.push(path), ["order.>"]),
    subscriptions: {
      ...rig.edge.subscriptions,
      store: { ...store, read: async ({ name }: { name: string }) => void asked.push(name) },
    },
  });
  await rig.open("resource=/orders");
  for (const query of ["resource=/orders", "subscription=mine"]) {
    const opening = openStream(rig.edge, rig.request({ takeQuery: () => new URLSearchParams(query) }));
    await expect(opening).rejects.toMatchObject({ code: "too_many_requests", busy: "subject_rate" });
  }
  expect([asked, rig.edge.admission.open, rig.tenant.registrations.size]).toEqual([["/orders"], 1, 1]);
});

test("a handshake has auth asked for its request, its trace and its client", async () => {
  const { id: requestId, signal } = rig.request();
  const request = { id: requestId, signal, traceparent: "00-1" };
  await openStream(rig.edge, rig.request(request)).catch(() => undefined);
  expect(rig.auth.askedFor).toEqual([{ requestId, signal, traceparent: "00-1" }]);
});

// With a hundred topics they are 20 KB, and a heap that has kept them for thousands of handshakes does not shrink soon.
test("a handshake keeps nothing of its parameters while it waits for an answer", async () => {
  const held = rig.holdSession();
  let query: WeakRef<URLSearchParams> | undefined;
  const takeQuery = (): URLSearchParams => {
    const taken = new URLSearchParams("topic=order.>");
    query = new WeakRef(taken);
    return taken;
  };
  const opening = openStream({ ...rig.edge, handshakeMs: 30_000 }, rig.request({ takeQuery })).catch(toAppError);
  await held.asked;
  await waitFor("the parameters are collected", () => {
    collectGarbage();
    return query !== undefined && query.deref() === undefined;
  });
  held.answer({ state: "revoked" });
  expect(await opening).toMatchObject({ code: "session_ended" });
});
