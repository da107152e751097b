import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { openEventStream } from "#test/support/event-stream.ts";
import { type ConsoleRig, expectNoViolations, openAs, startConsole } from "#test/support/open-console.ts";
import { freePort } from "#test/support/ports.ts";
import { requireOk } from "#test/support/require-ok.ts";
import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { waitFor } from "#test/support/wait.ts";

const FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

let rig: ConsoleRig;

beforeAll(async () => {
  const [port, ops, nobody] = [await freePort(), await freePort(), await freePort()].map(String);
  const others = `publish=http://127.0.0.1:${ops},away=http://127.0.0.1:${nobody}`;
  rig = await startConsole({ POLICY_PUBLISH_URL: `http://127.0.0.1:${port}`, POLICY_OPS_URLS: others });
  await rig.stack.startPublish({
    PUBLISH_HTTP_PORT: port,
    PUBLISH_OPS_PORT: ops,
    PUBLISH_ALLOWED_ORIGINS: rig.url,
    AUTH_ISSUER: rig.authUrl,
  });
});
afterAll(() => rig[Symbol.asyncDispose]());

async function openStreamOf(username: string) {
  const { access_token: token } = await rig.stack.login(username);
  const stream = await openEventStream(`${rig.stack.streamUrl}/v1/stream?topic=issues.>`, { token });
  await stream.frame("ready");
  return stream;
}

/** What a line for a shell answers. */
async function run(line: string): Promise<unknown> {
  const env = { ...process.env, OPERATOR_TOKEN };
  const { stdout } = await promisify(execFile)("sh", ["-c", line], { env });
  return JSON.parse(stdout);
}

async function runLine(page: Page, beginning: RegExp): Promise<unknown> {
  return run((await page.getByText(beginning).textContent()) ?? "");
}

test("an operator sees what another service was set to, and that a third does not answer", async () => {
  const page = await rig.open("/health");
  await page.getByRole("listitem").filter({ hasText: "away" }).getByText("does not answer").waitFor();
  await page.getByRole("combobox", { name: "Process" }).selectOption("publish");
  await page.getByRole("searchbox", { name: "Settings with" }).fill("nats_url");
  await page.getByRole("row", { name: /NATS_URL nats:\/\/\*\*\*@\S+ environment/ }).waitFor();
  await expectNoViolations(page);
});

test("an event is in the tail as it is stored, with why it reached nobody, and opens to what it holds", async () => {
  const page = await rig.open("/tail?tenant=demo");
  await page.getByText("No event has been stored yet").waitFor();
  const producer = await rig.stack.bus("demo");
  await producer.publish("events.demo.issues.opened.Hello-World", '{"title":"a secret"}');
  const row = page.getByRole("row").filter({ hasText: "issues.opened" });
  await row.getByText("nobody connected").waitFor();
  await expectNoViolations(page);
  await page.getByRole("button", { name: "Pause" }).click();
  await producer.publish("events.demo.issues.closed.Hello-World", "{}");
  await page.getByRole("button", { name: "Go on: 1 waiting" }).waitFor();
  expect(await page.getByRole("row").filter({ hasText: "issues.closed" }).count()).toBe(0);
  await row.getByRole("button").click();
  const panel = page.getByRole("dialog", { name: "Event" });
  await panel.getByText("Nobody is connected now.").waitFor();
  expect(await panel.textContent()).not.toContain("a secret");
  await panel.getByRole("button", { name: "Show the payload" }).click();
  await panel.getByText('"title": "a secret"').waitFor();
  await expectNoViolations(page);
  await page.keyboard.press("Escape");
  await page.getByRole("button", { name: "Go on: 1 waiting" }).click();
  await page.getByRole("row").filter({ hasText: "issues.closed" }).waitFor();
});

test("a test event is sent by whoever may publish, and stands in the tail", async () => {
  const page = await openAs(rig, "carol", "/tail");
  await page.getByRole("button", { name: "Send a test event" }).click();
  await page.getByLabel("Topic", { exact: true }).last().fill("issues.tested.Hello-World");
  await expectNoViolations(page);
  await page.getByRole("button", { name: "Send it" }).click();
  await page.getByRole("row").filter({ hasText: "issues.tested" }).waitFor();
});

test("a tail is filtered by type, which stands in the address", async () => {
  const page = await rig.open("/tail?tenant=demo");
  await page.getByRole("row").filter({ hasText: "issues.opened" }).first().waitFor();
  await page.getByLabel("Type").fill("issues.closed");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByRole("row").filter({ hasText: "issues.closed" }).waitFor();
  expect(await page.getByRole("row").filter({ hasText: "issues.opened" }).count()).toBe(0);
  expect(new URL(page.url()).searchParams.get("type")).toBe("issues.closed");
});

