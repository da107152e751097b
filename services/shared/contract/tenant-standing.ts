import { z } from "zod";
import { tenantEntrySchema } from "./control-entry.ts";

/** The bucket in which policy keeps the tenants. Read it through its leader. */
export const POLICY_BUCKET = "sluice_policy";

/** What policy's store says of a tenant, under the tenant's name; a tenant that is deleted to the end has no entry. */
export const tenantStandingSchema = z.object({
  lifecycle: z.object({
    state: tenantEntrySchema.shape.state,
    /** The version of the tenant's policy that made it so. */
    since: z.int().min(0),
  }),
});
export type TenantStanding = z.infer<typeof tenantStandingSchema>["lifecycle"];
