import { z } from "zod";
import { BEFORE_FENCE_METADATA } from "#shared/contract/home.ts";
import { parseJson } from "#shared/json/parse-json.ts";

const settingsSchema = z
  .object({
    subjects: z.array(z.string()),
    deny_delete: z.boolean(),
    deny_purge: z.boolean(),
    discard: z.enum(["old", "new"]),
    max_age: z.number(),
    allow_rollup_hdrs: z.boolean(),
  })
  .partial();

/** The settings that a fenced original had before, of those that the fence has changed. */
export type SettingsBeforeFence = z.infer<typeof settingsSchema>;

/** Reads them from its metadata; empty for a stream that is not fenced, or does not say so. */
export function settingsBeforeFence({
  metadata = {},
}: {
  readonly metadata?: Readonly<Record<string, string>> | undefined;
}): SettingsBeforeFence {
  const text = metadata[BEFORE_FENCE_METADATA];
  return text === undefined ? {} : settingsSchema.parse(parseJson(text));
}
