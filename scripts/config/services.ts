import type { BootLog } from "#shared/config/read-config.ts";
import { authSettings, readAuthConfig } from "../../services/auth/config.ts";
import { policySettings, readPolicyConfig } from "../../services/policy/config.ts";
import { publishSettings, readPublishConfig } from "../../services/publish/config.ts";
import { readStreamConfig, streamSettings } from "../../services/stream/config.ts";
import type { ServiceName } from "../shared/service-calls.ts";

/** How a service reads its settings. */
interface ServiceSettings {
  readonly schema: typeof authSettings | typeof policySettings | typeof publishSettings | typeof streamSettings;
  /** Reads all of them; throws a BootError that names every wrong one. */
  readonly read: (env: NodeJS.ProcessEnv, log: BootLog) => unknown;
}

/** The settings of each service, as the service itself reads them. */
export const SERVICE_SETTINGS: Readonly<Record<ServiceName, ServiceSettings>> = {
  auth: { schema: authSettings, read: readAuthConfig },
  policy: { schema: policySettings, read: readPolicyConfig },
  publish: { schema: publishSettings, read: readPublishConfig },
  stream: { schema: streamSettings, read: readStreamConfig },
};

/** The services, in the order in which their settings are listed. */
export const SERVICES = Object.keys(SERVICE_SETTINGS) as ServiceName[];
