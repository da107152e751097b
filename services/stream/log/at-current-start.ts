/**
 * Finds where a stream begins, and begins there in the same tick. A log that is replaced meanwhile is looked into again: the position
 * would mean another message.
 */
export async function atCurrentStart<Found, Begun>(
  log: { readonly generation: unknown },
  find: () => Promise<Found>,
  beginAt: (found: Found) => Begun,
): Promise<Begun> {
  for (;;) {
    const { generation } = log;
    const found = await find();
    if (generation === log.generation) return beginAt(found);
  }
}
