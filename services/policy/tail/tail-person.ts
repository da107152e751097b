import type { FindRights } from "#shared/tokens/session-rights.ts";
import { decideQuestion } from "../decide/decide-question.ts";
import type { Subject } from "../decide/resolve-subject.ts";
import type { Snapshot } from "../decide/snapshot.ts";
import { trustedSubject } from "../decide/trusted-subject.ts";
import type { Snapshots } from "../versions/snapshots.ts";
import type { FilteredEvent } from "./viewer.ts";

/** What deciding for a person takes. */
export interface TailPersonDeps {
  readonly snapshots: Pick<Snapshots, "atLeast">;
  readonly find: FindRights;
  /** Milliseconds since 1970. */
  readonly wall: () => number;
  /** Auth's `iss`. */
  readonly ownIssuer: string;
}

/** A person whose events are looked for, with what they hold since the last `refresh`. */
export class TailPerson {
  readonly #deps: TailPersonDeps;
  readonly #tenant: string;
  readonly #id: string;
  #known: { readonly snapshot: Snapshot; readonly subject: Subject } | undefined;

  constructor(deps: TailPersonDeps, tenant: string, id: string) {
    this.#deps = deps;
    this.#tenant = tenant;
    this.#id = id;
  }

  /**
   * Asks auth what the person holds, and reads the policy in force. Of whom auth does not know only what the policy gives by name counts.
   * @throws {AppError} `unavailable`, `tenant_unknown`, `tenant_suspended`.
   */
  async refresh(): Promise<void> {
    const { snapshots, find, ownIssuer } = this.#deps;
    const [snapshot, rights] = await Promise.all([snapshots.atLeast(this.#tenant), find(this.#tenant, this.#id)]);
    const claimed = { id: this.#id, roles: [], groups: [], ...rights, scope: undefined };
    this.#known = { snapshot, subject: trustedSubject(snapshot, claimed, ownIssuer) };
  }

  /** Whether the person may see an event now; false before the first `refresh`, and of one whose attributes are not known. */
  sees({ event: { topic }, attributes }: FilteredEvent): boolean {
    if (this.#known === undefined || attributes === undefined) return false;
    const { snapshot, subject } = this.#known;
    return decideQuestion(snapshot, subject, { of: "event", topic, attributes }, this.#deps.wall());
  }
}
