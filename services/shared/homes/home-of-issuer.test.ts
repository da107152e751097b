import { expect, test } from "vitest";
import type { HomeState } from "./further-home.ts";
import { homeOfIssuer, type ServedHome } from "./home-of-issuer.ts";

interface Open {
  readonly name: string;
  readonly verifier: { readonly knows: (issuer: string) => boolean };
}

const open = (name: string, ...issuers: string[]): Open => ({
  name,
  verifier: { knows: (issuer) => issuers.includes(issuer) },
});

function served(issuer: string, state: HomeState<Open>, ...outside: string[]): ServedHome<Open> {
  return { home: { state }, issuer, outside };
}

function nameOf(state: HomeState<Open> | undefined): string | undefined {
  return state?.is === "open" ? state.open.name : state?.reason;
}

test("a home's own issuer is that home's, whatever the own home and others list as outside issuers", () => {
  const own = open("own", "own.test", "eu.test");
  const us = served("us.test", { is: "open", open: open("us", "us.test", "eu.test") }, "eu.test");
  const eu = served("eu.test", { is: "open", open: open("eu", "eu.test") });
  expect(nameOf(homeOfIssuer("eu.test", own, [us, eu]))).toBe("eu");
  const away = served("eu.test", { is: "away", reason: "eu is away" });
  expect(nameOf(homeOfIssuer("eu.test", own, [us, away]))).toBe("eu is away");
});

test("an outside issuer is the own home's, or that of the first home that lists it, also while it is not open", () => {
  const us = served("us.test", { is: "away", reason: "us is away" }, "login.test", "both.test");
  const eu = served("eu.test", { is: "open", open: open("eu", "eu.test", "login.test", "eu-login.test") });
  const own = open("own", "own.test", "both.test");
  const owners = ["both.test", "login.test", "eu-login.test", "own.test", "nobody.test"].map((issuer) =>
    nameOf(homeOfIssuer(issuer, own, [us, eu])),
  );
  expect(owners).toEqual(["own", "us is away", "eu", "own", undefined]);
});
