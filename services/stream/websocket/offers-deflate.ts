/** An offer that leaves us the whole window: with a smaller one, a client could not read what all others read. */
const OFFER =
  /^permessage-deflate\s*(?:;\s*(?:client_max_window_bits(?:\s*=\s*"?\d+"?)?|client_no_context_takeover|server_no_context_takeover)\s*)*$/;

/** Whether a `Sec-WebSocket-Extensions` header offers to read messages that are compressed one by one (RFC 7692). */
export function offersDeflate(header: string | undefined): boolean {
  return header !== undefined && header.length < 256 && OFFER.test(header.trim());
}
