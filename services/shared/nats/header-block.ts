import type { Msg } from "@nats-io/transport-node";

/** The parts of a message from which the library makes its headers. */
interface WireMessage {
  readonly _msg: { readonly hdr: number };
  readonly _rdata: Uint8Array;
}

/**
 * The headers of a message as they came; undefined where it has none. The library's own parser takes half a second for the 64 KB
 * that JetStream stores, where they are short, and throws for some names: each producer could stop the process.
 */
export function headerBlockOf(message: Msg): Buffer | undefined {
  const { _msg, _rdata } = message as unknown as WireMessage;
  if (_msg.hdr <= 0) return undefined;
  return Buffer.from(_rdata.buffer, _rdata.byteOffset, _msg.hdr);
}
