import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream, jetstreamManager, type JetStreamManager } from "@nats-io/jetstream";
import { Kvm } from "@nats-io/kv";
import { connect, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { startNatsServer } from "#test/support/start-nats.ts";
import { fittingSize } from "./bucket-room.ts";
import { openBucket } from "./open-bucket.ts";

const KIB = 1_024;

/** What the server's JetStream may set aside, all streams together. */
const STORE = 1_024 * KIB;

test.each([
  ["is reserved where a bucket had none", -1, 0, 64],
  ["is twice of what a bucket without a size holds", -1, 100, 200],
  ["is never taken back", 500, 1, 500],
  ["is no more than it may be", -1, 300, 400],
  ["has room for what is there, whatever it may be", -1, 900, 900],
])("a bucket's size %s", (_, max_bytes, used, size) => {
  expect(fittingSize({ max_bytes }, used, { reserved: 64, most: 400 })).toBe(size);
});

describe("a bucket", () => {
  const stack = new AsyncDisposableStack();
  let nats: NatsConnection;
  let streams: JetStreamManager["streams"];

  beforeAll(async () => {
    const folder = await mkdtemp(join(tmpdir(), "sluice-bucket-"));
    stack.defer(() => rm(folder, { recursive: true, force: true }));
    const config = join(folder, "nats.conf");
    await writeFile(config, `jetstream { max_file_store: ${STORE} }`);
    const server = stack.use(
      await startNatsServer({ config, port: await freePort(), storeDir: join(folder, "store") }),
    );
    nats = stack.adopt(await connect({ servers: `127.0.0.1:${server.port}` }), (connection) => connection.close());
    ({ streams } = await jetstreamManager(nats));
  });
  afterAll(() => stack.disposeAsync());

  const sizeOf = async (bucket: string): Promise<number> => (await streams.info(`KV_${bucket}`)).config.max_bytes;
  const open = (room: { readonly reserved: number; readonly most?: number }, name = "grows") =>
    openBucket(nats, name, { replicas: 1, room });
  const fill = async (kv: Awaited<ReturnType<typeof open>>, values: number): Promise<void> => {
    for (let index = 0; index < values; index += 1) await kv.create(`k${index}`, new Uint8Array(KIB));
  };

  test("that must take what comes grows when it is full, and loses nothing", async () => {
    const kv = await open({ reserved: 16 * KIB });
    await fill(kv, 40);
    expect(await sizeOf("grows")).toBe(64 * KIB);
    expect((await kv.status()).values).toBe(40);
  });

  test("that has a bound refuses what does not fit, and keeps what it has", async () => {
    const kv = await open({ reserved: 16 * KIB, most: 32 * KIB }, "bound");
    await expect(fill(kv, 40)).rejects.toThrow("maximum bytes exceeded");
    expect(await sizeOf("bound")).toBe(32 * KIB);
    await expect(kv.get("k0")).resolves.not.toBeNull();
  });

  test("of an earlier release, without a size, gets one at the next start and is never made smaller", async () => {
    const kvm = new Kvm(jetstream(nats));
    await kvm.create("old", { history: 1 });
    await open({ reserved: 16 * KIB }, "old");
    expect(await sizeOf("old")).toBe(16 * KIB);
    await open({ reserved: 8 * KIB }, "old");
    expect(await sizeOf("old")).toBe(16 * KIB);
  });

  test("goes on without a size where JetStream cannot set aside more, and it must take what comes", async () => {
    const kv = await open({ reserved: 16 * KIB }, "crowded");
    const { reserved_storage: taken } = await (await jetstreamManager(nats)).getAccountInfo();
    await streams.add({ name: "CROWD", subjects: ["crowd"], max_bytes: STORE - taken });
    await fill(kv, 40);
    expect((await kv.status()).values).toBe(40);
    expect(await sizeOf("crowded")).toBe(-1);
  });
});
