import { type BatchCallback, JetStreamError, type StoredMsg } from "@nats-io/jetstream";

/**
 * The messages that a direct read brings; none where there is none. The library's iterator never gives its subscription up; with a
 * callback it does.
 */
export async function readDirect(ask: (callback: BatchCallback<StoredMsg>) => Promise<unknown>): Promise<StoredMsg[]> {
  const messages: StoredMsg[] = [];
  const done = Promise.withResolvers<StoredMsg[]>();
  await ask((end, message) => {
    if (end === null) messages.push(message);
    else if (end.err === undefined || isNotFound(end.err)) done.resolve(messages);
    else done.reject(end.err);
  });
  return done.promise;
}

function isNotFound(error: Error): boolean {
  return error instanceof JetStreamError && "code" in error && error.code === 404;
}
