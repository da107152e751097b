import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { type Answer, bothOf, call, pairsOf, type Probe, type ProbeDeps, require } from "../probe.ts";

const TENANT = "kept";

/** Documents, bindings and versions that one policy stores are read, changed and taken back by the other. */
export async function createPoliciesProbe({ cluster }: ProbeDeps): Promise<Probe> {
  const ask = (method: string, url: string, path: string, body?: unknown): Promise<Answer> =>
    call(method, `${url}/v1/tenants/${TENANT}${path}`, OPERATOR_TOKEN, body);
  const [first] = bothOf(cluster, "policy");
  require("a tenant", 201, await ask("PUT", first, ""));
  let changes = 0;
  const isInForce = async (url: string, permission: string, subject: string): Promise<boolean> =>
    (await ask("POST", url, "/check", { subject, permission })).body["allow"] === true;
  return {
    name: "policies",
    async look() {
      for (const [here, there] of pairsOf(cluster, "policy")) {
        const [resource, subject] = [`thing${(changes += 1)}`, `person ${changes}`];
        const stored = require("a document", 200, await ask("PUT", here, "/policy", documentOf(resource)));
        const path = `/subjects/${encodeURIComponent(subject)}/roles`;
        require("roles", 200, await ask("PUT", here, path, { roles: ["reader"] }));
        await waitFor("the other one has it in force", () => isInForce(there, `${resource}:read`, subject), 5_000);
        require("another document", 200, await ask("PUT", there, "/policy", documentOf("other")));
        const back = { version: stored["version"] };
        require("a way back", 200, await ask("POST", there, "/policy/rollback", back));
        await waitFor("it is in force again", () => isInForce(here, `${resource}:read`, subject), 5_000);
        require("the versions", 200, await ask("GET", there, "/policy/versions"));
      }
    },
  };
}

function documentOf(resource: string): object {
  return {
    tenant: TENANT,
    roles: { reader: { allow: [`${resource}:read`, "order:read@order.*.{sub}"] } },
    bindings: [{ role: "reader", subjects: ["alice", "group:ops"] }],
    events: { [`${resource}.*`]: `${resource}:read`, "order.*": "order:read" },
    routes: [{ method: "GET", path: "/things/{id}", permission: `${resource}:read`, topics: [`${resource}.*.{id}`] }],
  };
}
