import { globSync, readFileSync } from "node:fs";
import { fromBinary } from "@bufbuild/protobuf";
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt";
import { Hono } from "hono";
import { KNOWN_SETTINGS } from "#shared/config/known-settings.ts";
import { edgeQuestionSchema } from "#shared/contract/edge-questions.ts";
import * as tenantLog from "#shared/contract/tenant-log.ts";

const ROOT = new URL("../../../", import.meta.url);

/** Certificates, keys and tokens of a service itself: Node's TLS, the clients of NATS and Redis, or a script reads them. */
const OWN_SECRETS = /_TLS_|_NKEY_|_CREDS_|_KEY_ENCRYPTION_KEY_|^POLICY_TOKEN_FILE$/;

/**
 * All that something from outside comes through: `GET /v1/stream`, `rpc policy.v1.DecisionService/Resolve`, `control erased`,
 * `question nodes`, `header ce-`, `file AUTH_USERS_FILE`. The routers and descriptors themselves are asked, so that none is forgotten. The ports
 * for operations are not among them.
 */
export async function listSurfaces(): Promise<readonly string[]> {
  const messages = [...listControlEntries(), ...listQuestions(), ...listHeaders()];
  return [...(await listRoutes()), ...listMethods(), ...messages, ...listFiles()];
}

/** Adds the routes of every module to a router of its own, which says what it has. The edge's streams and polls have no router. */
async function listRoutes(): Promise<string[]> {
  const paths = globSync("services/*/http/*.ts", { cwd: ROOT.pathname }).filter((path) => !path.endsWith(".test.ts"));
  const modules = await Promise.all(paths.map((path) => import(new URL(path, ROOT).href) as Promise<object>));
  const router = new Hono();
  for (const [name, add] of modules.flatMap((each) => Object.entries(each))) {
    if (/^add\w+Routes?$/.test(name))
      (add as (...args: unknown[]) => void)(router, ANYTHING, ANYTHING, ANYTHING, ANYTHING);
  }
  return ["GET /v1/stream", "GET /v1/poll", ...router.routes.map(({ method, path }) => `${method} ${path}`)];
}

/** Stands for whatever a route needs, a text too: to add it asks for nothing. */
const ANYTHING: unknown = new Proxy(() => ANYTHING, {
  get: (_, name) => (name === Symbol.toPrimitive ? () => "" : ANYTHING),
  apply: () => ANYTHING,
});

function listMethods(): string[] {
  const bytes = readFileSync(new URL("proto/gen/descriptor-set.binpb", ROOT));
  return fromBinary(FileDescriptorSetSchema, bytes).file.flatMap((file) =>
    file.service.flatMap((service) =>
      service.method.map((method) => `rpc ${file.package}.${service.name}/${method.name}`),
    ),
  );
}

function listControlEntries(): string[] {
  const subjects = Object.entries(tenantLog).filter(([name]) => name.endsWith("ControlSubject"));
  return subjects.map(
    ([, subjectOf]) => `control ${(subjectOf as (tenant: string) => string)("t").slice("control.t.".length)}`,
  );
}

function listQuestions(): string[] {
  return edgeQuestionSchema.options.map(({ shape }) => `question ${shape.ask.value}`);
}

/** The names, and beginnings of names, of the headers that count of an event. */
function listHeaders(): string[] {
  const text = readFileSync(new URL("services/shared/contract/event-attributes.ts", ROOT), "utf8");
  return [...text.matchAll(/name(?:\.startsWith\(| === )"([a-z-]+)"/g)].map(([, name]) => `header ${name}`);
}

function listFiles(): string[] {
  return KNOWN_SETTINGS.filter(
    (name) => /^(AUTH|POLICY|PUBLISH|STREAM)_.*_(FILE|DIR)$/.test(name) && !OWN_SECRETS.test(name),
  ).map((name) => `file ${name}`);
}
