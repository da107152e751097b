import { BootError, type BootLog } from "#shared/config/read-config.ts";
import type { ServiceName } from "../shared/service-calls.ts";
import type { Origins } from "./describe-settings.ts";
import { READERS } from "./services.ts";

/** What is wrong with a service's settings: with an error it would not start. */
export interface SettingsFault {
  readonly kind: "error" | "warning";
  /** It begins with the file and the line where a file sets the variable, else with the variable. */
  readonly message: string;
}

/** Everything that is wrong with the settings of a service, as its start would say it; no file that settings name is opened. */
export function checkSettings(service: ServiceName, env: NodeJS.ProcessEnv, origins: Origins): SettingsFault[] {
  const faults: SettingsFault[] = [];
  const add = (kind: SettingsFault["kind"], name: string, message: string): void => {
    const origin = origins.get(name);
    faults.push({ kind, message: origin === undefined ? message : `${origin}: ${message}` });
  };
  const log: BootLog = {
    info: () => undefined,
    warn(facts, message) {
      const { variable = "", nearest } = facts as { variable?: string; nearest?: string };
      const meant = nearest === undefined ? "" : `; is ${nearest} meant?`;
      add("warning", variable, `${variable}: ${message}${meant}`);
    },
  };
  try {
    READERS[service](env, log);
  } catch (error) {
    if (!(error instanceof BootError)) throw error;
    const [first = "", ...lines] = error.message.split("\n");
    for (const line of lines.length === 0 ? [first] : lines) {
      const message = line.trim();
      add("error", /^[A-Z0-9_]+/.exec(message)?.[0] ?? "", message);
    }
  }
  return faults;
}
