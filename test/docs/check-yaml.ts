import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Ajv2020 } from "ajv/dist/2020.js";
import { parse } from "yaml";
import { readHomesFile } from "#shared/homes/homes-file.ts";
import { parseIssuerEntry } from "#shared/tokens/outside-issuers.ts";
import { sluice } from "#test/support/run-sluice.ts";
import { readClientDirectory } from "../../services/auth/users/client-directory.ts";
import { readAccounts } from "../../services/auth/users/user-directory.ts";
import { parseDocument } from "../../services/policy/document/parse-document.ts";
import { followSecrets } from "../../services/stream/webhooks/follow-secrets.ts";
import { readTiers } from "../../services/policy/limits/tiers.ts";

/** A kind of YAML that our services read: how it is told apart, and what throws where it is wrong. */
interface Kind {
  readonly has: readonly string[];
  check(text: string, file: string, value: object): unknown;
}

const silent = { info: () => {}, error: () => {} };

const ISSUER = { issuer: "https://login.example.com", audience: "sluice", tenant: "acme" };

/** The first whose names a block's mapping, or the first entry of its list, all has at least one of. */
const KINDS: readonly Kind[] = [
  { has: ["natsUrl"], check: (text, file) => write(file, text).then(() => readHomesFile(file, "https://own.test")) },
  { has: ["issuer"], check: (_, __, value) => Object.values(value).map((each: object) => parseIssuerEntry(each)) },
  { has: ["claims", "introspection"], check: (_, __, value) => parseIssuerEntry({ ...ISSUER, ...value }) },
  { has: ["client_id"], check: (text, file) => write(file, text).then(() => readClientDirectory(file, neverAsked)) },
  { has: ["username"], check: (text, file) => write(file, text).then(() => readAccounts(file)) },
  { has: ["default"], check: (text, file) => write(file, text).then(() => readTiers(file)) },
  {
    has: ["schemas"],
    check: (_, __, value) => new Ajv2020().compile(Object.values(Object.values(value)[0] as object)[0] as object),
  },
  {
    has: ["acme"],
    check: (text, file) => write(file, text).then(async () => (await followSecrets(file, silent))[Symbol.dispose]()),
  },
  { has: ["roles", "bindings", "events", "attributes", "trust", "tests", "routes"], check: checkPolicy },
];

/** What the pages show of others' files: their shape is theirs. */
const OF_OTHERS = new Set(["derivedRoles", "kind", "http_filters", "services", "static_resources"]);

/**
 * Checks a block as the service that reads such a file does.
 * @throws saying what is wrong with it, also where nobody reads such a file.
 */
export async function checkYaml(text: string, folder: string): Promise<void> {
  const [document = text] = text.split(/^---$/m);
  const value: unknown = parse(document) ?? {};
  if (typeof value !== "object" || value === null) throw new Error("it is no mapping and no list");
  const names = Object.keys(Array.isArray(value) ? (value[0] as object) : value);
  if (names.length === 0 || names.some((name) => OF_OTHERS.has(name))) return;
  const kind = KINDS.find(({ has }) => has.some((name) => names.includes(name)));
  if (kind === undefined) throw new Error(`nobody reads a file with ${names.join(", ")}: say why it is not run`);
  await kind.check(text, join(folder, "block.yaml"), value);
}

/** A part of a policy counts as a document of its own; a whole one is asked its test cases, too. */
async function checkPolicy(text: string, file: string, value: object): Promise<void> {
  const parsed = parseDocument("tenant" in value ? text : `tenant: acme\n${text}`, undefined);
  if (parsed.faults !== undefined) throw new Error(parsed.faults.map(({ message }) => message).join("; "));
  if (!("tests" in value && "roles" in value)) return;
  await write(file, text);
  const tested = await sluice(["policy", "test", file]);
  if (tested.code !== 0) throw new Error([...tested.out, ...tested.err].join("\n"));
}

async function write(file: string, text: string): Promise<void> {
  await writeFile(file, text);
}

async function neverAsked(): Promise<never> {
  throw new Error("no secret is verified here");
}
