import { useState } from "preact/hooks";
import { type ApiError, toApiError } from "../http/api-error.ts";
import { Badge } from "../parts/badge.tsx";
import { Button } from "../parts/button.tsx";
import { Identifier } from "../parts/command.tsx";
import { ErrorNote } from "../parts/error-note.tsx";
import { Moment } from "../parts/moment.tsx";
import type { ProducerClient, Secret } from "./producer-clients.ts";

/** As many secrets has a key while one is replaced. */
const MAX_SECRETS = 2;

/** One that is unreadable gets no tokens; it can be withdrawn. */
const STATES = { active: "active", withdrawn: "being withdrawn", unreadable: "unreadable" } as const;

interface ClientItemProps {
  readonly client: ProducerClient;
  readonly onAddSecret: () => Promise<void>;
  /** Without a number: the whole key. */
  readonly onWithdraw: (number?: number) => void;
}

/** A key: what it is called, its secrets with when they were used last, and what can be done with them. */
export function ClientItem({ client, onAddSecret, onWithdraw }: ClientItemProps) {
  const { client_id: id, from, state, secrets = [] } = client;
  if (from === "file") {
    return (
      <li>
        <Identifier id={id} what="the client id" /> <Badge tone="quiet">from the file</Badge>
      </li>
    );
  }
  return (
    <li>
      <Identifier id={id} what="the client id" />{" "}
      <Badge tone={state === "active" ? "good" : "warn"}>{STATES[state]}</Badge>
      <ul class="producer-keys">
        {secrets.map((secret) => (
          <SecretItem key={secret.number} id={id} secret={secret} onWithdraw={() => onWithdraw(secret.number)} />
        ))}
      </ul>
      <div class="actions">
        {state === "active" ? <AddSecret id={id} isFull={secrets.length >= MAX_SECRETS} onAdd={onAddSecret} /> : null}
        <Button kind="danger" label={`Withdraw the key ${id}`} onClick={() => onWithdraw()}>
          Withdraw the key
        </Button>
      </div>
    </li>
  );
}

interface SecretItemProps {
  readonly id: string;
  readonly secret: Secret;
  readonly onWithdraw: () => void;
}

function SecretItem({ id, secret, onWithdraw }: SecretItemProps) {
  const { number, created_at: madeAt, created_by: by, last_used_at: usedAt } = secret;
  return (
    <li>
      Secret {number}, made <Moment at={madeAt} /> by {by.replace(/^subject:/, "")},{" "}
      {usedAt === undefined ? "never used" : "last used "}
      {usedAt === undefined ? null : <Moment at={usedAt} />}{" "}
      <Button kind="quiet" label={`Withdraw secret ${number} of ${id}`} onClick={onWithdraw}>
        Withdraw
      </Button>
    </li>
  );
}

interface AddSecretProps {
  readonly id: string;
  readonly isFull: boolean;
  readonly onAdd: () => Promise<void>;
}

function AddSecret({ id, isFull, onAdd }: AddSecretProps) {
  const [state, setState] = useState<"idle" | "pending" | ApiError>("idle");
  const add = async (): Promise<void> => {
    setState("pending");
    setState(await onAdd().then(() => "idle" as const, toApiError));
  };
  return (
    <>
      {typeof state === "string" ? null : <ErrorNote error={state} />}
      <Button
        label={`Second secret for ${id}`}
        isDisabled={isFull}
        isPending={state === "pending"}
        onClick={() => void add()}
      >
        Second secret
      </Button>
    </>
  );
}
