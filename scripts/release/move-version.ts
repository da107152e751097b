import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { projectPath } from "../shared/project-folder.ts";
import { closeUnreleased } from "./close-unreleased.ts";

const CHANGELOG = join("docs", "CHANGELOG.md");
const CLIENT_CHANGELOG = join("services", "client", "CHANGELOG.md");

/** The files that name the version themselves, beside package.json, and where. */
const NAMED: Readonly<Record<string, RegExp>> = {
  [join("services", "client", "package.json")]: /(?<="version": ")[^"]+/,
  [join("infra", "kustomize", "example", "kustomization.yaml")]: /(?<=newTag: )[^ }]+/,
};

/**
 * Moves whatever names the version by itself to it, and closes the changelogs with the date.
 * @throws {ScriptError} where the project's changelog says nothing of the release; nothing is changed then.
 */
export async function moveVersion(version: string, date: Date, root: string): Promise<void> {
  const day = date.toISOString().slice(0, 10);
  const changelog = closeUnreleased(await readFile(join(root, CHANGELOG), "utf8"), version, day);
  const clients = await readFile(join(root, CLIENT_CHANGELOG), "utf8");
  await writeFile(join(root, CHANGELOG), changelog);
  await writeFile(join(root, CLIENT_CHANGELOG), closeUnreleased(clients, version, day, "- No change of its own."));
  for (const [file, place] of Object.entries(NAMED)) {
    const text = await readFile(join(root, file), "utf8");
    await writeFile(join(root, file), text.replace(place, version));
  }
}

/** Every version that a file of the project names, by the file: all are one. */
export async function namedVersions(root: string = projectPath()): Promise<ReadonlyMap<string, string | undefined>> {
  const versions = new Map<string, string | undefined>();
  for (const [file, place] of Object.entries(NAMED)) {
    versions.set(file, place.exec(await readFile(join(root, file), "utf8"))?.[0]);
  }
  return versions;
}
