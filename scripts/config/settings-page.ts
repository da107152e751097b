import type { z } from "zod";
import { type SettingMeta, settingMetaOf } from "#shared/config/setting-meta.ts";
import { SERVICES } from "../shared/service-calls.ts";
import { defaultOf, isOptional } from "./describe-settings.ts";
import { inputOf } from "./json-schema.ts";
import { OWNERS, SCHEMAS, type SettingsOwner } from "./services.ts";

const HEAD = `# All settings

Settings are environment variables. This is every one that a service reads, by its name, with the services that read it, and below what
\`npm start\`, compose and \`sluice\` read. More about those of one service: [auth](settings-auth.md), [policy](settings-policy.md),
[publisher](settings-publish.md), [edge](settings-stream.md). What a start says of them: [settings of auth](settings-auth.md#what-a-start-says).

- \`npx sluice config list\` prints them with their values and where those come from; \`npx sluice config check\` says what is wrong with them.
- A file [\`.env\`](../operate/side-by-side.md#settings-in-a-file) in the project's folder may hold them; [\`.env.example\`](../../.env.example) shows how.
- As JSON Schemas: [auth](schemas/settings-auth.json), [policy](schemas/settings-policy.json), [publisher](schemas/settings-publish.json),
  [edge](schemas/settings-stream.json).

This page is written by \`npm run gen\`, from the schemas by which the services read their settings.

`;

const TOOLS_HEAD = `
## Of npm start, compose and sluice

`;

/** Where the tables of a service begin and end in its page; the rest of the page is written by hand. */
const REGION = /(?<=<!-- settings: written by npm run gen -->\n).*(?=<!-- end of settings -->)/s;

/** What settings are for, by the first that holds of their names; the rest are a service's own. */
const GROUPS: readonly (readonly [title: string, holds: (name: string, service: string) => boolean])[] = [
  ["Traces", (name) => /^(OTEL_|SLUICE_TRACES)/.test(name)],
  ["Log and demo", (name) => /^(LOG_|SLUICE_DEMO$)/.test(name)],
  ["NATS", (name) => /^NATS_(?!PORT$)/.test(name)],
  ["Redis", (name) => name.startsWith("REDIS_")],
  ["gRPC between the services", (name) => name.startsWith("GRPC_")],
  ["Keys", (name) => /^AUTH_(KEY|SIGNING)_/.test(name)],
  ["Certificates of clients", (name) => name.startsWith("AUTH_TLS_")],
  ["Tokens and cookies", (name) => /^AUTH_(JWKS|ISSUER|AUDIENCE|COOKIE)/.test(name)],
  ["Other services", (name, service) => !name.startsWith(service.toUpperCase())],
];

const ORDER = [
  "Its own",
  "Keys",
  "Certificates of clients",
  "Tokens and cookies",
  "Other services",
  "NATS",
  "Redis",
  "gRPC between the services",
  "Traces",
  "Log and demo",
];

/** The page of the documentation that lists all settings. */
export function settingsPage(): string {
  const owners = new Map<string, SettingsOwner[]>();
  for (const service of SERVICES) {
    for (const name of Object.keys(SCHEMAS[service].shape)) owners.set(name, [...(owners.get(name) ?? []), service]);
  }
  const rows = [...owners]
    .toSorted(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, services]) => {
      const [, byDefault, takes, meaning] = cellsOf(name, schemaOf(services[0] ?? "auth", name));
      return rowOf([`\`${name}\``, services.join(", "), byDefault, takes, meaning]);
    });
  const all = table(["setting", "read by", "default", "takes", "meaning"], rows);
  return HEAD + all + TOOLS_HEAD + tableOf("tools", Object.keys(SCHEMAS.tools.shape));
}

/** The page of one service: as it is, with its tables written anew. */
export function writeTables(page: string, service: SettingsOwner): string {
  const names = Object.keys(SCHEMAS[service].shape);
  const groupOf = (name: string): string => GROUPS.find(([, holds]) => holds(name, service))?.[0] ?? "Its own";
  const sections = ORDER.map((title) => [title, names.filter((name) => groupOf(name) === title)] as const)
    .filter(([, group]) => group.length > 0)
    .map(([title, group]) => `## ${title}\n\n${tableOf(service, group)}\n`);
  return page.replace(REGION, () => `\n${sections.join("")}`);
}

