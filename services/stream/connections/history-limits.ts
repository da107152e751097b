import type { HistoryLimits } from "../log/history-turns.ts";
import type { Hub } from "./hub.ts";

/** The settings of how much history is read. */
interface HistorySettings {
  readonly STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE: number;
  readonly STREAM_HISTORY_TENANT_BYTES_PER_MINUTE: number;
}

/** The limits that the settings ask for. A tenant's own, by policy's newest answer, counts before the setting. */
export function historyLimitsOf(settings: HistorySettings, hub: Hub): Omit<HistoryLimits, "now"> {
  const ofTenant = settings.STREAM_HISTORY_TENANT_BYTES_PER_MINUTE;
  return {
    subjectBytesPerMinute: settings.STREAM_HISTORY_SUBJECT_BYTES_PER_MINUTE,
    historyBytesPerMinute: (tenant) => hub.tenant(tenant)?.decisions.limits.historyBytesPerMinute ?? ofTenant,
  };
}
