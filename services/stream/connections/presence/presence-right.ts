import { AppError } from "#shared/errors/app-error.ts";
import { type Grant, STILL_VALID } from "../../access/grant.ts";
import type { Registration } from "../../access/registration.ts";
import type { Residual } from "../../access/residual.ts";
import type { TenantAccess } from "../../access/tenant-access.ts";

/** To see who listens to a topic. */
export const READ_PRESENCE = "presence:read";

/** To see how many listen to a topic, and not who. */
export const COUNT_PRESENCE = "presence:count";

/** To see which topics a person listens to. */
export const READ_TOPICS = "presence:topics";

/** The topic pattern that has every topic under it: it stands for a question that names none. */
export const EVERY_TOPIC = ">";

/**
 * Refuses a person who has none of these permissions for everything under a topic pattern. Policy is asked what is not known yet.
 * @throws {AppError} `forbidden`, naming the permission; `unavailable`.
 */
export async function requirePresenceRight(
  { decisions }: Pick<TenantAccess, "decisions">,
  { grant }: Pick<Registration, "grant">,
  permissions: readonly string[],
  topic: string,
): Promise<void> {
  for (const permission of permissions) {
    const residual = await residualOf(decisions, grant, permission);
    if (residual === undefined) throw new AppError("unavailable", "your rights are changing; ask again");
    if (residual.allowsAllUnder(topic)) return;
  }
  const needed = permissions.join(" or ");
  const where = topic === EVERY_TOPIC ? "every topic" : `every topic under ${topic}`;
  throw new AppError("forbidden", `you need the permission ${needed} for ${where}`);
}

/** Undefined where a change has ended the grant meanwhile. */
async function residualOf(
  decisions: TenantAccess["decisions"],
  grant: Grant | undefined,
  permission: string,
): Promise<Residual | undefined> {
  if (grant === undefined) return undefined;
  if (grant.residualAt(permission, STILL_VALID) === undefined) await decisions.ask(grant, permission);
  return grant.residualAt(permission, STILL_VALID);
}

/**
 * Whether a stream may be told who listens to a topic. `held`: its session or its grant has to be confirmed first. `undecided`:
 * policy has to be asked for the permission.
 */
export type PresenceVerdict = "granted" | "denied" | "held" | "undecided";

/** Judges again and again whether a stream may be told who listens to a topic; it costs little while nothing has changed. */
export class PresenceRight {
  readonly #topic: string;
  #residual: Residual | undefined;
  #isAllowed = false;

  constructor(topic: string) {
    this.#topic = topic;
  }

  /** The verdict by the rights at this monotonic time. */
  judge(registration: JudgedRegistration, now: number): PresenceVerdict {
    const { grant, deadline = 0, ended } = registration;
    if (ended !== undefined) return "denied";
    if (grant === undefined || now >= deadline || registration.grantedThrough(now) !== STILL_VALID) return "held";
    const residual = grant.residualAt(READ_PRESENCE, STILL_VALID);
    if (residual === undefined) return "undecided";
    if (residual !== this.#residual)
      [this.#residual, this.#isAllowed] = [residual, residual.allowsAllUnder(this.#topic)];
    return this.#isAllowed ? "granted" : "denied";
  }
}

type JudgedRegistration = Pick<Registration, "grant" | "deadline" | "ended" | "grantedThrough">;
