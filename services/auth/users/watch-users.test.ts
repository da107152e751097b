import { mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  type AuthStack,
  DEMO_PASSWORD,
  DEMO_USERS_FILE,
  readAudit,
  readSessionEntries,
  startAuthStack,
} from "#test/support/start-auth.ts";
import { waitFor } from "#test/support/wait.ts";

let stack: AuthStack;
let folder: string;
let original: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-users-"));
  original = await readFile(DEMO_USERS_FILE, "utf8");
  await replaceUsers(original);
  stack = await startAuthStack({ AUTH_USERS_FILE: join(folder, "users.yaml") });
  await waitFor("the watch has begun", () => timesInForce() === 1);
});
afterAll(async () => {
  await stack[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

async function replaceUsers(text: string): Promise<void> {
  await writeFile(join(folder, "next"), text);
  await rename(join(folder, "next"), join(folder, "users.yaml"));
}

function timesInForce(): number {
  return stack.auth.child.output().split("the users' file is in force").length - 1;
}

async function putInForce(text: string): Promise<void> {
  const before = timesInForce();
  await replaceUsers(text);
  await waitFor("the file is in force", () => timesInForce() > before);
}

/** The demo's users, with a line added to one of them. */
function usersWith(username: string, line: string): string {
  return original.replace(`  username: ${username}\n`, `  username: ${username}\n  ${line}\n`);
}

async function post(path: string, body: object): Promise<Record<string, string> & { status: number }> {
  const response = await fetch(`${stack.url}/v1/auth/${path}`, { method: "POST", body: JSON.stringify(body) });
  return { ...((await response.json()) as Record<string, string>), status: response.status } as never;
}

function logIn(username: string) {
  return post("login", { tenant: "demo", username, password: DEMO_PASSWORD });
}

async function entries(): Promise<unknown[]> {
  return readSessionEntries(stack.nats, "demo");
}

function rolesIn(token = ""): unknown {
  return (JSON.parse(Buffer.from(token.split(".")[1]!, "base64url").toString()) as { roles?: unknown }).roles;
}

test("a user who is disabled loses all sessions at once, and cannot log in until enabled again", async () => {
  const [one, two, other] = [await logIn("bob"), await logIn("bob"), await logIn("alice")];
  await replaceUsers(usersWith("bob", "disabled: true"));
  for (const session of [one, two]) {
    const entry = { sid: session["session_id"], action: "revoked" };
    await waitFor("the session is revoked", async () =>
      JSON.stringify(await entries()).includes(JSON.stringify(entry)),
    );
  }
  await expect.poll(entries).toContainEqual({ sub: "bob", action: "changed" });
  expect((await post("refresh", one)).status).toBe(401);
  expect((await logIn("bob")).status).toBe(401);
  expect((await post("refresh", other)).status).toBe(200);
  await waitFor("it is audited", async () =>
    (await readAudit(stack.nats, "demo")).some(({ event, subject }) => event === "user_disabled" && subject === "bob"),
  );
  await putInForce(original);
  expect((await logIn("bob")).status).toBe(200);
  expect((await post("refresh", two)).status).toBe(401);
});

test("a user whose roles change is announced in the log, keeps the session, and gets them with the next token", async () => {
  const before = await logIn("carol");
  expect(rolesIn(before["access_token"])).toBeUndefined();
  await replaceUsers(usersWith("carol", "roles: [auditor]"));
  const changed = { sub: "carol", action: "changed" };
  await waitFor("the change is announced", async () =>
    JSON.stringify(await entries()).includes(JSON.stringify(changed)),
  );
  const after = await post("refresh", before);
  expect(rolesIn(after["access_token"])).toEqual(["auditor"]);
});

test("a broken file changes nothing, is counted and logged without what is in it, and the next good one counts", async () => {
  const { status: before } = await logIn("alice");
  await replaceUsers("- { tenant: demo, username: alice, password: hunter2 }");
  const metrics = async () => (await fetch(`http://127.0.0.1:${stack.auth.ports.ops}/metrics`)).text();
  await waitFor("the file is rejected", async () =>
    /^sluice_auth_users_file_rejections_total [1-9]/m.test(await metrics()),
  );
  expect([before, (await logIn("alice")).status]).toEqual([200, 200]);
  await expect.poll(() => stack.auth.child.output()).toContain("the users' file was rejected");
  expect(stack.auth.child.output()).not.toContain("hunter2");
  await putInForce(usersWith("alice", "disabled: true"));
  expect((await logIn("alice")).status).toBe(401);
});

test("a user with a client's name is a fault, because both would be the same subject", async () => {
  await replaceUsers(original.replace("username: bob", "username: reporter"));
  await waitFor("the file is rejected", () => stack.auth.child.output().includes("is a client's name"));
});
