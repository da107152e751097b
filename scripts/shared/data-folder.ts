import { resolve } from "node:path";
import { projectPath } from "./project-folder.ts";
import { readPortOffset } from "./read-ports.ts";

/** Where `npm start` keeps its data: `SLUICE_DATA_DIR`, else `.sluice/data`; a stack whose ports are moved has a folder of its own. */
export function dataFolder(env: NodeJS.ProcessEnv): string {
  const offset = readPortOffset(env);
  const own = offset === 0 ? ".sluice/data" : `.sluice/data-${offset}`;
  return resolve(projectPath(), env["SLUICE_DATA_DIR"] || own);
}
