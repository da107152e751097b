import { copyFile, mkdir, readdir } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../shared/project-folder.ts";
import { writeIndex } from "./producers.ts";

/**
 * Writes the configuration of nats-server into a folder of one's own: infra/nats as this release has it, and the producers that
 * the folder has already. What is added there later stays out of the project's files.
 */
export async function prepareBus(directory: string): Promise<void> {
  const template = projectPath("infra", "nats");
  for (const folder of ["producers", "cluster"]) await mkdir(join(directory, folder), { recursive: true });
  for (const file of ["nats.conf", "cluster/nats.conf"]) await copyFile(join(template, file), join(directory, file));
  for (const file of await readdir(join(template, "producers"))) {
    await copyFile(join(template, "producers", file), join(directory, "producers", file));
  }
  await writeIndex(directory);
}
