import type { Logger } from "#shared/log/create-logger.ts";

/** Logs why a tenant's log cannot be read, each reason once until it can be read again, and then that it can. */
export class TroubleLog {
  readonly #tenant: string;
  readonly #log: Logger;
  readonly #reported = new Set<string>();

  constructor(tenant: string, log: Logger) {
    this.#tenant = tenant;
    this.#log = log;
  }

  report(reason: string): void {
    if (this.#reported.has(reason)) return;
    this.#reported.add(reason);
    this.#log.warn({ tenant: this.#tenant, reason }, "the log cannot be read right now");
  }

  end(): void {
    if (this.#reported.size === 0) return;
    this.#reported.clear();
    this.#log.info({ tenant: this.#tenant }, "the log is read again");
  }
}

/** Why a log cannot be read, for operators. The cause names streams and settings; users never see it. */
export function reasonOf(error: Error): string {
  return error.cause instanceof Error ? error.cause.message : error.message;
}
