import { frameSchemas } from "#shared/contract/frame-schemas.ts";
import type { Frame } from "./parse-frame.ts";

/**
 * Refuses a frame of the edge's own that is not as `docs/reference/schemas/frames.json` describes it. Events have a dot in their
 * names, or none.
 */
export function requireDescribed({ event, data }: Frame): void {
  const schema = (frameSchemas as Partial<Record<string, (typeof frameSchemas)[keyof typeof frameSchemas]>>)[event];
  if (schema === undefined) return;
  const parsed = schema.safeParse(data === "" ? "" : JSON.parse(data));
  if (!parsed.success) throw new Error(`the frame ${event} is not as described: ${data}: ${parsed.error.message}`);
}
