import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { jetstream } from "@nats-io/jetstream";
import { connect, nkeyAuthenticator, type NatsConnection } from "@nats-io/transport-node";
import { afterAll, beforeAll, expect, test } from "vitest";
import { mirrorCalls } from "#shared/nats/mirrors/mirror-calls.ts";
import { createAuthority } from "../../scripts/certificates/make-certificates.ts";
import type { Region } from "../../scripts/region/region-config.ts";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { type Bus, openBus } from "#test/support/start-stack.ts";
import { freePort } from "#test/support/ports.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { NATS_PASSWORD, type NatsServer, type NatsUser, startNatsServer } from "#test/support/start-nats.ts";
import { issueFor, type RegionBrokers, startRegionBrokers } from "#test/support/start-region-servers.ts";
import { createTestCertificates, type TestCertificates } from "#test/support/tls.ts";
import { waitFor } from "#test/support/wait.ts";

const MIRROR = { name: "mirror_us", deliver_subject: "mirror.us.EVENTS_acme" };

let certificates: TestCertificates;
let regions: RegionBrokers;
const opened = new AsyncDisposableStack();
let origin: Bus;
let standby: Bus;
let producer: NatsConnection;

beforeAll(async () => {
  certificates = opened.use(await createTestCertificates());
  regions = opened.use(await startRegionBrokers({ producersInUs: ["acme", "other"], certificates }));
  origin = await busOf("eu", "policy");
  standby = await busOf("us", "policy-eu");
  const { streams } = await origin.manager();
  await streams.add({ name: logStreamName("acme"), subjects: logSubjects("acme"), allow_direct: true });
  await streams.add({ name: "AUDIT", subjects: ["audit.*.*"] });
  await streams.add({ name: "KV_sluice_policy", subjects: ["$KV.sluice_policy.>"] });
  producer = await asProducer("acme");
  await waitFor("the link is there", () => publish(producer, "events.acme.order.1").catch(() => undefined));
});
afterAll(() => opened.disposeAsync());

test("events of another region's producers and of its publisher reach the log of their tenant's home", async () => {
  expect(await publish(producer, "events.acme.order.2")).toMatchObject({ stream: "EVENTS_acme", domain: "eu" });
  const ingest = await busOf("us", "publish-eu");
  expect(await publish(ingest.connection, "ingest.acme.order.3")).toMatchObject({
    stream: "EVENTS_acme",
    domain: "eu",
  });
});

test("a mirror in the other region has the same entries", async () => {
  const consumer = {
    durable_name: MIRROR.name,
    deliver_subject: MIRROR.deliver_subject,
    deliver_policy: "all",
    ack_policy: "flow_control",
    flow_control: true,
    idle_heartbeat: 1e9,
    max_ack_pending: 1_000,
  };
  await ask(standby, "$JS.eu.API.CONSUMER.CREATE.EVENTS_acme.mirror_us", {
    stream_name: "EVENTS_acme",
    config: consumer,
  });
  const mirror = { name: "EVENTS_acme", external: { api: "$JS.eu.API", deliver: "" }, consumer: MIRROR };
  await ask(standby, "$JS.API.STREAM.CREATE.EVENTS_acme", {
    name: "EVENTS_acme",
    storage: "file",
    allow_direct: true,
    mirror,
  });
  const last = (await publish(producer, "events.acme.order.4")).seq;
  const [there, here] = [await origin.manager(), await standby.manager()];
  const read = (each: typeof here) => each.streams.getMessage("EVENTS_acme", { seq: last });
  const copy = await waitFor("the mirror has the event", async () => (await read(here)) ?? undefined);
  expect(copy).toMatchObject({ subject: "events.acme.order.4", time: (await read(there))?.time });
});

test("a mirror that is made anew has everything from the beginning", async () => {
  const calls = mirrorCalls(standby.connection, { here: "us", origin: "eu", replicas: 1 });
  const original = await (await origin.manager()).streams.info("EVENTS_acme");
  await calls.remove("EVENTS_acme");
  await calls.make(original);
  const stateOf = async () => (await (await standby.manager()).streams.info("EVENTS_acme")).state;
  await waitFor("the mirror is level", async () => (await stateOf()).last_seq === original.state.last_seq);
  expect(await stateOf()).toMatchObject({ first_seq: 1, messages: original.state.messages });
});

