import { createHash, timingSafeEqual } from "node:crypto";
import { readFile } from "node:fs/promises";
import { isDeepStrictEqual } from "node:util";
import { BootError } from "#shared/config/read-config.ts";
import { watchFile } from "#shared/files/watch-file.ts";
import type { Logger } from "#shared/log/create-logger.ts";

/** What an operator's token is made of; the environment's and the file's alike. */
export const OPERATOR_TOKEN = /^[A-Za-z0-9._~+/-]{16,512}=*$/;

/** What is wrong with one that is not. */
export const OPERATOR_TOKEN_FAULT = "must be at least 16 of the characters A-Z a-z 0-9 . _ ~ + / -";

/** A line of the file: `<name>: <token>`, or a token alone. */
const LINE = /^(?:(?<name>[A-Za-z0-9_-]{1,64}):\s+)?(?<token>\S+)$/;

/** More than that are no operators any more. */
const MAX_TOKENS = 64;

/** How often the file is looked at. */
const LOOK_EVERY_MS = 1_000;

/** The operators as they are now. Disposing ends the look at their file. */
export interface OperatorTokens extends AsyncDisposable {
  /**
   * Whose token it is: `operator:<name>`, `operator` for a token without a name, undefined for nobody's. How long it takes does
   * not depend on the token.
   */
  operatorOf(token: string): string | undefined;
}

/** Where the tokens come from. */
export interface OperatorTokenSettings {
  readonly POLICY_OPERATOR_TOKEN?: string | undefined;
  readonly POLICY_OPERATOR_TOKEN_FILE?: string | undefined;
}

/** An operator: what the audit trail calls them, and the digest of their token. */
interface Operator {
  readonly by: string;
  readonly digest: Buffer;
}

/**
 * Reads the operators' tokens, from the environment, a file, or both. A file is read again when it changes: a token is replaced
 * without an outage by a second line, and gone with its line. If the file is broken then, that is logged, and the tokens before
 * stay.
 * @throws {BootError} when the file does not hold tokens.
 */
export async function openOperatorTokens(settings: OperatorTokenSettings, log: Logger): Promise<OperatorTokens> {
  const { POLICY_OPERATOR_TOKEN: given, POLICY_OPERATOR_TOKEN_FILE: path } = settings;
  const own = given === undefined ? [] : [operatorOf(undefined, given)];
  let operators = path === undefined ? own : [...own, ...(await readOperators(path))];
  const watch =
    path === undefined
      ? undefined
      : watchFile({
          paths: [path],
          everyMs: LOOK_EVERY_MS,
          read: () => readOperators(path),
          async onRead(read) {
            const isSame = isDeepStrictEqual(operators, [...own, ...read]);
            operators = [...own, ...read];
            if (!isSame) log.info({ operators: operators.map(({ by }) => by) }, "the operators' tokens were replaced");
          },
          onFault: (fault) => log.warn({ fault }, "the operators' tokens cannot be replaced"),
        });
  return {
    operatorOf: (token) => find(operators, token),
    async [Symbol.asyncDispose]() {
      await watch?.[Symbol.asyncDispose]();
    },
  };
}

/** Digests have one length, and all of them are compared: neither a token's length nor its place shows in the time. */
function find(operators: readonly Operator[], token: string): string | undefined {
  const digest = digestOf(token);
  const matching = operators.filter((operator) => timingSafeEqual(operator.digest, digest));
  return matching[0]?.by;
}

/** The message names lines and never quotes them: they hold secrets. */
async function readOperators(path: string): Promise<Operator[]> {
  const text = await readFile(path, "utf8").catch((error: Error) => {
    throw new BootError(`POLICY_OPERATOR_TOKEN_FILE cannot be read: ${error.message}`);
  });
  const lines = text.split("\n").map((line) => line.trim());
  const operators = lines.flatMap((line, index) =>
    line === "" || line.startsWith("#") ? [] : [readLine(line, index + 1)],
  );
  if (operators.length === 0) throw faultIn("holds no token");
  if (operators.length > MAX_TOKENS) throw faultIn(`holds more than ${MAX_TOKENS} tokens`);
  return operators;
}

function readLine(line: string, number: number): Operator {
  const { name, token = "" } = LINE.exec(line)?.groups ?? {};
  if (OPERATOR_TOKEN.test(token)) return operatorOf(name, token);
  throw faultIn(`line ${number}: it must be "<name>: <token>" or a token, and a token ${OPERATOR_TOKEN_FAULT}`);
}

function faultIn(fault: string): BootError {
  return new BootError(`the file of POLICY_OPERATOR_TOKEN_FILE is wrong: ${fault}`);
}

function operatorOf(name: string | undefined, token: string): Operator {
  return { by: name === undefined ? "operator" : `operator:${name}`, digest: digestOf(token) };
}

function digestOf(token: string): Buffer {
  return createHash("sha256").update(token).digest();
}
