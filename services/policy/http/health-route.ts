import type { Hono } from "hono";
import type { SettingsBySource } from "#shared/config/read-config.ts";
import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { authorizeOperator, type BearerDeps } from "./authorize.ts";

interface Health {
  /** Why this process takes no new work; nothing where it does. */
  readonly reasons: () => Promise<readonly ReadinessReason[]>;
  readonly settings: SettingsBySource;
}

/** Adds the call by which an operator sees how this process of policy is, and what it was set to: as its log says it. */
export function addHealthRoute(api: Hono, authorizeDeps: BearerDeps, { reasons, settings }: Health): void {
  api.get("/v1/health", async (c) => {
    await authorizeOperator(authorizeDeps, c);
    return c.json({ version: VERSION, reasons: await reasons(), settings });
  });
}
