import { randomBytes } from "node:crypto";
import { z } from "zod";
import { AUDIT_STREAM, auditSubject } from "#shared/contract/audit-log.ts";
import { ALL_CONNECTIONS, CONNECTIONS_STREAM } from "#shared/contract/connection-log.ts";
import {
  BEFORE_FENCE_METADATA,
  FENCED_AT_METADATA,
  FENCED_METADATA,
  HOLES_METADATA,
  LOST_METADATA,
  MIRRORED_METADATA,
  ORIGIN_METADATA,
  OWN_METADATA,
  TERM_METADATA,
} from "#shared/contract/home.ts";
import { holdingOf } from "#shared/nats/home/read-holding.ts";
import { settingsBeforeFence } from "#shared/nats/settings-before-fence.ts";
import { EPOCH_METADATA, logStreamName, logSubjects } from "#shared/contract/tenant-log.ts";

/** Settings stay as JetStream gives them: an update takes all of them. */
export const streamSchema = z.looseObject({
  config: z.looseObject({
    name: z.string(),
    subjects: z.array(z.string()).optional(),
    metadata: z.record(z.string(), z.string()).optional(),
    sealed: z.boolean().default(false),
    num_replicas: z.int().default(1),
    /** In nanoseconds; 0 where entries stay. */
    max_age: z.number().default(0),
    mirror: z.looseObject({ external: z.looseObject({ api: z.string() }).optional() }).optional(),
  }),
  state: z.looseObject({
    messages: z.int(),
    first_seq: z.int(),
    first_ts: z.string(),
    last_seq: z.int(),
    last_ts: z.string(),
    num_deleted: z.int().default(0),
    /** The sequences between the first and the last that it lacks, where that was asked. */
    deleted: z.array(z.int()).default([]),
  }),
  /** `active` in nanoseconds; -1 where it has never heard its original. */
  mirror: z.looseObject({ lag: z.int(), active: z.int() }).optional(),
  /** The servers that have it; a replica is `offline` that the others take for stopped. */
  cluster: z
    .looseObject({
      leader: z.string().optional(),
      replicas: z.array(z.looseObject({ name: z.string(), offline: z.boolean().default(false) })).nullish(),
    })
    .optional(),
  /** When this was said, by the server's clock. */
  ts: z.iso.datetime({ offset: true }),
});

/** A stream of a home, as JetStream describes it. */
export type HomeStream = z.infer<typeof streamSchema>;

/** What a home's stream is in a region: the one that is written, one that is not any more, or a copy of one elsewhere. */
export type Standing =
  | { readonly kind: "open"; readonly term: number }
  | { readonly kind: "fenced"; readonly term: number }
  | { readonly kind: "mirror"; readonly of: string; readonly term: number };

/** Whether a stream is one that a home consists of. */
export function isHomeStream(name: string): boolean {
  return subjectsOf(name) !== undefined;
}

/** What the stream is. One that only says that it is fenced, and is not sealed, can be opened by anybody's late update: it is open. */
export function standingOf({ config }: Pick<HomeStream, "config">): Standing {
  const holding = holdingOf({ config });
  const { term } = holding;
  if (holding.holds === "mirror") return { kind: "mirror", of: holding.of, term };
  return { kind: config.sealed && holding.holds === "fenced" ? "fenced" : "open", term };
}

/**
 * The settings of an original that takes nothing any more. It is sealed: JetStream lets nobody open a sealed stream again, so an
 * update that a process of before sends late is refused. Its subjects go: a publisher must not be refused by it while the
 * promoted log takes the event. `at`: when the stream that tells the seat was fenced, by the server's clock.
 */
export function fencedConfig({ config }: HomeStream, at: string): HomeStream["config"] {
  const { name, metadata = {} } = config;
  const term = metadata[TERM_METADATA] ?? "1";
  const before = Object.fromEntries(["subjects", ...Object.keys(SEALED)].map((key) => [key, config[key]]));
  return {
    ...config,
    ...SEALED,
    subjects: [`sluice.fenced.${name}`],
    metadata: {
      [BEFORE_FENCE_METADATA]: JSON.stringify(before),
      ...metadata,
      [TERM_METADATA]: term,
      [FENCED_METADATA]: term,
      [FENCED_AT_METADATA]: at,
    },
  };
}

