import { escapeHtml } from "../escape-html.ts";
import { STYLE } from "../welcome-page.ts";

/** A document of OpenAPI, as far as the page shows it. */
export interface ShownDocument {
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly tags: readonly { readonly name: string }[];
  readonly paths: Readonly<Record<string, Readonly<Record<string, ShownCall>>>>;
  readonly components: { readonly schemas?: Readonly<Record<string, ShownSchema>> };
}

interface ShownCall {
  readonly operationId: string;
  readonly tags: readonly string[];
  readonly summary: string;
  readonly description?: string;
  readonly security: readonly Readonly<Record<string, unknown>>[];
  readonly parameters?: readonly ShownParameter[];
  readonly requestBody?: { readonly required?: boolean; readonly content: ShownContent };
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: ShownContent }>>;
}

interface ShownParameter {
  readonly in: string;
  readonly name: string;
  readonly required?: boolean;
  readonly description?: string;
  readonly schema: ShownSchema;
  readonly example?: unknown;
}

type ShownContent = Readonly<Record<string, { readonly schema: ShownSchema; readonly example?: unknown }>>;

interface ShownSchema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly format?: string;
  readonly description?: string;
  readonly items?: ShownSchema;
  readonly properties?: Readonly<Record<string, ShownSchema>>;
  readonly additionalProperties?: boolean | ShownSchema;
  readonly required?: readonly string[];
  readonly anyOf?: readonly ShownSchema[];
  readonly oneOf?: readonly ShownSchema[];
  readonly allOf?: readonly ShownSchema[];
}

/** How the page looks. */
export const API_STYLE = `${STYLE}
body{max-width:54rem;margin:6vh auto}h2{margin:2.2rem 0 .4rem;font-size:1.05rem}h3{margin:1rem 0 .2rem;font-size:.85rem;font-weight:600}
details{border-top:1px solid light-dark(#d5dee3,#263640)}summary{padding:.55rem 0;cursor:pointer;overflow-wrap:anywhere}
summary span{display:block;font-size:.9rem}summary b{display:inline-block;min-width:5.4em;font-size:.8rem}
details>div{padding:0 0 1rem 1rem}dl{margin:0}dt{margin-top:.35rem;overflow-wrap:anywhere}dd{margin:0 0 0 1.2rem}dd code{margin:0}dd,dt span{font-size:.9rem;color:light-dark(#51646f,#93a7b2)}
pre{overflow:auto;margin:0;padding:.7rem;border-radius:.4rem;background:light-dark(#dfe7eb,#131d23);font-size:.82rem}p{margin:.3rem 0 .8rem}`;

