import { readFile } from "node:fs/promises";
import { z } from "zod";
import { parse } from "yaml";
import { BootError } from "#shared/config/read-config.ts";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { type TenantLimits, type TierLimits, tierLimitsSchema } from "./tenant-limits.ts";

/** The tier of a tenant that names none, or one that is gone. */
const DEFAULT_TIER = "default";

/** More tiers than an edge has pools for are a mistake. */
const MAX_TIERS = 32;

/** The tiers by name; the default one is among them. */
export type Tiers = ReadonlyMap<string, TierLimits>;

/** The tiers of an installation that defines none. */
export const BUILT_IN_TIERS: Tiers = new Map<string, TierLimits>([
  [DEFAULT_TIER, {}],
  [
    "basic",
    {
      connections: 1_000,
      handshakesPerSecond: 50,
      topicsPerStream: 20,
      historyBytesPerMinute: 64 * 1024 * 1024,
      publishedEventsPerSecond: 100,
    },
  ],
  ["premium", {}],
]);

const tiersSchema = z
  .record(nameSchema, tierLimitsSchema)
  .refine((tiers) => Object.keys(tiers).length <= MAX_TIERS, `there may be ${MAX_TIERS} tiers`);

/** A tenant's limits, as an edge asks for them, and the tier that they are of. */
export interface EffectiveLimits extends TierLimits {
  readonly tier: string;
}

/**
 * Reads the tiers from a YAML file, `<tier>: {<limit>: <number>, …}`; without a file they are the built-in ones.
 * @throws {BootError} naming every fault in it.
 */
export async function readTiers(path: string | undefined): Promise<Tiers> {
  if (path === undefined) return BUILT_IN_TIERS;
  const text = await readFile(path, "utf8").catch(({ code }: NodeJS.ErrnoException) => {
    throw new BootError(`POLICY_TIERS_FILE: cannot read ${path} (${code})`);
  });
  const parsed = tiersSchema.safeParse(parseYaml(path, text));
  if (parsed.success) return new Map([[DEFAULT_TIER, {}], ...Object.entries(parsed.data)]);
  const faults = parsed.error.issues.map(({ path: at, message }) => `  ${at.join(".") || "the file"}: ${message}`);
  throw new BootError(`the file ${path} (POLICY_TIERS_FILE) is wrong:\n${faults.join("\n")}`);
}

function parseYaml(path: string, text: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    throw new BootError(`the file ${path} (POLICY_TIERS_FILE) is wrong:\n  ${String(error)}`);
  }
}

/** What a tenant may use: what its limits name, and else what its tier says. */
export function effectiveLimits(tiers: Tiers, { tier = DEFAULT_TIER, ...own }: TenantLimits): EffectiveLimits {
  const { historyBytes: _bytes, historyAgeSeconds: _age, ...overrides } = own;
  const name = tiers.has(tier) ? tier : DEFAULT_TIER;
  return { ...tiers.get(name), ...overrides, tier: name };
}

/**
 * Refuses a tier that is not defined.
 * @throws {AppError} `malformed_request`, naming those that are.
 */
export function requireTier(tiers: Tiers, tier: string | undefined): void {
  if (tier === undefined || tiers.has(tier)) return;
  const names = [...tiers.keys()].toSorted().join(", ");
  throw new AppError("malformed_request", `there is no tier "${tier}"; there are ${names}`);
}
