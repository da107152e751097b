import { createHash } from "node:crypto";
import type { Hono } from "hono";
import { ignoreMissing } from "#shared/files/ignore-missing.ts";
import { AppError } from "#shared/errors/app-error.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { answerBuiltFile, type BuiltFile, KEPT_FOR_GOOD, readBuiltFile } from "#shared/http/built-file.ts";

/** Where `npm run client` puts it. */
const FILE = new URL("../../../.sluice/client/v1.js", import.meta.url);

/** The version that pages ask for follows a release within so many seconds. */
const FOLLOWS_SECONDS = 300;

/** The client for pages that are built by nothing. */
interface ClientScript {
  readonly file: BuiltFile;
  /** Its path as long as it is this very file. */
  readonly pinned: string;
  /** What browsers compare it with (Subresource Integrity). */
  readonly integrity: string;
}

/**
 * Adds the client as a script for pages of every origin: `/client/v1.js` is the version of the edge's release, and the path
 * that `/client/v1.json` names is that file for good. `load` is asked until it answers one: it may be built later.
 */
export function addClientScript(api: Hono, load = loadClientScript): void {
  let loaded: ClientScript | undefined;
  const find = async (): Promise<ClientScript> => {
    loaded ??= await load();
    if (loaded === undefined) throw new AppError("not_found", "the client is not built here: npm run client");
    return loaded;
  };
  const page = describeCall("page");
  api.use("/client/*", async (c, next) => {
    await next();
    // Every page may read it, and none with its cookies: browsers refuse `*` together with credentials.
    c.res.headers.set("access-control-allow-origin", "*");
  });
  api.get("/client/v1.js", page, async (c) =>
    answerBuiltFile(c, (await find()).file, { ...FOR_ALL, "cache-control": `public, max-age=${FOLLOWS_SECONDS}` }),
  );
  api.get("/client/v1.json", page, async (c) => {
    const { pinned, integrity } = await find();
    return c.json({ path: pinned, integrity }, 200, { ...FOR_ALL, "cache-control": "no-cache" });
  });
  api.get("/client/:pinned{v1-[A-Za-z0-9_-]+\\.js}", page, async (c) => {
    const { file, pinned } = await find();
    if (c.req.path === pinned) return answerBuiltFile(c, file, { ...FOR_ALL, "cache-control": KEPT_FOR_GOOD });
    throw new AppError("not_found", "this edge has another release of the client: /client/v1.json names it");
  });
}

/** A script of another origin is a module, which browsers load by CORS. It is public, and no cookie goes along. */
const FOR_ALL = {
  "cross-origin-resource-policy": "cross-origin",
  "x-content-type-options": "nosniff",
};

async function loadClientScript(): Promise<ClientScript | undefined> {
  const file = await readBuiltFile(FILE, "text/javascript; charset=utf-8").catch(ignoreMissing);
  if (file === undefined) return undefined;
  const digest = createHash("sha384").update(file.body).digest("base64");
  return { file, pinned: `/client/v1-${file.etag.slice(1, -1)}.js`, integrity: `sha384-${digest}` };
}