test("the account of another tenant, and that of another home, reach nothing of it", async () => {
  const other = await asProducer("other");
  await expect(publish(other, "events.acme.order.5")).rejects.toThrow(/Permissions/);
  const own = await busOf("us", "policy");
  await expect(ask(own, "$JS.API.STREAM.INFO.EVENTS_acme", {})).rejects.toThrow(/not found/);
});

test("a stranger with the key of the other region's link can change nothing, and read no bucket", async () => {
  await using stranger = await startStranger(await issueFor("stranger", certificates));
  await using connection = await connect({
    servers: `127.0.0.1:${stranger.port}`,
    inboxPrefix: "_INBOX.policy-eu",
  });
  const request = (subject: string) => connection.request(subject, "{}", { timeout: 1_000 });
  await waitFor("the stranger is linked", () => request("$JS.eu.API.STREAM.INFO.EVENTS_acme").catch(() => undefined));
  // A log's entries it may read: edges ask for them.
  const read = await request("$JS.eu.API.STREAM.MSG.GET.EVENTS_acme");
  expect(read.json()).toMatchObject({ error: { description: "bad request" } });
  const calls = ["STREAM.DELETE", "STREAM.PURGE", "STREAM.UPDATE"].map((call) => `$JS.eu.API.${call}.EVENTS_acme`);
  const others = ["keys", "revoked", "clients", "policy", "policy_parts", "subs"].map((each) => `KV_sluice_${each}`);
  const reads = [...others, "AUDIT", "CONNECTIONS"].map((each) => `$JS.eu.API.STREAM.MSG.GET.${each}`);
  for (const subject of [...calls, ...reads, "control.acme.policy", "$KV.sluice_policy.acme", "audit.acme.login"]) {
    await expect(request(subject)).rejects.toThrow(/responders|timeout/);
  }
});

test("whoever shows no certificate of the link's authority is not linked, whatever keys it has", async () => {
  const authority = await createAuthority(new Date());
  const trusted = certificates.authority.certificate;
  const tls = await issueFor("other", certificates, { authority, trusted });
  await using stranger = await startStranger(tls);
  const refusals = () => regions.eu.servers[0].output().split("unknown authority").length;
  const before = refusals();
  await waitFor("it is refused", () => refusals() > before);
  await using connection = await connect({ servers: `127.0.0.1:${stranger.port}` });
  await expect(connection.request("$JS.eu.API.STREAM.INFO.EVENTS_acme", "", { timeout: 10_000 })).rejects.toThrow(
    /responders/,
  );
});

test("while the link is cut an event is refused at once, and none of it is stored later", async () => {
  const before = (await (await origin.manager()).streams.info("EVENTS_acme")).state.last_seq;
  regions.link("reset");
  await waitFor("the cut is noticed", () =>
    publish(producer, "events.acme.order.6").then(
      () => false,
      () => true,
    ),
  );
  await expect(publish(producer, "events.acme.order.6")).rejects.toThrow(/jetstream is not enabled|responders/i);
  regions.link("pass");
  const ack = await waitFor("the link is back", () => publish(producer, "events.acme.order.7").catch(() => undefined));
  expect(ack.seq).toBe(before + 1);
});

test("a command closes the link of a home in a region, and opens it where one region takes events", async () => {
  const { folder, pidFile } = regions.us;
  const env = { SLUICE_REGIONS: ["eu", "us"].map((region) => `${region}=${operatorUrl(region)}`).join(" ") };
  const link = async (what: string) => {
    const { code, err } = await sluice(
      ["region", "link", what, "--home", "eu", "--dir", folder, "--pid-file", pidFile],
      { env },
    );
    expect([code, err]).toEqual([0, []]);
  };
  await link("close");
  await expect(publish(producer, "events.acme.order.8")).rejects.toThrow(/jetstream is not enabled|responders/i);
  await link("open");
  await waitFor("the link is back", () => publish(producer, "events.acme.order.9").catch(() => undefined));
});

