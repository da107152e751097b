import { expect, test } from "vitest";
import type { AskedBus } from "./ask-servers.ts";
import { streamSchema } from "./home-stream.ts";
import { findSickReplicas } from "./sick-replicas.ts";

const AT = "2026-01-01T00:00:00Z";

/** A region in which these servers have a mirror, and answer so. */
function regionOf(answers: Readonly<Record<string, object>>, replicas = 3) {
  const asked: unknown[] = [];
  const bus = {
    region: "us",
    streams: async () => [
      streamSchema.parse({
        config: { name: "KV_sluice_policy_parts", num_replicas: replicas },
        state: { messages: 1, first_seq: 1, first_ts: AT, last_seq: 1, last_ts: AT },
        cluster: { leader: "us-0", replicas: [{ name: "us-1" }, { name: "us-2" }] },
        ts: AT,
      }),
    ],
    nats: {
      info: { server_name: "us-0" },
      async requestMany(subject: string, question: string) {
        asked.push(subject, JSON.parse(question));
        const messages = Object.entries(answers).map(([name, data]) => ({ json: () => ({ server: { name }, data }) }));
        return (async function* () {
          yield* messages;
        })();
      },
    },
  };
  return { bus: bus as unknown as AskedBus, asked };
}

test("a replica that has given its mirror up is found by asking its server, and so is a server that says nothing", async () => {
  const error = "monitor goroutine not running";
  const errors = [
    { type: "STREAM", account: "SLUICE_eu", stream: "KV_sluice_policy_parts", error },
    { type: "STREAM", account: "SLUICE", stream: "KV_sluice_policy_parts", error },
    { type: "JETSTREAM", error: "no contact with meta leader" },
  ];
  const { bus, asked } = regionOf({ "us-0": { status: "ok" }, "us-2": { status: "error", errors } });
  expect(await findSickReplicas(bus, "SLUICE_eu")).toEqual({
    sick: [{ server: "us-2", stream: "KV_sluice_policy_parts", error }],
    silent: ["us-1"],
  });
  expect(asked).toEqual(["region.health", { account: "SLUICE_eu", details: true }]);
});

test("a region of one server is not asked: it has no replicas", async () => {
  const { bus, asked } = regionOf({}, 1);
  expect([await findSickReplicas(bus, "SLUICE"), asked]).toEqual([{ sick: [], silent: [] }, []]);
});
