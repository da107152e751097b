/** Why a client left a road for another: nothing came, it came late and together, a page's origin, or a status. */
export const FALLBACK_REASONS = ["timeout", "buffered", "cors_blocked", "status"] as const;

export type FallbackReason = (typeof FALLBACK_REASONS)[number];

/** How fast a client's network is, as its browser sees it. */
export const NETWORKS = ["slow-2g", "2g", "3g", "4g"] as const;
