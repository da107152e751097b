import { deserialize, serialize } from "node:v8";
import type { Principal } from "#shared/contract/principal.ts";
import type { CompiledDocument } from "../decide/compile-document.ts";
import type { BoundRole } from "../decide/document-bindings.ts";
import type { Attributes } from "../document/attributes.ts";
import { partsOf, type Steps } from "../work/turns.ts";

/** A list in parts, each of which takes a millisecond or two to take in. */
const TEXTS_AT_ONCE = 4_000;
const LISTS_AT_ONCE = 1_000;

/** Somebody with 64 values takes as long as 64 with one. */
const VALUES_AT_ONCE = 2_000;

/** All but the long lists. */
type Frame = Omit<CompiledDocument, "attributes" | "rules" | "bindings"> & {
  readonly rules: Omit<CompiledDocument["rules"], "patterns">;
  readonly listOf: Uint32Array;
};

type Part =
  | readonly ["frame", Frame]
  | readonly ["patterns" | "names", readonly string[]]
  | readonly ["lists", readonly (readonly BoundRole[])[]]
  | readonly ["attributes", ReadonlyArray<readonly [Principal, Attributes]>];

/** A compiled document as one thread hands it to another: in parts, so that no part holds up the thread that takes them in. */
export function encodeParts({ attributes, rules, bindings, ...rest }: CompiledDocument): Uint8Array<ArrayBuffer>[] {
  const { patterns, ...table } = rules;
  const parts: Part[] = [["frame", { ...rest, rules: table, listOf: bindings.listOf }]];
  for (const part of partsOf(patterns, TEXTS_AT_ONCE)) parts.push(["patterns", part]);
  for (const part of partsOf(bindings.names, TEXTS_AT_ONCE)) parts.push(["names", part]);
  for (const part of partsOf(bindings.lists, LISTS_AT_ONCE)) parts.push(["lists", part]);
  for (const part of attributeParts(attributes)) parts.push(["attributes", part]);
  return parts.map((part) => new Uint8Array(serialize(part)));
}

/** Takes in what `encodeParts` made, part by part. */
export function* decodeParts(parts: readonly Uint8Array[]): Steps<CompiledDocument> {
  const [head, ...others] = parts;
  const [, frame] = deserialize(head ?? new Uint8Array()) as readonly ["frame", Frame];
  const taken = { patterns: [] as string[], names: [] as Principal[], lists: [] as (readonly BoundRole[])[] };
  const attributes = new Map<Principal, Attributes>();
  for (const bytes of others) {
    yield;
    const part = deserialize(bytes) as Exclude<Part, readonly ["frame", Frame]>;
    if (part[0] === "attributes") for (const [name, held] of part[1]) attributes.set(name, held);
    else if (part[0] === "lists") taken.lists.push(...part[1]);
    else taken[part[0]].push(...part[1]);
  }
  const { listOf, rules, ...rest } = frame;
  const { patterns, names, lists } = taken;
  return { ...rest, attributes, rules: { ...rules, patterns }, bindings: { names, lists, listOf } };
}

function* attributeParts(attributes: CompiledDocument["attributes"]): Generator<Array<[Principal, Attributes]>> {
  let part: Array<[Principal, Attributes]> = [];
  let values = 0;
  for (const entry of attributes) {
    part.push(entry);
    for (const each of entry[1].values()) values += 1 + each.length;
    if (values < VALUES_AT_ONCE) continue;
    yield part;
    [part, values] = [[], 0];
  }
  if (part.length > 0) yield part;
}
