/**
 * Tasks that wait for their turns, by owners and owners within these: a tenant, its subjects. Turns go round the owners of each
 * level, so that one with a thousand tasks keeps one with a single task waiting for a single turn.
 */
export class TurnQueue<Task> {
  readonly #path: readonly string[];
  readonly #tasks: Task[] = [];
  /** The first one is next. */
  readonly #owners = new Map<string, TurnQueue<Task>>();

  constructor(path: readonly string[] = []) {
    this.#path = path;
  }

  get isEmpty(): boolean {
    return this.#tasks.length === 0 && this.#owners.size === 0;
  }

  /** Adds a task of the owner that `path` names, from the outermost on. */
  push([name, ...rest]: readonly string[], task: Task): void {
    if (name === undefined) return void this.#tasks.push(task);
    const owner = this.#owners.get(name) ?? new TurnQueue<Task>([...this.#path, name]);
    this.#owners.set(name, owner);
    owner.push(rest, task);
  }

  /** Takes the next task; only one whose owners, outermost first, all may have a turn. */
  shift(mayHaveTurn: (path: readonly string[]) => boolean = () => true): Task | undefined {
    const own = this.#tasks.shift();
    if (own !== undefined) return own;
    for (const [name, owner] of this.#owners) {
      const task = mayHaveTurn(owner.#path) ? owner.shift(mayHaveTurn) : undefined;
      if (task === undefined) continue;
      this.#owners.delete(name);
      if (!owner.isEmpty) this.#owners.set(name, owner);
      return task;
    }
    return undefined;
  }

  /** Drops the tasks that are not to be kept, wherever they are. */
  retain(isKept: (task: Task) => boolean): void {
    this.#tasks.splice(0, this.#tasks.length, ...this.#tasks.filter(isKept));
    for (const [name, owner] of this.#owners) {
      owner.retain(isKept);
      if (owner.isEmpty) this.#owners.delete(name);
    }
  }
}
