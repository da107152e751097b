import { describe, expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createLogger } from "#shared/log/create-logger.ts";
import { judgeToken } from "./judge-token.ts";
import type { JsonQuestion } from "./http/fetch-json.ts";
import { parseIssuerEntry } from "./outside-issuers.ts";
import { TrustedIssuers } from "./trusted-issuers.ts";

const NOW = Math.floor(Date.now() / 1_000);
const ACTIVE = { active: true, sub: "dana", aud: "api", exp: NOW + 600, client_id: "web" };

/** Issuers `a` and `b` that are asked about opaque tokens; `answers` by issuer and token. */
function createWorld(change: object = {}) {
  const answers = new Map<string, object>();
  const state = { questions: [] as JsonQuestion[], clock: 0, answers, held: undefined as Promise<void> | undefined };
  const outside = new TrustedIssuers({
    async fetchJson(question) {
      state.questions.push(question);
      await state.held;
      const name = new URL(question.url).hostname;
      const answer = answers.get(`${name} ${question.form?.["token"]}`) ?? answers.get(name) ?? { active: false };
      if (answer instanceof Error) throw answer;
      return answer;
    },
    now: () => state.clock,
    log: createLogger("test", "silent"),
  });
  const issuerOf = (name: string) => ({
    entry: parseIssuerEntry({
      issuer: `https://${name}`,
      audience: "api",
      tenant: "acme",
      introspection: {
        endpoint: `https://${name}/introspect`,
        client_id: "us:1",
        client_secret_env: "AUTH_ISSUER_SECRET_X",
        ...change,
      },
    }),
    ca: undefined,
    clientSecret: "p w",
  });
  outside.adopt([issuerOf("a"), issuerOf("b")]);
  const judge = async (token: string, asker?: string) => {
    try {
      return await judgeToken(token, undefined, outside, { asker });
    } catch (error) {
      return error as AppError;
    }
  };
  return { state, outside, judge, issuerOf };
}

const asked = ({ questions }: { questions: JsonQuestion[] }) => questions.map(({ url }) => new URL(url).hostname);

