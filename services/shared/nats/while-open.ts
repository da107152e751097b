import { errors } from "@nats-io/transport-node";

/**
 * Does what sends over the bus, unless the bus is closed or about to be: then it reaches nobody, and whoever waits for it finds that out
 * by itself. A bus that drains takes nothing any more before it says that it is closed.
 */
export function whileOpen(send: () => void): void {
  try {
    send();
  } catch (error) {
    const isClosing = error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError;
    if (!isClosing) throw error;
  }
}
