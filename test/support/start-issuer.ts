import { createServer } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

/** An issuer that publishes its key: its HTTP server counts the requests. */
export interface Issuer extends AsyncDisposable {
  readonly jwksUri: string;
  /** The published key. */
  readonly jwk: JWK;
  /** How often the keys were fetched. */
  fetches(): number;
  /** What is published from now on; undefined answers 500. */
  publish(keys: readonly JWK[] | undefined): void;
  /** Signs a token with the published key. */
  sign(claims: JWTPayload, header?: Record<string, unknown>): Promise<string>;
}

/** Starts an issuer with one fresh key of that algorithm, named `key-1`. */
export async function startIssuer(alg = "ES256"): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid: "key-1", alg, use: "sig" };
  let keys: readonly JWK[] | undefined = [jwk];
  let fetches = 0;
  const server = createServer((_, response) => {
    fetches += 1;
    if (keys === undefined) return void response.writeHead(500).end();
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    jwksUri: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`,
    jwk,
    fetches: () => fetches,
    publish: (next) => void (keys = next),
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", kid: "key-1", ...header }).sign(privateKey),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}
