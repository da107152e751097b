import { readFile } from "node:fs/promises";
import type { Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { addWelcomePage, htmlHeaders, type Welcome } from "../welcome-page.ts";
import { describeCall } from "./describe-call.ts";
import { API_STYLE, apiPage, type ShownDocument } from "./api-page.ts";

/** A service whose calls a document describes. */
export type DescribedService = "auth" | "policy" | "publish" | "stream";

/** Where `npm run gen` writes what the routes say of themselves. */
const FOLDER = new URL("../../../../docs/reference/openapi/", import.meta.url);

/** How long others may keep the description, in seconds. */
const MAX_AGE = 300;

/**
 * Adds the description of an API's calls, as a document of OpenAPI at `/openapi.json` and as a page at `/openapi`, and the page at
 * `/` with a link to it. Both are public, and made once.
 */
export function addApiDescription(api: Hono, welcome: Welcome, service: DescribedService): void {
  const link = { href: "/openapi", text: "its calls, described (OpenAPI 3.1)" };
  addWelcomePage(api, { ...welcome, links: [...welcome.links, link] });
  const page = describeCall("page");
  const headers = { "cache-control": `public, max-age=${MAX_AGE}` };
  let read: Promise<ReadDescription> | undefined;
  const readOnce = (): Promise<ReadDescription> =>
    (read ??= readDescription(service).catch((error: unknown) => {
      // The file may come with the next try.
      read = undefined;
      throw error;
    }));

  api.get("/openapi.json", page, async (c) =>
    c.body((await readOnce()).text, 200, { "content-type": "application/json", ...headers }),
  );
  api.get("/openapi", page, async (c) => {
    const described = await readOnce();
    described.html ??= apiPage(described.document);
    return c.body(described.html, 200, { ...htmlHeaders(API_STYLE), ...headers });
  });
}

interface ReadDescription {
  readonly document: ShownDocument;
  readonly text: string;
  html?: string;
}

async function readDescription(service: DescribedService): Promise<ReadDescription> {
  const text = await readFile(new URL(`${service}.json`, FOLDER), "utf8").catch((cause: unknown) => {
    throw new AppError("not_found", "this installation has no description of its calls", { cause });
  });
  const document = JSON.parse(text) as ShownDocument;
  return { document, text: JSON.stringify(document) };
}
