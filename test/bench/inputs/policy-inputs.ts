import { OPERATOR_TOKEN } from "#test/support/start-stack.ts";
import { INPUTS_TENANT, type InputsWorld } from "./inputs-world.ts";
import { answers, type InputSize, type OutsideInput } from "./outside-input.ts";
import { largestDocuments, refusedTexts, smallestDocument } from "./policy-documents.ts";
import { statusOf } from "./send-request.ts";

/** What one call brings at its largest. */
const MOST = { claims: 16_000, erasedIds: 1_000, imported: 20_000, deadLetters: 100 } as const;

const LONGEST_NAME = "n".repeat(256);

/** What administrators, programs and strangers may send to policy. */
export function policyInputs(world: InputsWorld): readonly OutsideInput[] {
  const policy = createPolicyInput(world);
  const documents = [...largestDocuments(INPUTS_TENANT)].flatMap(([name, document]) => [
    policy(`a document: ${name}`, "PUT /v1/tenants/:tenant/policy", answers(200), (size) => ({
      body: size === "largest" ? document : smallestDocument(INPUTS_TENANT),
    })),
    policy(
      `roles of a person after ${name}`,
      "PUT /v1/tenants/:tenant/subjects/:subject/roles",
      answers(200),
      (size) => ({
        body: { roles: Object.keys(document.roles).slice(0, size === "largest" ? 64 : 1) },
      }),
    ),
    policy(`a check after ${name}`, "POST /v1/tenants/:tenant/check", answers(200), (size) => ({
      body: questionOf(size),
    })),
    policy(`an explanation after ${name}`, "POST /v1/tenants/:tenant/explain", answers(200), (size) => ({
      body: questionOf(size),
    })),
  ]);
  const texts = [...refusedTexts(INPUTS_TENANT)].map(([name, text]) =>
    policy(`a text: ${name}`, "PUT /v1/tenants/:tenant/policy", answers(422), (size) => ({
      body: size === "largest" ? text : "x",
      type: "application/yaml",
    })),
  );
  return [
    ...documents,
    ...texts,
    ...readingInputs(policy),
    ...lookingInputs(policy),
    ...administeredInputs(policy),
    followedInput(world, "a tail", "tail"),
    followedInput(world, "lists to follow", "live/v1/stream"),
    ...wholeInputs(policy),
    ...tenantInputs(policy),
  ];
}

type PolicyInput = (
  name: string,
  route: string,
  right: OutsideInput["answers"],
  request?: (size: InputSize) => PolicyRequest,
) => OutsideInput;

/** What goes into a route. */
interface PolicyRequest {
  /** Instead of the route's own parameters, which stand for short names. */
  readonly path?: string;
  readonly query?: string;
  readonly body?: object | string;
  readonly type?: string;
}

function createPolicyInput({ stack }: InputsWorld): PolicyInput {
  return (name, route, right, request = () => ({})) => ({
    name: `policy, ${name}`,
    through: [route],
    service: stack.policy,
    answers: right,
    send(size) {
      const [method = "", template = ""] = route.split(" ");
      const { path = template, query = "", body, type = "application/json" } = request(size);
      const filled = path
        .replace(":tenant", INPUTS_TENANT)
        .replace(":subject", size === "largest" ? LONGEST_NAME : "n")
        .replace(":connection", size === "largest" ? "c".repeat(64) : "c")
        .replace(
          ":event",
          size === "largest" ? `${"e".repeat(32)}.${"9".repeat(15)}.${"t".repeat(16)}` : "eeeeeeee.1.0",
        )
        .replace(":name", "s".repeat(size === "largest" ? 64 : 1))
        .replace(":version", size === "largest" ? "9".repeat(15) : "1");
      const text = body === undefined || typeof body === "string" ? body : JSON.stringify(body);
      return statusOf(
        fetch(`${stack.policyUrl}${filled}?${query}`, {
          method,
          headers: { authorization: `Bearer ${OPERATOR_TOKEN}`, ...(text !== undefined && { "content-type": type }) },
          ...(text !== undefined && { body: text }),
        }),
      );
    },
  });
}

