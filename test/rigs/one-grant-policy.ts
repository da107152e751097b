import type { CallContext } from "#shared/async/call-context.ts";
import type { Version } from "#shared/contract/version.ts";
import { UNKNOWN_LIMITS } from "../../services/stream/admission/tenant-limits.ts";
import type { DecideAnswer, Decider, ResolveAnswer } from "../../services/stream/access/ports.ts";

const EVENT_MAP = [{ pattern: "order.*", permission: "order:read" }];

/** A version of the first build of its number. */
export function version(number: number): Version {
  return { number, build: `b${number}` };
}

/** Policy with one grant, whose answers can be held on their way back. */
export class OneGrantPolicy implements Decider {
  version: Version;
  allow = [">"];
  decided = 0;
  context: CallContext | undefined;
  /** What the last decision was to be at least. */
  atLeast: Version | undefined;
  #gate: { readonly reached: () => void; readonly open: Promise<void> } | undefined;

  constructor(number: number) {
    this.version = version(number);
  }

  hold(): { readonly reached: Promise<void>; readonly release: () => void } {
    const reached = Promise.withResolvers<void>();
    const opened = Promise.withResolvers<void>();
    this.#gate = { reached: reached.resolve, open: opened.promise };
    return { reached: reached.promise, release: opened.resolve };
  }

  async resolve(): Promise<ResolveAnswer> {
    const answer = {
      version: this.version,
      grant: { id: "viewer", roles: ["viewer"] },
      eventMap: EVENT_MAP,
      limits: UNKNOWN_LIMITS,
    };
    await this.#pass();
    return answer;
  }

  async decide(...[, , , atLeast, context]: Parameters<Decider["decide"]>): Promise<DecideAnswer> {
    this.decided += 1;
    this.atLeast = atLeast;
    this.context = context;
    const rules = { allow: this.allow, deny: [], allowWhen: [], denyWhen: [] };
    const answer = { version: this.version, rules };
    await this.#pass();
    return answer;
  }

  async #pass(): Promise<void> {
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.reached();
    await gate?.open;
  }
}
