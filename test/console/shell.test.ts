import { readdir, readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type ConsoleRig, expectNoViolations, startConsole } from "#test/support/open-console.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";

let rig: ConsoleRig;

beforeAll(async () => {
  rig = await startConsole();
});
afterAll(() => rig[Symbol.asyncDispose]());

test("a tenant administrator logs in through auth, sees one tenant and no operator's screen, and is still there after a reload", async () => {
  const page = await rig.open("/keys", { who: "nobody" });
  await expectNoViolations(page);
  await logIn(page, "carol");
  await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
  expect(await page.getByRole("combobox", { name: "Tenant" }).count()).toBe(0);
  expect(await page.context().cookies()).toEqual([]);
  expect(page.url()).not.toContain("token");
  await page.reload();
  await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
  await page.getByRole("button", { name: "Log out" }).click();
  await page.getByRole("button", { name: "Log in" }).waitFor();
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("who may not administer the tenant is told so, and is not logged in", async () => {
  const page = await rig.open("", { who: "nobody" });
  await logIn(page, "alice");
  await page.getByRole("alert").getByText("alice needs the permission policy:admin in demo").waitFor();
  await page.getByLabel("Password").fill("wrong");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").getByText("bad_credentials").waitFor();
});

test("an operator logs in by token, and chooses among all tenants", async () => {
  const page = await rig.open("", { who: "nobody" });
  await page.getByRole("radio", { name: "Operator" }).check({ force: true });
  await page.getByLabel("Operator token").fill("no-such-token-at-all");
  await page.getByRole("button", { name: "Log in" }).click();
  await page.getByRole("alert").waitFor();
  await page.getByLabel("Operator token").fill(OPERATOR_TOKEN);
  await page.getByRole("button", { name: "Log in" }).click();
  const tenants = page.getByRole("combobox", { name: "Tenant" });
  await tenants.locator("option", { hasText: "rival" }).waitFor({ state: "attached" });
  await tenants.selectOption("rival");
  expect(new URL(page.url()).searchParams.get("tenant")).toBe("rival");
});

test("on a phone the navigation opens from a button, by keys alone, and nothing is wider than the screen", async () => {
  const page = await rig.open("/keys", { width: 390 });
  await page.getByRole("heading", { name: "Keys", level: 1 }).waitFor();
  await page.getByRole("link", { name: "Skip to the content" }).focus();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("navigation", { name: "Screens" }).waitFor();
  await expectNoViolations(page);
  await page.keyboard.press("Escape");
  await page.getByRole("navigation", { name: "Screens" }).waitFor({ state: "hidden" });
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
});

test("what a first visit loads is at most 150 KB, compressed", async () => {
  const folder = new URL("../../.sluice/console/", import.meta.url);
  const page = await readFile(new URL("index.html", folder), "utf8");
  const first = [...page.matchAll(/\/console\/(assets\/[^"]+)"/g)].map(([, file = ""]) => file);
  const sizes = await Promise.all(first.map(async (file) => (await readFile(new URL(`${file}.gz`, folder))).length));
  expect(first.length).toBeLessThan((await readdir(new URL("assets/", folder))).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
});

async function logIn(page: Page, username: string): Promise<void> {
  await page.getByRole("textbox", { name: "Tenant" }).fill("demo");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill("sluice-demo");
  await page.getByRole("button", { name: "Log in" }).click();
}
