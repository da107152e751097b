import type { Validity } from "../authorization/decisions.ts";
import type { ControlEntry } from "../event.ts";
import type { Stream } from "./hub.ts";
import type { Listing } from "./listing.ts";
import type { Tenant } from "./tenant.ts";
import { verifyGrant, verifySession, type VerifySetting } from "./verify.ts";

const NOT_AT_ALL: Validity = { through: -1 };

/**
 * Puts a control entry in force for every listed connection of the tenant, live, held or behind, before the feed reads the
 * next entry. Nothing is asked in here: who is in doubt is held from this entry on, and asks by himself.
 */
export function applyControl(tenant: Tenant, { change, position }: ControlEntry, setting: VerifySetting): void {
  switch (change.of) {
    case "policy": {
      const touches = tenant.decisions.apply(change.entry, position.seq);
      if (touches === undefined) return;
      const { version: number, build } = change.entry;
      const validity = { through: position.seq - 1, endedBy: { number, build } };
      for (const listing of tenant.listings) {
        if (touches(listing.whom)) doubtGrant(tenant, listing, validity, setting);
      }
      return;
    }
    case "session": {
      const { entry } = change;
      for (const listing of tenant.listings) {
        const { sid, subject } = listing.identity;
        if ("sid" in entry && entry.sid === sid) endListing(listing, "revoked");
        if ("sub" in entry && entry.sub === subject.id) doubtSession(tenant, listing, setting);
      }
      return;
    }
    case "tenant":
      if (change.entry.state === "active") return;
      for (const listing of tenant.listings) endListing(listing, "forbidden");
      return;
    case "unknown":
      tenant.decisions.doubtAll(position.seq);
      doubtEverything(tenant, setting);
  }
}

/** Has every session and grant of the tenant asked for again: an entry, or the log itself, cannot be relied on. */
export function doubtEverything(tenant: Tenant, setting: VerifySetting): void {
  for (const listing of tenant.listings) {
    doubtSession(tenant, listing, setting);
    doubtGrant(tenant, listing, NOT_AT_ALL, setting);
  }
}

/** Has every grant of the tenant asked for again: its log is gone, and policy knows whether the tenant is. */
export function doubtGrants(tenant: Tenant, setting: VerifySetting): void {
  for (const listing of tenant.listings) doubtGrant(tenant, listing, NOT_AT_ALL, setting);
}

/** Holds the reader until auth has answered again. */
function doubtSession(tenant: Tenant, listing: Listing, setting: VerifySetting): void {
  listing.doubtSession();
  listing.stream?.leaveAudience();
  verifySession(listing, tenant, setting).catch(() => endListing(listing, "forbidden"));
}

/**
 * Holds every one of these streams until auth has answered again, and policy where a grant ends by the clock. All are in
 * doubt before the first leaves its audience: leaving writes what is pending to the others.
 */
export function doubtSessions(streams: readonly Stream[], setting: VerifySetting): void {
  for (const { reader } of streams) reader.listing.doubtSession();
  for (const stream of streams) {
    doubtSession(stream.tenant, stream.reader.listing, setting);
    if (Number.isFinite(stream.reader.listing.grantEndsAt)) endGrant(stream, setting);
  }
}

/** Has a grant asked for again that a binding has ended of: by it, nothing is delivered any more. */
export function endGrant({ tenant, reader }: Stream, setting: VerifySetting): void {
  doubtGrant(tenant, reader.listing, NOT_AT_ALL, setting);
}

function doubtGrant(tenant: Tenant, listing: Listing, validity: Validity, setting: VerifySetting): void {
  listing.doubtGrant(validity);
  listing.stream?.leaveAudience();
  verifyGrant(listing, tenant, setting).catch(() => endListing(listing, "forbidden"));
}

/** Ends a stream, or the attempt to open one: the right to it is over. */
export function endListing(listing: Listing, reason: "revoked" | "forbidden"): void {
  listing.end(reason);
  listing.stream?.revoke(reason);
}
