import { expect, test } from "vitest";
import { takeQuery } from "./take-query.ts";

test.each(["/v1/stream?topic=a.b&topic=c%2A", "http://edge.example.com/v1/stream?topic=a.b&topic=c%2A#fragment"])(
  "the parameters of %s are taken once",
  (url) => {
    const request = { url };
    expect(takeQuery(request).getAll("topic")).toEqual(["a.b", "c*"]);
    expect(takeQuery(request).size).toBe(0);
  },
);
