import { describe, expect, test } from "vitest";
import { apiFiles, readApiFile } from "../../scripts/apis/api-files.ts";
import { walkRoutes } from "../../scripts/apis/describe-api.ts";
import { serviceApis } from "../../scripts/apis/service-apis.ts";
import { isTest, readSources } from "./read-sources.ts";

describe.each(serviceApis().map((each) => [each.service, each] as const))("the calls of %s", (service, { api }) => {
  const { calls, undescribed } = walkRoutes(api);

  test("are described where their routes are added, each and every one", () => {
    expect(calls.length).toBeGreaterThan(0);
    expect(undescribed).toEqual([]);
  });

  test("stand in the document that is checked in, and no others do", async () => {
    const { paths } = (await readApiFile(`docs/reference/openapi/${service}.json`)) as { paths: object };
    const written = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods as object).map((method) => `${method} ${path}`),
    );
    expect(written.toSorted()).toEqual(calls.map(({ method, path }) => `${method} ${path}`).toSorted());
  });

  test("have names of their own, and an example whose status they say", () => {
    const names = calls.map(({ description }) => description.id);
    expect(new Set(names).size).toBe(names.length);
    const wrong = calls.filter(({ description: { example, answers, errors } }) => {
      return !(String(example.status) in answers) && !(example.status === 404 && errors.includes("not_found"));
    });
    expect(wrong.map(({ description }) => description.id)).toEqual([]);
  });

  test("say every error code that the code of their routes throws", () => {
    const said = new Set<string>(calls.flatMap(({ description }) => description.errors));
    const thrown = readSources(`services/${service}/http/`)
      .filter((source) => !isTest(source))
      .flatMap(({ path, text }) =>
        [...text.matchAll(/AppError\(\s*"(\w+)"/g)].map(([, code = ""]) => ({ path, code })),
      );
    expect(thrown.length).toBeGreaterThan(0);
    // Any call may end with these, and they stand in every document.
    const always = ["malformed_request", "body_too_large", "internal", "method_not_allowed"];
    expect(thrown.filter(({ code }) => !said.has(code) && !always.includes(code))).toEqual([]);
  });
});

test("what describes the APIs is what the code says", async () => {
  for (const [file, fresh] of apiFiles()) {
    expect(await readApiFile(file), `${file}: run npm run gen`).toEqual(JSON.parse(JSON.stringify(fresh)));
  }
});
