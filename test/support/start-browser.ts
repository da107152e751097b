import { delimiter, join } from "node:path";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { type Browser, type BrowserContext, chromium } from "playwright-core";

/** How a browser is started: `names` lead to this machine. */
interface BrowserOptions {
  readonly names?: readonly string[];
  /** Keeps pages that are left in the back-forward cache, as browsers of people do. */
  readonly keepsPages?: boolean;
}

/** Starts the Chromium on PATH, headless; its own start-up traffic is off. */
export function startBrowser(options: BrowserOptions = {}): Promise<Browser> {
  return chromium.launch(launchOptions(options));
}

/** A browser with a profile of its own. */
export interface BrowserProfile extends AsyncDisposable {
  readonly context: BrowserContext;
}

/**
 * Starts one in which pages of other sites may use cookies, as Chromium does by its own default: those of `startBrowser` are
 * as private windows, in which they may not. It takes any certificate.
 */
export async function startProfile(options: BrowserOptions): Promise<BrowserProfile> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-profile-"));
  await mkdir(join(folder, "Default"));
  await writeFile(join(folder, "Default/Preferences"), JSON.stringify({ profile: { cookie_controls_mode: 0 } }));
  const context = await chromium.launchPersistentContext(folder, {
    ...launchOptions(options),
    ignoreHTTPSErrors: true,
  });
  return {
    context,
    async [Symbol.asyncDispose]() {
      await context.close();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

function launchOptions({ names = [], keepsPages = false }: BrowserOptions) {
  const folders = (process.env["PATH"] ?? "").split(delimiter);
  const executablePath = folders.map((folder) => join(folder, "chromium")).find((path) => existsSync(path));
  if (executablePath === undefined) throw new Error("chromium is not on PATH; npm test brings it");
  return {
    executablePath,
    ignoreDefaultArgs: keepsPages ? ["--disable-back-forward-cache"] : [],
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      `--host-resolver-rules=${names.map((name) => `MAP ${name} 127.0.0.1`).join(",")}`,
    ],
  };
}
