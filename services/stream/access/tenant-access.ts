import type { TenantTurns } from "../turns/share.ts";
import type { Decisions } from "./decisions.ts";
import type { Registration } from "./registration.ts";

/** A tenant's registrations on this edge, and policy's decisions for them. */
export interface TenantAccess {
  readonly id: string;
  readonly decisions: Decisions;
  readonly registrations: Set<Registration>;
  readonly turns: Pick<TenantTurns, "run">;
}
