import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { importJWK, type JWK, SignJWT } from "jose";

/** The key of the demo's outside issuer. It is public: nothing but the demo may list that issuer. */
const KEY_FILE = new URL("../../infra/demo/token-key.json", import.meta.url);

/** Whom a token of the demo is of. */
export interface DemoPerson {
  readonly sub: string;
  readonly tenant: string;
  readonly roles: readonly string[];
  readonly groups: readonly string[];
}

/** Makes a token of the outside issuer `sluice-demo`. */
export async function makeDemoToken({ sub, tenant, roles, groups }: DemoPerson, seconds: number): Promise<string> {
  const key = JSON.parse(await readFile(KEY_FILE, "utf8")) as JWK;
  const now = Math.floor(Date.now() / 1_000);
  return new SignJWT({ tenant, roles, groups })
    .setProtectedHeader({ alg: "ES256", typ: "at+jwt", kid: "sluice-demo" })
    .setIssuer("sluice-demo")
    .setAudience("sluice")
    .setSubject(sub)
    .setJti(randomUUID())
    .setIssuedAt(now)
    .setExpirationTime(now + seconds)
    .sign(await importJWK(key, "ES256"));
}
