import { z } from "zod";
import { type Transport, TRANSPORTS } from "#shared/protocol/transports.ts";

const EXPECTED = `must be some of ${TRANSPORTS.join(",")}, with commas between; sse is always among them`;

/** The transports that are on, with commas between; a plain EventSource must always do. */
const transportsSchema = z
  .string()
  .default(TRANSPORTS.join(","))
  .transform((text, context): readonly Transport[] => {
    const named = new Set(text.split(",").map((name) => name.trim()));
    const on = TRANSPORTS.filter((transport) => named.has(transport));
    if (on.length === named.size && named.has("sse")) return on;
    context.addIssue({ code: "custom", message: EXPECTED });
    return z.NEVER;
  });

/** Which transports the edge speaks. */
export const transportSettings = {
  STREAM_TRANSPORTS: transportsSchema.meta({
    description: `the transports that the edge speaks, with commas, by default \`${TRANSPORTS.join(",")}\`; \`sse\` is always among them`,
    example: "sse,poll",
    see: "guides/other-roads.md#turn-a-road-off",
  }),
};
