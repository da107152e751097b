import type { Hono } from "hono";
import type { SettingsBySource } from "#shared/config/read-config.ts";
import type { ReadinessReason } from "#shared/lifecycle/readiness.ts";
import { BY_EXPLICIT_TOKEN } from "#shared/http/openapi/credentials.ts";
import { describeCall, jsonAnswer } from "#shared/http/openapi/describe-call.ts";
import { VERSION } from "#shared/lifecycle/version.ts";
import { ADMIN_ERRORS } from "./admin-calls.ts";
import { authorizeOperator, type BearerDeps } from "./authorize.ts";
import { healthSchema } from "./running-answers.ts";

const HEALTH = describeCall({
  id: "getHealth",
  tag: "What runs",
  summary: "Says how this process is, and what it is set to; for operators",
  by: BY_EXPLICIT_TOKEN,
  answers: { 200: jsonAnswer("Why it takes no new work, and its settings; secrets are masked.", healthSchema) },
  errors: ADMIN_ERRORS,
  example: { status: 200 },
});

interface Health {
  /** Why this process takes no new work; nothing where it does. */
  readonly reasons: () => Promise<readonly ReadinessReason[]>;
  readonly settings: SettingsBySource;
  /** The same of the other processes that policy was told of, each with its name; or why one says nothing. */
  readonly askOthers: () => Promise<readonly object[]>;
}

/** Adds the call by which an operator sees how this process of policy and the others are, and what they were set to: as their logs say it. */
export function addHealthRoute(api: Hono, authorizeDeps: BearerDeps, { reasons, settings, askOthers }: Health): void {
  api.get("/v1/health", HEALTH, async (c) => {
    await authorizeOperator(authorizeDeps, c);
    const [own, others] = await Promise.all([reasons(), askOthers()]);
    return c.json({ version: VERSION, reasons: own, settings, others });
  });
}
