/** The subprotocol of a stream on a WebSocket: what its messages are. */
export const SUBPROTOCOL = "sluice.v1";

/** What a subprotocol begins with that carries an access token: a page can set no header for a WebSocket, and a URL is no place for a token. */
export const BEARER = "sluice.bearer.";
