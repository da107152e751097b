import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { freePort } from "#test/support/ports.ts";
import { startBrowser } from "#test/support/start-browser.ts";
import { type RedisServer, startRedis } from "#test/support/start-redis.ts";
import { type Bus, type Stack, startStack } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";
import { freeze, thaw } from "#test/support/freeze.ts";

let stack: Stack;
let browser: Browser;
let demo: Bus;
let redis: RedisServer;

beforeAll(async () => {
  const port = await freePort();
  const origins = ["alice", "carol"].map((user) => `http://${user}.localhost:${port}`).join();
  const [auth, policy] = [await freePort(), await freePort()];
  redis = await startRedis();
  stack = await startStack({
    auth: { AUTH_HTTP_PORT: String(auth), AUTH_ALLOWED_ORIGINS: origins },
    policy: { POLICY_HTTP_PORT: String(policy), POLICY_ALLOWED_ORIGINS: origins },
    stream: {
      SLUICE_DEMO: "1",
      REDIS_URL: redis.streamUrl,
      STREAM_HTTP_PORT: String(port),
      AUTH_HTTP_PORT: String(auth),
      POLICY_HTTP_PORT: String(policy),
    },
  });
  browser = await startBrowser();
  demo = await stack.bus("demo");
});
afterAll(async () => {
  await browser.close();
  await stack[Symbol.asyncDispose]();
  await redis[Symbol.asyncDispose]();
});

test("carol changes what alice sees while both watch, and a cut connection costs alice nothing", async () => {
  const alice = await logIn("alice");
  const carol = await logIn("carol");
  await publish("one");
  await sees(alice, "one");
  await sees(carol, "one");

  await carol.click("#role-alice-triager");
  await carol.waitForSelector("#role-alice-triager:not(:checked):enabled");
  await alice.waitForSelector('#topics button[data-topic="issues.>"][data-granted="no"]');
  await publish("not for alice");
  await sees(carol, "not for alice");

  await carol.click("#reset-alice");
  await alice.waitForSelector('#topics button[data-topic="issues.>"][data-granted="yes"]');
  await publish("two");
  await sees(alice, "two");

  await alice.click("#cut");
  await alice.waitForSelector('#state:not([data-state="live"])');
  await publish("while away");
  await alice.waitForSelector('#notice[data-kind="resumed"]');
  await sees(alice, "while away");
  expect(await titles(alice)).toEqual(["while away", "two", "one"]);

  await alice.click("#logout");
  await alice.waitForSelector("#login-form", { state: "visible" });
  await Promise.all([alice, carol].map((page) => page.context().close()));
});

test("topics are added and dropped on the open stream, and a tab that is loaded again has them still", async () => {
  const page = await logIn("carol");
  const connection = await page.textContent("#connection-id");
  await page.click('#topics button[data-topic="issues.>"]');
  await page.waitForSelector('#notice[data-kind="subscription"]');
  await publish("dropped");
  await page.click('#topics button[data-topic="star.>"]');
  await page.waitForSelector('#topics button[data-topic="star.>"][data-granted="yes"]');
  await demo.publish("events.demo.star.created.hello", JSON.stringify({ action: "created", title: "two" }));
  await sees(page, "two");
  expect(await page.textContent("#connection-id")).toBe(connection);
  const before = await titles(page);
  expect(before).not.toContain("dropped");

  await page.reload();
  await page.waitForSelector('#topics button[data-topic="star.>"][data-granted="yes"][aria-pressed="true"]');
  await page.waitForSelector('#topics button[data-topic="issues.>"][data-granted="unknown"][aria-pressed="false"]');
  await publish("still dropped");
  await demo.publish("events.demo.star.created.hello", JSON.stringify({ action: "created", title: "one" }));
  await waitFor(
    "the last minute's events are there again, and the new one",
    async () => (await titles(page))[0] === "one",
  );
  const stars = (await titles(page)).filter((title) => title !== "one");
  expect(stars).toEqual(["two"]);
  await page.context().close();
});

test("a row opens to its payload and id, whatever the payload is, and a role shows what is in force until policy has answered", async () => {
  const page = await logIn("carol");
  await demo.publish("events.demo.issues.opened.x", JSON.stringify({ hello: "world" }));
  const row = page.locator("li.event", { hasText: '{"hello":"world"}' });
  await row.locator("summary").click();
  await row.locator("pre", { hasText: '"hello": "world"' }).waitFor();
  expect(await row.locator("code").first().textContent()).toBe(await row.getAttribute("data-id"));

  const box = page.locator("#role-alice-maintainer");
  // Policy says first what roles people have: frozen before, it would say nothing, and there would be no box.
  await box.waitFor();
  await freeze(stack.policy.child.process);
  try {
    await box.click();
    await page.locator("label[data-pending]", { hasText: "maintainer" }).waitFor();
    expect([await box.isChecked(), await box.isDisabled()]).toEqual([false, true]);
  } finally {
    thaw(stack.policy.child.process);
  }
  await page.waitForSelector("#role-alice-maintainer:checked:enabled");
  await page.click("#reset-alice");
  await page.waitForSelector("#role-alice-maintainer:not(:checked):enabled");

  // The change arrives, and what holds then is not told: the next change can be made all the same.
  await page.route("**/subjects/alice", (route) => route.abort());
  await box.click();
  await page.locator("#roles-status", { hasText: "what alice may do now is not known" }).waitFor();
  await page.unroute("**/subjects/alice");
  await box.click();
  await page.waitForSelector("#role-alice-maintainer:checked:enabled");
  await page.context().close();
});

test("a page whose auth is silent says that it asks, then that nobody answers, and asks again", async () => {
  const page = await (await browser.newContext()).newPage();
  const isOut = Promise.withResolvers<void>();
  await page.route("**/v1/auth/refresh", async (route) => {
    await isOut.promise;
    await route.abort();
  });
  await page.goto(`http://alice.localhost:${stack.edge.ports.http}/demo`);
  await page.locator("#boot", { hasText: "Asking auth" }).waitFor();
  isOut.resolve();
  await page.locator("#silent-reason", { hasText: "nobody answers at alice.localhost" }).waitFor();
  await page.unroute("**/v1/auth/refresh");
  await page.click("#ask-again");
  await page.waitForSelector("#login-form", { state: "visible" });
  await page.context().close();
});

async function logIn(user: string): Promise<Page> {
  const page = await (await browser.newContext()).newPage();
  await page.goto(`http://${user}.localhost:${stack.edge.ports.http}/demo`);
  await page.waitForSelector("#login-form", { state: "visible" });
  expect(await page.isChecked(`#account-${user}`)).toBe(true);
  await page.click("#login-submit");
  await page.waitForSelector('#state[data-state="live"]');
  return page;
}

function publish(title: string): Promise<number> {
  const payload = {
    action: "opened",
    issue: { title },
    repository: { full_name: "octo/hello" },
    sender: { login: "octo" },
  };
  return demo.publish("events.demo.issues.opened.hello", JSON.stringify(payload));
}

function sees(page: Page, title: string): Promise<boolean> {
  return waitFor(`the page shows "${title}"`, async () => (await titles(page)).includes(title));
}

/** The titles of the events on the page, newest first. */
async function titles(page: Page): Promise<string[]> {
  const texts = await page.locator("#events li.event").allInnerTexts();
  return texts.map(
    (text) => ["one", "two", "while away", "not for alice"].find((title) => text.includes(title)) ?? text,
  );
}
