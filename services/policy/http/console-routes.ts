import type { Context, Hono } from "hono";
import { AppError } from "#shared/errors/app-error.ts";
import { answerBuiltFile, KEPT_FOR_GOOD } from "#shared/http/built-file.ts";
import { escapeHtml } from "#shared/http/escape-html.ts";
import { describeCall } from "#shared/http/openapi/describe-call.ts";
import { type BuiltConsole, loadConsole } from "./load-console.ts";

/** The settings of policy by which the console knows where it is. */
interface ConsoleConfig {
  readonly AUTH_ISSUER: string;
  readonly SLUICE_DEMO: "0" | "1";
  readonly STREAM_HTTP_PORT: number;
  readonly POLICY_PUBLISH_URL?: string | undefined;
}

/** What the console's page is told; `services/console/context/settings.ts` reads it. */
interface ConsoleSettings {
  /** Where people log in; undefined where the issuer's name is no address. */
  readonly authUrl: string | undefined;
  /** Where people publish; undefined where the operator has not said. */
  readonly publishUrl: string | undefined;
  /** The demo's accounts, which its documents name too. */
  readonly demo?: {
    readonly operatorToken: string;
    /** The edge, for lines that a shell runs. */
    readonly streamUrl: string;
    readonly tenant: string;
    readonly username: string;
    readonly password: string;
  };
}

const BUILD_FIRST = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Sluice console</title>
<h1>The console is not built</h1>
<p>Build it with <code>npm run console</code>, and load this page again. The images have it.</p>
</html>
`;

/**
 * Adds the console: its page at `/console` and below, and its files. They are public, and give no right: the API that the page
 * calls asks for a token. `load` is asked until it answers a console.
 */
export function addConsole(api: Hono, config: ConsoleConfig, load = loadConsole): void {
  const settings = settingsOf(config);
  let built: BuiltConsole | undefined;
  const find = async (): Promise<BuiltConsole | undefined> => (built ??= await load());
  const policy = contentPolicy(settings);

  const answerPage = async (c: Context): Promise<Response> => {
    const found = await find();
    const html = found?.page.replace("{{SETTINGS}}", () => escapeHtml(JSON.stringify(settings))) ?? BUILD_FIRST;
    return c.body(html, found === undefined ? 503 : 200, {
      "content-type": "text/html; charset=utf-8",
      "cache-control": "no-store",
      "content-security-policy": policy,
      "cross-origin-opener-policy": "same-origin",
      "referrer-policy": "no-referrer",
    });
  };
  const page = describeCall("page");
  for (const path of ["/console", "/console/", "/console/:screen"]) api.get(path, page, answerPage);

  api.get("/console/assets/:file", page, async (c) => {
    const file = (await find())?.files.get(c.req.param("file"));
    if (file === undefined) throw new AppError("not_found", "the console has no such file: load its page again");
    return answerBuiltFile(c, file, { "cache-control": KEPT_FOR_GOOD });
  });
}

/** An issuer whose name is no address is not where people log in. The demo's accounts are public. */
function settingsOf({ AUTH_ISSUER: issuer, ...config }: ConsoleConfig): ConsoleSettings {
  const authUrl = /^https?:/.test(issuer) && URL.canParse(issuer) ? issuer : undefined;
  const publishUrl = config.POLICY_PUBLISH_URL;
  if (config.SLUICE_DEMO === "0") return { authUrl, publishUrl };
  const person = { tenant: "demo", username: "carol", password: "sluice-demo" };
  const streamUrl = `http://localhost:${config.STREAM_HTTP_PORT}`;
  return { authUrl, publishUrl, demo: { operatorToken: "sluice-demo-operator", streamUrl, ...person } };
}

/** The page runs its own files and nothing in it, talks to policy, auth and the publisher, and stands in no other page's frame. */
function contentPolicy({ authUrl, publishUrl }: ConsoleSettings): string {
  const others = [authUrl, publishUrl].flatMap((url) => (url === undefined ? [] : [new URL(url).origin]));
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src data:",
    ["connect-src 'self'", ...others].join(" "),
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join("; ");
}
