import { readFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { natsSettings } from "#shared/config/nats-settings.ts";
import { BootError } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { keyAddressesSchema } from "#shared/tokens/key-addresses.ts";
import { readOutsideIssuers } from "#shared/tokens/outside-issuers.ts";
import { grpcAddressSchema } from "#shared/grpc/grpc-address.ts";
import type { NatsSettings } from "#shared/config/nats-settings.ts";

/** Each has a connection to the bus and channels of its own. */
const MAX_HOMES = 32;

const pathSchema = z.string().min(1);

const homeSchema = z.strictObject({
  name: nameSchema,
  natsUrl: natsSettings.NATS_URL,
  natsCredsFile: pathSchema.optional(),
  auth: grpcAddressSchema,
  policy: grpcAddressSchema,
  issuer: z.string().min(1),
  jwksUrl: keyAddressesSchema,
  issuersFile: pathSchema.optional(),
  schemasDir: pathSchema.optional(),
});

const fileSchema = z.array(homeSchema).max(MAX_HOMES);

/** The settings by which a service reaches a home, and believes its tokens. */
export type HomeSettings = Pick<NatsSettings, "NATS_URL" | "NATS_CREDS_FILE" | "NATS_NKEY_FILE"> & {
  readonly AUTH_GRPC_URL: string;
  readonly POLICY_GRPC_URL: string;
  readonly AUTH_ISSUER: string;
  readonly AUTH_JWKS_URL: string;
  readonly AUTH_ISSUERS_FILE?: string | undefined;
};

/** A further home that a service serves, beside its own. */
export interface Home {
  readonly name: string;
  /** In place of the own home's. */
  readonly settings: HomeSettings;
  /** Where the publisher finds the schemas of its tenants; nothing is checked without it. */
  readonly schemasDir: string | undefined;
}

/** The setting that names the file of further homes. */
export const homesSetting = {
  SLUICE_HOMES_FILE: z.string().optional().meta({
    description: "a YAML file of further homes whose tenants are served here, each with its bus, auth and policy",
    see: "operate/regions.md#serve-other-homes",
  }),
};

/**
 * Reads the file of further homes (YAML, a list); without a path there are none. Paths in it are seen from its folder.
 * @throws {BootError} naming every fault at once. Two homes of one name or issuer, or the own issuer, are faults.
 */
export async function readHomesFile(path: string | undefined, ownIssuer: string): Promise<readonly Home[]> {
  if (path === undefined) return [];
  const content = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    throw new BootError(`SLUICE_HOMES_FILE: cannot read ${path} (${error.code})`);
  });
  const parsed = fileSchema.safeParse(parseYaml(path, content));
  if (!parsed.success) {
    throw faultsIn(
      path,
      parsed.error.issues.map(({ path: place, message }) => `${place.join(".") || "the file"}: ${message}`),
    );
  }
  const repeated = [
    ...repeatedIn(parsed.data.map(({ name }) => name)).map((name) => `two homes have the name ${name}`),
    ...repeatedIn([ownIssuer, ...parsed.data.map(({ issuer }) => issuer)]).map(
      (issuer) => `two homes have the issuer ${issuer}, or it is this service's own`,
    ),
  ];
  if (repeated.length > 0) throw faultsIn(path, repeated);
  return parsed.data.map((entry) => homeOf(entry, dirname(path)));
}

/**
 * The outside issuers that a home lists. They count although their keys are not known yet; a file that cannot be read keeps the home from
 * opening, which says so.
 */
export async function outsideIssuersOf(
  { settings }: Home,
  secrets: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const { AUTH_ISSUER: issuer, AUTH_ISSUERS_FILE: file } = settings;
  if (file === undefined) return [];
  const read = await readOutsideIssuers(file, issuer, secrets).catch(() => undefined);
  return (read?.issuers ?? []).map(({ entry }) => entry.issuer);
}

function homeOf(entry: z.infer<typeof homeSchema>, folder: string): Home {
  const seen = (path: string | undefined): string | undefined => path && resolve(folder, path);
  return {
    name: entry.name,
    settings: {
      NATS_URL: entry.natsUrl,
      NATS_CREDS_FILE: seen(entry.natsCredsFile),
      // The own home's: the file says who the service is elsewhere.
      NATS_NKEY_FILE: undefined,
      AUTH_GRPC_URL: entry.auth,
      POLICY_GRPC_URL: entry.policy,
      AUTH_ISSUER: entry.issuer,
      AUTH_JWKS_URL: entry.jwksUrl,
      AUTH_ISSUERS_FILE: seen(entry.issuersFile),
    },
    schemasDir: seen(entry.schemasDir),
  };
}

function repeatedIn(values: readonly string[]): string[] {
  return [...new Set(values.filter((value, place) => values.indexOf(value) !== place))];
}

function parseYaml(path: string, content: string): unknown {
  try {
    // The library's longer messages show the lines around a fault, and with them a password.
    return parse(content, { prettyErrors: false });
  } catch (error) {
    throw faultsIn(path, [(error as Error).message]);
  }
}

/** A URL in it may hold a password: the library's messages name places and forms alone. */
function faultsIn(path: string, faults: readonly string[]): BootError {
  return new BootError(`the homes file ${path} is wrong:\n${faults.map((fault) => `  ${fault}`).join("\n")}`);
}
