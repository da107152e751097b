import type { AppError } from "#shared/errors/app-error.ts";
import type { TraceFacts } from "#shared/protocol/traceparent.ts";
import type { LimitedLog } from "./limit-lines.ts";

/** What a line says of a request beside what happened to it: the person where a token proved who it is. Never a token. */
export interface RequestFacts extends TraceFacts {
  readonly requestId: string;
  readonly tenant?: string | undefined;
  readonly subject?: string | undefined;
  readonly method?: string | undefined;
  readonly path?: string | undefined;
  readonly address?: string | undefined;
  readonly userAgent?: string | undefined;
}

/** Paths, causes and what a token says of itself come from outside: a line has an end. */
const MAX_CHARACTERS = 300;

/**
 * Writes the one line about a refused request: at info for what is the caller's, with the code, what the caller was told, the
 * facts of the failure and its causes; at error for a fault of ours.
 */
export function logRefusal(log: LimitedLog, error: AppError, request: RequestFacts): void {
  const facts = { ...shorten(error.facts), ...shorten(request), code: error.code };
  if (error.code === "internal") {
    log.write("error", "failed", { ...facts, err: error.cause }, "a request failed in an unexpected way");
  } else {
    const detail = error.message.slice(0, MAX_CHARACTERS);
    log.write("info", `refused: ${error.code}`, { ...facts, detail, cause: causeOf(error) }, "refused");
  }
}

/** What changes nothing: consoles and programs ask it again and again. */
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/** Writes the line about an answered request; at debug where it only read. */
export function logAnswer(
  log: LimitedLog,
  request: RequestFacts,
  answer: { readonly status: number; readonly ms: number },
): void {
  const level = READS.has(request.method ?? "") ? "debug" : "info";
  log.write(level, `answered: ${level}`, { ...shorten(request), ...answer }, "answered");
}

function shorten<Facts extends object>(facts: Facts): Facts {
  return Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, cut(value)])) as Facts;
}

function cut(value: unknown): unknown {
  return typeof value === "string" ? value.slice(0, MAX_CHARACTERS) : value;
}

/** The messages of the failures behind an error, the nearest first; undefined where there are none. */
function causeOf({ cause }: Error): string | undefined {
  const messages: string[] = [];
  for (let each = cause; each instanceof Error && messages.length < 4; each = each.cause) {
    messages.push(each.message || each.name);
  }
  return messages.length === 0 ? undefined : messages.join(": ").slice(0, MAX_CHARACTERS);
}
