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
  await mkdir(join(directory, "producers"), { recursive: true });
  await copyFile(join(template, "nats.conf"), join(directory, "nats.conf"));
  for (const file of await readdir(join(template, "producers"))) {
    await copyFile(join(template, "producers", file), join(directory, "producers", file));
  }
  await writeIndex(directory);
}