test("each server says to the operator of each home how its replicas are, and to no other user", async () => {
  for (const [region, account] of [
    ["eu", "SLUICE"],
    ["us", "SLUICE_eu"],
  ] as const) {
    const user = region === "eu" ? "operator" : "operator-eu";
    const servers = `127.0.0.1:${regions[region].servers[0].port}`;
    const options = { servers, user, pass: NATS_PASSWORD, inboxPrefix: `_INBOX.${user}` };
    await using operator = await connect(options);
    const answer = await operator.request("region.health", JSON.stringify({ account, details: true }));
    expect(answer.json()).toMatchObject({ server: { name: `sluice-${region}` }, data: { status: "ok" } });
  }
  await expect(origin.connection.request("region.health", "{}")).rejects.toThrow("Permissions Violation");
});

test("what a region holds of another region's home is backed up, and put back, by that home's user", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-further-"));
  opened.defer(() => rm(folder, { recursive: true }));
  const env = { NATS_URL: regions.us.servers[0].url("backup-eu") };
  const backUp = await sluice(["backup", "--no-redis", "--out", join(folder, "us")], { env });
  expect(backUp).toMatchObject({ code: 0, err: [] });
  const { streams } = await standby.manager();
  const { messages } = (await streams.info("EVENTS_acme")).state;
  await streams.delete("EVENTS_acme");
  regions.link("reset");
  expect(await sluice(["restore", "--no-redis", join(folder, "us")], { env })).toMatchObject({ code: 0, err: [] });
  expect((await streams.info("EVENTS_acme")).state.messages).toBe(messages);
  regions.link("pass");
  const published = () => publish(producer, "events.acme.order.10").catch(() => undefined);
  const { seq } = await waitFor("the link is back", published);
  await waitFor("the mirror goes on", async () => (await streams.getMessage("EVENTS_acme", { seq })) ?? undefined);
});

/** How the commands come to home eu. */
function operatorUrl(region: string): string {
  const [{ port }] = regions[region === "eu" ? "eu" : "us"].servers;
  return `nats://${region === "eu" ? "operator" : "operator-eu"}:${NATS_PASSWORD}@127.0.0.1:${port}`;
}

async function busOf(region: "eu" | "us", user: NatsUser): Promise<Bus> {
  const bus = await openBus(regions[region].servers[0].url(user), user);
  opened.defer(() => bus.connection.close());
  return bus;
}

async function asProducer(tenant: string): Promise<NatsConnection> {
  const authenticator = nkeyAuthenticator(new TextEncoder().encode(regions.us.seeds.get(tenant)));
  const connection = await connect({ servers: `127.0.0.1:${regions.us.servers[0].port}`, authenticator });
  opened.defer(() => connection.close());
  return connection;
}

/** A server of somebody's own that links to region eu by the key of region us. */
async function startStranger(tls: NonNullable<Region["tls"]>): Promise<NatsServer> {
  const storeDir = await mkdtemp(join(tmpdir(), "sluice-stranger-"));
  const { leafPort } = regions.eu;
  const config = join(storeDir, "nats.conf");
  const files = `ca_file: "${tls.caFile}", cert_file: "${tls.certFile}", key_file: "${tls.keyFile}"`;
  const remote = `{ urls: ["tls://localhost:${leafPort}"], nkey: ${regions.us.linkSeed}, tls { ${files} } }`;
  await writeFile(config, `leafnodes { remotes: [${remote}] }`);
  return startNatsServer({ config, port: await freePort(), storeDir });
}

function publish(connection: NatsConnection, subject: string) {
  return jetstream(connection).publish(subject, "{}", { timeout: 5_000, retries: 1 });
}

async function ask({ connection }: Bus, subject: string, body: object): Promise<unknown> {
  const answer = (await connection.request(subject, JSON.stringify(body), { timeout: 10_000 })).json<{
    error?: { description: string };
  }>();
  if (answer.error !== undefined) throw new Error(answer.error.description);
  return answer;
}
