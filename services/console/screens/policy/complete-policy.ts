import type { Completion, CompletionContext, CompletionResult } from "@codemirror/autocomplete";
import schema from "../../../../infra/policies/policy.schema.json" with { type: "json" };
import { pathAt } from "./path-at.ts";

/** As much of JSON Schema as that of policy documents uses. */
interface Schema {
  readonly type?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly enum?: readonly string[];
}

/** Completes keys by the schema of policy documents, with what each means, and names by the document itself. */
export function completePolicy(context: CompletionContext): CompletionResult | null {
  const text = context.state.doc.toString();
  const { path, isValue, typed } = pathAt(text, context.pos);
  if (typed === "" && !context.explicit) return null;
  const schemas = schemasAt(path);
  const options = [
    ...(isValue ? [] : schemas.flatMap(keysOf)),
    ...schemas.flatMap((each) => each.enum ?? []).map((label): Completion => ({ label, type: "enum" })),
    ...namesFor(path, text).map((label): Completion => ({ label, type: "variable" })),
  ];
  return options.length === 0 ? null : { from: context.pos - typed.length, options };
}

function keysOf({ properties = {} }: Schema): Completion[] {
  return Object.entries(properties).map(([label, { description }]) => ({
    label,
    type: "property",
    apply: `${label}: `,
    ...(description === undefined ? {} : { info: description }),
  }));
}

/** The schemas that hold at a path; several where a value has several forms. */
function schemasAt(path: readonly string[]): readonly Schema[] {
  return path.reduce<readonly Schema[]>((found, key) => found.flatMap((each) => formsOf(childOf(each, key))), [schema]);
}

function childOf({ properties, additionalProperties, items }: Schema, key: string): Schema | undefined {
  if (key === "-") return items;
  const others = typeof additionalProperties === "object" ? additionalProperties : undefined;
  return properties?.[key] ?? others;
}

function formsOf(found: Schema | undefined): readonly Schema[] {
  return found === undefined ? [] : [found, ...(found.anyOf ?? [])];
}

/** Names that the document has already: roles where a role is meant, permissions where one is. */
function namesFor(path: readonly string[], text: string): readonly string[] {
  const [last, before] = [path.at(-1), path.at(-2)];
  if (last === "role" || before === "inherits") return rolesIn(text);
  const isPermission = path[0] === "events" || last === "permission" || before === "allow" || before === "deny";
  return isPermission ? [...new Set(text.match(/\b[\w-]+:[a-z][\w-]*\b/g) ?? [])].toSorted() : [];
}

/** The keys directly below `roles:`, whatever else is wrong with the text. */
function rolesIn(text: string): readonly string[] {
  const [, below = ""] = /^roles:[^\n]*\n((?:(?:[ \t].*)?\n)*)/m.exec(`${text}\n`) ?? [];
  const indent = /^[ \t]+/m.exec(below)?.[0] ?? "  ";
  const keys = below.matchAll(new RegExp(`^${indent}([^\\s#:][^:]*):`, "gm"));
  return [...keys].map(([, name = ""]) => name.replaceAll(/^["']|["']$/g, ""));
}
