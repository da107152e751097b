import { AppError } from "#shared/errors/app-error.ts";
import { isMacOf, macOf } from "./mac.ts";

/** What a refresh token says: the n-th of its family. The family is the session's id. */
export interface RefreshToken {
  readonly family: string;
  readonly generation: number;
}

const REFRESH_TOKEN = /^(?<family>[A-Za-z0-9_-]{1,64})\.(?<generation>[1-9][0-9]{0,8})\.(?<mac>[A-Za-z0-9_-]{43})$/;

/**
 * Writes a refresh token: `<family>.<generation>.<MAC>`. The same token always reads the same, so that a successor can be
 * given again without being kept anywhere.
 */
export function formatRefreshToken({ family, generation }: RefreshToken, key: Uint8Array): string {
  const said = `${family}.${generation}`;
  return `${said}.${macOf(said, key)}`;
}

/**
 * Reads a refresh token that one of the keys has signed.
 * @throws {AppError} `token_invalid` for anything else.
 */
export function parseRefreshToken(text: string, keys: readonly Uint8Array[]): RefreshToken {
  const { family = "", generation = "", mac = "" } = REFRESH_TOKEN.exec(text)?.groups ?? {};
  const isGenuine = keys.some((key) => isMacOf(`${family}.${generation}`, mac, key));
  if (!isGenuine) throw new AppError("token_invalid", "the refresh token is not valid");
  return { family, generation: Number(generation) };
}
