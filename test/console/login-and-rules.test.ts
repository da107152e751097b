import { readdir, readFile } from "node:fs/promises";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type ConsoleRig, expectNoViolations, startConsole } from "#test/support/open-console.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";

const DOCUMENT = `tenant: acme
roles:
  viewer: { allow: ["order:read"] }
bindings:
  - { role: viewer, subjects: [alice] }
events:
  "order.*": order:read
  "note.*": note:read
tests:
  - { subject: alice, topic: order.created.1, expect: allow }
`;

let rig: ConsoleRig;

beforeAll(async () => {
  rig = await startConsole();
  await rig.stack.carryOut("PUT", "acme");
  await put(DOCUMENT, "the first document");
}, 120_000);
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

test("however long a tenant's name is, its panel is no wider than the narrowest screen", async () => {
  const name = "t".repeat(64);
  await rig.stack.carryOut("PUT", name);
  const page = await rig.open(`/tenants?open=${name}`, { width: 320 });
  const panel = page.getByRole("dialog", { name });
  await panel.getByRole("button", { name: `Delete ${name}` }).waitFor();
  expect(
    await page.evaluate("document.querySelector('dialog').scrollWidth - document.querySelector('dialog').clientWidth"),
  ).toBe(0);
  expect((await rig.stack.operate("DELETE", `${name}?confirm=${name}`)).status).toBe(202);
});

