import { clientToken, type ShownSecret } from "#test/support/client-keeper.ts";
import { waitFor } from "#test/support/wait.ts";
import { bothOf, call, pairsOf, type Probe, type ProbeDeps, require } from "../probe.ts";

/** So many keys are in use at a time; older ones are withdrawn. */
const KEPT = 4;

/** Keys of producers that one auth makes get tokens of the other, which both publishers take, until one of them withdraws them. */
export async function createProducerKeysProbe({ cluster }: ProbeDeps): Promise<Probe> {
  const { access_token: carol } = await cluster.login("carol");
  const kept: ShownSecret[] = [];
  const make = async (auth: string): Promise<void> => {
    const made = await call("POST", `${auth}/v1/auth/tenants/demo/clients`, carol, { name: "kept" });
    const secret = require("a key", 201, made) as unknown as ShownSecret;
    await waitFor("the key has a role", () => cluster.setRoles(secret.client_id, ["security"]).then(isDone, isNotDone));
    kept.push(secret);
  };
  const withdraw = async (auth: string, { client_id: id }: ShownSecret): Promise<void> => {
    require("a withdrawal", 204, await call("DELETE", `${auth}/v1/auth/tenants/demo/clients/${id}`, carol));
  };
  const isGone = async (auth: string, secret: ShownSecret): Promise<boolean> =>
    (await clientToken(auth, secret)).status === 401;
  return {
    name: "keys of producers",
    async look() {
      for (const [here, there] of pairsOf(cluster, "auth")) {
        await make(here);
        for (const secret of kept) {
          const token = await waitFor("the other one knows the key", async () => {
            const answer = await clientToken(there, secret);
            return answer.status === 200 && answer.token;
          });
          for (const publisher of bothOf(cluster, "publish")) {
            require("an event", 200, await call("POST", `${publisher}/v1/events`, token, EVENT));
          }
        }
        const oldest = kept.length > KEPT ? kept.shift() : undefined;
        if (oldest === undefined) continue;
        await withdraw(there, oldest);
        await waitFor("the key is gone", () => isGone(here, oldest));
      }
    },
  };
}

const isDone = (): boolean => true;
const isNotDone = (): boolean => false;

/** Nobody of the others reads it. */
const EVENT = { type: "release.published", key: "kept", data: {} };
