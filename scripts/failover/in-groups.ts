/** Calls that are under way at a time: a home of a thousand tenants stands still while it is moved. */
const AT_ONCE = 16;

/** Does something with each, some at a time. Where one fails the rest is left, and those under way have ended before it throws. */
export async function inGroups<Item>(items: readonly Item[], act: (item: Item) => Promise<void>): Promise<void> {
  for (let first = 0; first < items.length; first += AT_ONCE) {
    const running = items.slice(first, first + AT_ONCE).map(act);
    try {
      await Promise.all(running);
    } finally {
      await Promise.allSettled(running);
    }
  }
}
