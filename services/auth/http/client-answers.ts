import { z } from "zod";

/** The only answer that ever holds a client's secret. */
export const clientSecretSchema = z
  .object({
    client_id: z.string(),
    secret_number: z.int(),
    client_secret: z.string().describe("Shown this once."),
    scope: z.string(),
  })
  .meta({ id: "ClientSecret" });

const secretSchema = z.object({
  number: z.int(),
  created_at: z.iso.datetime(),
  created_by: z.string(),
  last_used_at: z.iso.datetime().optional().describe("To the minute; absent before the first token."),
});

/** A tenant's service clients. */
export const clientsSchema = z
  .object({
    clients: z.array(
      z.looseObject({
        client_id: z.string(),
        from: z.enum(["file", "api"]).describe("Where it is kept: clients of the file are changed there."),
        state: z
          .enum(["active", "withdrawn", "unreadable"])
          .describe("`unreadable`: what is stored of it cannot be read; it gets no tokens, and may be withdrawn."),
        name: z.string().optional(),
        scope: z.string().optional(),
        secrets: z.array(secretSchema).optional(),
      }),
    ),
    limits: z.object({ clients: z.int(), secrets: z.int() }),
  })
  .meta({ id: "Clients" });