test("a tail is filtered by person: what they may see, whether they are connected or not", async () => {
  const producer = await rig.stack.bus("demo");
  await producer.publish("events.demo.push.event.Hello-World", "{}");
  const page = await rig.open("/tail?tenant=demo");
  await page.getByRole("row").filter({ hasText: "push.event" }).first().waitFor();
  await page.getByLabel("Person").fill("alice");
  await page.getByRole("button", { name: "Filter" }).click();
  await page.getByText("What alice may see").waitFor();
  await page.getByRole("row").filter({ hasText: "issues.closed" }).waitFor();
  expect(await page.getByRole("row").filter({ hasText: "push.event" }).count()).toBe(0);
});

test("a stream is listed with what it is, and closed once that is confirmed", async () => {
  await using stream = await openStreamOf("alice");
  const page = await rig.open("/connections?tenant=demo");
  await page.getByRole("row").filter({ hasText: "alice" }).getByRole("button").click();
  const panel = page.getByRole("dialog", { name: "Connection" });
  await panel.getByText("issues.>").waitFor();
  await expectNoViolations(page);
  await panel.getByRole("button", { name: "Close the stream" }).click();
  await page.getByRole("button", { name: "Close it" }).click();
  await stream.frame("bye");
  await page.getByText("The stream of alice is closed.").waitFor();
});

test("who connects and who leaves is on the screen by our own client, without the list being asked for again and again", async () => {
  const page = await rig.open("/connections?tenant=demo");
  // No list is asked for by the clock.
  await page.addInitScript(
    "const begin = setInterval; setInterval = (work, ms) => (ms === 5_000 ? 0 : begin(work, ms));",
  );
  await page.reload();
  const rows = page.getByRole("row").filter({ hasText: "carol" });
  await page.getByText("Nobody is connected").waitFor();
  await using _stream = await openStreamOf("carol");
  await rows.waitFor();
  await _stream[Symbol.asyncDispose]();
  await page.getByText("Nobody is connected").waitFor();
});

test("a durable subscription is paused and resumed, and its dead letter delivered once more, by the edge that holds it", async () => {
  const { access_token: token } = await rig.stack.login("alice");
  const headers = { authorization: `Bearer ${token}` };
  const mine = `${rig.stack.streamUrl}/v1/subscriptions/builds`;
  const body = JSON.stringify({ topics: ["issues.>"], maxDeliver: 1, ackWaitMs: 600_000 });
  await requireOk(fetch(mine, { method: "PUT", headers, body }));
  await using stream = await openEventStream(`${rig.stack.streamUrl}/v1/stream?subscription=builds`, { token });
  await stream.frame("ready");
  const producer = await rig.stack.bus("demo");
  await producer.publish("events.demo.issues.opened.refused", '{"n":42}');
  const { id = "" } = await stream.frame(({ data }) => data === '{"n":42}');
  await requireOk(fetch(`${mine}/nacks`, { method: "POST", headers, body: JSON.stringify({ ids: [id] }) }));
  const page = await rig.open("/subscriptions?tenant=demo");
  const row = page.getByRole("row").filter({ hasText: "builds" });
  await row.getByText("delivering").waitFor();
  await expectNoViolations(page);
  await row.getByRole("button").click();
  const panel = page.getByRole("dialog", { name: "builds" });
  await panel.getByRole("switch", { name: "Deliver" }).click();
  await panel.getByRole("switch", { name: "Deliver", checked: false }).waitFor();
  await page.getByText("builds of alice is paused.").waitFor();
  await panel.getByRole("switch", { name: "Deliver" }).click();
  await panel.getByRole("switch", { name: "Deliver", checked: true }).waitFor();
  await panel
    .getByRole("table", { name: "Dead letters" })
    .getByRole("button", { name: "issues.opened.refused" })
    .click();
  const letter = page.getByRole("dialog", { name: "Dead letter" });
  await letter.getByText(id).waitFor();
  await expectNoViolations(page);
  await letter.getByRole("button", { name: "Deliver it once more" }).click();
  await waitFor("it comes again", () => stream.frames.filter((frame) => frame.id === id).length === 2);
  await panel.getByText("There is none").waitFor();
  await panel.getByRole("button", { name: "Delete builds" }).click();
  await page.getByLabel("Type builds to confirm").fill("builds");
  await page.getByRole("button", { name: "Delete it" }).click();
  await stream.frame("bye");
  await page.getByText("Nobody has a durable subscription").waitFor();
  await expectNoViolations(page);
});

