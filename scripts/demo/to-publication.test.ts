import { describe, expect, test } from "vitest";
import { isTopic } from "#shared/protocol/topics.ts";
import { readDeliveries, toPublication } from "./to-publication.ts";

describe("a publication", () => {
  test("of every real delivery has a valid topic and its payload unchanged", async () => {
    const deliveries = await readDeliveries();
    const publications = deliveries.map(toPublication);
    expect(publications).toHaveLength(329);
    expect(publications.filter(({ topic }) => !isTopic(topic))).toEqual([]);
    expect(publications.map(({ payload }) => JSON.parse(payload))).toEqual(deliveries.map(({ payload }) => payload));
  });

  test("of each name comes again and again: at 20 a second alice sees an issue or a comment every 2 seconds", async () => {
    const deliveries = await readDeliveries();
    const places = deliveries.flatMap(({ name }, place) =>
      name === "issues" || name === "issue_comment" ? [place] : [],
    );
    const rounds = [...places, (places[0] ?? Number.NaN) + deliveries.length];
    const longest = Math.max(...rounds.slice(1).map((place, index) => place - (rounds[index] ?? 0)));
    expect(longest).toBeLessThanOrEqual(40);
  });

  test.for([
    [
      "name, action and repository",
      { action: "opened", repository: { name: "Hello-World" } },
      "issues.opened.Hello-World",
    ],
    ["no action", { repository: { name: "Hello-World" } }, "issues.event.Hello-World"],
    ["no repository", { action: "opened" }, "issues.opened"],
    ["a repository that is null", { action: "opened", repository: null }, "issues.opened"],
    [
      "dots and wildcards in the name",
      { action: "opened", repository: { name: "a.b*>c" } },
      "issues.opened.a%2Eb%2A%3Ec",
    ],
    ["spaces and other scripts", { action: "op ened", repository: { name: "héé" } }, "issues.op%20ened.h%C3%A9%C3%A9"],
    ["a name of 100 characters", { repository: { name: "a".repeat(100) } }, `issues.event.${"a".repeat(100)}`],
  ] as const)("with %s has the topic of the contract", ([, payload, topic]) => {
    expect(toPublication({ name: "issues", payload }).topic).toBe(topic);
    expect(isTopic(topic)).toBe(true);
  });
});
