import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { BootError } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { parseJson } from "#shared/json/parse-json.ts";
import { placesSchema, ruleSchema } from "./claim-rules.ts";

/** Every signature algorithm with a public key that jose has. A shared secret would let every verifier issue tokens. */
const PUBLIC_KEY_ALGORITHMS =
  "ES256 ES384 ES512 EdDSA Ed25519 RS256 RS384 RS512 PS256 PS384 PS512 ML-DSA-44 ML-DSA-65 ML-DSA-87".split(" ");

/** What stands in the list of types for a token without a `typ` header. */
export const NO_TYPE = "absent";

const MAX_ISSUERS = 256;

/** Environment variables with secrets that the file may name: it must not be able to send any other one somewhere. */
export const SECRET_PREFIX = "AUTH_ISSUER_SECRET_";

const text = z.string().min(1).max(1_024);
const safeUrl = z.string().refine(isSafeUrl, "must be an https URL; http only on this machine");
const oneOrMore = <T extends z.ZodType<string>>(each: T) =>
  z.union([each, z.array(each).min(1).max(64)]).transform((value): readonly string[] => [value].flat());

/** Names that stand for something else in conditions and topics. */
const attributeName = nameSchema.refine(
  (name) => !["id", "sub", "tenant"].includes(name),
  "may not be id, sub or tenant",
);

const introspectionSchema = z.strictObject({
  /** Without it the issuer's metadata name it. */
  endpoint: safeUrl.optional(),
  client_id: text,
  client_secret_file: text.optional(),
  client_secret_env: z.string().startsWith(SECRET_PREFIX).optional(),
  method: z.enum(["client_secret_basic", "client_secret_post"]).default("client_secret_basic"),
  /** Only tokens that begin so are asked about here. */
  token_prefix: text.optional(),
});

const entrySchema = z.strictObject({
  issuer: text,
  jwks_uri: safeUrl.optional(),
  /** Its keys themselves, where nothing can be fetched. */
  jwks_file: text.optional(),
  ca_file: text.optional(),
  audience: oneOrMore(text),
  audience_claim: z.enum(["aud", "client_id", "azp"]).default("aud"),
  tenant: nameSchema.optional(),
  tenant_claim: placesSchema.optional(),
  tenant_pattern: z
    .string()
    .refine((pattern) => pattern.split("{tenant}").length === 2, "must have {tenant} in it, once")
    .optional(),
  tenants: z.union([z.array(nameSchema).min(1), z.record(text, nameSchema)]).optional(),
  algorithms: z.array(z.enum(PUBLIC_KEY_ALGORITHMS)).min(1).default(PUBLIC_KEY_ALGORITHMS),
  type: oneOrMore(text).default(["at+jwt", "JWT", NO_TYPE]),
  claims: z
    .strictObject({
      subject: ruleSchema.default({ from: [["sub"]], rename: {}, prefix: "" }),
      roles: ruleSchema.optional(),
      groups: ruleSchema.optional(),
      attributes: z.record(attributeName, ruleSchema).default({}),
    })
    .prefault({}),
  introspection: introspectionSchema.optional(),
});

const issuerSchema = entrySchema.superRefine(requireWhole);

/** An entry of the issuers' file. */
export type IssuerEntry = Readonly<z.infer<typeof issuerSchema>>;

/** An outside issuer whose tokens hold, with what its entry points to. */
export interface OutsideIssuer {
  readonly entry: IssuerEntry;
  /** The authorities that may have signed its server's certificate, in PEM. */
  readonly ca: string | undefined;
  /** Its key set, where that comes from a file. */
  readonly keySet?: unknown;
  readonly clientSecret: string | undefined;
}

/** The issuers' file with what it points to, as it was read. */
export interface IssuersFile {
  readonly issuers: readonly OutsideIssuer[];
  /** Every file that was read. */
  readonly paths: readonly string[];
}

/**
 * Reads the file of outside issuers (YAML, a list), and the files it names.
 * @throws {BootError} naming every fault in it at once; `ownIssuer` in the list is a fault.
 */
export async function readOutsideIssuers(
  path: string,
  ownIssuer: string,
  secrets: Readonly<Record<string, string>> = {},
): Promise<IssuersFile> {
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`AUTH_ISSUERS_FILE: cannot read ${path} (${error.code})`);
  });
  const parsed = listSchema(ownIssuer).safeParse(parseYaml(path, content));
  if (!parsed.success) {
    throw faultsIn(path, faultTexts(parsed.error));
  }
  const faults: string[] = [];
  const entries = parsed.data.map((entry) => withPaths(entry, dirname(path)));
  const issuers = await Promise.all(entries.map((entry, index) => complete(entry, index, secrets, faults)));
  if (faults.length > 0) throw faultsIn(path, faults);
  const named = entries.flatMap((entry) => [entry.jwks_file, entry.ca_file, entry.introspection?.client_secret_file]);
  return { issuers, paths: [path, ...named.filter((each) => each !== undefined)] };
}

/** Parses one entry that did not come from a file, as a file's entries are parsed; it can name no secret. */
export function parseIssuerEntry(entry: object): IssuerEntry {
  const parsed = issuerSchema.safeParse(entry);
  if (parsed.success) return parsed.data;
  throw new BootError(faultTexts(parsed.error).join("; "));
}

