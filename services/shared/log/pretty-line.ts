import { styleText } from "node:util";

/** What a line has, as JSON. */
type Line = Readonly<Record<string, unknown>>;

const STYLES = {
  trace: "dim",
  debug: "dim",
  info: "green",
  warn: "yellow",
  error: "red",
  fatal: "redBright",
} as const;

/** They stand in front, or are the same in each line of a process. */
const LEFT_OUT = new Set(["level", "time", "msg", "service.name", "service.instance.id", "host.name", "process.pid"]);

/** What must not reach a terminal as it is: strangers choose names and headers, and a terminal obeys some characters. */
const CONTROL = /[\p{Cc}\p{Cf}]/gu;

/** A line for people to read: when, how serious, which service, what, and the facts; a stack follows on lines of its own. */
export function prettyLine(json: string): string {
  const line = parse(json);
  if (line === undefined) return `${clean(json.trimEnd())}\n`;
  const { level, time, msg, "service.name": service, "exception.stacktrace": stack, ...facts } = line;
  const texts = Object.entries(facts)
    .filter(([name]) => !LEFT_OUT.has(name))
    .map(([name, value]) => `${styleText("dim", `${clean(name)}=`)}${textOf(value)}`);
  const name = String(level);
  const style = Object.hasOwn(STYLES, name) ? STYLES[name as keyof typeof STYLES] : "reset";
  const head = [
    clock(time),
    styleText(style, clean(name).toUpperCase().padEnd(5)),
    clean(String(service)),
    clean(String(msg)),
  ];
  return `${[...head, ...texts].join(" ")}\n${typeof stack !== "string" ? "" : `${indent(stack)}\n`}`;
}

function parse(json: string): Line | undefined {
  try {
    const line: unknown = JSON.parse(json);
    return typeof line === "object" && line !== null ? (line as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** The time of day: people look at a terminal on the same day. */
function clock(time: unknown): string {
  return clean(String(time)).slice(11, 23);
}

function textOf(value: unknown): string {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return clean(/^[^\s"=]+$/.test(text) ? text : typeof value === "string" ? JSON.stringify(value) : text);
}

function indent(stack: string): string {
  return stack
    .split("\n")
    .map((each) => `    ${clean(each)}`)
    .join("\n");
}

function clean(text: string): string {
  return text.replaceAll(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`);
}
