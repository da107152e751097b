import { Badge } from "../../parts/badge.tsx";
import type { Connection } from "./connection.ts";

/** A stream's state in a word, and what it waits for. */
export function StateOf({ connection: { state, waitsFor, idle } }: { readonly connection: Connection }) {
  if (state === "behind") return <Badge tone="warn">{waitsFor === null ? "behind" : `waits for ${waitsFor}`}</Badge>;
  return idle ? <Badge tone="quiet">idle</Badge> : <Badge tone="good">live</Badge>;
}
