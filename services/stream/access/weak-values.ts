/** Values by key, each for as long as somebody else holds it. */
export class WeakValues<Key, Value extends WeakKey> implements Iterable<Value> {
  readonly #references = new Map<Key, WeakRef<Value>>();
  readonly #dropped = new FinalizationRegistry<Key>((key) => {
    if (this.#references.get(key)?.deref() === undefined) this.#references.delete(key);
  });

  get(key: Key): Value | undefined {
    return this.#references.get(key)?.deref();
  }

  set(key: Key, value: Value): void {
    this.#references.set(key, new WeakRef(value));
    this.#dropped.register(value, key);
  }

  *[Symbol.iterator](): Iterator<Value> {
    for (const reference of this.#references.values()) {
      const value = reference.deref();
      if (value !== undefined) yield value;
    }
  }
}
