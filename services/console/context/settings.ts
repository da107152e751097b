/** What policy tells the page when it serves it. */
export interface ConsoleSettings {
  /** Where people log in; without it only operators do. */
  readonly authUrl?: string;
  /** Where people publish; without it the console sends no test events. */
  readonly publishUrl?: string;
  /** Present in the demo alone: who may log in, and the ports that its commands name. */
  readonly demo?: DemoSettings;
}

/** The demo's accounts, which are public, and its ports. */
export interface DemoSettings {
  readonly operatorToken: string;
  readonly streamUrl: string;
  readonly tenant: string;
  readonly username: string;
  readonly password: string;
}

/** Reads the settings from the page's head; a page without them has none. */
export function readSettings(page: Document): ConsoleSettings {
  const text = page.querySelector<HTMLMetaElement>('meta[name="console-settings"]')?.content ?? "";
  return text.startsWith("{") ? (JSON.parse(text) as ConsoleSettings) : {};
}
