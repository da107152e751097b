import { describe, expect, test } from "vitest";
import { offersDeflate } from "./offers-deflate.ts";
import { readSubprotocols } from "./subprotocols.ts";

describe("the subprotocols", () => {
  test("may be left out, and name the one that is answered and the tokens", () => {
    expect(readSubprotocols(undefined)).toEqual({ selected: undefined, bearers: [] });
    expect(readSubprotocols("sluice.v1")).toEqual({ selected: "sluice.v1", bearers: [] });
    expect(readSubprotocols("other, sluice.bearer.a.b-c, sluice.v1")).toEqual({
      selected: "sluice.v1",
      bearers: ["a.b-c"],
    });
  });

  test.each([
    "",
    "other",
    "sluice.bearer.abc",
    "sluice.v1, sluice.v1",
    "sluice.v1,, x",
    "sluice.v1, a b",
    "sluice.v1;x",
  ])("are refused where a client would not take what is answered: %j", (header) =>
    expect(() => readSubprotocols(header)).toThrow(expect.objectContaining({ code: "malformed_request" })),
  );
});

test.each([
  ["permessage-deflate", true],
  ["permessage-deflate; client_max_window_bits", true],
  ["permessage-deflate; client_max_window_bits=10; server_no_context_takeover", true],
  // We write what all clients can read: with the whole window.
  ["permessage-deflate; server_max_window_bits=10", false],
  ["permessage-deflate; server_max_window_bits=15", false],
  ["x-webkit-deflate-frame", false],
  ["permessage-deflate; surprise", false],
  ["", false],
  [undefined, false],
  [`permessage-deflate${"; client_no_context_takeover".repeat(100)}`, false],
])("the extensions %j offer to read compressed messages: %s", (header, offers) => {
  expect(offersDeflate(header)).toBe(offers);
});
