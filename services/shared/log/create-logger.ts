import { hostname } from "node:os";
import { type DestinationStream, pino } from "pino";
import type { LogFormat } from "#shared/config/log-format.ts";
import { type LineFacts, nameFields } from "./line-fields.ts";
import { prettyLine } from "./pretty-line.ts";

/** Writes a line of a level. */
interface WriteLine {
  (facts: LineFacts, message: string): void;
  (message: string): void;
}

/** A service's log. */
export interface Logger extends Record<"debug" | "info" | "warn" | "error", WriteLine> {
  /** The same log; each line has these fields, too, by their names in the line. */
  child(fields: Readonly<Record<string, string>>): Logger;
}

/** Keys whose values must never reach a log line. */
const SECRET_KEYS = ["password", "access_token", "refresh_token", "authorization", "cookie", "x-auth-token", "token"];

/**
 * A logger that writes one line per entry to stdout: JSON for programs, or text for people, which is the default on a terminal. Fields
 * have the names of OpenTelemetry's conventions. Secrets are removed by key up to three levels deep; the write is synchronous, so that
 * the last line before an exit is never lost.
 */
export function createLogger(
  service: string,
  level: string,
  format: LogFormat = process.stdout.isTTY ? "pretty" : "json",
): Logger {
  const stdout = pino.destination({ dest: 1, sync: true });
  const paths = SECRET_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);
  return pino(
    {
      level,
      base: { "service.name": service, "host.name": hostname(), "process.pid": process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: nameFields },
      redact: { paths, censor: "[redacted]" },
    },
    format === "json" ? stdout : forPeople(stdout),
  );
}

/** Behind the same destination: it is silent once nobody reads any more, where a write of our own would throw into whoever logs. */
function forPeople(stdout: DestinationStream): DestinationStream {
  return { write: (line) => stdout.write(prettyLine(line)) };
}
