import type { z } from "zod";
import type { BootLog } from "#shared/config/read-config.ts";
import { authSettings, readAuthConfig } from "../../services/auth/config.ts";
import { policySettings, readPolicyConfig } from "../../services/policy/config.ts";
import { publishSettings, readPublishConfig } from "../../services/publish/config.ts";
import { readStreamConfig, streamSettings } from "../../services/stream/config.ts";
import type { ServiceName } from "../shared/service-calls.ts";
import { toolSettings } from "./tool-settings.ts";

/** Who reads a setting: a service, or `npm start`, compose and `sluice` together. */
export type SettingsOwner = ServiceName | "tools";

/** The schema by which each reads its settings. */
export const SCHEMAS: Readonly<Record<SettingsOwner, z.ZodObject>> = {
  auth: authSettings,
  policy: policySettings,
  publish: publishSettings,
  stream: streamSettings,
  tools: toolSettings,
};

/** How each service reads all of its settings; throws a BootError that names every wrong one. */
export const READERS: Readonly<Record<ServiceName, (env: NodeJS.ProcessEnv, log?: BootLog) => unknown>> = {
  auth: readAuthConfig,
  policy: readPolicyConfig,
  publish: readPublishConfig,
  stream: readStreamConfig,
};

/** The services, and the tools. */
export const OWNERS = Object.keys(SCHEMAS) as SettingsOwner[];
