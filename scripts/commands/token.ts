import { text } from "node:stream/consumers";
import type { Command } from "commander";
import { z } from "zod";
import { readConfig } from "#shared/config/read-config.ts";
import { type OutsideIssuer, parseIssuerEntry, readOutsideIssuers } from "#shared/tokens/outside-issuers.ts";
import { issuerSecretsIn, type VerifierConfig, verifierSettings } from "#shared/tokens/verify-access-token.ts";
import { collect, createCommand, createGroup, readOptions, type Terminal } from "../shared/command.ts";
import { checkToken } from "../token/check-token.ts";
import { makeDemoToken } from "../token/make-token.ts";

const checkOptionsSchema = z
  .object({
    issuers: z.string().optional(),
    issuer: z.string().optional(),
    audience: z.array(z.string()).optional(),
    jwks: z.string().optional(),
    tenant: z.string().default("any"),
  })
  .refine(
    ({ issuer, audience }) => (issuer === undefined) === (audience === undefined),
    "needs --issuer with --audience",
  );

const makeOptionsSchema = z.object({
  sub: z.string().min(1),
  tenant: z.enum(["demo", "rival"], { error: "must be demo or rival, the tenants of the demo" }),
  roles: z.string().default(""),
  groups: z.string().default(""),
  seconds: z.coerce.number().pipe(z.int("must be a number of seconds").min(1).max(86_400)).default(3_600),
});

/** `sluice token`: looks into tokens, and makes them for the demo. */
export function tokenCommand(terminal: Terminal): Command {
  const description = "Access tokens: what a verifier thinks of one, and tokens for the demo.";
  return createGroup("token", "check a token step by step, make one in the demo", description, [
    checkCommand(terminal),
    makeCommand(terminal),
  ]);
}

function checkCommand({ env, stdin, print, say, endWith }: Terminal): Command {
  return createCommand("check", {
    summary: "say step by step what a verifier thinks of a token",
    description: `Checks a token as the services do, and says each step: its shape, header, issuer, keys, signature, audience, times, tenant, subject, roles, groups and attributes. It stops at the first that fails and says what to do. Nothing of the signature is printed.

auth is trusted as AUTH_ISSUER, AUTH_AUDIENCE and AUTH_JWKS_URL say (without them, the demo's), and the outside issuers of --issuers or AUTH_ISSUERS_FILE. Exit code 0 where the token holds, 1 where it does not.`,
    examples: [
      `npx sluice token check - < token.txt`,
      `npx sluice token check --issuers issuers.yaml - < token.txt`,
      `npx sluice token check --issuer https://login.example.com --audience sluice - < token.txt`,
    ],
  })
    .argument("<token>", "the token, or - for stdin, where no shell keeps it")
    .option("--issuers <file>", "the file of outside issuers")
    .option("--issuer <issuer>", "trust this outside issuer, as an entry of the file would")
    .option("--audience <audience>", "what its tokens must name; may be given several times", collect)
    .option("--jwks <url>", "where its keys are; without it its metadata say so")
    .option("--tenant <tenant>", "the tenant of its people")
    .action(async (given: string, options: object) => {
      const token = (given === "-" ? await text(stdin) : given).trim();
      const config = { ...readConfig(z.object(verifierSettings), env), issuerSecrets: issuerSecretsIn(env) };
      const outside = await readIssuers(readOptions(checkOptionsSchema, options), config);
      if (!(await checkToken(token, { config, outside, print, say }))) endWith(1);
    });
}

/** The issuers of the file, and the one that the command line names. */
async function readIssuers(
  { issuers, issuer, audience, jwks, tenant }: z.infer<typeof checkOptionsSchema>,
  { AUTH_ISSUERS_FILE, AUTH_ISSUER, issuerSecrets }: VerifierConfig,
): Promise<OutsideIssuer[]> {
  const path = issuers ?? AUTH_ISSUERS_FILE;
  const listed = path === undefined ? [] : (await readOutsideIssuers(path, AUTH_ISSUER, issuerSecrets)).issuers;
  if (issuer === undefined) return [...listed];
  const entry = parseIssuerEntry({ issuer, audience, tenant, ...(jwks !== undefined && { jwks_uri: jwks }) });
  return [...listed.filter((each) => each.entry.issuer !== issuer), { entry, ca: undefined, clientSecret: undefined }];
}

function makeCommand({ print, warn }: Terminal): Command {
  return createCommand("make", {
    summary: "make a token for anybody in the demo",
    description: `Makes an access token of anybody in a tenant of the demo. It is one of the outside issuer sluice-demo, which the demo alone lists (infra/demo/issuers.yaml) and its policies trust for roles and groups: auth knows nothing of it, so it cannot be refreshed or revoked.`,
    examples: [
      `npx sluice token make --sub dana --tenant demo --roles triager`,
      `npx sluice token make --sub jane@acme.com --tenant demo --groups ops,eu --seconds 60`,
    ],
  })
    .requiredOption("--sub <subject>", "who the token is of: any name")
    .requiredOption("--tenant <tenant>", "demo or rival")
    .option("--roles <roles>", "roles that the token names, with commas between")
    .option("--groups <groups>", "groups that the token names, with commas between")
    .option("--seconds <seconds>", "how long it lasts (default: 3600)")
    .action(async (options: object) => {
      const { sub, tenant, roles, groups, seconds } = readOptions(makeOptionsSchema, options);
      const token = await makeDemoToken({ sub, tenant, roles: listOf(roles), groups: listOf(groups) }, seconds);
      print({ token }, token);
      warn("this token holds in the demo alone: everybody has the key that signed it");
    });
}

function listOf(names: string): string[] {
  return names
    .split(",")
    .map((each) => each.trim())
    .filter((each) => each !== "");
}
