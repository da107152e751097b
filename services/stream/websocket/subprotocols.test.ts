import { describe, expect, test } from "vitest";
import { busyUpgrade } from "./busy-upgrade.ts";
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

test("no more subprotocols are taken apart than clients offer", () => {
  const offered = ["sluice.v1", ...Array.from({ length: 15 }, (_, number) => `sluice.bearer.${number}`)];
  expect(readSubprotocols(offered.join(",")).bearers).toHaveLength(15);
  const flood = [...offered, "one-more"].join(",");
  expect(() => readSubprotocols(flood)).toThrow(expect.objectContaining({ message: expect.stringContaining("16") }));
});

test("a page that is refused for now is answered by the subprotocol that it offers", () => {
  const answered = (offered: string | undefined): boolean =>
    busyUpgrade({ key: "k", offered }, { reason: "full", detail: "", retryMs: 1 }, [])
      .toString("latin1")
      .includes("Sec-WebSocket-Protocol: sluice.v1\r\n");
  for (const offered of ["sluice.v1", "other,sluice.v1", "sluice.v1 , other"]) expect(answered(offered)).toBe(true);
  for (const offered of [undefined, "other", "sluice.v10", "xsluice.v1", "sluice-v1"])
    expect(answered(offered)).toBe(false);
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
