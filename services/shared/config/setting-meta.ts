import { z } from "zod";

const metaSchema = z.object({
  /** A phrase for people, in which names and values stand between backticks. */
  description: z.string(),
  /** A value that could be set. */
  example: z.string().optional(),
  /** The page that says more, below `docs/`. */
  see: z.string().optional(),
  /** Where the name does not end with it: `_MS`, `_SECONDS`, `_BYTES`. */
  unit: z.enum(["ms", "s", "bytes"]).optional(),
  /** Whether nobody may see the value. */
  secret: z.boolean().default(false),
});

/** What a setting means. Its schema carries it (`.describe`, `.meta`), and everything that is said of the setting comes from there. */
export type SettingMeta = Readonly<z.infer<typeof metaSchema>>;

/**
 * What the schema of a setting says of it.
 * @throws {z.ZodError} where it says nothing.
 */
export function settingMetaOf(schema: z.core.$ZodType): SettingMeta {
  return metaSchema.parse(z.globalRegistry.get(schema) ?? {});
}

/** A setting's description as a terminal shows it. */
export function plainDescription({ description }: Pick<SettingMeta, "description">): string {
  return description.replaceAll("`", "");
}
