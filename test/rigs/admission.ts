import { Admission, type AdmissionDeps } from "../../services/stream/admission/admission.ts";
import { SharedCounts } from "#shared/limits/shared-counts.ts";

/** So many places, and no other limit but what `change` says. */
export function createAdmission(places: number, change: Partial<AdmissionDeps> = {}): Admission {
  const limits = {
    connectionsPerSession: 1_000_000,
    connectionsPerSubject: 1_000_000,
    connectionsPerAddress: 1_000_000,
    handshakesPerSubjectPerMinute: 1_000_000,
    handshakesPerAddressPerMinute: 1_000_000,
    pollsPerSubjectPerMinute: 1_000_000,
    pollsPerAddressPerMinute: 1_000_000,
  };
  return new Admission({ places, pools: new Map(), limits, counts: new SharedCounts(1), wall: () => 0, ...change });
}
