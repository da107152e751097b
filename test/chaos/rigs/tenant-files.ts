import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DEMO_USERS_FILE } from "#test/support/start-auth.ts";
import { TENANTS } from "../world.ts";

/** A session lives longer than a run; an access token ends now and then while auth is away. */
export const SESSIONS = {
  AUTH_ACCESS_TOKEN_SECONDS: "60",
  AUTH_SESSION_SECONDS: "86400",
  AUTH_KEY_PUBLISH_SECONDS: "12",
};

const PEOPLE = ["alice", "bob", "carol", "dave", "erin"];

/** The files of the tenants of a world. */
export interface TenantFiles extends AsyncDisposable {
  readonly users: string;
  readonly policies: string;
}

/** Writes them: in each tenant the same people with the same rights. dave publishes over HTTP. */
export async function writeTenantFiles(): Promise<TenantFiles> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-chaos-"));
  const [users, policies] = [join(folder, "users.yaml"), join(folder, "policies")];
  const password = /password: "(.+)"/.exec(await readFile(DEMO_USERS_FILE, "utf8"))?.[1];
  const accounts = TENANTS.flatMap((tenant) => PEOPLE.map((username) => ({ tenant, username, password })));
  await writeFile(users, JSON.stringify(accounts));
  await mkdir(policies);
  for (const tenant of TENANTS) await writeFile(join(policies, `${tenant}.yaml`), JSON.stringify(documentOf(tenant)));
  return { users, policies, [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) };
}

function documentOf(tenant: string): object {
  return {
    tenant,
    roles: {
      triager: { allow: ["issues:read"] },
      maintainer: { inherits: ["triager"], allow: ["push:read"] },
      producer: { allow: ["issues:publish", "push:publish"] },
    },
    bindings: [
      { role: "maintainer", subjects: ["alice", "bob", "carol", "erin"] },
      { role: "producer", subjects: ["dave"] },
    ],
    events: { "issues.*": "issues:read", "push.*": "push:read" },
  };
}
