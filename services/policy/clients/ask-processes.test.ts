import { expect, test } from "vitest";
import { AppError } from "#shared/errors/app-error.ts";
import { createProcessQuestions } from "./ask-processes.ts";

const STATUS = { service: "auth", version: "1", reasons: [], settings: { environment: { LOG_LEVEL: "info" } } };

test("each process is told of by its own name; one that is away or another program hides no other", async () => {
  const asked: string[] = [];
  const ask = createProcessQuestions(
    ["auth", "edge", "web"].map((name) => ({ name, url: `http://${name}:1` })),
    async ({ url }) => {
      asked.push(url);
      if (url.startsWith("http://edge")) throw new AppError("unavailable", "the connection is refused");
      return url.startsWith("http://web") ? { hello: 1 } : { ...STATUS, more: 1 };
    },
  );
  expect(await ask()).toEqual([
    { name: "auth", ...STATUS },
    { name: "edge", fault: "the connection is refused" },
    { name: "web", fault: "what answers there is no service of ours" },
  ]);
  expect(asked[0]).toBe("http://auth:1/debug/settings");
});
