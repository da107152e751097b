import type { TenantTurns } from "../turns/share.ts";
import type { Decisions } from "./decisions.ts";
import type { Registration } from "./registration.ts";
import type { Rights } from "./rights.ts";

/** A tenant's registrations on this edge, and policy's decisions for them. */
export interface TenantAccess {
  readonly id: string;
  readonly decisions: Decisions;
  readonly rights: Rights;
  readonly registrations: Set<Registration>;
  readonly turns: TenantTurns;
  /** A stream was ended whose right the entry of this time took away; milliseconds since 1970, by the broker's clock. */
  noteRevoked(storedAt: number): void;
}
