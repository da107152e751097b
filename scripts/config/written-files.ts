import { readFile } from "node:fs/promises";
import { projectPath } from "../shared/project-folder.ts";
import { SERVICES } from "../shared/service-calls.ts";
import { envExample } from "./env-example.ts";
import { jsonSchemaOf } from "./json-schema.ts";
import { settingNames, settingsPage, writeTables } from "./settings-page.ts";

/** A file that is written from the schemas of the settings. */
export interface WrittenFile {
  /** Below the project's folder. */
  readonly path: string;
  readonly text: string;
}

/** Everything that is written from the schemas: pages, JSON Schemas, `.env.example`, and the names that services know. */
export async function writtenFiles(): Promise<WrittenFile[]> {
  const pages = SERVICES.map(async (service) => {
    const path = `docs/reference/settings-${service}.md`;
    return { path, text: writeTables(await readFile(projectPath(path), "utf8"), service) };
  });
  const schemas = SERVICES.map((service) => ({
    path: `docs/reference/schemas/settings-${service}.json`,
    text: `${JSON.stringify(jsonSchemaOf(service), null, 2)}\n`,
  }));
  return [
    { path: "docs/reference/settings.md", text: settingsPage() },
    ...(await Promise.all(pages)),
    ...schemas,
    { path: ".env.example", text: envExample() },
    { path: "services/shared/config/known-settings.ts", text: knownSettings() },
  ];
}

/** A service cannot read the schemas of the others. */
function knownSettings(): string {
  const names = settingNames().map((name) => `  "${name}",\n`);
  return `/**
 * Every variable of ours: those of all services, of the scripts and of docker-compose.yml. Services of one installation often
 * share an environment, so that one finds the others' settings in it. It is written by \`npm run gen\`.
 */
export const KNOWN_SETTINGS: readonly string[] = [
${names.join("")}];
`;
}
