import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { logStreamName } from "#shared/contract/tenant-log.ts";
import { type Ledger, monotonicMs } from "./checker/ledger.ts";
import type { Cluster } from "./start-cluster.ts";
import type { Bus } from "./start-stack.ts";
import { waitFor } from "./wait.ts";

/** Nobody else publishes it. */
const [TYPE, KEY] = ["issues.edited", "k"];
const TOPIC = `${TYPE}.${KEY}`;

/** Posts an event of tenant `demo` about ten times a second, each again under its id until it is stored; `stop` notes where the log has them. */
export function publishOverHttp(
  cluster: Cluster,
  token: string,
  { ledger, operator }: { readonly ledger: Ledger; readonly operator: Bus },
): { stop(): Promise<void> } {
  const stopping = new AbortController();
  const post = async (n: number): Promise<void> => {
    const data = `over HTTP ${n}`;
    const body = JSON.stringify({ id: randomUUID(), type: TYPE, key: KEY, data });
    const headers = { authorization: `Bearer ${token}`, "content-type": "application/json" };
    ledger.push({ of: "published", tenant: "demo", topic: TOPIC, text: JSON.stringify(data), at: monotonicMs() });
    const send = () =>
      fetch(`${cluster.urls.publish}/v1/events`, { method: "POST", headers, body }).then(
        ({ ok }) => ok,
        () => false,
      );
    await waitFor(`${data} is stored`, send, 60_000);
  };
  const running = (async () => {
    for (let n = 0; !stopping.signal.aborted; n += 1) {
      await post(n);
      await delay(100);
    }
  })();
  return {
    async stop() {
      stopping.abort();
      await running;
      await noteSequences(operator, ledger);
    },
  };
}

/** The answer names no sequence: the log does. */
async function noteSequences({ js }: Bus, ledger: Ledger): Promise<void> {
  const consumer = await js.consumers.get(logStreamName("demo"), { filter_subjects: [`events.demo.${TOPIC}`] });
  let left = (await consumer.info()).num_pending;
  for await (const message of await consumer.consume()) {
    ledger.push({ of: "acknowledged", text: message.string(), sequence: message.seq, at: monotonicMs() });
    left -= 1;
    if (left === 0) return;
  }
}