/** The page that shows a document, whole and without a script. */
export function apiPage(document: ShownDocument): string {
  const { title, version, description = "" } = document.info;
  const groups = document.tags.map(({ name }) => `<h2>${escapeHtml(name)}</h2>${callsOf(document, name)}`);
  const shapes = Object.entries(document.components.schemas ?? {}).map(
    ([name, schema]) =>
      `<details id="${escapeHtml(name)}"><summary><code>${escapeHtml(name)}</code></summary><div><dl>${membersOf(schema)}</dl></div></details>`,
  );
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}: its calls</title><style>${API_STYLE}</style>
<h1>${escapeHtml(title)}</h1><p>${escapeHtml(description)} Version ${escapeHtml(version)}. <a href="/openapi.json">The document</a> (OpenAPI 3.1).</p>
${groups.join("\n")}${shapes.length === 0 ? "" : `<h2>Shapes</h2>${shapes.join("\n")}`}</html>
`;
}

function callsOf({ paths }: ShownDocument, tag: string): string {
  return Object.entries(paths)
    .flatMap(([path, methods]) => Object.entries(methods).map(([method, call]) => ({ path, method, call })))
    .filter(({ call }) => call.tags.includes(tag))
    .map(({ path, method, call }) => callOf(path, method, call))
    .join("\n");
}

function callOf(path: string, method: string, call: ShownCall): string {
  const { parameters = [], requestBody, responses } = call;
  const bodies = Object.entries(requestBody?.content ?? {}).map(
    ([type, { schema }]) =>
      `<dt><code>${escapeHtml(type)}</code> ${typeOf(schema)}</dt><dd><dl>${membersOf(schema)}</dl></dd>`,
  );
  const parts = [
    call.description === undefined ? "" : `<p>${prose(call.description)}</p>`,
    section("By", [`<dd>${credentialsOf(call)}</dd>`]),
    section("Parameters", parameters.map(parameterOf)),
    section(requestBody?.required === false ? "Body, which may be absent" : "Body", bodies),
    section("Answers", Object.entries(responses).map(answerOf)),
    `<h3>Example</h3><pre>${escapeHtml(exampleOf(path, method, call))}</pre>`,
  ];
  return `<details id="${escapeHtml(call.operationId)}"><summary><b>${method.toUpperCase()}</b><code>${escapeHtml(path)}</code><span>${prose(call.summary)}</span></summary><div>${parts.join("")}</div></details>`;
}

function section(name: string, items: readonly string[]): string {
  return items.length === 0 ? "" : `<h3>${name}</h3><dl>${items.join("")}</dl>`;
}

function credentialsOf({ security }: ShownCall): string {
  if (security.length === 0) return "nothing";
  return security
    .map((each) => Object.keys(each).join(" with ") || "what is in the body")
    .map(escape)
    .join(", or ");
}

function parameterOf({ name, in: place, required, description, schema }: ShownParameter): string {
  const about = description ?? schema.description ?? "";
  return `<dt><code>${escapeHtml(name)}</code> <span>${place}${required === true ? ", required" : ""}</span> ${typeOf(schema)}</dt><dd>${prose(about)}</dd>`;
}

function answerOf([status, { description, content = {} }]: [string, ShownCall["responses"][string]]): string {
  const types = Object.entries(content).map(([type, { schema }]) =>
    status.startsWith("2") ? `<code>${escapeHtml(type)}</code> ${typeOf(schema)}` : `<code>${escapeHtml(type)}</code>`,
  );
  return `<dt><code>${status}</code> ${types.join(", ")}</dt><dd>${prose(description)}</dd>`;
}

function membersOf(schema: ShownSchema, depth = 0): string {
  if (depth > MAX_DEPTH) return "";
  const parts = [
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
    ...(schema.allOf ?? []),
    ...(schema.items ? [schema.items] : []),
  ];
  const own = Object.entries(schema.properties ?? {}).map(([name, member]) => {
    const required = schema.required?.includes(name) === true ? " <span>required</span>" : "";
    const below = member.$ref === undefined ? membersOf(member, depth + 1) : "";
    return `<dt><code>${escapeHtml(name)}</code>${required} ${typeOf(member)}</dt><dd>${prose(member.description ?? "")}${below && `<dl>${below}</dl>`}</dd>`;
  });
  return [...own, ...parts.filter(({ $ref }) => $ref === undefined).map((part) => membersOf(part, depth + 1))].join("");
}

/** No schema of ours is so deep. */
const MAX_DEPTH = 8;

/** A schema in a word or a few; a link where it has a name. */
function typeOf(schema: ShownSchema): string {
  const { $ref, type, items, enum: choices, anyOf, oneOf, allOf, format } = schema;
  if ($ref !== undefined) {
    const name = escapeHtml($ref.replace("#/components/schemas/", ""));
    return `<a href="#${name}">${name}</a>`;
  }
  if (schema.const !== undefined) return `<code>${escapeHtml(JSON.stringify(schema.const))}</code>`;
  if (choices !== undefined) return choices.map((choice) => `<code>${escapeHtml(String(choice))}</code>`).join(" ");
  const some = anyOf ?? oneOf ?? allOf;
  if (some !== undefined) return some.map(typeOf).join(allOf === undefined ? " or " : " and ");
  if (items !== undefined) return `list of ${typeOf(items)}`;
  return escapeHtml([type ?? "anything"].flat().join(" or ") + (format === undefined ? "" : ` (${format})`));
}

function textOf(example: unknown, otherwise: string): string {
  return typeof example === "string" ? example : otherwise;
}

function exampleOf(path: string, method: string, call: ShownCall): string {
  const { parameters = [], requestBody, security } = call;
  const filled = parameters
    .filter((parameter) => parameter.in === "path")
    .reduce((text, { name, example }) => text.replace(`{${name}}`, encodeURIComponent(textOf(example, name))), path);
  const query = parameters
    .filter((parameter) => parameter.in === "query" && parameter.example !== undefined)
    .flatMap(({ name, example }) => [example].flat().map((value) => `${name}=${encodeURIComponent(String(value))}`));
  const [[type, content] = []] = Object.entries(requestBody?.content ?? {});
  const body = content?.example;
  const isForm = type === "application/x-www-form-urlencoded";
  const text = isForm ? String(new URLSearchParams(body as Record<string, string>)) : body;
  return [
    `curl ${method === "get" ? "" : `-X ${method.toUpperCase()} `}"$SLUICE${filled}${query.length === 0 ? "" : `?${query.join("&")}`}"`,
    ...(security.some((each) => "bearer" in each) ? ['-H "authorization: Bearer $TOKEN"'] : []),
    ...(security.some((each) => "client" in each) ? ['-u "$CLIENT:$SECRET"'] : []),
    ...(body === undefined ? [] : [`-H 'content-type: ${type}'`]),
    ...(body === undefined ? [] : [`--data-binary '${typeof text === "string" ? text : JSON.stringify(text)}'`]),
  ].join(" \\\n  ");
}

/** A description, in which names stand between backticks. */
function prose(text: string): string {
  return escapeHtml(text).replaceAll(/`([^`]+)`/g, "<code>$1</code>");
}
