import { z } from "zod";
import { nameSchema } from "#shared/contract/name-schema.ts";
import { readOptions } from "../shared/command.ts";
import { natsUrlOfProducer } from "../shared/nats-url.ts";

/** What `sluice demo publish` is asked to do. */
export interface PublishOptions {
  readonly tenant: string;
  readonly ratePerSecond: number;
  /** How many events in all; undefined for one pass, Infinity until somebody stops it. */
  readonly count: number | undefined;
  /** `nats://user:password@host:port` */
  readonly natsUrl: string;
}

const RATE_FAULT = "must be a number of events per second above 0, up to 10000";
const COUNT_FAULT = "must be a whole number of events above 0";

const optionsSchema = z
  .object({
    tenant: nameSchema,
    rate: z.coerce.number(RATE_FAULT).gt(0, RATE_FAULT).lte(10_000, RATE_FAULT),
    count: z.coerce.number(COUNT_FAULT).pipe(z.int(COUNT_FAULT).positive(COUNT_FAULT)).optional(),
    once: z.boolean().default(false),
  })
  .refine(({ once, count }) => !once || count === undefined, "give either --count or --once");

/**
 * Reads the options of the command line, and the environment.
 * @throws {ScriptError} saying what is wrong.
 */
export function readPublishOptions(given: unknown, env: NodeJS.ProcessEnv): PublishOptions {
  const { tenant, rate: ratePerSecond, count = Infinity, once } = readOptions(optionsSchema, given);
  return { tenant, ratePerSecond, count: once ? undefined : count, natsUrl: natsUrlOfProducer(tenant, env) };
}
