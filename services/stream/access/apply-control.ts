import type { Validity } from "./decisions.ts";
import type { ControlEntry } from "../event.ts";
import type { Registration } from "./registration.ts";
import type { TenantAccess } from "./tenant-access.ts";
import { verifyGrant, verifySession, type VerifyDeps } from "./verify.ts";

const NOT_AT_ALL: Validity = { through: -1 };

/** To leave an audience takes 5 µs, and more with a hundred topics: so many are a step of half a millisecond. */
const PER_STEP = 50;

/** To end a stream writes to its socket, which takes 50 µs and more. */
const ENDS_PER_STEP = 10;

/**
 * Applies a control entry to every registered connection of the tenant, live, held or behind, before the feed reads the
 * next entry. This asks nothing: a reader whose rights may have changed is held from this entry on, and its registration asks
 * again in the tenant's turns. Every right that has changed is marked when this returns. Readers leave their audiences in
 * steps, which are finished before anything else of the tenant is done: ten thousand in one step kept everybody waiting.
 */
export function applyControl(
  tenant: TenantAccess,
  { change, position, storedAt }: ControlEntry,
  deps: VerifyDeps,
): void {
  const onRevoked = (): void => tenant.noteRevoked(storedAt);
  switch (change.of) {
    case "policy": {
      const affects = tenant.decisions.apply(change.entry, position.seq);
      if (affects === undefined) return;
      const { version: number, build } = change.entry;
      const validity = { through: position.seq - 1, endedBy: { number, build } };
      const affected = [...tenant.registrations].filter(({ principal }) => affects(principal));
      for (const registration of affected) registration.invalidateGrant(validity);
      inSteps(tenant, affected, (registration) => askGrantAgain(tenant, registration, deps));
      return;
    }
    case "session": {
      const { entry } = change;
      const registrations = [...tenant.registrations];
      if ("sid" in entry) {
        const ended = registrations.filter(({ identity }) => identity.sid === entry.sid);
        return endRegistrations(tenant, ended, "revoked", onRevoked);
      }
      const changed = registrations.filter(({ identity }) => identity.subject.id === entry.sub);
      for (const registration of changed) registration.invalidateSession();
      inSteps(tenant, changed, (registration) => askSessionAgain(tenant, registration, deps));
      return;
    }
    case "tenant":
      if (change.entry.state === "active") return;
      endRegistrations(tenant, [...tenant.registrations], "forbidden", onRevoked);
      return;
    case "erased":
      // The log itself obeys an erasure; it changes no rights.
      return;
    case "unknown":
      tenant.decisions.invalidateAll(position.seq);
      invalidateEverything(tenant, deps);
  }
}

/** Asks again for every session and grant of the tenant: an entry, or the log itself, cannot be relied on. */
export function invalidateEverything(tenant: TenantAccess, deps: VerifyDeps): void {
  for (const registration of tenant.registrations) {
    registration.invalidateSession();
    registration.invalidateGrant(NOT_AT_ALL);
  }
  inSteps(tenant, [...tenant.registrations], (registration) => {
    askSessionAgain(tenant, registration, deps);
    askGrantAgain(tenant, registration, deps);
  });
}

/** Asks again for every grant of the tenant: its log is gone, and policy knows whether the tenant is. */
export function invalidateGrants(tenant: TenantAccess, deps: VerifyDeps): void {
  for (const registration of tenant.registrations) registration.invalidateGrant(NOT_AT_ALL);
  inSteps(tenant, [...tenant.registrations], (registration) => askGrantAgain(tenant, registration, deps));
}

/** Does this for each registration that is still there, and is done before anything else of the tenant is. */
function inSteps(
  { turns, registrations: present }: TenantAccess,
  registrations: readonly Registration[],
  act: (registration: Registration) => void,
  perStep = PER_STEP,
): void {
  let next = 0;
  turns.finish(() => {
    for (const registration of registrations.slice(next, next + perStep))
      if (present.has(registration)) act(registration);
    next += perStep;
    return next < registrations.length;
  });
}

function askSessionAgain(tenant: TenantAccess, registration: Registration, deps: VerifyDeps): void {
  registration.stream?.leaveAudience();
  askInTurn(tenant, registration, () => verifySession(registration, tenant, deps));
}

/** A registration and its tenant. */
export interface Registered {
  readonly tenant: TenantAccess;
  readonly registration: Registration;
}

/**
 * Holds all of these until auth has answered again, and policy where a grant ends by the clock. Every session is invalid
 * before the first reader leaves its audience: leaving writes what is pending to the others.
 */
export function invalidateSessions(all: readonly Registered[], deps: VerifyDeps): void {
  for (const { registration } of all) {
    registration.invalidateDeadline();
    if (hasGrantByClock(registration)) registration.invalidateGrant(NOT_AT_ALL);
  }
  for (const [tenant, registrations] of byTenant(all)) {
    inSteps(tenant, registrations, (registration) => {
      askSessionAgain(tenant, registration, deps);
      if (hasGrantByClock(registration)) askGrantAgain(tenant, registration, deps);
    });
  }
}

/** Whether the grant ends by the clock. */
function hasGrantByClock({ grantEndsAt }: Registration): boolean {
  return Number.isFinite(grantEndsAt);
}

function byTenant(all: readonly Registered[]): ReadonlyMap<TenantAccess, readonly Registration[]> {
  const grouped = Map.groupBy(all, ({ tenant }) => tenant);
  return new Map([...grouped].map(([tenant, some]) => [tenant, some.map(({ registration }) => registration)]));
}

/** Asks again for a grant after one of its bindings has ended; it delivers nothing more. */
export function endGrant({ tenant, registration }: Registered, deps: VerifyDeps): void {
  registration.invalidateGrant(NOT_AT_ALL);
  askGrantAgain(tenant, registration, deps);
}

function askGrantAgain(tenant: TenantAccess, registration: Registration, deps: VerifyDeps): void {
  registration.stream?.leaveAudience();
  askInTurn(tenant, registration, () => verifyGrant(registration, tenant, deps));
}

/** To hold ten thousand readers takes milliseconds; to ask for all of them at once would take a tenth of a second. */
function askInTurn({ turns }: TenantAccess, registration: Registration, ask: () => Promise<void>): void {
  turns.run(() => {
    ask().catch(() => forbid(registration));
    return false;
  });
}

/** Ends the streams, or the attempts to open one, whose right was taken away, in the steps of their tenants. */
export function revokeAll(all: readonly Registered[]): void {
  for (const [tenant, registrations] of byTenant(all)) endRegistrations(tenant, registrations, "revoked");
}

function endRegistrations(
  tenant: TenantAccess,
  registrations: readonly Registration[],
  reason: "revoked" | "forbidden",
  onRevoked?: () => void,
): void {
  for (const registration of registrations) registration.end(reason);
  const revoke = ({ stream }: Registration): void => {
    if (stream === undefined) return;
    stream.revoke(reason);
    onRevoked?.();
  };
  inSteps(tenant, registrations, revoke, ENDS_PER_STEP);
}

/** Ends a stream, or the attempt to open one: nobody has a right to it. */
function forbid(registration: Registration): void {
  registration.end("forbidden");
  registration.stream?.revoke("forbidden");
}
