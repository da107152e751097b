import { resolve } from "node:path";
import { projectPath } from "./project-folder.ts";

/** Where `npm start` keeps its data: `SLUICE_DATA_DIR`, else `.sluice/data`. */
export function dataFolder(env: NodeJS.ProcessEnv): string {
  return resolve(projectPath(), env["SLUICE_DATA_DIR"] || ".sluice/data");
}