function readingInputs(policy: PolicyInput): readonly OutsideInput[] {
  const subjects = "/v1/tenants/:tenant/subjects";
  return [
    policy("a document to read", "GET /v1/tenants/:tenant/policy", answers(200)),
    policy("versions to list", "GET /v1/tenants/:tenant/policy/versions", answers(200)),
    policy("a version to read", "GET /v1/tenants/:tenant/policy/versions/:version", answers(200, 404)),
    policy("a version to go back to", "POST /v1/tenants/:tenant/policy/rollback", answers(200, 404), (size) => ({
      body: { version: size === "largest" ? Number.MAX_SAFE_INTEGER : 1 },
    })),
    policy("people to list", `GET ${subjects}`, answers(200), (size) => ({
      query: size === "largest" ? `after=${LONGEST_NAME}` : "limit=1",
    })),
    policy("a person to look up", `GET ${subjects}/:subject`, answers(200)),
    policy("a person's roles to read", `GET ${subjects}/:subject/roles`, answers(200)),
    policy("a person's roles to take back", `DELETE ${subjects}/:subject/roles`, answers(200)),
    policy("an event to explain", "GET /v1/tenants/:tenant/explain", answers(200), (size) => ({
      query: new URLSearchParams({
        subject: size === "largest" ? LONGEST_NAME : "n",
        event: "eeeeeeee.1.0",
      }).toString(),
    })),
  ];
}

/** What operators and administrators ask about what runs now. */
function lookingInputs(policy: PolicyInput): readonly OutsideInput[] {
  const tenant = "/v1/tenants/:tenant";
  const page = (size: InputSize): string => (size === "largest" ? `after=${"c".repeat(64)}&limit=500` : "limit=1");
  const [, wide = smallestDocument(INPUTS_TENANT)] = [...largestDocuments(INPUTS_TENANT)][0] ?? [];
  return [
    policy("streams of all tenants", "GET /v1/connections", answers(200), (size) => ({ query: page(size) })),
    policy("nodes", "GET /v1/nodes", answers(200)),
    policy("the health of all services", "GET /v1/health", answers(200)),
    policy("tiers", "GET /v1/tiers", answers(200)),
    policy("streams of a person", `GET ${tenant}/connections`, answers(200), (size) => ({
      query: `${page(size)}&subject=${size === "largest" ? LONGEST_NAME : "n"}`,
    })),
    policy("a stream to look up", `GET ${tenant}/connections/:connection`, answers(404)),
    policy("a stream to close", `DELETE ${tenant}/connections/:connection`, answers(404)),
    policy("an event to look at", `GET ${tenant}/events/:event`, answers(404)),
    policy("an event's audience", `GET ${tenant}/events/:event/audience`, answers(404)),
    policy("a document to review", `POST ${tenant}/policy/review`, answers(200), (size) => ({
      body: size === "largest" ? wide : smallestDocument(INPUTS_TENANT),
    })),
    policy("who sees what", `GET ${tenant}/policy/visibility`, answers(200), (size) => ({
      query: size === "largest" ? `after=${LONGEST_NAME}&limit=100` : "limit=1",
    })),
  ];
}

/** What administrators ask about durable subscriptions; nobody has one in this world. */
function administeredInputs(policy: PolicyInput): readonly OutsideInput[] {
  const all = "/v1/tenants/:tenant/subscriptions";
  const one = `${all}/:subject/:name`;
  const ids = (size: InputSize): PolicyRequest => ({
    body: {
      ids: Array.from({ length: size === "largest" ? MOST.deadLetters : 1 }, (_, index) => `eeeeeeee.${index}.0`),
    },
  });
  return [
    policy("subscriptions of a person", `GET ${all}`, answers(200), (size) => ({
      query: `limit=1&subject=${size === "largest" ? LONGEST_NAME : "n"}`,
    })),
    policy("a subscription to look at", `GET ${one}`, answers(404)),
    policy("a subscription to pause", `POST ${one}/pause`, answers(404)),
    policy("a subscription to resume", `POST ${one}/resume`, answers(404)),
    policy("dead letters to have again", `POST ${one}/dead/redeliver`, answers(404), ids),
    policy("dead letters to drop", `POST ${one}/dead/drop`, answers(404), ids),
    policy("a subscription to delete", `DELETE ${one}`, answers(404)),
  ];
}

