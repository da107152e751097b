import { readFile } from "node:fs/promises";
import { projectPath } from "../shared/project-folder.ts";
import { asyncDocument } from "./async-document.ts";
import { documentOf, walkRoutes } from "./describe-api.ts";
import { jsonSchemas } from "./json-schemas.ts";
import { serviceApis } from "./service-apis.ts";

/** The documents of OpenAPI, by their files. */
export function openApiFiles(): ReadonlyMap<string, object> {
  return new Map(
    serviceApis().map((described) => {
      const { calls } = walkRoutes(described.api);
      return [`docs/reference/openapi/${described.service}.json`, documentOf(calls, described)];
    }),
  );
}

/** The document of AsyncAPI. */
export const ASYNC_FILE = "docs/reference/asyncapi.json";

/** Everything that is made of the code's schemas, by its file. */
export function apiFiles(): ReadonlyMap<string, object> {
  const schemas = Object.entries(jsonSchemas());
  return new Map<string, object>([
    ...openApiFiles(),
    [ASYNC_FILE, asyncDocument()],
    ...schemas.map(([name, schema]) => [`docs/reference/schemas/${name}.json`, schema] as const),
  ]);
}

/** A file as it is checked in; undefined where it is not there. */
export async function readApiFile(file: string): Promise<Record<string, unknown> | undefined> {
  const text = await readFile(projectPath(file), "utf8").catch(() => undefined);
  return text === undefined ? undefined : (JSON.parse(text) as Record<string, unknown>);
}
