import { readFile } from "node:fs/promises";
import { BootError } from "#shared/config/read-config.ts";
import type { Logger } from "#shared/log/create-logger.ts";

/** What an operator's token is made of; the environment's and the file's alike. */
export const OPERATOR_TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

/** What is wrong with one that is not. */
export const OPERATOR_TOKEN_FAULT = "must be at least 16 of the characters A-Z a-z 0-9 . _ ~ + / -";

/** How often the file is looked at. */
const LOOK_EVERY_MS = 1_000;

/** The operator's token as it is now. Disposing ends the look at its file. */
export interface OperatorToken extends Disposable {
  /** Undefined where there is no operator. */
  readonly value: string | undefined;
}

/** Where the token comes from. */
export interface OperatorTokenSettings {
  readonly POLICY_OPERATOR_TOKEN?: string | undefined;
  readonly POLICY_OPERATOR_TOKEN_FILE?: string | undefined;
}

/**
 * Reads the operator's token, from the environment or from a file. A file is read again when it changes. If it is
 * broken then, that is logged, and the token before it stays.
 * @throws {BootError} when there are two, or the file does not hold one.
 */
export async function openOperatorToken(settings: OperatorTokenSettings, log: Logger): Promise<OperatorToken> {
  const { POLICY_OPERATOR_TOKEN: given, POLICY_OPERATOR_TOKEN_FILE: path } = settings;
  if (path === undefined) return { value: given, [Symbol.dispose]: () => undefined };
  if (given !== undefined) {
    throw new BootError("set either POLICY_OPERATOR_TOKEN or POLICY_OPERATOR_TOKEN_FILE, not both");
  }
  let value = await readToken(path);
  let fault = "";
  const look = async (): Promise<void> => {
    try {
      const fresh = await readToken(path);
      fault = "";
      if (fresh === value) return;
      value = fresh;
      log.info("the operator's token was replaced");
    } catch (error) {
      const { message } = error as Error;
      if (message !== fault) log.warn({ fault: message }, "the operator's token cannot be replaced");
      fault = message;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS).unref();
  return {
    get value() {
      return value;
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function readToken(path: string): Promise<string> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw new BootError(`POLICY_OPERATOR_TOKEN_FILE cannot be read: ${error.message}`);
  });
  if (OPERATOR_TOKEN.test(text.trim())) return text.trim();
  throw new BootError(`the token in the file of POLICY_OPERATOR_TOKEN_FILE ${OPERATOR_TOKEN_FAULT}`);
}
