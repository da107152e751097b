import { openEventStream } from "#test/support/event-stream.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { bothOf, callOnce, type Probe, type ProbeDeps } from "../probe.ts";

/** So many streams are looked up each time: the first ones and the latest ones. */
const [FIRST, LATEST] = [2, 6];

const NOT_TOLD = { status: 0, body: {} as Record<string, unknown> };

/** What either edge writes of its streams into the connection log is read by either policy. */
export async function createConnectionLogProbe({ cluster }: ProbeDeps): Promise<Probe> {
  const { access_token: alice } = await cluster.login("alice");
  const ended: string[] = [];
  const isTold = async (policy: string, id: string): Promise<boolean> => {
    const url = `${policy}/v1/tenants/demo/connections/${id}`;
    const { status, body } = await callOnce("GET", url, OPERATOR_TOKEN).catch(() => NOT_TOLD);
    // For half a minute behind its end an edge counts as one that may still hold the stream.
    if (status === 503) return true;
    const events = (body["entries"] as { event: string }[] | undefined)?.map(({ event }) => event) ?? [];
    return events.includes("opened") && events.includes("ended");
  };
  return {
    name: "connection log",
    async look() {
      for (const edge of bothOf(cluster, "stream")) {
        await using stream = await openEventStream(`${edge}/v1/stream?topic=issues.>&client=kept`, { token: alice });
        const { data } = await stream.frame("ready");
        ended.push((JSON.parse(data) as { connectionId: string }).connectionId);
      }
      ended.splice(FIRST, Math.max(0, ended.length - FIRST - LATEST));
      const looks = bothOf(cluster, "policy").flatMap((policy) =>
        ended.map((id) => waitFor(`policy tells of ${id}`, () => isTold(policy, id))),
      );
      await Promise.all(looks);
    },
  };
}
