import { z } from "zod";
import { connectionEntrySchema } from "#shared/contract/connection-log.ts";
import { nodeSchema, openConnectionSchema } from "#shared/contract/edge-questions.ts";

const connectionSchema = openConnectionSchema.meta({ id: "Connection" });
const countSchema = z.int().min(0);

/** The health of clients. */
export const clientHealthSchema = z
  .object({
    seconds: z.number(),
    rows: z.array(
      z.object({
        transport: z.string(),
        family: z.string(),
        network: z.string(),
        region: z.string(),
        reports: countSchema,
        reconnects: countSchema,
        stalls: countSchema,
        firstEventP50Ms: z.number().nullable(),
        firstEventP95Ms: z.number().nullable(),
        fallbacks: z.record(z.string(), countSchema),
      }),
    ),
    partial: z.boolean(),
  })
  .meta({ id: "ClientHealth" });

/** A page of open streams. */
export const connectionsSchema = z
  .object({ connections: z.array(connectionSchema), next: z.string().optional(), partial: z.boolean() })
  .meta({ id: "Connections" });

/** One stream: as its worker has it, or what the connection log keeps of it. */
export const foundConnectionSchema = z
  .object({
    connection: connectionSchema.optional(),
    entries: z.array(connectionEntrySchema.meta({ id: "ConnectionEntry" })).optional(),
  })
  .meta({ id: "FoundConnection" });

/** How the workers of the edges are. */
export const nodesSchema = z
  .object({ nodes: z.array(nodeSchema.extend({ id: z.string() })), partial: z.boolean() })
  .meta({ id: "Nodes" });

/** An event as it was published. */
export const inspectedEventSchema = z
  .object({
    id: z.string(),
    at: z.iso.datetime(),
    topic: z.string(),
    type: z.string(),
    bytes: countSchema,
    attributes: z.record(z.string(), z.string()).nullable(),
    payload: z.string().nullable(),
  })
  .meta({ id: "InspectedEvent" });

/** Who of those who are connected sees an event. */
export const audienceSchema = z
  .object({
    people: z.array(
      z.object({
        subject: z.string(),
        connections: countSchema,
        matching: countSchema,
        allowed: z.boolean().nullable(),
      }),
    ),
    hasMore: z.boolean(),
    partial: z.boolean(),
  })
  .meta({ id: "Audience" });

/** What was erased. */
export const erasureSchema = z.object({ through: countSchema, erased: countSchema }).meta({ id: "Erasure" });

const process = {
  version: z.string(),
  reasons: z.array(z.object({ code: z.string(), detail: z.string() })),
  settings: z.record(z.string(), z.record(z.string(), z.string())).describe("By where they come from."),
};

/** How a process of policy is, and those that it was told of. */
export const healthSchema = z
  .object({
    ...process,
    others: z.array(
      z.union([
        z.object({ name: z.string(), service: z.string(), ...process }),
        z.object({ name: z.string(), fault: z.string() }),
      ]),
    ),
  })
  .meta({ id: "Health" });
