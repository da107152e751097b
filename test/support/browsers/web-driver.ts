/** A browser that is driven by the WebDriver protocol (W3C). */
export interface WebDriverSession extends AsyncDisposable {
  /** Opens a tab at that address. */
  openTab(url: string): Promise<DrivenPage>;
}

/** A page in a browser of another engine than Chromium's. */
export interface DrivenPage {
  /** For the host that the page is of. */
  setCookie(name: string, value: string): Promise<void>;
  /** Runs the body of a function in the page, and answers what it returns. */
  run(body: string): Promise<unknown>;
  close(): Promise<void>;
}

/** Begins a session at a driver that listens on that port. */
export async function openSession(port: number, capabilities: object): Promise<WebDriverSession> {
  const call = async (method: string, path: string, body?: object): Promise<unknown> => {
    const response = await fetch(`http://127.0.0.1:${port}/session${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const { value } = (await response.json()) as { value: unknown };
    if (!response.ok) throw new Error(`${method} ${path}: ${JSON.stringify(value)}`);
    return value;
  };
  const { sessionId } = (await call("POST", "", { capabilities: { alwaysMatch: capabilities } })) as {
    sessionId: string;
  };
  const at = (path: string): string => `/${sessionId}${path}`;
  /** A command is for the tab that was switched to last: they take turns. */
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = <Result>(run: () => Promise<Result>): Promise<Result> => {
    const next = turn.then(run);
    turn = next.catch(() => {});
    return next;
  };
  const commandsOf = (handle: string) => (method: string, path: string, body?: object) =>
    inTurn(async () => {
      await call("POST", at("/window"), { handle });
      return call(method, at(path), body);
    });
  // Where the tab is closed that was switched to last, there is nowhere to open the next one from.
  const first = commandsOf((await call("GET", at("/window"))) as string);
  return {
    async openTab(url) {
      const { handle } = (await first("POST", "/window/new", { type: "tab" })) as { handle: string };
      const command = commandsOf(handle);
      await command("POST", "/url", { url });
      return {
        setCookie: async (name, value) =>
          void (await command("POST", "/cookie", { cookie: { name, value, path: "/", httpOnly: true } })),
        run: (script) => command("POST", "/execute/sync", { script, args: [] }),
        close: async () => void (await command("DELETE", "/window")),
      };
    },
    [Symbol.asyncDispose]: async () => void (await call("DELETE", at(""))),
  };
}
