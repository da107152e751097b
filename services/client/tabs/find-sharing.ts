import { readClaims } from "../credentials/read-claims.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Environment } from "../environment/environment.ts";
import type { StreamOptions } from "../options.ts";
import type { Sharing } from "./sharing.ts";

/** What sharing depends on. */
interface Shared {
  readonly options: Pick<StreamOptions, "url" | "from" | "client" | "subscription" | "presence" | "share">;
  /** What the stream is of. */
  readonly parameters: URLSearchParams;
  readonly credentials: Pick<Credentials, "prepare" | "token">;
  readonly environment: Environment;
  readonly prove: (connectionId: string) => Promise<boolean>;
}

/**
 * By what this tab shares its stream now; undefined where it has one of its own. Only equal requests are shared: tabs that ask for
 * other topics, or with other rights, would show what they have not asked for.
 */
export async function findSharing(shared: Shared): Promise<Sharing | undefined> {
  const { options, parameters, credentials, environment, prove } = shared;
  const { locks, openChannel } = environment;
  if (!mayShare(options, environment) || locks === undefined || openChannel === undefined) return undefined;
  // What fails here fails again where the stream is opened, and is told there.
  if ((await credentials.prepare().catch(() => "failed")) !== "fresh") return undefined;
  const rightsOf = rememberRights();
  const rights = rightsOf(credentials.token);
  if (rights === undefined) return undefined;
  const asked = [...parameters].map((pair) => pair.join("=")).toSorted();
  return {
    name: `sluice:${JSON.stringify([options.url, asked, rights])}`,
    beginsNow: (options.from ?? "now") === "now",
    prove: credentials.token === undefined ? prove : undefined,
    isStill: () => rightsOf(credentials.token) === rights,
    platform: {
      locks,
      openChannel,
      newTabId: () => `${environment.random()}`,
      after: environment.after,
      watch: environment.watch,
    },
  };
}

/**
 * A client id is one tab's, a durable subscription has one reader, and a snapshot of presence comes once: such streams are not
 * shared. Programs share where they say so: workers of one process are no tabs.
 */
function mayShare(
  { client, subscription, presence = [], share }: Shared["options"],
  { hasTabs }: Pick<Environment, "hasTabs">,
): boolean {
  return (share ?? hasTabs) && client === undefined && subscription === undefined && presence.length === 0;
}

/** What a token allows, as far as it says so itself; cookies are the same in all tabs. Each frame asks: the last answer is kept. */
function rememberRights(): (token: string | undefined) => string | undefined {
  let last: { readonly token: string | undefined; readonly rights: string | undefined } = { token: "", rights: "" };
  return (token) => {
    if (last.token !== token) last = { token, rights: token === undefined ? "cookies" : readClaims(token)?.rights };
    return last.rights;
  };
}