test("what clients report is a table, on a phone too", async () => {
  const { access_token: token } = await rig.stack.login("alice");
  const report = { transport: "poll", fallback: { from: "sse", reason: "buffered" }, firstEventMs: 400, region: "eu" };
  await requireOk(
    fetch(`${rig.stack.streamUrl}/v1/reports`, {
      method: "POST",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json", "user-agent": FIREFOX },
      body: JSON.stringify(report),
    }),
  );
  const page = await rig.open("/clients", { width: 390 });
  await page.getByRole("row").filter({ hasText: "poll" }).getByText("firefox").waitFor();
  await expectNoViolations(page);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
});

test("the workers of the edges are shown with their curves, on a phone too", async () => {
  const page = await rig.open("/nodes", { width: 390 });
  await page
    .getByRole("region", { name: /^Worker / })
    .getByText("serves")
    .waitFor();
  await page.getByRole("img", { name: /^Streams in the last 15 minutes/ }).waitFor();
  await expectNoViolations(page);
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
});

test("a tenant is made in two steps that end in a line for a shell, which works", async () => {
  const page = await rig.open("/tenants");
  await page.getByRole("row").filter({ hasText: "rival" }).waitFor();
  await expectNoViolations(page);
  await page.getByRole("button", { name: "New tenant" }).click();
  await page.getByRole("textbox", { name: "Name" }).fill("fresh");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByLabel("Administrator").fill("ann");
  await page.getByRole("textbox", { name: "Reader", exact: true }).fill("o'neil");
  await page.getByRole("button", { name: "Put it in force" }).click();
  expect(await runLine(page, /^curl -s /)).toMatchObject({ allow: true });
  expect(await runLine(page, /^TOKEN=/)).toMatchObject({ ids: [expect.any(String)] });
  await expectNoViolations(page);
  await page.keyboard.press("Escape");
  await page.getByRole("link", { name: "Keys" }).click();
  await page.getByLabel("Tenant", { exact: true }).selectOption("fresh");
});

test("a producer's key is made with a line that publishes, replaced while the old secret holds, and withdrawn", async () => {
  const page = await rig.open("/tenants?open=demo");
  await page.getByLabel("Name of the producer").fill("orders");
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByText("This secret is shown once.").waitFor();
  await page.getByLabel("Role that lets it publish").fill("security");
  await page.getByRole("button", { name: "Give it the role" }).click();
  await page.getByText("Policy has given it the role security.").waitFor();
  const old = (await page.getByText(/^TOKEN=/).textContent()) ?? "";
  await page.getByRole("button", { name: /^Second secret for key-orders-/ }).click();
  await page.getByText(/^Secret 2, made/).waitFor();
  await expectNoViolations(page);
  const lines = [old.replace("order.created", "issues.opened")];
  lines.push(((await page.getByText(/:2\./).textContent()) ?? "").replace("order.created", "issues.opened"));
  for (const line of lines) expect(await run(line)).toMatchObject({ ids: [expect.any(String)] });
  await page.getByRole("button", { name: /^Withdraw secret 1 of key-orders-/ }).click();
  await page.getByRole("button", { name: "Withdraw it" }).click();
  await page.getByText(/^Secret 1, made/).waitFor({ state: "detached" });
  await expect(run(lines[0] ?? "")).resolves.toMatchObject({ code: expect.any(String) });
  await page.getByRole("button", { name: /^Withdraw the key key-orders-/ }).click();
  await page.getByRole("button", { name: "Withdraw it" }).click();
  await page.getByText(/^Secret 2, made/).waitFor({ state: "detached" });
});

test("a tenant is suspended once that is confirmed, and its switch stands where policy says", async () => {
  const page = await rig.open("/tenants?open=rival");
  await page.getByRole("switch", { name: "In use" }).click();
  await page.getByRole("button", { name: "Suspend it" }).click();
  await page.getByRole("switch", { name: "In use", checked: false }).waitFor();
  expect((await rig.stack.operate("GET", "rival")).body).toMatchObject({ state: "suspended" });
  await page.getByRole("switch", { name: "In use" }).click();
  await page.getByRole("switch", { name: "In use", checked: true }).waitFor();
});

test("the documentation is found by keyboard, leads from page to page, and needs no script of others", async () => {
  const page = await rig.browser.newPage({ viewport: { width: 390, height: 844 } });
  await page.goto(`${rig.url}/docs`);
  await page.keyboard.press("/");
  await page.keyboard.type("outbox");
  await page.getByRole("option").first().waitFor();
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { level: 1, name: "Publish together with a change in the database" }).waitFor();
  expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(390);
  await expectNoViolations(page);
  await page.getByRole("link", { name: /^Next / }).click();
  await page.getByRole("heading", { level: 1, name: "Durable subscriptions" }).waitFor();
});
