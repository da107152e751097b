import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { expect } from "vitest";
import { ensureConsole } from "../../scripts/console/build-console.ts";
import { ensureDocs } from "../../scripts/docs/build-docs.ts";
import { freePort } from "./ports.ts";
import { startBrowser } from "./start-browser.ts";
import { OPERATOR_TOKEN, type Stack, startStack } from "./start-stack.ts";

/** The console in a browser, on the three services. */
export interface ConsoleRig extends AsyncDisposable {
  readonly stack: Stack;
  readonly browser: Browser;
  /** Where the console is, without a slash at the end. */
  readonly url: string;
  /** Auth's own name, as every service must know it. */
  readonly authUrl: string;
  /** A page of its own at the address behind `/console`, logged in as the operator or, with `who: "nobody"`, not at all. */
  open(path: string, options?: OpenOptions): Promise<Page>;
}

interface OpenOptions {
  readonly who?: "operator" | "nobody";
  readonly width?: number;
}

/** Builds the console and the documentation where they have to be, and starts the services and a browser; `policySettings` override those of policy. */
export async function startConsole(policySettings: NodeJS.ProcessEnv = {}): Promise<ConsoleRig> {
  await using starting = new AsyncDisposableStack();
  await ensureConsole(() => {});
  await ensureDocs(() => {});
  const [auth, policy, grpc] = [await freePort(), await freePort(), await freePort()];
  const url = `http://localhost:${policy}`;
  const issuer = { AUTH_ISSUER: `http://localhost:${auth}` };
  const stack = starting.use(
    await startStack({
      auth: {
        ...issuer,
        AUTH_HTTP_PORT: String(auth),
        AUTH_ALLOWED_ORIGINS: url,
        POLICY_GRPC_URL: `127.0.0.1:${grpc}`,
        POLICY_OPERATOR_TOKEN: OPERATOR_TOKEN,
      },
      policy: { ...issuer, POLICY_HTTP_PORT: String(policy), POLICY_GRPC_PORT: String(grpc), ...policySettings },
      stream: issuer,
    }),
  );
  const browser = starting.adopt(await startBrowser(), (started) => started.close());
  const running = starting.move();
  return {
    stack,
    browser,
    url,
    authUrl: issuer.AUTH_ISSUER,
    async open(path, { who = "operator", width = 1_440 } = {}) {
      const page = await (await browser.newContext({ viewport: { width, height: 900 } })).newPage();
      // Less than a test may take: its failure says what was waited for.
      page.setDefaultTimeout(20_000);
      const held = JSON.stringify({ kind: "operator", token: OPERATOR_TOKEN });
      if (who === "operator") await page.addInitScript((text) => sessionStorage.setItem("sluice-console", text), held);
      await page.goto(`${url}/console${path}`);
      return page;
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** A page of a person who is logged in, at a screen. */
export async function openAs(rig: ConsoleRig, username: string, screen: string): Promise<Page> {
  const page = await rig.open(screen, { who: "nobody" });
  await page.getByRole("textbox", { name: "Tenant" }).fill("demo");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill("sluice-demo");
  await page.getByRole("button", { name: "Log in" }).click();
  return page;
}

/** What axe says of the page; the test fails with each violation and where it is. */
export async function expectNoViolations(page: Page): Promise<void> {
  // Not as a script of the page: its content policy takes none.
  await page.evaluate(axe.source);
  const violations = await page.evaluate(async () => {
    const window = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } };
    return (await window.axe.run()).violations.map(
      ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`,
    );
  });
  expect(violations).toEqual([]);
}

interface Violation {
  readonly id: string;
  readonly nodes: readonly { readonly html: string }[];
}
