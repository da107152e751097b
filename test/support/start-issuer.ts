import { createServer } from "node:http";
import { exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";
import { listenHere } from "./listen-here.ts";

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

/** Starts an issuer with one fresh key of that algorithm and that name. */
export async function startIssuer(alg = "ES256", kid = "key-1"): Promise<Issuer> {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true });
  const jwk: JWK = { ...(await exportJWK(publicKey)), kid, alg, use: "sig" };
  let keys: readonly JWK[] | undefined = [jwk];
  let fetches = 0;
  const server = createServer((_, response) => {
    fetches += 1;
    if (keys === undefined) return void response.writeHead(500).end();
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys }));
  });
  const listening = await listenHere(server);
  return {
    jwksUri: `http://127.0.0.1:${listening.port}/jwks.json`,
    jwk,
    fetches: () => fetches,
    publish: (next) => void (keys = next),
    sign: (claims, header = {}) =>
      new SignJWT(claims).setProtectedHeader({ alg, typ: "at+jwt", kid, ...header }).sign(privateKey),
    [Symbol.asyncDispose]: () => listening[Symbol.asyncDispose](),
  };
}
