import { z } from "zod";

/** The body of a call that pauses a subscription. */
export const pauseSchema = z.strictObject({ until: z.iso.datetime({ offset: true }).optional() });

/** Until when such a call pauses, in milliseconds since 1970, or until somebody resumes it: so does one without a body. */
export function pausedUntil({ until }: z.infer<typeof pauseSchema> = {}): number | "resumed" {
  return until === undefined ? "resumed" : Date.parse(until);
}

/** The body of a call about dead letters, of which it names those of these ids or all. */
export function deadSchemaOf(idsSchema: z.ZodType<string[]>, maxIds: number) {
  return z.union([z.strictObject({ ids: idsSchema }), z.strictObject({ all: z.literal(true) })], {
    error: `must be {"ids": […]} with up to ${maxIds} ids, or {"all": true}`,
  });
}

/** The dead letters that such a call names. */
export function deadNamedBy(body: z.infer<ReturnType<typeof deadSchemaOf>>): "all" | string[] {
  return "all" in body ? "all" : body.ids;
}
