import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsoleRig, expectNoViolations, openAs, startConsole } from "#test/support/open-console.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

let rig: ConsoleRig;

beforeAll(async () => {
  rig = await startConsole();
});
afterAll(() => rig[Symbol.asyncDispose]());

test("an administrator ends a person's session, and the trail shows it", async () => {
  await rig.stack.login("bob");
  const page = await openAs(rig, "carol", "/people?subject=bob");
  await page.getByRole("button", { name: /^End the session on / }).click();
  await expectNoViolations(page);
  await page.getByRole("button", { name: "End it" }).click();
  await page.getByText("bob has no session").waitFor();
  await page.getByRole("link", { name: "Audit" }).click();
  const row = page.getByRole("row").filter({ hasText: "carol → bob" });
  await row.getByRole("button").click();
  await page.getByRole("dialog").getByText("deleted").first().waitFor();
  await expectNoViolations(page);
});

test("another span of time is another trail, in which nothing stands twice", async () => {
  const page = await openAs(rig, "carol", "/audit");
  const ended = page.getByRole("row").filter({ hasText: "carol → bob" });
  await ended.waitFor();
  await page.getByLabel("Since").selectOption("1");
  const login = { tenant: "demo", username: "alice", password: "sluice-demo", device: "a device of its own" };
  const body = JSON.stringify(login);
  await requireOk(
    fetch(`${rig.authUrl}/v1/auth/login`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    }),
  );
  await page.getByRole("row").filter({ hasText: "a device of its own" }).waitFor();
  expect(await ended.count()).toBe(1);
});

test("the trail is asked for again once its answer is here, however slow auth is", async () => {
  const page = await openAs(rig, "carol", "/audit");
  await page.getByRole("row").filter({ hasText: "carol → bob" }).waitFor();
  await page.clock.install();
  // How long a question may take at most is another matter.
  await page.addInitScript(() => (AbortSignal.timeout = () => new AbortController().signal));
  await page.reload();
  await page.getByRole("row").filter({ hasText: "carol → bob" }).waitFor();
  await page.clock.pauseAt(Date.now() + 60_000);
  const asked: string[] = [];
  const answered = Promise.withResolvers<void>();
  await page.route("**/v1/auth/audit?*", async (route) => {
    asked.push(new URL(route.request().url()).search);
    await answered.promise;
    const entry = { id: "late", at: new Date().toISOString(), event: "the_late_one", subject: "bob" };
    await route.fulfill({ json: { entries: [entry] }, headers: { "access-control-allow-origin": rig.url } });
  });
  await waitFor("the question", async () => {
    await page.clock.runFor(5_000);
    return asked.length > 0;
  });
  await page.clock.runFor(60_000);
  answered.resolve();
  await page.getByRole("row").filter({ hasText: "the late one" }).first().waitFor();
  await page.evaluate((url) => fetch(`${url}/v1/auth/audit?marker`), rig.authUrl);
  expect(asked).toEqual([expect.stringContaining("after"), "?marker"]);
});

test("a tail whose login was ended asks for it again, and goes on", async () => {
  const page = await rig.open("/tail?tenant=demo");
  const live = page.getByRole("status").getByText("live", { exact: true });
  await live.waitFor();
  await page.route("**/v1/tenants/demo/tail?*", (route) =>
    route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"code":"token_invalid"}' }),
  );
  await page.reload();
  const again = page.getByRole("dialog", { name: "Log in again" });
  await again.getByLabel("Operator token").fill(OPERATOR_TOKEN);
  await page.unroute("**/v1/tenants/demo/tail?*");
  await again.getByRole("button", { name: "Log in", exact: true }).click();
  await live.waitFor();
});

test("an operator, whom auth does not know, is told how to see sessions and the trail", async () => {
  const page = await rig.open("/audit?tenant=demo");
  await page.getByText("npx sluice audit --tenant demo --since 1h --follow").waitFor();
  await expectNoViolations(page);
});