function faultTexts({ issues }: z.ZodError): string[] {
  return issues.map((issue) => {
    const message = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message;
    return `${issue.path.join(".") || "the file"}: ${message}`;
  });
}

/** The entry with its files' places as the file means them: from the folder it stands in. */
function withPaths(entry: IssuerEntry, folder: string): IssuerEntry {
  const { jwks_file, ca_file, introspection } = entry;
  const secretFile = introspection?.client_secret_file;
  return {
    ...entry,
    ...(jwks_file !== undefined && { jwks_file: resolve(folder, jwks_file) }),
    ...(ca_file !== undefined && { ca_file: resolve(folder, ca_file) }),
    ...(introspection !== undefined &&
      secretFile !== undefined && {
        introspection: { ...introspection, client_secret_file: resolve(folder, secretFile) },
      }),
  };
}

/** Reads what an entry points to. */
async function complete(
  entry: IssuerEntry,
  index: number,
  secrets: Readonly<Record<string, string>>,
  faults: string[],
): Promise<OutsideIssuer> {
  const read = async (place: string, path: string | undefined): Promise<string | undefined> => {
    if (path === undefined) return undefined;
    return readFile(path, "utf8").catch(({ code }: NodeJS.ErrnoException) => {
      faults.push(`${index}.${place}: cannot read ${path} (${code})`);
      return undefined;
    });
  };
  const { introspection } = entry;
  const ca = await read("ca_file", entry.ca_file);
  if (ca !== undefined && !isCertificate(ca))
    faults.push(`${index}.ca_file: ${entry.ca_file} is no certificate in PEM`);
  const keys = await read("jwks_file", entry.jwks_file);
  const keySet = keys === undefined ? undefined : parseJson(keys);
  if (keys !== undefined && keySet === undefined) faults.push(`${index}.jwks_file: ${entry.jwks_file} is no JSON`);
  const fromFile = await read("introspection.client_secret_file", introspection?.client_secret_file);
  const variable = introspection?.client_secret_env;
  const fromEnv = variable === undefined ? undefined : secrets[variable];
  if (variable !== undefined && fromEnv === undefined) {
    faults.push(`${index}.introspection.client_secret_env: ${variable} is not set`);
  }
  const clientSecret = fromFile?.trim() ?? fromEnv;
  if (clientSecret === "") faults.push(`${index}.introspection: the secret of ${introspection?.client_id} is empty`);
  return { entry, ca, keySet, clientSecret };
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).subject !== "";
  } catch {
    return false;
  }
}

const NO_METADATA = "is needed where the issuer is no https URL, under which its metadata could be found";

/** What an entry needs of what may be left out. */
function requireWhole(entry: z.output<typeof entrySchema>, context: z.RefinementCtx): void {
  const { issuer, jwks_uri, jwks_file, tenant, tenant_claim, tenant_pattern, tenants, introspection } = entry;
  const fault = (path: string, message: string): void =>
    context.addIssue({ code: "custom", path: path.split("."), message });
  if (jwks_uri === undefined && jwks_file === undefined && !isSafeUrl(issuer)) fault("jwks_uri", NO_METADATA);
  if (jwks_uri !== undefined && jwks_file !== undefined) fault("jwks_file", "is another place than jwks_uri: name one");
  if ((tenant === undefined) === (tenant_claim === undefined)) {
    fault("tenant", "is needed, or tenant_claim with tenants; not both");
  }
  if ((tenant_claim === undefined) !== (tenants === undefined)) {
    fault(
      "tenants",
      "belongs to tenant_claim: the tenants it may name, as a list or as a mapping from the claim's values",
    );
  }
  if (tenant_pattern !== undefined && !Array.isArray(tenants)) {
    fault("tenant_pattern", "goes with a list of tenants");
  }
  if (introspection === undefined) return;
  // Whoever can change the metadata on their way would be sent the secret, and say whose tokens are good.
  if (introspection.endpoint === undefined && !isSafeUrl(issuer)) fault("introspection.endpoint", NO_METADATA);
  if ((introspection.client_secret_file === undefined) === (introspection.client_secret_env === undefined)) {
    fault("introspection", `needs client_secret_file, or client_secret_env with a variable ${SECRET_PREFIX}…`);
  }
}

function listSchema(ownIssuer: string) {
  return z
    .array(issuerSchema)
    .max(MAX_ISSUERS)
    .superRefine((issuers, context) => {
      const seen = new Set([ownIssuer]);
      for (const [index, { issuer }] of issuers.entries()) {
        const message = issuer === ownIssuer ? "is our own issuer" : `${issuer} is listed twice`;
        if (seen.has(issuer)) context.addIssue({ code: "custom", path: [index, "issuer"], message });
        seen.add(issuer);
      }
    });
}

function parseYaml(path: string, content: string): unknown {
  try {
    return parse(content);
  } catch (error) {
    throw faultsIn(path, [(error as Error).message]);
  }
}

function faultsIn(path: string, faults: readonly string[]): BootError {
  return new BootError(`the issuers' file ${path} is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}

/** Keys that came unencrypted could be anybody's. */
export function isSafeUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const { protocol, hostname } = new URL(value);
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname));
}
