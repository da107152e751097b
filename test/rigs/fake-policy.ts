import type { TenantLimits } from "../../services/stream/admission/tenant-limits.ts";
import type { Decider, EventRule, Subject } from "../../services/stream/access/ports.ts";

/** Policy as a test sets it. */
export class FakePolicy implements Decider {
  version = 1;
  allow = [">"];
  /** By permission; `allow` for every other one. */
  readonly allowed = new Map<string, string[]>();
  eventMap: readonly EventRule[] = [{ pattern: "order.*", permission: "order:read" }];
  /** The permissions that were asked about. */
  readonly decided: string[] = [];
  resolved = 0;
  grantId = "viewer";
  limits: TenantLimits = { tier: "default" };
  /** Every question fails with this, where it is set. */
  refusal: Error | undefined;
  remainingMs: number | undefined;
  readonly asked: Subject[] = [];
  #gate: { readonly asked: () => void; readonly open: Promise<void> } | undefined;

  hold(): { readonly asked: Promise<void>; readonly release: () => void } {
    const asked = Promise.withResolvers<void>();
    const open = Promise.withResolvers<void>();
    this.#gate = { asked: asked.resolve, open: open.promise };
    return { asked: asked.promise, release: open.resolve };
  }

  async resolve(_tenant: string, subject: Subject) {
    this.resolved += 1;
    this.asked.push(subject);
    const gate = this.#gate;
    this.#gate = undefined;
    gate?.asked();
    await gate?.open;
    if (this.refusal !== undefined) throw this.refusal;
    const { eventMap } = this;
    const grant = { id: this.grantId, roles: ["viewer"], remainingMs: this.remainingMs };
    return { version: this.#version(), grant, eventMap, limits: this.limits };
  }

  async decide(_tenant: string, _grant: string, permission: string) {
    this.decided.push(permission);
    const allow = this.allowed.get(permission) ?? this.allow;
    return { version: this.#version(), rules: { allow, deny: [], allowWhen: [], denyWhen: [] } };
  }

  #version() {
    return { number: this.version, build: `b${this.version}` };
  }
}
