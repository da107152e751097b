import type { CallContext } from "#shared/async/call-context.ts";
import type { Decider, SessionChecker } from "./ports.ts";
import { requireLiveSession } from "./live-session.ts";
import type { Identity } from "./registration.ts";

/** The edge, as far as a caller's permission is asked for. */
export interface PermissionDeps {
  readonly sessions: SessionChecker;
  readonly decider: Decider;
}

/**
 * Whether a caller holds a permission without any condition: by auth, which knows the session and the roles of this moment, and by
 * what policy's store holds now.
 * @throws {AppError} `session_ended`, `tenant_unknown`, `tenant_suspended`, `unavailable`.
 */
export async function holdsPermission(
  { sessions, decider }: PermissionDeps,
  identity: Identity,
  permission: string,
  context?: CallContext,
): Promise<boolean> {
  const present = await requireLiveSession(identity, { sessions }, context);
  const { tenant, subject } = identity;
  const { version, grant } = await decider.resolve(tenant, { ...subject, ...present }, undefined, context);
  const { rules } = await decider.decide(tenant, grant.id, permission, version);
  return rules.allow.includes(">") && rules.deny.length + rules.denyWhen.length === 0;
}
