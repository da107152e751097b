import { copyFile, mkdir, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { parseJson } from "#shared/json/parse-json.ts";
import { type Region, type RegionFiles, regionSchema, renderCluster, renderRegion } from "../region/region-config.ts";
import { projectPath } from "../shared/project-folder.ts";
import { replaceFile } from "../shared/replace-file.ts";
import { ScriptError } from "../shared/run-script.ts";
import { writeIndex } from "./producers.ts";

/**
 * Writes the configuration of nats-server into a folder of one's own: infra/nats as this release has it, with the producers and
 * the region that the folder has already. What is added there later stays out of the project's files.
 */
export async function prepareBus(directory: string): Promise<void> {
  const region = await readRegion(directory);
  const main = projectPath("infra", "nats", "nats.conf");
  const cluster = projectPath("infra", "nats", "cluster", "nats.conf");
  await mkdir(join(directory, "producers"), { recursive: true });
  await mkdir(join(directory, "cluster"), { recursive: true });
  if (region === undefined) {
    await addDemoProducers(directory);
    await copyFile(main, join(directory, "nats.conf"));
    await copyFile(cluster, join(directory, "cluster", "nats.conf"));
  } else {
    await writeServers(directory, renderRegion(region, await readFile(main, "utf8")));
    const ofRegion = renderCluster(region, await readFile(cluster, "utf8"));
    await replaceFile(join(directory, "cluster", "nats.conf"), ofRegion);
  }
  await writeIndex(directory);
}

async function addDemoProducers(directory: string): Promise<void> {
  const producers = projectPath("infra", "nats", "producers");
  for (const file of await readdir(producers))
    await copyFile(join(producers, file), join(directory, "producers", file));
}

/** Has the folder's configuration be that of this region; answers what was written. */
export async function prepareRegion(directory: string, region: Region): Promise<RegionFiles> {
  await mkdir(directory, { recursive: true });
  await replaceFile(fileOfRegion(directory), `${JSON.stringify(region, null, 2)}\n`);
  await prepareBus(directory);
  return renderRegion(region, await readFile(projectPath("infra", "nats", "nats.conf"), "utf8"));
}

/**
 * The region whose configuration the folder has; undefined where there is only one.
 * @throws {ScriptError} when the file that says it cannot be used.
 */
export async function readRegion(directory: string): Promise<Region | undefined> {
  const path = fileOfRegion(directory);
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code !== "ENOENT") throw error;
  });
  if (text === undefined) return undefined;
  const { data, error } = regionSchema.safeParse(parseJson(text));
  if (data !== undefined) return data;
  const [fault] = error.issues;
  throw new ScriptError(
    `${path}: ${fault?.path.join(".")} ${fault?.message}; delete it, and sluice region config writes it anew, with every link open`,
  );
}

async function writeServers(directory: string, { main, homes }: RegionFiles): Promise<void> {
  await mkdir(join(directory, "homes"), { recursive: true });
  for (const [home, text] of homes) await replaceFile(join(directory, "homes", `${home}.conf`), text);
  await replaceFile(join(directory, "nats.conf"), main);
  for (const file of await readdir(join(directory, "homes"))) {
    if (!homes.has(file.replace(/\.conf$/, ""))) await rm(join(directory, "homes", file));
  }
}

function fileOfRegion(directory: string): string {
  return join(directory, "region.json");
}
