import { encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import { placeholderOf } from "../document/topic-placeholder.ts";
import type { Effect, ValuesOf } from "./fold-condition.ts";

/** A rule whose lists would make more patterns of it is filled in as if their attributes were absent. */
const MAX_PATTERNS = 64;

/** A topic template with the tenant's id filled in, which no two decisions of a tenant differ in. */
export function fillTenant(template: string, tenant: string): string {
  return template
    .split(".")
    .map((token) => (token === "{tenant}" ? tenant : token))
    .join(".");
}

/** The names of the subject's attributes in a topic template. */
export function placeholdersIn(template: string): string[] {
  return template.split(".").flatMap((token) => placeholderOf(token) ?? []);
}

/**
 * The topic patterns of a rule with the subject's values filled in: one for each value, where several placeholders stand for
 * each of their values by themselves. A value stands in a topic as its token. What is absent, or is no free name and so has no
 * token, allows nothing and denies whatever could stand there.
 */
export function fillTemplate(template: string, effect: Effect, valuesOf: ValuesOf): readonly string[] {
  if (!template.includes("{")) return [template];
  const choices = template.split(".").map((token) => tokensFor(token, effect, valuesOf));
  if (choices.reduce((patterns, tokens) => patterns * tokens.length, 1) > MAX_PATTERNS) {
    return fillTemplate(template, effect, (name) => (name === "sub" ? valuesOf(name) : undefined));
  }
  return choices.reduce<readonly string[]>(
    (patterns, tokens) => patterns.flatMap((pattern) => tokens.map((token) => join(pattern, token))),
    [""],
  );
}

function tokensFor(token: string, effect: Effect, valuesOf: ValuesOf): readonly string[] {
  const name = placeholderOf(token);
  if (name === undefined) return [token];
  const values = valuesOf(name);
  const tokens = values?.filter(isFreeName).map(encodeName) ?? [];
  const isUsable = values !== undefined && tokens.length === values.length;
  return isUsable || effect === "allow" ? tokens : ["*"];
}

function join(pattern: string, token: string): string {
  return pattern === "" ? token : `${pattern}.${token}`;
}
