import type { Terminal } from "../shared/command.ts";

/** An event, or another entry of a tenant's log, as a command prints it. */
export interface PrintedEvent {
  /** Its id, or its sequence where the bus was asked. */
  readonly id: string;
  /** When the log stored it, RFC 3339. */
  readonly time: string;
  /** `order.created.42`, or the whole subject of what is no event. */
  readonly topic: string;
  readonly attributes?: Readonly<Record<string, string>>;
  /** The payload as it was published: JSON where it is any, else text. */
  readonly data: unknown;
}

/** The topic of a subject of the tenant's log; the whole subject of what is no event. */
export function topicIn(subject: string, tenant: string): string {
  const prefix = `events.${tenant}.`;
  return subject.startsWith(prefix) ? subject.slice(prefix.length) : subject;
}

/** A payload as JSON where it is any, else as text. */
export function dataOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/** Prints an event on one line. Nothing that a producer wrote can break the line or steer the terminal. */
export function printEvent(event: PrintedEvent, { print, columns }: Terminal): void {
  const data = typeof event.data === "string" ? event.data : JSON.stringify(event.data);
  const line = `${event.time}  ${event.id}  ${event.topic}  `;
  const room = Math.max(columns - line.length, 40);
  print(event, harmless(line + (data.length > room ? `${data.slice(0, room - 1)}…` : data)));
}

/** Text in which nothing is left that moves a cursor, changes a colour or turns the direction of writing. */
export function harmless(text: string): string {
  return text.replaceAll(/[^\P{C}\n]/gu, "?");
}
