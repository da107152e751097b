import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startChild } from "#test/support/child.ts";
import { freePort } from "#test/support/ports.ts";
import { nginxMain } from "#test/support/nginx-main.ts";
import { takesConnections } from "#test/support/takes-connections.ts";
import { waitFor } from "#test/support/wait.ts";

/** A proxy of the kind that breaks event streams. */
export interface BufferingProxy extends AsyncDisposable {
  /** Where clients reach it, without a slash at its end. */
  readonly url: string;
  readonly port: number;
}

/**
 * Starts nginx in front of a local port as it stands in many companies: it speaks HTTP/1.0 to the server, holds an answer with its
 * headers back until `bufferBytes` of it are there or it has ended, whatever X-Accel-Buffering asks for, and passes no upgrade on.
 */
export async function startBufferingProxy(target: number, { bufferBytes = 65_536 } = {}): Promise<BufferingProxy> {
  const folder = await mkdtemp(join(tmpdir(), "sluice-buffering-"));
  const port = await freePort();
  await writeFile(join(folder, "nginx.conf"), configOf({ folder, port, target, bufferBytes }));
  const child = startChild("nginx", ["-e", "stderr", "-p", folder, "-c", join(folder, "nginx.conf")], {});
  const dispose = async (): Promise<void> => {
    await child.end("SIGTERM");
    await rm(folder, { recursive: true });
  };
  await waitFor("the proxy takes connections", () => takesConnections(child, port)).catch(async (error: Error) => {
    await dispose();
    throw new Error(`${error.message}\n${child.output()}`);
  });
  return { url: `http://127.0.0.1:${port}`, port, [Symbol.asyncDispose]: dispose };
}

interface Places {
  readonly folder: string;
  readonly port: number;
  readonly target: number;
  readonly bufferBytes: number;
}

function configOf({ folder, port, target, bufferBytes }: Places): string {
  return nginxMain(
    folder,
    `server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://127.0.0.1:${target};
      proxy_set_header Host $http_host;
      proxy_ignore_headers X-Accel-Buffering;
      proxy_buffer_size ${bufferBytes};
      proxy_buffers 8 ${bufferBytes};
      proxy_busy_buffers_size ${bufferBytes};
      postpone_output ${bufferBytes};
    }
  }`,
  );
}
