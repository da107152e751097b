import { describe, expect, test } from "vitest";
import { createResidual } from "./residual.ts";

describe("an event", () => {
  test("is let through where one pattern allows it and none denies it", () => {
    const residual = createResidual(["order.*.me", "ticket.>"], ["ticket.deleted.>"]);
    expect(residual.allows("order.created.me")).toBe(true);
    expect(residual.allows("ticket.opened.7")).toBe(true);
  });

  test("is denied in silence: where nothing allows it", () => {
    expect(createResidual([], []).allows("order.created")).toBe(false);
    expect(createResidual(["order.*.me"], []).allows("order.created.you")).toBe(false);
    expect(createResidual(["order.*"], []).allows("order.created.me")).toBe(false);
  });

  test("is denied by one pattern, whatever allows it", () => {
    const residual = createResidual([">", "ticket.>", "ticket.deleted.7"], ["ticket.deleted.*"]);
    expect(residual.allows("ticket.deleted.7")).toBe(false);
    expect(residual.allows("ticket.deleted")).toBe(true);
  });

  test("is denied where everything is", () => {
    expect(createResidual([">"], [">"]).allows("order.created")).toBe(false);
  });
});

describe("a topic pattern", () => {
  test("is granted where something under it may be allowed", () => {
    const residual = createResidual(["order.*.me"], ["order.deleted.>"]);
    expect(residual.allowsUnder("order.>")).toBe(true);
    expect(residual.allowsUnder("order.created.me")).toBe(true);
    expect(residual.allowsUnder(">")).toBe(true);
  });

  test("is not granted where nothing under it is allowed", () => {
    const residual = createResidual(["order.*.me"], []);
    expect(residual.allowsUnder("order.*.you")).toBe(false);
    expect(residual.allowsUnder("order.*")).toBe(false);
    expect(createResidual([], []).allowsUnder(">")).toBe(false);
  });

  test("is not granted where all of it is denied", () => {
    const residual = createResidual([">"], ["order.deleted.>"]);
    expect(residual.allowsUnder("order.deleted.7")).toBe(false);
    expect(residual.allowsUnder("order.deleted.>")).toBe(false);
    expect(residual.allowsUnder("order.>")).toBe(true);
  });
});
