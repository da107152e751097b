import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { connectAs } from "#test/support/connect-as.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { type NatsServer, startNats } from "#test/support/start-nats.ts";
import { waitFor } from "#test/support/wait.ts";
import { runCommand } from "../../scripts/shared/run-command.ts";

const PROJECT = fileURLToPath(new URL("../..", import.meta.url));

let directory: string;
let server: NatsServer;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "sluice-bus-"));
  await cp(join(PROJECT, "infra/nats"), directory, { recursive: true });
  server = await startNats({ config: join(directory, "nats.conf") });
  await writeFile(join(directory, "pid"), String(server.pid));
  await using policy = await connectAs(server, "policy");
  const { streams } = await jetstreamManager(policy);
  for (const tenant of ["acme", "demo", "-9_"]) {
    await streams.add({ name: logStreamName(tenant), subjects: logSubjects(tenant) });
  }
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

describe("a tenant that is added", () => {
  test("has producers that publish with a stock client, hear nothing, and reach no other tenant", async () => {
    await using demo = await connectAs(server, "demo");
    const seed = await add("acme");
    await using producer = await connectBy(seed);
    expect((await jetstream(producer).publish("events.acme.order.created.1", "{}")).stream).toBe("EVENTS_acme");
    const refused = ["events.demo.order.created.1", "control.acme.policy", "$JS.API.STREAM.INFO.EVENTS_acme"];
    for (const subject of refused) {
      await expect(producer.request(subject, "", { timeout: 30_000 })).rejects.toThrow(
        /Permissions Violation|responders/,
      );
    }
    const heard: string[] = [];
    for (const subject of ["events.>", "control.>", ">"]) {
      producer.subscribe(subject, {
        callback: (error, { subject: on }) => void (error === null && heard.push(on)),
      });
    }
    await producer.flush();
    // Who was there before the reload is there after it.
    expect((await jetstream(demo).publish("events.demo.issues.opened.1", "{}")).stream).toBe("EVENTS_demo");
    await expect(demo.request("events.acme.order.created.1", "", { timeout: 30_000 })).rejects.toThrow("Permissions");
    expect(heard).toEqual([]);
  });

  test("is listed, and not added twice; its seed stands nowhere", async () => {
    const seed = await add("-9_");
    const listed = (await bus("list")).stdout.split("\n").map((line) => line.split("  ")[0]);
    expect(listed).toEqual(expect.arrayContaining(["-9_", "acme", "demo", "rival"]));
    expect(await bus("add", "acme")).toMatchObject({ code: 1, stderr: expect.stringContaining("already") });
    expect(await readFile(join(directory, "producers/-9_.conf"), "utf8")).not.toContain(seed);
    await using producer = await connectBy(seed);
    expect((await jetstream(producer).publish("events.-9_.order.created.1", "{}")).stream).toBe("EVENTS_-9_");
  });
});

test("a tenant that is removed has its producers cut off, and nobody else", async () => {
  await using demo = await connectAs(server, "demo");
  const seed = await add("gone");
  await using producer = await connectBy(seed);
  expect(await bus("remove", "gone")).toMatchObject({ code: 0 });
  await waitFor("the producer is cut off", () => producer.isClosed());
  await expect(connectBy(seed)).rejects.toThrow(/authorization/i);
  expect(demo.isClosed()).toBe(false);
  expect(await bus("remove", "gone")).toMatchObject({ code: 1 });
});

test("a key is replaced while producers publish: the old one holds until it is retired", async () => {
  const seed = await add("turn");
  await using policy = await connectAs(server, "policy");
  await (await jetstreamManager(policy)).streams.add({ name: logStreamName("turn"), subjects: logSubjects("turn") });
  await using old = await connectBy(seed);
  const keys = async (): Promise<string[]> => {
    const line = (await bus("list")).stdout.split("\n").find((each) => each.startsWith("turn  ")) ?? "";
    return line.split("  ").slice(1);
  };
  const [first = ""] = await keys();
  await using next = await connectBy(await seedOf("rotate", "turn"));
  expect(await keys()).toEqual([first, expect.stringMatching(/^U/)]);
  expect(await bus("rotate", "turn")).toMatchObject({ code: 1, stderr: expect.stringContaining("two keys") });
  for (const producer of [old, next]) await jetstream(producer).publish("events.turn.order.created.1", "{}");
  expect(await bus("retire", "turn", "UNKNOWN")).toMatchObject({ code: 1, stderr: expect.stringContaining("no such") });
  expect(await bus("retire", "turn", first)).toMatchObject({ code: 0 });
  await waitFor("the old key's producer is cut off", () => old.isClosed());
  expect((await jetstream(next).publish("events.turn.order.created.2", "{}")).seq).toBe(3);
  const [last = ""] = await keys();
  expect(await bus("retire", "turn", last)).toMatchObject({ code: 1, stderr: expect.stringContaining("last key") });
  expect(await bus("rotate", "demo")).toMatchObject({ code: 1, stderr: expect.stringContaining("by hand") });
});

test("an account can be given no other tenant's events, whatever its file says", async () => {
  const other = join(directory, "nats-other.conf");
  await writeFile(join(directory, "producers-other.conf"), accountThatReachesFor("demo"));
  const conf = await readFile(join(directory, "nats.conf"), "utf8");
  await writeFile(other, conf.replace('"producers.conf"', '"producers-other.conf"').replaceAll(/\$NATS_\w+/g, "p"));
  const checked = await runCommand("nats-server", ["-c", other, "-t"]);
  expect(checked.stderr).toContain("not authorized");
});

function accountThatReachesFor(tenant: string): string {
  return `"acme" { imports: [{ service: { account: SLUICE, subject: "events.${tenant}.>" } }] }\n`;
}

async function bus(name: string, ...args: string[]) {
  const places = ["--dir", directory, ...(name === "list" ? [] : ["--pid-file", join(directory, "pid")])];
  const { code, out, err } = await sluice(["bus", name, ...places, "--", ...args]);
  return { code, stdout: out.join("\n"), stderr: err.join("\n") };
}

const add = (tenant: string): Promise<string> => seedOf("add", tenant);

/** Has a command make a key, and answers its seed. */
async function seedOf(name: "add" | "rotate", tenant: string): Promise<string> {
  const { stdout, stderr } = await bus(name, tenant);
  const seed = /^ {2}(SU\w+)$/m.exec(stdout)?.[1];
  if (seed === undefined) throw new Error(stdout + stderr);
  expect(stdout).toContain("has read it");
  return seed;
}

function connectBy(seed: string): Promise<NatsConnection> {
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(seed));
  return connect({ servers: `127.0.0.1:${server.port}`, authenticator, reconnect: false });
}
