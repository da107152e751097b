import { useConsole } from "../context/console-context.ts";
import { Command, Identifier } from "../parts/command.tsx";
import type { ShownSecret } from "./producer-clients.ts";

interface ShownSecretProps {
  readonly authUrl: string;
  readonly made: ShownSecret;
  /** What the line publishes. */
  readonly event: object;
}

/** A secret that is shown once, and a line for a shell that publishes an event with it. */
export function ShownSecretNote({ authUrl, made, event }: ShownSecretProps) {
  const { settings } = useConsole();
  const { client_id: id, client_secret: secret } = made;
  return (
    <div class="note good">
      <p>
        <strong>This secret is shown once.</strong> Auth keeps its hash alone.
      </p>
      <p>
        <Identifier id={id} what="the client id" /> <Identifier id={secret} what="the secret" />
      </p>
      <p>Publish an event with it:</p>
      <Command line={lineOf(authUrl, settings.publishUrl ?? "$PUBLISH_URL", { id, secret }, event)} />
      {settings.publishUrl === undefined ? (
        <p class="hint">PUBLISH_URL stands for the address of the publisher, or of an edge.</p>
      ) : null}
    </div>
  );
}

function lineOf(authUrl: string, publishUrl: string, by: { id: string; secret: string }, event: object): string {
  const token = `${new URL("/v1/auth/token", authUrl)}`;
  const asking = `curl -s -u '${by.id}:${by.secret}' -d grant_type=client_credentials ${token}`;
  const cut = String.raw`sed 's/.*"access_token":"\([^"]*\)".*/\1/'`;
  const headers = `-H "authorization: Bearer $TOKEN" -H 'content-type: application/json'`;
  const body = JSON.stringify(event).replaceAll("'", String.raw`'\''`);
  return `TOKEN=$(${asking} | ${cut}) && curl -s ${headers} -d '${body}' ${publishUrl.replace(/\/$/, "")}/v1/events`;
}
