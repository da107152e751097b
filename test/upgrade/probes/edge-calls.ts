import { openEventStream } from "#test/support/event-stream.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { bothOf, call, pairsOf, type Probe, type ProbeDeps, require } from "../probe.ts";

/** Edges answer each other, and policy: who listens, which streams are open, and calls about a stream that the other one holds. */
export async function createEdgeCallsProbe({ cluster }: ProbeDeps): Promise<Probe> {
  const [alice, carol] = await Promise.all(
    ["alice", "carol"].map(async (name) => (await cluster.login(name)).access_token),
  );
  return {
    name: "calls between edges",
    async look() {
      for (const [here, there] of pairsOf(cluster, "stream")) {
        await using stream = await openEventStream(`${here}/v1/stream?topic=issues.kept.a`, { token: alice ?? "" });
        const { data } = await stream.frame("ready");
        const { connectionId: id } = JSON.parse(data) as { connectionId: string };
        const change = { add: ["issues.kept.b"], remove: ["issues.kept.a"] };
        require("topics", 200, await call("POST", `${there}/v1/streams/${id}/topics`, alice, change));
        await waitFor("the other one says who listens", async () => {
          const { body } = await call("GET", `${there}/v1/presence?topic=issues.kept.b`, carol);
          return JSON.stringify(body).includes('"alice"');
        });
        for (const policy of bothOf(cluster, "policy")) {
          // An edge that has ended is missing for half a minute, which the answer says; its successor is there at once.
          await waitFor("policy lists the stream", async () => {
            const { body } = await call("GET", `${policy}/v1/tenants/demo/connections?subject=alice`, OPERATOR_TOKEN);
            return JSON.stringify(body).includes(id);
          });
        }
      }
    },
  };
}
