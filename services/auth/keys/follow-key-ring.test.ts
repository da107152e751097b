import { Kvm } from "@nats-io/kv";
import { calculateJwkThumbprint } from "jose";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { drainNats } from "#shared/nats/connect-nats.ts";
import { connectService } from "#test/support/connect-service.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { type FollowKeyRingDeps, MAX_UNHEARD_MS, openKeyRing } from "./follow-key-ring.ts";
import { openKeyRingStore } from "./key-ring-kv.ts";
import { withdraw } from "./key-ring.ts";
import { createSealer } from "./seal.ts";

const log = createLogger("test", "silent");
const plan = { algorithm: "ES256", rotationMs: 1e9, publishMs: 1e6, keepMs: 1e9 } as const;
const UNENCRYPTED = '{"signing":[{"kty":"EC","crv":"P-256","d":"private-part"}],"refresh":["secret"]}';
let server: NatsServer;

beforeAll(async () => {
  server = await startNats();
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(async () => {
  await using auth = await asAuth();
  await auth.kv.delete("ring");
});

/** A process of auth, as far as its keys go. */
async function asAuth(change: Partial<FollowKeyRingDeps> = {}) {
  const nats = await connectService(server.url("auth"));
  const store = await openKeyRingStore(nats, { replicas: 1 });
  const clock = { ms: 0, wall: () => 1_000_000 + clock.ms, monotonic: () => clock.ms };
  const deps = { store, sealer: createSealer(Buffer.alloc(32)), plan, clock, log, isDemo: false, ...change };
  return {
    clock,
    store,
    kv: await new Kvm(nats).open("sluice_keys", { allow_direct: false }),
    open: () => openKeyRing(deps),
    [Symbol.asyncDispose]: () => drainNats(nats),
  };
}

describe("the ring of keys", () => {
  test("is one for processes that start at the same time, and for one that starts later", async () => {
    await using one = await asAuth();
    await using two = await asAuth();
    const [first, second] = await Promise.all([one.open(), two.open()]);
    expect(second.ring).toEqual(first.ring);
    expect((await two.open()).jwks).toEqual(first.jwks);
  });

  test("publishes a key that signs and the next one, each named by its RFC 7638 thumbprint", async () => {
    await using auth = await asAuth();
    const { jwks, signing } = await auth.open();
    expect(jwks.keys).toHaveLength(2);
    for (const key of jwks.keys) expect(key.kid).toBe(await calculateJwkThumbprint(key));
    expect(jwks.keys[0]?.kid).toBe(signing.kid);
  });

  test("that nobody answers for just now is no fault of its own: a start is tried again", async () => {
    const away = new AppError("unavailable", "the store does not answer");
    const store = { read: () => Promise.reject(away), replace: () => Promise.reject(away) };
    await using auth = await asAuth({ store });
    await expect(auth.open()).rejects.toBe(away);
  });

  test("survives the server's sudden death", async () => {
    await using auth = await asAuth();
    const before = await auth.open();
    await server.stop("SIGKILL");
    await server.start();
    await using back = await asAuth();
    expect((await back.open()).ring).toEqual(before.ring);
  });

  test("moves on once when two processes find at the same time that it must", async () => {
    await using one = await asAuth();
    await using two = await asAuth();
    const rings = await Promise.all([one.open(), two.open()]);
    one.clock.ms = two.clock.ms = plan.rotationMs;
    await Promise.all(rings.map((ring) => ring.update()));
    await Promise.all(rings.map((ring) => ring.update()));
    expect(rings[0].ring).toEqual(rings[1].ring);
    expect(rings[0].ring.retired).toHaveLength(1);
  });

  test("loses a withdrawn key in every process", async () => {
    await using one = await asAuth();
    await using two = await asAuth();
    const [ring, others] = [await one.open(), await two.open()];
    const { kid } = ring.signing;
    const { ring: stored, revision } = await one.store.read();
    if (typeof stored !== "object") throw new Error("there is no ring");
    await one.store.replace(withdraw(stored, kid, 1)!, revision);
    await Promise.all([ring.update(), others.update()]);
    for (const { jwks, signing } of [ring, others]) {
      expect(jwks.keys.map((key) => key.kid)).not.toContain(kid);
      expect(signing.kid).toBe(stored.next?.kid);
    }
  });
});

describe("at rest", () => {
  test.each(["stream", "policy"] as const)("the user of %s reads the ring, and no secret in it", async (user) => {
    await using auth = await asAuth();
    const { ring, signing } = await auth.open();
    await using nats = await connectAs(server, user);
    const request = JSON.stringify({ last_by_subj: "$KV.sluice_keys.ring" });
    const answer = await nats.request("$JS.API.STREAM.MSG.GET.KV_sluice_keys", request);
    const text = Buffer.from(answer.json<{ message: { data: string } }>().message.data, "base64").toString();
    const { d } = signing.key.export({ format: "jwk" });
    expect(JSON.parse(text)).toEqual(ring);
    expect(text).not.toContain(String(d));
    expect(text).not.toContain('"d"');
    expect(ring.refresh).toMatch(/^v1\./);
  });
});

describe("auth does not start, and says why", () => {
  test("with another encryption key", async () => {
    await using auth = await asAuth();
    const { ring } = await auth.open();
    await using other = await asAuth({ sealer: createSealer(Buffer.alloc(32, 1)) });
    await expect(other.open()).rejects.toThrow("was encrypted with another key; check AUTH_KEY_ENCRYPTION_KEY_FILE");
    expect((await auth.store.read()).ring).toEqual(ring);
  });

  test.each([UNENCRYPTED, "not JSON", "{}"])("with %s in the place of the ring, without quoting it", async (text) => {
    await using auth = await asAuth();
    await auth.kv.put("ring", text);
    const refusal = auth.open();
    await expect(refusal).rejects.toThrow("is not a ring of encrypted keys");
    await expect(refusal).rejects.not.toThrow("private-part");
    expect((await auth.kv.get("ring"))?.string()).toBe(text);
  });

  test("but the demo makes a new ring in the place of an unencrypted one", async () => {
    await using auth = await asAuth({ isDemo: true });
    await auth.kv.put("ring", UNENCRYPTED);
    expect((await auth.open()).jwks.keys).toHaveLength(2);
    expect((await auth.kv.get("ring"))?.string()).not.toContain("private-part");
  });
});

describe("the last good ring stays in force", () => {
  test.each([
    ["not JSON", "is not a ring of encrypted keys"],
    [UNENCRYPTED, "is not a ring of encrypted keys"],
    [undefined, "is gone"],
  ])("while %s stands in its place, and that is told", async (text, fault) => {
    await using auth = await asAuth();
    const keys = await auth.open();
    const [{ kid }, before] = [keys.signing, (await auth.kv.get("ring"))!.string()];
    await (text === undefined ? auth.kv.delete("ring") : auth.kv.put("ring", text));
    auth.clock.ms += 2 * MAX_UNHEARD_MS;
    await keys.update();
    expect(keys.fault).toContain(fault);
    expect(keys.signing.kid).toBe(kid);
    await auth.kv.put("ring", before);
    await keys.update();
    expect(keys.fault).toBeUndefined();
    expect(keys.signing.kid).toBe(kid);
  });

  test("for verifying, while another was encrypted with a key that others have; it signs no longer than 30 s", async () => {
    await using auth = await asAuth();
    const keys = await auth.open();
    const { ring, revision } = await auth.store.read();
    if (typeof ring !== "object") throw new Error("there is no ring");
    const stranger = createSealer(Buffer.alloc(32, 9)).seal(keys.signing.kid, Buffer.from("{}"));
    await auth.store.replace({ ...ring, signing: { ...ring.signing!, sealed: stranger } }, revision);
    const { jwks } = keys;
    await keys.update();
    expect(keys.fault).toContain("encrypted with another key");
    expect(keys.jwks).toEqual(jwks);
    auth.clock.ms += MAX_UNHEARD_MS;
    await keys.update();
    expect(() => keys.signing).toThrow(expect.objectContaining({ code: "unavailable" }));
  });

  test("without the store for verifying, and for signing no longer than 30 s", async () => {
    await using auth = await asAuth();
    const { kid } = (await auth.open()).signing;
    let isAway = false;
    const read = () => (isAway ? Promise.reject(new Error("away")) : auth.store.read());
    const store = { ...auth.store, read };
    await using cutOff = await asAuth({ store });
    const keys = await cutOff.open();
    isAway = true;
    cutOff.clock.ms += MAX_UNHEARD_MS - 1;
    await keys.update();
    expect(keys.signing.kid).toBe(kid);
    cutOff.clock.ms += 1;
    expect(() => keys.signing).toThrow(expect.objectContaining({ code: "unavailable" }));
    expect(keys.jwks.keys.map((key) => key.kid)).toContain(kid);
    isAway = false;
    await keys.update();
    expect(keys.signing.kid).toBe(kid);
  });
});
