import type { NatsConnection } from "@nats-io/transport-node";
import { logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";
import { standingOf, streamSchema } from "../../scripts/failover/home-stream.ts";
import type { HomePair } from "./start-home-pair.ts";
import type { RegionName } from "./start-region-servers.ts";
import { waitFor } from "./wait.ts";

/** What a home in this test consists of beside its logs. */
const BUCKETS = ["KV_sluice_policy", "KV_sluice_revoked"];

const SETTINGS = { storage: "file", num_replicas: 1, deny_delete: true, duplicate_window: 120e9 };

/** Makes a home's originals: a log for each tenant, two buckets, the audit trail. */
export async function makeHome(nats: NatsConnection, tenants: readonly string[]): Promise<void> {
  for (const tenant of tenants) {
    const name = logStreamName(tenant);
    const metadata = { sluice_epoch: `epoch-${tenant}` };
    await ask(nats, `STREAM.CREATE.${name}`, {
      ...SETTINGS,
      name,
      subjects: logSubjects(tenant),
      allow_direct: true,
      metadata,
    });
  }
  for (const name of BUCKETS) {
    const subjects = [`$KV.${name.slice("KV_".length)}.>`];
    await ask(nats, `STREAM.CREATE.${name}`, { ...SETTINGS, name, subjects, allow_rollup_hdrs: true, discard: "new" });
  }
  await ask(nats, "STREAM.CREATE.AUDIT", { ...SETTINGS, name: "AUDIT", subjects: ["audit.*.*"], deny_purge: true });
}

/** Does what policy does in a region that is not the seat: makes a mirror of each original that has none here, and waits until all are level. */
export async function keepMirrors(pair: HomePair, region: RegionName): Promise<void> {
  const here = pair[region].client;
  const origin = region === "eu" ? "us" : "eu";
  if (here === undefined) throw new Error(`region ${region} is stopped`);
  const list = async (api: string) => {
    const { streams } = await ask<{ streams: unknown[] | null }>(here, "STREAM.LIST", {}, api);
    return (streams ?? []).map((each) => streamSchema.parse(each));
  };
  const originals = await list(`$JS.${origin}.API`);
  const there = new Set((await list("$JS.API")).map(({ config }) => config.name));
  for (const { config } of originals.filter(
    (each) => standingOf(each).kind !== "mirror" && !there.has(each.config.name),
  )) {
    const { name, metadata, duplicate_window, num_replicas } = config;
    const consumer = { name: `mirror_${region}`, deliver_subject: `mirror.${region}.${name}` };
    await ask(
      here,
      `CONSUMER.CREATE.${name}.${consumer.name}`,
      { stream_name: name, config: consumerOf(consumer) },
      `$JS.${origin}.API`,
    );
    const mirror = { name, external: { api: `$JS.${origin}.API`, deliver: "" }, consumer };
    const settings = {
      name,
      metadata,
      duplicate_window,
      num_replicas,
      storage: "file",
      deny_delete: true,
      allow_direct: name.startsWith("EVENTS_"),
    };
    await ask(here, `STREAM.CREATE.${name}`, { ...settings, mirror });
  }
  await waitFor("the mirrors are level", async () => {
    const sequences = new Map((await list("$JS.API")).map(({ config, state }) => [config.name, state.last_seq]));
    return originals.every(({ config, state }) => (sequences.get(config.name) ?? -1) >= state.last_seq);
  });
}

function consumerOf({ name, deliver_subject }: { name: string; deliver_subject: string }) {
  return {
    name,
    durable_name: name,
    deliver_subject,
    deliver_policy: "all",
    ack_policy: "flow_control",
    flow_control: true,
    idle_heartbeat: 1e9,
    max_ack_pending: 10_000,
  };
}

/** Asks JetStream, and answers what it says. */
export async function ask<Answer>(
  nats: NatsConnection,
  call: string,
  question: object,
  api = "$JS.API",
): Promise<Answer> {
  const answer = (await nats.request(`${api}.${call}`, JSON.stringify(question), { timeout: 10_000 })).json<
    Answer & { error?: { description: string } }
  >();
  if (answer.error !== undefined) throw new Error(`${call}: ${answer.error.description}`);
  return answer;
}
