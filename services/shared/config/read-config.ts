import { z } from "zod";
import { natsSettings } from "./nats-settings.ts";

/** A setting or a server that a service cannot run with. Its message is for the operator and says what to do. */
export class BootError extends Error {
  override readonly name = "BootError";
}

/**
 * Reads a service's settings from the environment into one frozen object. An empty variable counts as not set.
 * @throws {BootError} naming every variable that is wrong, all at once.
 */
export function readConfig<Schema extends z.ZodObject>(
  schema: Schema,
  env: NodeJS.ProcessEnv,
): Readonly<z.infer<Schema>> {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ""));
  const parsed = schema.safeParse(given);
  if (parsed.success) return Object.freeze(parsed.data);
  const faults = parsed.error.issues.map((issue) => {
    const name = issue.path.join(".");
    return given[name] === undefined ? `  ${name} is not set` : `  ${name}: ${issue.message}`;
  });
  throw new BootError(`these settings are wrong:\n${faults.join("\n")}`);
}

/** A TCP port; 0 takes any free one. */
export const portSchema = z.coerce.number().pipe(z.int().min(0).max(65_535));

/** A whole number between two bounds. */
export function integerSchema(min: number, max: number) {
  return z.coerce.number().pipe(z.int().min(min).max(max));
}

/** Settings that every service has. */
export const commonSettings = {
  LOG_LEVEL: z.enum(["trace", "debug", "info", "warn", "error", "fatal", "silent"]).default("info"),
  ...natsSettings,
  /** Where a new JetStream stream keeps its copies: 1 on a single server, 3 on a cluster. */
  NATS_REPLICAS: integerSchema(1, 5).default(1),
};
