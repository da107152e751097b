import { Hono } from "hono";
import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { authorizeOperator, type BearerDeps } from "./authorize.ts";

const OPERATOR = "an-operator-token-of-32-characters";

/** Asks as an address that has guessed too often, or not; answers the codes, and which tokens were shown to the verifier. */
async function ask(token: string, waitSeconds: number) {
  const shown: string[] = [];
  const deps: BearerDeps = {
    operators: { operatorOf: (each) => (each === OPERATOR ? "operator" : undefined) },
    guesses: { waitSeconds: async () => waitSeconds, note: async () => {} },
    addressOf: () => "203.0.113.1",
    async verify(each) {
      shown.push(each);
      throw new AppError("token_invalid", "nobody's");
    },
  };
  let outcome = "";
  const api = new Hono().get("/", async (c) => {
    outcome = await authorizeOperator(deps, c).catch((error: unknown) => (error as AppError).code);
    return c.body(null);
  });
  await api.request("/", { headers: { authorization: `Bearer ${token}` } });
  return { outcome, shown };
}

test("an operator's token is shown to no issuer of opaque tokens, not even from an address that is not listened to", async () => {
  expect(await ask(OPERATOR, 0)).toEqual({ outcome: "operator", shown: [] });
  expect(await ask(OPERATOR, 30)).toEqual({ outcome: "too_many_attempts", shown: [] });
});

test("what may be an operator's token is refused alike from such an address, right or wrong, and signed tokens are still read", async () => {
  expect(await ask("a-wrong-one-of-an-operator", 30)).toEqual({ outcome: "too_many_attempts", shown: [] });
  const signed = ["{}", "{}", "x"].map((part) => Buffer.from(part).toString("base64url")).join(".");
  expect(await ask(signed, 30)).toEqual({ outcome: "too_many_attempts", shown: [signed] });
});
