import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { discoverIssuer } from "./discover-issuer.ts";

/** A web of documents by their address; everything else is not there. */
function web(documents: Readonly<Record<string, object>>) {
  const asked: string[] = [];
  const fetchJson = async ({ url }: { readonly url: string }): Promise<unknown> => {
    asked.push(url);
    const found = documents[url];
    if (found === undefined) throw new AppError("unavailable", "the server answers 404", { facts: { status: "404" } });
    if (found instanceof Error) throw found;
    return found;
  };
  return { asked, fetchJson };
}

test.each([
  ["https://a.example", "https://a.example/.well-known/openid-configuration"],
  ["https://a.example/", "https://a.example/.well-known/openid-configuration"],
  ["https://a.example/realms/x", "https://a.example/realms/x/.well-known/openid-configuration"],
  ["https://a.example/realms/x", "https://a.example/.well-known/oauth-authorization-server/realms/x"],
  ["https://a.example/realms/x", "https://a.example/.well-known/openid-configuration/realms/x"],
  ["https://a.example/", "https://a.example/.well-known/oauth-authorization-server"],
])("the metadata of %s are found at %s", async (issuer, url) => {
  const metadata = { issuer, jwks_uri: "https://keys.example/" };
  expect(await discoverIssuer(issuer, web({ [url]: metadata }).fetchJson, undefined)).toEqual(metadata);
});

test.each(["https://a.example/", "https://evil.example", "HTTPS://a.example"])(
  "metadata that call themselves %s are not those of https://a.example",
  async (issuer) => {
    const { fetchJson } = web({ "https://a.example/.well-known/openid-configuration": { issuer } });
    await expect(discoverIssuer("https://a.example", fetchJson, undefined)).rejects.toMatchObject({
      code: "unavailable",
      message: expect.stringContaining("another issuer's"),
      facts: { named: issuer },
    });
  },
);

test("metadata may not lead to keys that come unencrypted", async () => {
  const metadata = { issuer: "https://a.example", jwks_uri: "http://a.example/keys" };
  const { fetchJson } = web({ "https://a.example/.well-known/openid-configuration": metadata });
  await expect(discoverIssuer("https://a.example", fetchJson, undefined)).rejects.toThrow("not https");
});

test.each(["jwks_uri", "introspection_endpoint"])(
  "metadata from elsewhere may not lead to servers of this machine (%s)",
  async (member) => {
    const metadata = { issuer: "https://a.example", [member]: "http://127.0.0.1:8091/x" };
    const { fetchJson } = web({ "https://a.example/.well-known/openid-configuration": metadata });
    await expect(discoverIssuer("https://a.example", fetchJson, undefined)).rejects.toThrow("not https");
    const local = { ...metadata, issuer: "http://127.0.0.1:1" };
    const here = web({ "http://127.0.0.1:1/.well-known/openid-configuration": local });
    expect(await discoverIssuer(local.issuer, here.fetchJson, undefined)).toEqual(local);
  },
);

test("a server that fails is asked once", async () => {
  const failure = new AppError("unavailable", "the connection is refused");
  const { fetchJson, asked } = web({ "https://a.example/.well-known/openid-configuration": failure });
  await expect(discoverIssuer("https://a.example", fetchJson, undefined)).rejects.toBe(failure);
  expect(asked).toHaveLength(1);
});