describe("an opaque token", () => {
  test("is asked about at each issuer in turn, and is of the first that knows it", async () => {
    const { state, judge } = createWorld();
    state.answers.set("b", ACTIVE);
    expect(await judge("opaque")).toMatchObject({
      claims: { iss: "https://b", sub: "dana", tenant_id: "acme", exp: NOW + 600 },
    });
    expect(asked(state)).toEqual(["a", "b"]);
    expect(state.questions[0]).toMatchObject({
      form: { token: "opaque", token_type_hint: "access_token" },
      authorization: `Basic ${Buffer.from("us%3A1:p+w").toString("base64")}`,
    });
  });

  test("is shown only to issuers whose prefix it has", async () => {
    const { state, judge } = createWorld({ token_prefix: "at_" });
    expect(await judge("opaque")).toMatchObject({ code: "token_invalid" });
    expect(state.questions).toEqual([]);
  });

  test("is asked about at no more than 8 issuers, and prefixes choose which", async () => {
    const { state, outside, judge, issuerOf } = createWorld();
    const names = Array.from({ length: 9 }, (_, index) => `i${index}`);
    outside.adopt(names.map(issuerOf));
    await judge("opaque");
    expect(asked(state)).toEqual(names.slice(0, 8));
    const { state: other, outside: prefixed, judge: judgeOther, issuerOf: createIssuer } = createWorld();
    prefixed.adopt(
      names.map((name) => {
        const { entry, ...issuer } = createIssuer(name);
        return { ...issuer, entry: { ...entry, introspection: { ...entry.introspection!, token_prefix: `${name}_` } } };
      }),
    );
    await judgeOther("i8_opaque");
    expect(asked(other)).toEqual(["i8"]);
  });

  test("may be asked about with the secret in the form", async () => {
    const { state, judge } = createWorld({ method: "client_secret_post" });
    await judge("opaque");
    expect(state.questions[0]).toMatchObject({ form: { client_id: "us:1", client_secret: "p w" } });
    expect(state.questions[0]?.authorization).toBeUndefined();
  });

  test("is judged by what its issuer answers as by its own claims", async () => {
    const { state, judge } = createWorld();
    for (const [change, message] of [
      [{ aud: "other" }, "audience (aud) is not"],
      [{ exp: undefined }, "does not say when it ends"],
      [{ iss: "https://b" }, "names another issuer"],
      [{ sub: undefined }, "does not say who"],
      [{ token_use: "refresh_token" }, "is no access token"],
      [{ typ: "Refresh" }, "is no access token"],
    ] as const) {
      state.answers.set("a", { ...ACTIVE, ...change });
      expect(await judge(`opaque ${message}`)).toMatchObject({ message: expect.stringContaining(message) });
    }
    state.answers.set("a", { ...ACTIVE, exp: NOW - 60 });
    expect(await judge("ended")).toMatchObject({ code: "token_expired" });
  });

  test("that is good is believed for 30 s, and not longer than its entry", async () => {
    const { state, judge, outside, issuerOf } = createWorld();
    state.answers.set("a", ACTIVE);
    const verdict = await judge("opaque");
    const next = await judge("opaque");
    if (!("basis" in verdict) || !("basis" in next)) throw new Error("the token is refused");
    state.clock += 29_999;
    expect(verdict.basis.holds).toBe(true);
    outside.adopt([issuerOf("b")]);
    expect(verdict.basis.holds).toBe(false);
    state.clock += 1;
    expect(next.basis.holds).toBe(false);
  });

  test("that nobody knows costs one question of each, however often it comes", async () => {
    const { state, judge } = createWorld();
    const answers = await Promise.all(Array.from({ length: 50 }, () => judge("unknown")));
    await judge("unknown");
    expect(new Set(answers.map((answer) => (answer as AppError).code))).toEqual(new Set(["token_invalid"]));
    expect(asked(state)).toEqual(["a", "b"]);
  });

  test("waits while an issuer is away, and is not refused for good", async () => {
    const { state, judge } = createWorld();
    state.answers.set("a", new AppError("unavailable", "the connection is refused"));
    expect(await judge("opaque")).toMatchObject({ code: "unavailable", message: expect.stringContaining("refused") });
    state.answers.set("b another", ACTIVE);
    expect(await judge("another")).toMatchObject({ claims: { iss: "https://b" } });
  });

  test("that its issuer cannot read keeps nobody else waiting, and an issuer that is overloaded is left alone", async () => {
    const { state, judge } = createWorld();
    state.answers.set("a good", ACTIVE);
    for (const status of ["400", "413", "414", "500"]) {
      state.answers.set("a odd", new AppError("unavailable", `the server answers ${status}`, { facts: { status } }));
      expect(await judge("odd")).toMatchObject({ code: "unavailable" });
      expect(await judge("good")).toMatchObject({ claims: { iss: "https://a" } });
    }
    state.answers.set("a odd", new AppError("unavailable", "the server answers 503", { facts: { status: "503" } }));
    await judge("odd");
    expect(await judge("good")).toMatchObject({ code: "unavailable" });
  });

  test("is one of at most 256 of an address that an issuer is asked about at a time", async () => {
    const { state, judge } = createWorld();
    const { promise, resolve } = Promise.withResolvers<void>();
    state.held = promise;
    const answers = Array.from({ length: 300 }, (_, index) => judge(`flood ${index}`));
    await Promise.resolve();
    expect(state.questions.length).toBeLessThanOrEqual(16);
    resolve();
    const codes = (await Promise.all(answers)).map((answer) => (answer as AppError).code);
    expect(codes.filter((code) => code === "unavailable")).toHaveLength(44);
  });

  test("of one address waits for one turn, however many another address has asked about", async () => {
    const { state, judge } = createWorld();
    state.answers.set("a good", ACTIVE);
    const { promise, resolve } = Promise.withResolvers<void>();
    state.held = promise;
    const flood = Array.from({ length: 1_000 }, (_, index) => judge(`flood ${index}`, "203.0.113.1"));
    const good = judge("good", "198.51.100.7");
    await Promise.resolve();
    resolve();
    expect(await good).toMatchObject({ claims: { sub: "dana" } });
    const tokens = state.questions.filter(({ url }) => url.startsWith("https://a/")).map(({ form }) => form?.["token"]);
    expect(tokens.indexOf("good")).toBeLessThanOrEqual(17);
    await Promise.all(flood);
  });
});
