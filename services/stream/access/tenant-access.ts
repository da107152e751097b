import type { Decisions } from "./decisions.ts";
import type { Registration } from "./registration.ts";

/** Who is registered with a tenant on this edge, and what policy has decided for them. */
export interface TenantAccess {
  readonly id: string;
  readonly decisions: Decisions;
  readonly registrations: Set<Registration>;
}
