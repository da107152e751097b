import { pino, type Logger } from "pino";

export type { Logger } from "pino";

/** Keys whose values must never reach a log line. */
const SECRET_KEYS = ["password", "access_token", "refresh_token", "authorization", "cookie", "x-auth-token", "token"];

/**
 * A logger that writes one JSON line per entry to stdout. Secrets are removed by key up to three levels deep; the write is
 * synchronous, so that the last line before an exit is never lost.
 */
export function createLogger(service: string, level: string): Logger {
  const paths = SECRET_KEYS.flatMap((key) => [`["${key}"]`, `*["${key}"]`, `*.*["${key}"]`]);
  return pino(
    {
      level,
      base: { service },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths, censor: "[redacted]" },
    },
    pino.destination({ dest: 1, sync: true }),
  );
}
