import { fileURLToPath } from "node:url";
import type { Browser, Page } from "playwright-core";
import { createElement, type ReactNode } from "react";
import { build } from "vite";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBrowser } from "#test/support/start-browser.ts";
import { useStream } from "../../services/client/frameworks/react.ts";
import type { FrameworksPage } from "../../services/client/frameworks/testing/frameworks-page.ts";

declare global {
  var frameworks: FrameworksPage;
}

let browser: Browser;
let page: Page;

beforeAll(async () => {
  browser = await startBrowser();
  page = await browser.newPage();
  await page.setContent("<!doctype html><title>frameworks</title>");
  await page.addScriptTag({ type: "module", content: await bundlePage() });
  await page.waitForFunction("globalThis.frameworks !== undefined");
});
afterAll(() => browser.close());

/** The page's script, as a user's bundler makes it. */
async function bundlePage(): Promise<string> {
  const result = await build({
    configFile: false,
    logLevel: "error",
    mode: "development",
    define: { "process.env.NODE_ENV": `"development"` },
    build: {
      write: false,
      minify: false,
      lib: {
        entry: fileURLToPath(new URL("../../services/client/frameworks/testing/page.ts", import.meta.url)),
        formats: ["es"],
      },
      rolldownOptions: { output: { codeSplitting: false } },
    },
  });
  const [first] = [result].flat();
  if (first === undefined || !("output" in first)) throw new Error("nothing was bundled");
  return first.output[0].code;
}

test.for(["react", "vue", "svelte"] as const)(
  "a component of %s follows one stream while it is mounted",
  async (name) => {
    await page.evaluate(async (each) => {
      globalThis.frameworks.mount(each);
      await globalThis.frameworks.edge.opened();
    }, name);
    await page.waitForFunction(`frameworks.rendered()["${name}"]?.state === "live"`);
    // React's StrictMode mounts each component twice: the first stream is gone.
    await page.waitForFunction("frameworks.edge.streams.length === 1");
    await page.evaluate(() => globalThis.frameworks.edge.emit("order.created.1", 1));
    await page.waitForFunction(`frameworks.rendered()["${name}"].events.length === 1`);

    await page.evaluate((each) => globalThis.frameworks.show(each, "invoice.paid.*"), name);
    await page.waitForFunction(
      `frameworks.edge.streams.length === 1 && frameworks.edge.streams[0].includes("invoice.paid.*")`,
    );
    await page.evaluate(() => globalThis.frameworks.edge.emit("invoice.paid.1", 2));
    await page.waitForFunction(`frameworks.rendered()["${name}"].events.length === 2`);
    expect(await page.evaluate((each) => globalThis.frameworks.rendered()[each]?.events, name)).toEqual([1, 2]);

    await page.evaluate((each) => globalThis.frameworks.unmount(each), name);
    await page.waitForFunction("frameworks.edge.streams.length === 0");
  },
);

test("a server renders a component of React without a stream", async () => {
  // Its types are a package of their own.
  const server: string = "react-dom/server";
  const { renderToString } = (await import(server)) as { readonly renderToString: (node: ReactNode) => string };
  const options = { url: "https://edge.test", onGap: "ignore", onReset: "ignore", onDegraded: "ignore" } as const;
  const Orders = (): string => useStream(options, () => {}).state.name;
  expect(renderToString(createElement(Orders))).toBe("connecting");
});
