/** The label of a name that strangers make up: each of the first `count` is its own, and all others are `other`. */
export function nameFirst(count: number): (name: string) => string {
  const named = new Set<string>();
  return (name) => {
    if (named.size < count) named.add(name);
    return named.has(name) ? name : "other";
  };
}