/** A stream of policy's own is open until somebody leaves: its first bytes are the answer. */
function followedInput({ stack }: InputsWorld, name: string, path: string): OutsideInput {
  return {
    name: `policy, ${name}`,
    through: [`GET /v1/tenants/:tenant/${path}`],
    service: stack.policy,
    answers: answers(200),
    async send(size) {
      const topics = Array.from(
        { length: size === "largest" ? 100 : 1 },
        (_, index) => `topic=${path === "tail" ? `order.*.k${index}.>` : "connections.changed"}`,
      );
      const leaving = new AbortController();
      const answer = await fetch(`${stack.policyUrl}/v1/tenants/${INPUTS_TENANT}/${path}?${topics.join("&")}`, {
        headers: { authorization: `Bearer ${OPERATOR_TOKEN}` },
        signal: leaving.signal,
      });
      await answer.body?.getReader().read();
      leaving.abort();
      return answer.status;
    },
  };
}

function wholeInputs(policy: PolicyInput): readonly OutsideInput[] {
  return [
    policy("an export", "GET /v1/tenants/:tenant/export", answers(200)),
    policy("an import", "PUT /v1/tenants/:tenant/import", answers(200), (size) => ({
      body: importOf(size === "largest" ? MOST.imported : 1),
      type: "application/x-ndjson",
    })),
    policy("a topic to erase", "POST /v1/tenants/:tenant/erase", answers(200), (size) => ({
      body: { reason: "a test", subject: size === "largest" ? `${"*.".repeat(7)}>` : "a.b" },
    })),
    policy("events of another log to erase", "POST /v1/tenants/:tenant/erase", answers(400), (size) => ({
      body: {
        reason: "a test",
        ids: Array.from(
          { length: size === "largest" ? MOST.erasedIds : 1 },
          (_, index) => `${"e".repeat(32)}.${index}.${"t".repeat(16)}`,
        ),
      },
    })),
  ];
}

/** A tenant's name. */
function nameOf(size: InputSize): string {
  return size === "largest" ? "t".repeat(64) : "t";
}

/** The whole life of two tenants, with the shortest name and the longest. */
function tenantInputs(policy: PolicyInput): readonly OutsideInput[] {
  const of = (rest: string, body?: object) => (size: InputSize) => ({
    path: `/v1/tenants/${nameOf(size)}${rest}`,
    ...(body !== undefined && { body }),
  });
  const tenant = "/v1/tenants/:tenant";
  return [
    policy("a tenant to make", `PUT ${tenant}`, answers(201), of("", {})),
    policy("a tenant to look up", `GET ${tenant}`, answers(200), of("")),
    policy("a tenant's limits", `PUT ${tenant}/limits`, answers(200), of("/limits", { connections: 1 })),
    policy("a tenant to suspend", `POST ${tenant}/suspend`, answers(200), of("/suspend", {})),
    policy("a tenant to resume", `POST ${tenant}/resume`, answers(200), of("/resume", {})),
    policy("a tenant to delete", `DELETE ${tenant}`, answers(202), (size) => ({
      ...of("")(size),
      query: `confirm=${nameOf(size)}`,
    })),
    policy("tenants to list", "GET /v1/tenants", answers(200)),
    policy("a person's subscriptions to delete", `DELETE ${tenant}/subscriptions`, answers(200), (size) => ({
      query: `subject=${size === "largest" ? LONGEST_NAME : "n"}`,
    })),
  ];
}

function questionOf(size: InputSize): object {
  const count = size === "largest" ? MOST.claims : 1;
  return {
    subject: "someone",
    permission: "order:read",
    roles: Array.from({ length: count }, (_, index) => `role-${index}`),
    groups: Array.from({ length: count }, (_, index) => `group-${index}`),
  };
}

/** An export of the smallest document, and of so many people with a role each. */
function importOf(people: number): string {
  const document = JSON.stringify(smallestDocument(INPUTS_TENANT));
  const about = { tenant: INPUTS_TENANT, version: 1, at: "2026-01-01T00:00:00Z", document, subjects: people };
  const lines = Array.from({ length: people }, (_, index) => ({ subject: `person-${index}`, roles: ["viewer"] }));
  return [{ format: "sluice-policy/2", ...about }, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}
