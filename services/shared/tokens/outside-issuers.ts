import { readFile } from "node:fs/promises";
import { parse } from "yaml";
import { z } from "zod";
import { BootError } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";

/** A claim's place: its name, or the path to it inside other claims. */
const claimSchema = z.union([z.string().min(1), z.array(z.string().min(1)).min(1).max(8)]);

const issuerSchema = z.strictObject({
  issuer: z.string().min(1).max(1_024),
  jwks_uri: z.string().refine(isSafeUrl, "must be an https URL; http only on this machine"),
  audience: z.string().min(1).max(1_024),
  tenant: nameSchema,
  algorithms: z.array(z.enum(["ES256", "EdDSA", "RS256", "PS256"])).min(1),
  type: z.enum(["at+jwt", "JWT"]).default("at+jwt"),
  claims: z
    .strictObject({
      subject: claimSchema.default("sub"),
      roles: claimSchema.optional(),
      groups: claimSchema.optional(),
    })
    .default({ subject: "sub" }),
});

/** An outside issuer whose tokens open streams. Its people belong to one tenant, whatever the tokens say. */
export type OutsideIssuer = Readonly<z.infer<typeof issuerSchema>>;

/** Where a claim is found in a token. */
export type ClaimPlace = z.infer<typeof claimSchema>;

/**
 * Reads the file of outside issuers (YAML, a list).
 * @throws {BootError} naming every fault in it at once; `ownIssuer` in the list is a fault.
 */
export async function readOutsideIssuers(path: string, ownIssuer: string): Promise<readonly OutsideIssuer[]> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`AUTH_ISSUERS_FILE: cannot read ${path} (${error.code})`);
  });
  const parsed = listSchema(ownIssuer).safeParse(parseYaml(path, text));
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map(({ path: where, message }) => `${where.join(".") || "the file"}: ${message}`);
  throw faultsIn(path, faults);
}

function listSchema(ownIssuer: string) {
  return z.array(issuerSchema).superRefine((issuers, context) => {
    const seen = new Set([ownIssuer]);
    for (const [index, { issuer }] of issuers.entries()) {
      const message = issuer === ownIssuer ? "is our own issuer" : `${issuer} is listed twice`;
      if (seen.has(issuer)) context.addIssue({ code: "custom", path: [index, "issuer"], message });
      seen.add(issuer);
    }
  });
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw faultsIn(path, [(error as Error).message]);
  }
}

function faultsIn(path: string, faults: readonly string[]): BootError {
  return new BootError(`the issuers' file ${path} is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}

/** Keys that came unencrypted could be anybody's. */
function isSafeUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === "https:" || (protocol === "http:" && ["localhost", "127.0.0.1", "[::1]"].includes(hostname));
}
