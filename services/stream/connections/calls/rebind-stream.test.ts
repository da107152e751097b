import { expect, test } from "vitest";
import type { SessionQuestion } from "../../access/ports.ts";
import { createRig } from "#test/rigs/edge-rig.ts";
import { type CallDeps, openCalls, type Peers } from "../../call-connection.ts";

const NO_PEERS: Peers = {
  call: () => Promise.reject(new Error("this call is for a connection of this worker")),
  serve: () => ({ [Symbol.dispose]: () => {} }),
};

/** Calls for connections of the rig. */
function openHere(edge: Omit<CallDeps, "workerId">) {
  return openCalls({ ...edge, workerId: "w" }, NO_PEERS).callConnection;
}

test("the old and the new right of a stream are asked about as two: an answer for one is none for the other", async () => {
  await using rig = createRig();
  const stream = await rig.open();
  const [held] = [...rig.edge.hub.streams()];
  if (held === undefined) throw new Error("the stream is not there");
  const before = held.reader.registration.sessionQuestion.contextId;
  const asked: SessionQuestion[] = [];
  const sessions = { check: (question: SessionQuestion) => rig.edge.sessions.check((asked.push(question), question)) };
  const call = openHere({ ...rig.edge, sessions });
  const { identity } = held.reader.registration;
  await call({ kind: "rebind", connectionId: held.reader.ids.connectionId, identity });
  await call({ kind: "rebind", connectionId: held.reader.ids.connectionId, identity });
  expect(new Set([before, ...asked.map(({ contextId }) => contextId)]).size).toBe(3);
  stream.leave();
});

test("a call finds its own person's connection, and nobody else's", async () => {
  await using rig = createRig();
  const stream = await rig.open();
  const [held] = [...rig.edge.hub.streams()];
  if (held === undefined) throw new Error("the stream is not there");
  const call = openHere(rig.edge);
  const { identity, id } = { identity: held.reader.registration.identity, id: held.reader.ids.connectionId };
  for (const other of [
    { ...identity, tenant: "rival" },
    { ...identity, subject: { ...identity.subject, id: "mallory" } },
  ]) {
    await expect(call({ kind: "rebind", connectionId: id, identity: other })).rejects.toMatchObject({
      code: "not_found",
    });
  }
  await expect(call({ kind: "rebind", connectionId: "w-9", identity })).rejects.toMatchObject({ code: "not_found" });
  expect(await call({ kind: "rebind", connectionId: id, identity })).toHaveProperty("expiresAt");
  stream.leave();
});
