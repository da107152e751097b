import { z } from "zod";
import {
  accountNames,
  accountsOf,
  addCall,
  addGrant,
  addUsers,
  type Grant,
  ownAccounts,
  passwordVariables,
} from "./home-accounts.ts";
import { HEALTH_QUESTION, OPERATOR_PASSWORD, OPERATOR_USER } from "./operator-user.ts";
import { ENTRY_CALL, entryCallOf, linkSubjects, standbyGrants } from "./link-subjects.ts";

/** The name of a region is its JetStream domain, and part of the names of accounts, users and variables. */
const regionNameSchema = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,30}$/, "must be a region's name: a to z, 0 to 9 and dashes, at most 31");

/** A public key of a user of NATS. */
const publicKeySchema = z.string().regex(/^U[A-Z2-7]{55}$/, "must be a public key, U…");

const linkUrlSchema = z
  .string()
  .regex(/^(nats-leaf|tls):\/\/[^\s"@/]+:\d+$/, "must be like nats-leaf://host:7422, without a user");

/** A file of nats-server's machine. */
const fileSchema = z.string({ error: "is missing: TLS takes all three files" }).regex(/^[^"\n]+$/, "must be a path");

/** How a region is linked with others. */
export const regionSchema = z
  .object({
    name: regionNameSchema,
    /** Where other regions call. */
    listen: z.string().regex(/^[^\s"]+:\d+$/, "must be like 0.0.0.0:7422"),
    /** The regions that mirror this region's home, and the keys by which they link: one, or two while it changes. */
    peers: z.array(z.object({ region: regionNameSchema, keys: z.array(publicKeySchema).min(1).max(2) })),
    /** The homes of other regions, each named like the region that it was made in, and where that region takes links. */
    homes: z.array(z.object({ name: regionNameSchema, urls: z.array(linkUrlSchema).min(1) })),
    /** The homes whose link is closed in this region: none of their events passes. */
    closed: z.array(regionNameSchema).optional(),
    /** The files for mutual TLS on the link. */
    tls: z.object({ caFile: fileSchema, certFile: fileSchema, keyFile: fileSchema }).optional(),
  })
  .check(({ value: { name, homes, peers }, issues }) => {
    const others = [homes.map((home) => home.name), peers.map(({ region }) => region)];
    if (others.every((names) => new Set([name, ...names]).size === names.length + 1)) return;
    issues.push({ code: "custom", input: name, message: "a region, its homes and its peers have different names" });
  });
export type Region = z.infer<typeof regionSchema>;

/** The variable that holds the seed of the key by which a region's servers link to others. */
export const LINK_SEED_VARIABLE = "NATS_LINK_SEED";

/** The configuration of a region's servers: `infra/nats/nats.conf`, with the link, and the accounts of the homes of other regions. */
export interface RegionFiles {
  readonly main: string;
  /** Named like the home. */
  readonly homes: ReadonlyMap<string, string>;
  /** Variables that the servers need beside those of the single region. */
  readonly variables: readonly string[];
}

/** Writes a region's configuration from that of the single region. */
export function renderRegion(region: Region, single: string): RegionFiles {
  const template = single.replace(ownAccounts(single), (all) => addHealth(addUsers(all, OPERATOR_USER)));
  const own = ownAccounts(template);
  const accounts = ownHome(region, own);
  const homes = new Map(region.homes.map(({ name }) => [name, furtherHome(region, name, template)]));
  const includes = [...homes.keys()].map((name) => `  include "homes/${name}.conf"\n`).join("");
  const main = template
    .replace(own, () => accounts)
    .replace(/^server_name: sluice$/m, `server_name: sluice-${region.name}`)
    .replace(/^jetstream \{\n/m, (begin) => `${begin}  domain: "${region.name}"\n`)
    .replace(/^ {2}include "producers\.conf"\n/m, (line) => line + includes)
    .replace(/^ {2}SYS \{\n/m, (begin) => begin + healthExport([undefined, ...homes.keys()]));
  const seeds = region.homes.length === 0 ? [] : [LINK_SEED_VARIABLE];
  return {
    main: main + linkOf(region),
    homes,
    variables: [...seeds, OPERATOR_PASSWORD, ...[...homes.values()].flatMap(passwordVariables)],
  };
}

/** Each server says by itself whether its replicas follow: their leader may take one for current that has given its stream up. */
const HEALTH_CALL = "$SYS.REQ.SERVER.PING.HEALTHZ";

function addHealth(accounts: string): string {
  const asked = `{ service: { account: SYS, subject: "${HEALTH_CALL}" }, to: "${HEALTH_QUESTION}" }`;
  return accounts.replace(/^ {4}imports: \[(?=\{ service: \{ account: EDGE)/m, (begin) => `${begin}${asked}, `);
}

function healthExport(homes: readonly (string | undefined)[]): string {
  const accounts = homes.map((home) => `"${accountNames(home)[0]}"`).join(", ");
  return `    exports: [{ service: "${HEALTH_CALL}", response: stream, accounts: [${accounts}] }]\n`;
}

/**
 * The configuration of one of several servers of a region: `infra/nats/cluster/nats.conf` over that of the region. What it says of JetStream
 * takes the place of all that the region's says, and clusters of one name do not link.
 */
export function renderCluster({ name }: Pick<Region, "name">, cluster: string): string {
  return cluster
    .replace(/^jetstream \{\n/m, (begin) => `${begin}  domain: "${name}"\n`)
    .replace(/(?<=^ {2}name: )sluice$/m, `"${name}"`);
}

function ownHome({ name, peers, closed = [] }: Region, own: string): string {
  const calling = peers.reduce((text, peer) => addCall(text, ENTRY_CALL, entryCallOf(peer.region)), own);
  const granted = peers.flatMap((peer) => standbyGrants(name, peer.region)).reduce<string>(addGrant, calling);
  const linked = closed.includes(name) ? [] : peers;
  const users = linked.flatMap(({ region, keys }) => keys.map((key) => linkUser(name, region, key)));
  return addUsers(granted, users.join(""));
}

function furtherHome(region: Region, home: string, template: string): string {
  const head = `# Written by \`sluice region config\`: the accounts of the home ${home}, with the lists of nats.conf.\n`;
  const grants: Grant[] = standbyGrants(region.name, home, `-${home}`);
  const accounts = addCall(accountsOf(home, template), ENTRY_CALL, entryCallOf(home));
  return head + grants.reduce<string>(addGrant, accounts);
}

/** The user as which another region links. It is a region's servers, not a client: no client may use its key. */
function linkUser(here: string, other: string, key: string): string {
  const { publish, denied, subscribe } = linkSubjects(here, other);
  return `      # The servers of region ${other}.
      {
        nkey: ${key}
        allowed_connection_types: ["LEAFNODE"]
        permissions {
          publish { allow: [${listed(publish)}], deny: [${listed(denied)}] }
          subscribe { allow: [${listed(subscribe)}] }
        }
      }
`;
}

function linkOf({ listen, homes, tls, closed = [] }: Region): string {
  const files = tls && `ca_file: "${tls.caFile}", cert_file: "${tls.certFile}", key_file: "${tls.keyFile}"`;
  const remotes = homes.map(
    ({ name, urls }) => `    {
      urls: [${listed(urls)}]
      nkey: $${LINK_SEED_VARIABLE}
      account: "${accountNames(name)[0]}"
      # It calls the addresses above only: those that the other side tells of may lead around a proxy, or nowhere.
      ignore_discovered_servers: true
      disabled: ${closed.includes(name)}
${files === undefined ? "" : `      tls { ${files} }\n`}    }
`,
  );
  return `
# A link that carries nothing any more is noticed within three of these. A mirror looks after ten seconds whether its origin is there:
# what it sends into a link that is dead and not known to be, it waits for half a minute and longer.
ping_interval: "2s"

leafnodes {
  listen: "${listen}"
  no_advertise: true
  reconnect: "1s"
${files === undefined ? "" : `  tls { ${files}, verify: true }\n`}  remotes: [
${remotes.join("")}  ]
}
`;
}

function listed(values: readonly string[]): string {
  return values.map((value) => `"${value}"`).join(", ");
}
