import { EdgeCalls } from "../calls/edge-calls.ts";
import { proveOwner } from "../calls/prove-owner.ts";
import { readClaims } from "../credentials/read-claims.ts";
import type { Credentials } from "../credentials/credentials.ts";
import type { Environment } from "../environment/environment.ts";
import type { StreamOptions } from "../options.ts";
import type { OpenSource } from "../source.ts";
import { shareSource } from "./shared-source.ts";
import type { Sharing } from "./sharing.ts";

/** What sharing depends on. */
interface Shared {
  readonly options: Pick<StreamOptions, "url" | "from">;
  /** What the stream is of. */
  readonly parameters: URLSearchParams;
  readonly credentials: Credentials;
  readonly environment: Environment;
  /** Opens the stream anew. */
  readonly onOther: () => void;
}

/** Opens sources that share one stream among tabs, where they can; undefined where this tab needs one of its own. */
export async function shareTabs(open: OpenSource, shared: Shared): Promise<OpenSource | undefined> {
  const sharing = await findSharing(shared);
  return sharing && shareSource(open, sharing);
}

/**
 * By what this tab shares its stream now. Only equal requests are shared: tabs that ask for other topics, or with other rights,
 * would show what they have not asked for.
 */
async function findSharing(shared: Shared): Promise<Sharing | undefined> {
  const { options, parameters, credentials, environment, onOther } = shared;
  const { locks, openChannel } = environment;
  if (locks === undefined || openChannel === undefined) return undefined;
  // What fails here fails again where the stream is opened, and is told there.
  if ((await credentials.prepare().catch(() => "failed")) !== "fresh") return undefined;
  const rightsOf = rememberRights();
  const rights = rightsOf(credentials.token);
  if (rights === undefined) return undefined;
  const edge = new EdgeCalls(options.url, environment, credentials);
  const asked = [...parameters].map((pair) => pair.join("=")).toSorted();
  return {
    name: `sluice:${JSON.stringify([options.url, asked, rights])}`,
    beginsNow: (options.from ?? "now") === "now",
    prove: credentials.token === undefined ? (connectionId) => proveOwner(edge, connectionId) : undefined,
    isStill: () => rightsOf(credentials.token) === rights,
    onOther,
    platform: {
      locks,
      openChannel,
      newTabId: () => `${environment.random()}`,
      after: environment.after,
      watch: environment.watch,
    },
  };
}

/** What a token allows, as far as it says so itself; cookies are the same in all tabs. Each frame asks: the last answer is kept. */
function rememberRights(): (token: string | undefined) => string | undefined {
  let last: { readonly token: string | undefined; readonly rights: string | undefined } = { token: "", rights: "" };
  return (token) => {
    if (last.token !== token) last = { token, rights: token === undefined ? "cookies" : readClaims(token)?.rights };
    return last.rights;
  };
}