test("what a first visit loads is at most 150 KB, compressed", async () => {
  const folder = new URL("../../.sluice/console/", import.meta.url);
  const page = await readFile(new URL("index.html", folder), "utf8");
  const first = [...page.matchAll(/\/console\/(assets\/[^"]+)"/g)].map(([, file = ""]) => file);
  const sizes = await Promise.all(first.map(async (file) => (await readFile(new URL(`${file}.gz`, folder))).length));
  expect(first.length).toBeLessThan((await readdir(new URL("assets/", folder))).length);
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(150_000);
});

test("why: the first no stands large, and the button that mends it shows first who gains by it", async () => {
  const bus = await rig.stack.bus("demo");
  const { access_token: token } = await rig.stack.login("alice");
  await using stream = await openEventStream(`${rig.stack.streamUrl}/v1/stream?topic=star.>&topic=issues.>`, { token });
  await stream.frame("ready");
  const sequence = await bus.publish("events.demo.star.created.hello", "{}");
  const page = await rig.open("/why?tenant=demo");
  await page.getByRole("combobox", { name: "Person" }).fill("alice");
  await page.getByRole("combobox", { name: "The event by" }).selectOption("sequence");
  await page.getByRole("spinbutton", { name: "Place in the log" }).fill(String(sequence));
  await page.getByRole("button", { name: "Ask why" }).click();
  const answer = page.getByRole("region", { name: "The answer" });
  await answer.getByRole("heading", { name: "None of the roles of alice allows star:read" }).waitFor();
  expect(new URL(page.url()).searchParams.get("sequence")).toBe(String(sequence));
  const link = page.getByRole("listitem").filter({ has: page.getByRole("heading", { name: /^A role of alice/ }) });
  expect(await link.getByText("no", { exact: true }).count()).toBe(2);
  await expectNoViolations(page);

  await answer.getByRole("button", { name: /^Bind the role/ }).click();
  const dialog = page.getByRole("dialog", { name: "Who gains by it" });
  await dialog.getByText("gains").first().waitFor();
  await expectNoViolations(page);
  expect(await page.getByText("Done: Bind").count()).toBe(0);
  await dialog.getByRole("button", { name: "Make the change" }).click();
  await page.getByRole("status").getByText("Done: Bind the role").waitFor();
  await link.getByText("yes", { exact: true }).waitFor();
  expect(await answer.getByRole("heading").textContent()).toContain("None of the roles");
});

test("a policy is tried out while it is written, applied with a reason, and gone back from", async () => {
  const page = await openPolicy();
  const editor = page.getByRole("textbox", { name: "Policy document" });
  const apply = page.getByRole("button", { name: "Apply", exact: true });
  await write(page, DOCUMENT.replace("allow:", "alow:"));
  await page.getByText("would be refused").waitFor();
  await page.getByRole("button", { name: "line 3" }).click();
  expect(await apply.isDisabled()).toBe(true);

  await write(page, DOCUMENT.replace('"order:read"]', '"note:read"]'));
  await page.getByRole("heading", { name: "Test cases that fail" }).waitFor();
  expect(await apply.isDisabled()).toBe(true);

  await write(page, DOCUMENT.replace('"order:read"]', '"order:read", "note:read"]'));
  await page.getByText("1 of 1 test cases pass").waitFor();
  await page.getByRole("listitem").filter({ hasText: "gains note:read" }).first().waitFor();
  await expectNoViolations(page);
  await apply.click();
  const dialog = page.getByRole("dialog", { name: "Apply to acme" });
  await dialog.getByRole("textbox", { name: "Reason" }).fill("viewers read notes");
  await dialog.getByRole("button", { name: "Apply" }).click();
  await page.getByRole("status").getByText("Version 3 is in force.").waitFor();

  await page.getByRole("row").filter({ hasText: "viewers read notes" }).waitFor();
  await page.getByRole("row").filter({ hasText: "the first document" }).getByRole("button").click();
  const panel = page.getByRole("dialog", { name: "Version 2" });
  await panel.getByRole("button", { name: "Go back to it" }).click();
  await expectNoViolations(page);
  const back = page.getByRole("dialog", { name: "Back to version 2" });
  await back.getByRole("textbox", { name: "Reason" }).fill("too much");
  await back.getByRole("button", { name: "Go back" }).click();
  await page.getByRole("row").filter({ hasText: "back to version 2: too much" }).waitFor();
  await editor.getByText('allow: ["order:read"]').waitFor();
});

test("of a change with very many rules the first ones are shown, and how many there are besides", async () => {
  const page = await openPolicy();
  const rules = Array.from({ length: 61 }, (_, place) => `"order:read:a${place}"`);
  await write(page, DOCUMENT.replace('"order:read"]', `"order:read", ${rules.join(", ")}]`));
  const gains = page.getByRole("listitem").filter({ hasText: "alice" });
  await gains.getByText("and 11 more rules").first().waitFor();
});

test("edits are kept over a login that has ended, a reload, and somebody else's change", async () => {
  const page = await openPolicy();
  const edited = DOCUMENT.replace("alice]", "alice, bob]");
  await write(page, edited);
  await page.getByText("gains order:read").waitFor();
  await page.route("**/policy?reason=*", (route) =>
    route.fulfill({ status: 401, contentType: "application/problem+json", body: '{"code":"token_expired"}' }),
  );
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByRole("textbox", { name: "Reason" }).fill("bob too");
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  const again = page.getByRole("dialog", { name: "Log in again" });
  await again.getByLabel("Operator token").fill(OPERATOR_TOKEN);
  await again.getByRole("button", { name: "Log in", exact: true }).click();
  await again.waitFor({ state: "hidden" });
  expect(await page.getByRole("textbox", { name: "Reason" }).inputValue()).toBe("bob too");

  page.on("dialog", (question) => void question.accept());
  await page.reload();
  await page.getByText("Your edits from before are here again.").waitFor();
  await put(`${DOCUMENT}# another\n`, "by a colleague");
  await page.reload();
  await page.getByText("Your edits began with version").waitFor();
  expect(await page.getByRole("button", { name: "Apply", exact: true }).isDisabled()).toBe(true);
  await page.getByRole("button", { name: /^Go on from version/ }).click();
  await page.unroute("**/policy?reason=*");
  await page.getByRole("button", { name: "Apply", exact: true }).click();
  await page.getByRole("textbox", { name: "Reason" }).fill("bob too");
  await page.getByRole("dialog").getByRole("button", { name: "Apply" }).click();
  await page.getByRole("row").filter({ hasText: "bob too" }).waitFor();
});

test("a document that comes from a file says so, and can only be tried out", async () => {
  const page = await rig.open("/policy?tenant=demo");
  await page.getByText("This document comes from the file demo.yaml").waitFor();
  await page.getByText("4 of 4 test cases pass").waitFor();
  expect(await page.getByRole("button", { name: "Apply", exact: true }).isDisabled()).toBe(true);
});

test("who sees what stands beside what they saw, and a name opens to its types and rules", async () => {
  await put(DOCUMENT.replace("subjects: [alice]", "subjects: [alice, carol]"), "carol too");
  const { body } = await rig.stack.operate("GET", "acme/policy");
  const page = await rig.open(`/visibility?tenant=acme&compare=${Number(body["version"]) - 1}`);
  const carol = page.getByRole("row").filter({ hasText: "carol" });
  await carol.getByRole("cell", { name: "all, gained" }).waitFor();
  await page.getByRole("row", { name: /^alice all nothing/ }).waitFor();
  await expectNoViolations(page);
  await carol.getByRole("button", { name: "carol" }).click();
  await page.getByRole("dialog", { name: "carol" }).getByText("order.*").waitFor();
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox", { name: "Event types with" }).fill("note");
  await page.getByRole("columnheader", { name: "order.*" }).waitFor({ state: "detached" });
});

test("an operator sees how the services are, and what policy was set to and by what", async () => {
  const page = await rig.open("/health");
  await page.getByText("1 worker answers").waitFor();
  await page.getByRole("listitem").filter({ hasText: "auth" }).getByText("answers").waitFor();
  await page.getByRole("searchbox", { name: "Settings with" }).fill("operator_token");
  await page.getByRole("row", { name: "POLICY_OPERATOR_TOKEN *** environment" }).waitFor();
  await expectNoViolations(page);
});

test("the keys are those that auth publishes", async () => {
  const { keys } = (await (await fetch(`${rig.stack.authUrl}/.well-known/jwks.json`)).json()) as {
    keys: { kid: string }[];
  };
  const page = await rig.open("/keys");
  for (const { kid } of keys) await page.getByRole("row").filter({ hasText: kid }).waitFor();
  await expectNoViolations(page);
});

async function logIn(page: Page, username: string): Promise<void> {
  await page.getByRole("textbox", { name: "Tenant" }).fill("demo");
  await page.getByLabel("User name").fill(username);
  await page.getByLabel("Password").fill("sluice-demo");
  await page.getByRole("button", { name: "Log in" }).click();
}

async function openPolicy(): Promise<Page> {
  const page = await rig.open("/policy?tenant=acme");
  await page.getByText("1 of 1 test cases pass").waitFor();
  await page.locator(".editor-host:not([hidden])").waitFor();
  return page;
}

async function write(page: Page, text: string): Promise<void> {
  await page.getByRole("textbox", { name: "Policy document" }).fill(text);
}

async function put(text: string, reason: string): Promise<void> {
  const url = `${rig.stack.policyUrl}/v1/tenants/acme/policy?reason=${encodeURIComponent(reason)}`;
  const headers = { authorization: `Bearer ${OPERATOR_TOKEN}` };
  const answer = await fetch(url, { method: "PUT", headers, body: text });
  expect(answer.status).toBe(200);
}
