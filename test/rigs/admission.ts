import { Admission, type AdmissionDeps } from "../../services/stream/admission/admission.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";

/** Limits that nobody comes near. */
export const NO_LIMITS = {
  connectionsPerSession: 1_000_000,
  connectionsPerSubject: 1_000_000,
  connectionsPerAddress: 1_000_000,
  handshakesPerSubjectPerMinute: 1_000_000,
  handshakesPerAddressPerMinute: 1_000_000,
  pollsPerSubjectPerMinute: 1_000_000,
  pollsPerAddressPerMinute: 1_000_000,
};

/** So many places, and no other limit but what `change` says. */
export function createAdmission(places: number, change: Partial<AdmissionDeps> = {}): Admission {
  return new Admission({
    places,
    pools: new Map(),
    limits: NO_LIMITS,
    counts: new SharedCounts(1),
    wall: () => 0,
    ...change,
  });
}
