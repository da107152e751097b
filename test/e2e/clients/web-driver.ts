/** A browser's window, driven by the WebDriver protocol (W3C). */
export interface WebDriverWindow extends AsyncDisposable {
  goto(url: string): Promise<void>;
  setCookie(name: string, value: string): Promise<void>;
  /** Runs the body of a function in the page, and answers what it returns. */
  run(body: string): Promise<unknown>;
}

/** Opens a window at a driver that listens on that port. */
export async function openWindow(port: number, capabilities: object): Promise<WebDriverWindow> {
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
  return {
    goto: async (url) => void (await call("POST", `/${sessionId}/url`, { url })),
    setCookie: async (name, value) =>
      void (await call("POST", `/${sessionId}/cookie`, { cookie: { name, value, path: "/", httpOnly: true } })),
    run: (script) => call("POST", `/${sessionId}/execute/sync`, { script, args: [] }),
    [Symbol.asyncDispose]: async () => void (await call("DELETE", `/${sessionId}`)),
  };
}
