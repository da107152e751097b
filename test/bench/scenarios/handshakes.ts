import { randomUUID } from "node:crypto";
import { connect } from "node:net";
import { createLocalJWKSet, jwtVerify } from "jose";
import { rememberVerified } from "#shared/tokens/remember-verified.ts";
import { verifyAccessToken } from "#shared/tokens/verify-access-token.ts";
import { type Issuer, startIssuer } from "#test/support/start-issuer.ts";
import type { Stack } from "#test/support/start-stack.ts";
import type { Figure, Scenario } from "../scenario.ts";

/** How many could be had of one core: counted by the CPU time that the process spent, not by the clock. */
interface PerCore {
  readonly count: number;
  readonly perSecond: number;
}

/** What is measured in one run. */
interface HandshakeReport {
  /** jose alone, in this process, on the same tokens. */
  readonly jose: PerCore;
  /** The edge's verification, in this process: of tokens it has not seen, and of the same ones again. */
  readonly verified: PerCore;
  readonly remembered: PerCore;
  /** Handshakes of an edge that has not seen the tokens. */
  readonly cold: PerCore;
  /** The same ones again. */
  readonly cached: PerCore;
  /** All clients at once. */
  readonly storm: { readonly clients: number; readonly seconds: number; readonly authCalls: number };
}

const CLAIMS = { iss: "http://localhost:8081", aud: "sluice", client_id: "bench", tenant_id: "demo", sub: "carol" };

/** A steady stream of handshakes: enough under way at a time to keep the edge busy. */
const CONCURRENCY = 64;

/** What opening streams costs, and a few thousand at once. */
export const handshakes: Scenario = {
  name: "handshakes",
  about: "token verified, session and grant asked, ready told: for each second of one core's time",
  async run({ stack }) {
    const report = await measureHandshakes(stack, { steady: 4_000, clients: 2_000 });
    const { jose, verified, remembered, cold, cached, storm } = report;
    const row = (name: string, { perSecond }: PerCore): Figure => ({ name, value: perSecond, unit: "/s" });
    return [
      row("bare jose verification", jose),
      row("our verification", verified),
      row("of a token seen before", remembered),
      row("handshake, new token", cold),
      row("handshake, known token", cached),
      { name: `${storm.clients} clients at once`, value: storm.seconds, unit: "s" },
      { name: "calls of auth for them", value: storm.authCalls, unit: "" },
    ];
  },
};

/** Opens streams at an edge of its own, whose tokens this process signs, and closes each once it is ready. */
async function measureHandshakes(
  stack: Stack,
  { steady, clients }: { steady: number; clients: number },
): Promise<HandshakeReport> {
  await using issuer = await startIssuer();
  const edge = await stack.startEdge({ AUTH_JWKS_URL: issuer.jwksUri });
  const figures = (): Promise<Figures> => readFigures(edge.ports.ops);
  const open = (token: string): Promise<Disposable> => openStream(edge.ports.http, token);
  // Just-in-time compilation and the tenant's log are not what is measured.
  await eachOf(await signTokens(issuer, 500), CONCURRENCY, open);

  const tokens = await signTokens(issuer, steady);
  const keys = createLocalJWKSet({ keys: [issuer.jwk] });
  const expected = { issuer: CLAIMS.iss, audience: CLAIMS.aud };
  const jose = await measureVerifying(tokens, (token) => jwtVerify(token, keys, expected));
  const basis = { holds: true };
  const verify = rememberVerified(async (token) => ({
    claims: await verifyAccessToken(token, keys, expected),
    basis,
  }));
  const verified = await measureVerifying(tokens, verify);
  const remembered = await measureVerifying(tokens, verify);
  const cold = await perCore(steady, figures, () => eachOf(tokens, CONCURRENCY, open));
  const cached = await perCore(steady, figures, () => eachOf(tokens, CONCURRENCY, open));

  const before = await figures();
  const begin = performance.now();
  await eachOf(await signTokens(issuer, clients), clients, open);
  const seconds = (performance.now() - begin) / 1_000;
  const after = await figures();
  await edge.child.end("SIGTERM");
  return {
    jose,
    verified,
    remembered,
    cold,
    cached,
    storm: { clients, seconds, authCalls: after.authCalls - before.authCalls },
  };
}

async function signTokens(issuer: Issuer, count: number): Promise<string[]> {
  const iat = Math.floor(Date.now() / 1_000);
  return Promise.all(
    Array.from({ length: count }, () => {
      const login_at = "2026-01-01T00:00:00Z";
      return issuer.sign({ ...CLAIMS, iat, exp: iat + 300, jti: randomUUID(), sid: randomUUID(), login_at });
    }),
  );
}

/** Waits for `use` of each, `concurrency` at a time, and lets all go at the end of their round. */
async function eachOf(
  tokens: readonly string[],
  concurrency: number,
  use: (token: string) => Promise<Disposable>,
): Promise<void> {
  for (let from = 0; from < tokens.length; from += concurrency) {
    const opened = await Promise.all(tokens.slice(from, from + concurrency).map((token) => use(token)));
    for (const each of opened) each[Symbol.dispose]();
  }
}

async function measureVerifying(
  tokens: readonly string[],
  verify: (token: string) => Promise<unknown>,
): Promise<PerCore> {
  const cpu = async () => ({ cpuSeconds: (process.cpuUsage().user + process.cpuUsage().system) / 1e6 });
  return perCore(tokens.length, cpu, async () => {
    await Promise.all(tokens.map((token) => verify(token)));
  });
}

async function perCore(
  count: number,
  read: () => Promise<{ readonly cpuSeconds: number }>,
  work: () => Promise<void>,
): Promise<PerCore> {
  const before = await read();
  await work();
  const after = await read();
  return { count, perSecond: count / (after.cpuSeconds - before.cpuSeconds) };
}

interface Figures {
  readonly cpuSeconds: number;
  readonly authCalls: number;
}

async function readFigures(port: number): Promise<Figures> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, "m").exec(text)?.[1]);
  return {
    cpuSeconds: figure("process_cpu_seconds_total"),
    authCalls: figure("sluice_stream_session_calls_total"),
  };
}

/** A client that costs as little as one can: a socket, and a look for the first frame. */
function openStream(port: number, token: string): Promise<Disposable> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let text = "";
    socket.setEncoding("latin1").on("error", reject);
    socket.on("data", (chunk: string) => {
      text += chunk;
      if (text.includes("event: ready")) resolve({ [Symbol.dispose]: () => socket.destroy() });
      else if (text.includes("event: busy") || !text.startsWith("HTTP/1.1 200")) reject(new Error(text));
    });
    socket.write(`GET /v1/stream?topic=issues.> HTTP/1.1\r\nHost: edge\r\nAuthorization: Bearer ${token}\r\n\r\n`);
  });
}