/** Every name of a setting, of the services and of the tools. */
export function settingNames(): string[] {
  return [...new Set(OWNERS.flatMap((owner) => Object.keys(SCHEMAS[owner].shape)))].toSorted();
}

function schemaOf(owner: SettingsOwner, name: string): z.ZodType {
  return SCHEMAS[owner].shape[name] as z.ZodType;
}

function tableOf(owner: SettingsOwner, names: readonly string[]): string {
  const rows = names.map((name) => rowOf(cellsOf(name, schemaOf(owner, name))));
  return table(["setting", "default", "takes", "meaning"], rows);
}

function table(titles: readonly string[], rows: readonly string[]): string {
  return [rowOf(titles), rowOf(titles.map(() => "---")), ...rows].join("");
}

function rowOf(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll("|", String.raw`\|`)).join(" | ")} |\n`;
}

function cellsOf(name: string, schema: z.ZodType): [name: string, byDefault: string, takes: string, meaning: string] {
  const meta = settingMetaOf(schema);
  const unit = meta.unit ?? unitOf(name);
  const more = meta.see === undefined ? "" : ` ([more](${linkTo(meta.see)}))`;
  return [`\`${name}\``, defaultCell(schema, meta, unit), takesCell(schema, meta, unit), meta.description + more];
}

/** From a page in docs/reference. */
function linkTo(page: string): string {
  return page.startsWith("reference/") ? page.slice("reference/".length) : `../${page}`;
}

type Unit = NonNullable<SettingMeta["unit"]>;

function unitOf(name: string): Unit | undefined {
  const [, ending] = /_(MS|SECONDS|BYTES)(?:_PER_MINUTE)?$/.exec(name) ?? [];
  return ending === undefined ? undefined : ({ MS: "ms", SECONDS: "s", BYTES: "bytes" } as const)[ending as "MS"];
}

function defaultCell(schema: z.ZodType, meta: SettingMeta, unit: Unit | undefined): string {
  if (!isOptional(schema)) return "none: must be set";
  const byDefault = defaultOf(schema, meta);
  if (byDefault === undefined) return "";
  const words = unit === undefined ? "" : inWords(Number(byDefault), unit);
  return words === "" ? `\`${byDefault}\`` : `\`${byDefault}\` (${words})`;
}

/** What may be set: a range, some words, or an example. */
function takesCell(schema: z.ZodType, { example }: SettingMeta, unit: Unit | undefined): string {
  const takes = takenBy(inputOf(schema), unit);
  if (takes !== "") return takes;
  return example === undefined ? "" : `such as \`${example}\``;
}

function takenBy(
  { type, minimum, maximum, enum: words, const: word, anyOf }: ReturnType<typeof inputOf>,
  unit: Unit | undefined,
): string {
  if (anyOf !== undefined)
    return anyOf
      .map((each) => takenBy(each, unit))
      .filter((each) => each !== "")
      .join(", or ");
  if (words !== undefined) return words.map((each) => `\`${String(each)}\``).join(", ");
  if (word !== undefined && word !== "") return `\`${String(word)}\``;
  if (type !== "integer") return "";
  const most = maximum === Number.MAX_SAFE_INTEGER ? "" : ` to ${spaced(maximum ?? 0)}`;
  return `${spaced(minimum ?? 0)}${most === "" ? " or more" : most}${unit === undefined ? "" : ` ${unit}`}`;
}

/** Digits in groups of three. */
function spaced(value: number): string {
  return String(value).replaceAll(/\B(?=(\d{3})+(?!\d))/g, " ");
}

const SCALES: Readonly<Record<Unit, readonly (readonly [size: number, name: string])[]>> = {
  bytes: [
    [1024 ** 3, "GiB"],
    [1024 ** 2, "MiB"],
  ],
  s: [
    [86_400, "d"],
    [3_600, "h"],
    [60, "min"],
  ],
  ms: [[1_000, "s"]],
};

/** A number with a larger unit; nothing where it has none that is shorter. */
function inWords(value: number, unit: Unit): string {
  const [size, name] = SCALES[unit].find(([each]) => value >= each && Number.isInteger((value / each) * 8)) ?? [];
  return size === undefined ? "" : `${value / size} ${name}`;
}
