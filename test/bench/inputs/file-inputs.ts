import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RunningService } from "#test/support/start-service.ts";
import { waitFor } from "#test/support/wait.ts";
import { INPUT_FILES, type InputFile, type InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";

/** People that an installation has in a file. */
const PEOPLE = 1_000;

/** No secret: only its form is looked at. */
const HASH = "$argon2id$v=19$m=19456,t=2,p=1$YfE8MBMq/8PxRQA88pbDyQ$DNuiVBYlaW68AEBjVu6p95+vFi5ROG13jOaitd3X+7Q";

/** The files that services read again whenever they change. */
export function fileInputs({ stack, publisher, webhooks, folder }: InputsWorld): readonly OutsideInput[] {
  const { auth, policy } = stack;
  const file = (setting: InputFile, service: RunningService, textOf: (size: InputSize) => string): OutsideInput => ({
    name: `file, ${setting}`,
    through: [`file ${setting}`],
    service,
    answers: answers(200),
    async send(size) {
      await writeFile(join(folder, INPUT_FILES[setting]), textOf(size));
      await readAgain(service);
      return 200;
    },
  });
  return [
    file("PUBLISH_SCHEMAS_DIR", publisher, (size) => schemasOf(size === "largest" ? 256 : 1)),
    file("STREAM_WEBHOOK_SECRETS_FILE", webhooks, (size) => secretsOf(size === "largest" ? 1_000 : 1)),
    file("AUTH_USERS_FILE", auth, (size) => usersOf(size === "largest" ? PEOPLE : 1)),
    file("AUTH_CLIENTS_FILE", auth, (size) => clientsOf(size === "largest" ? 500 : 1)),
    file("AUTH_ISSUERS_FILE", auth, (size) => issuersOf(size === "largest" ? 64 : 1)),
    file("POLICY_DOCUMENTS_DIR", policy, (size) => documentOf(size === "largest" ? 1_000 : 1)),
    file("POLICY_TIERS_FILE", policy, (size) => tiersOf(size === "largest" ? 32 : 1)),
    file("POLICY_OPERATOR_TOKEN_FILE", policy, (size) => tokensOf(size === "largest" ? 64 : 1)),
  ];
}

/** Has a service read its files now, and answers when it has. */
async function readAgain({ child }: RunningService): Promise<void> {
  const times = (): number => child.output().split("the watched files were read again").length;
  const before = times();
  child.process.kill("SIGHUP");
  await waitFor("the files are read again", () => times() > before);
}

function usersOf(count: number): string {
  return listOf(count, (index) => `{ tenant: demo, username: person-${index}, password: "${HASH}" }`);
}

function clientsOf(count: number): string {
  return listOf(count, (index) => `{ tenant: demo, client_id: client-${index}, secret: "${HASH}" }`);
}

function issuersOf(count: number): string {
  return listOf(
    count,
    (index) =>
      `{ issuer: issuer-${index}, jwks_file: token-keys.json, audience: sluice, tenant_claim: tenant, tenants: [demo] }`,
  );
}

function documentOf(roles: number): string {
  const lines = Array.from({ length: roles }, (_, index) => `  role-${index}: { allow: ["order:read"] }`);
  return ["tenant: inputs-file", "roles:", ...lines, 'events: { "order.*": "order:read" }', ""].join("\n");
}

function tiersOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `tier-${index}: { connections: 1 }\n`).join("");
}

function tokensOf(count: number): string {
  return Array.from({ length: count }, (_, index) => `operator-${index}: ${`token-${index}-`.padEnd(500, "t")}\n`).join(
    "",
  );
}

function listOf(count: number, lineOf: (index: number) => string): string {
  return Array.from({ length: count }, (_, index) => `- ${lineOf(index)}\n`).join("");
}

function schemasOf(count: number): string {
  const schema = JSON.stringify({ type: "object", properties: { sum: { type: "number" }, note: { type: "string" } } });
  return `schemas:\n${Array.from({ length: count }, (_, index) => `  "order.kind${index}": ${schema}\n`).join("")}`;
}

function secretsOf(count: number): string {
  const secret = `whsec_${Buffer.alloc(24, 1).toString("base64")}`;
  return `demo:\n${Array.from({ length: count }, (_, index) => `  hook-${index}: ${secret}\n`).join("")}`;
}