/** What JetStream makes of a sealed stream; said so that it may be sealed again. */
const SEALED = {
  sealed: true,
  deny_delete: true,
  deny_purge: true,
  discard: "new",
  max_age: 0,
  allow_rollup_hdrs: false,
};

/** How a mirror becomes the original. */
export interface PromotionOf {
  readonly term: number;
  /** The region that is not asked: its original may have what the mirror has not, so that the log gets a new epoch. */
  readonly lost?: string | undefined;
  /** The original before it was fenced: its subjects are kept. Without it the log takes what a log of its name takes. */
  readonly original?: HomeStream | undefined;
  /** What the mirror lacks, as `holesOf` says it. */
  readonly holes?: string | undefined;
}

/** The settings of an original made of this mirror. */
export function promotedConfig({ config, state }: HomeStream, promotion: PromotionOf): HomeStream["config"] {
  const { mirror: _, mirror_direct: __, metadata = {}, name, ...kept } = config;
  const said = Object.entries(metadata).filter(([key]) => !OWN_METADATA.has(key) && key !== ORIGIN_METADATA);
  const hasNewEpoch = promotion.lost !== undefined && metadata[EPOCH_METADATA] !== undefined;
  return {
    ...kept,
    name,
    ...settingsOf(name),
    subjects: (promotion.original && settingsBeforeFence(promotion.original.config).subjects) ?? subjectsOf(name),
    metadata: {
      ...Object.fromEntries(said),
      [TERM_METADATA]: String(promotion.term),
      // Where the last entries of the original were deleted, it has nothing behind the mirror's.
      [MIRRORED_METADATA]: String(promotion.original?.state.last_seq ?? state.last_seq),
      ...(promotion.holes ? { [HOLES_METADATA]: promotion.holes } : {}),
      ...(hasNewEpoch ? { [EPOCH_METADATA]: randomBytes(6).toString("hex") } : {}),
      ...(promotion.lost === undefined ? {} : { [LOST_METADATA]: promotion.lost }),
    },
  };
}

/** When the home was fenced, in milliseconds since 1970 by the server's clock; undefined where no stream says it. */
export function fencedAt(streams: readonly HomeStream[]): number | undefined {
  const times = streams.flatMap(({ config: { metadata = {} } }) => metadata[FENCED_AT_METADATA] ?? []);
  return times.length === 0 ? undefined : Math.max(...times.map((time) => Date.parse(time)));
}

/** What a stream of that name takes; undefined where a home has none such. */
function subjectsOf(name: string): string[] | undefined {
  if (name === AUDIT_STREAM) return [auditSubject("*", "*")];
  if (name === CONNECTIONS_STREAM) return [ALL_CONNECTIONS];
  const [, bucket] = /^KV_(sluice_[a-z_]+)$/.exec(name) ?? [];
  if (bucket !== undefined) return [`$KV.${bucket}.>`];
  const [, tenant] = /^EVENTS_([A-Za-z0-9_-]{1,64})$/.exec(name) ?? [];
  return tenant !== undefined && logStreamName(tenant) === name ? logSubjects(tenant) : undefined;
}

/** What a mirror cannot have, and an original of that name needs. Its service puts right whatever else differs. */
function settingsOf(name: string): Record<string, unknown> {
  if (name === AUDIT_STREAM) return { deny_delete: true, deny_purge: true, discard: "old" };
  if (name === CONNECTIONS_STREAM) return { discard: "old" };
  if (name.startsWith("KV_"))
    return { allow_rollup_hdrs: true, deny_delete: true, discard: "new", allow_direct: false };
  return { allow_atomic: true, deny_delete: true, discard: "old", allow_direct: true };
}
