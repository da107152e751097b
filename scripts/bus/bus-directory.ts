import { join, resolve } from "node:path";
import { dataFolder } from "../shared/data-folder.ts";

/** The folder of nats-server's configuration: the one that was given, else `SLUICE_BUS_DIR`, else that of npm start. */
export function busDirectory(given: string | undefined, env: NodeJS.ProcessEnv): string {
  const named = given ?? (env["SLUICE_BUS_DIR"] || undefined);
  return named === undefined ? join(dataFolder(env), "nats-config") : resolve(named);
}
