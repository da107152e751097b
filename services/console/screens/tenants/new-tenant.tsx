import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { type ApiError, toApiError } from "../../http/api-error.ts";
import { tenantPath } from "../../http/api-client.ts";
import { Command } from "../../parts/command.tsx";
import { ErrorNote } from "../../parts/error-note.tsx";
import { Field } from "../../parts/field.tsx";
import { Form } from "../../parts/form.tsx";
import { Link } from "../../parts/link.tsx";
import { producerClientsOf, type ShownSecret } from "../../producers/producer-clients.ts";
import { ShownSecretNote } from "../../producers/shown-secret.tsx";

interface Draft {
  readonly tenant: string;
  readonly admin: string;
  readonly reader: string;
  readonly type: string;
}

/** The first producer's key; why there is none; undefined where the page knows no auth. */
type FirstKey = ShownSecret | ApiError | undefined;

const PRODUCER = "producer";

const DRAFT: Draft = { tenant: "", admin: "", reader: "", type: "order.*" };

/** Makes a tenant in two steps, and ends with lines that work. */
export function NewTenant({ onMade }: { readonly onMade: () => void }) {
  const [step, setStep] = useState<"name" | "policy" | "done">("name");
  const [draft, setDraft] = useState<Draft>(DRAFT);
  const [key, setKey] = useState<FirstKey>();
  if (step === "name") {
    return <NameStep draft={draft} onDraft={setDraft} onNext={() => (onMade(), setStep("policy"))} />;
  }
  if (step === "policy") {
    const end = (made: FirstKey): void => (onMade(), setKey(made), setStep("done"));
    return <PolicyStep draft={draft} onDraft={setDraft} onNext={end} />;
  }
  return <Done draft={draft} firstKey={key} />;
}

interface StepProps {
  readonly draft: Draft;
  readonly onDraft: (draft: Draft) => void;
  readonly onNext: () => void;
}

function NameStep({ draft, onDraft, onNext }: StepProps) {
  const { api, announce } = useConsole();
  const { tenant } = draft;
  const isName = /^[A-Za-z0-9_-]{1,64}$/.test(tenant);
  const make = async (): Promise<void> => {
    await api.send(tenantPath(tenant), { method: "PUT" });
    announce(`${tenant} is made.`);
    onNext();
  };
  return (
    <Form action="Make it" label="Step 1 of 2: the name" isDisabled={!isName} onSubmit={make}>
      <p class="quiet">Step 1 of 2. A log of its own is made, in which nobody may do anything yet.</p>
      <Field
        label="Name"
        value={tenant}
        onInput={(next) => onDraft({ ...draft, tenant: next })}
        isRequired
        isMono
        fault={tenant === "" || isName ? undefined : "1 to 64 of A-Z a-z 0-9 _ -"}
      />
    </Form>
  );
}

type PolicyStepProps = Omit<StepProps, "onNext"> & { readonly onNext: (key: FirstKey) => void };

function PolicyStep({ draft, onDraft, onNext }: PolicyStepProps) {
  const { api, settings, session } = useConsole();
  const { tenant, admin, reader, type } = draft;
  const isWhole = admin.trim() !== "" && reader.trim() !== "" && /^[\w-]+\.([\w-]+|\*)$/.test(type);
  const save = async (): Promise<void> => {
    const document = documentOf(draft);
    await api.send(tenantPath(tenant, "policy"), { method: "PUT", body: JSON.stringify(document) });
    onNext(settings.authUrl === undefined ? undefined : await makeKey(settings.authUrl).catch(toApiError));
  };
  const makeKey = async (authUrl: string): Promise<ShownSecret> => {
    const made = await producerClientsOf(authUrl, session, tenant).make(PRODUCER);
    const body = JSON.stringify({ roles: [PRODUCER] });
    await api.send(tenantPath(tenant, "subjects", made.client_id, "roles"), { method: "PUT", body });
    return made;
  };
  return (
    <Form action="Put it in force" label="Step 2 of 2: the first policy" isDisabled={!isWhole} onSubmit={save}>
      <p class="quiet">
        Step 2 of 2. A policy to begin with: one administrator, one reader, one producer, one kind of events.
      </p>
      <Field label="Administrator" value={admin} onInput={(next) => onDraft({ ...draft, admin: next })} isRequired />
      <Field label="Reader" value={reader} onInput={(next) => onDraft({ ...draft, reader: next })} isRequired />
      <Field
        label="Event type that the reader sees"
        value={type}
        onInput={(next) => onDraft({ ...draft, type: next })}
        hint="The first two tokens of the topic, such as order.created or order.*"
        isRequired
        isMono
      />
    </Form>
  );
}

/** A policy document (docs/reference/policy-document.md). */
function documentOf({ tenant, admin, reader, type }: Draft): object {
  const resource = resourceOf(type);
  const permission = `${resource}:read`;
  return {
    tenant,
    roles: {
      admin: { allow: ["*:*"] },
      reader: { allow: [permission] },
      [PRODUCER]: { allow: [`${resource}:publish`] },
    },
    bindings: [
      { role: "admin", subjects: [admin.trim()] },
      { role: "reader", subjects: [reader.trim()] },
    ],
    events: { [type]: permission },
  };
}

function resourceOf(type: string): string {
  return type.split(".", 1)[0] ?? type;
}

interface DoneProps {
  readonly draft: Draft;
  readonly firstKey: FirstKey;
}

function Done({ draft: { tenant, reader, type }, firstKey }: DoneProps) {
  const { settings } = useConsole();
  const token = settings.demo?.operatorToken ?? "$OPERATOR_TOKEN";
  const topic = type.replace("*", "created");
  const at = `${location.origin}${tenantPath(tenant)}`;
  const header = `-H "authorization: Bearer ${token}"`;
  const question = shellWord(JSON.stringify({ subject: reader.trim(), topic: `${topic}.1` }));
  return (
    <>
      <p>
        <strong>{tenant} is ready.</strong> Ask whether the reader may see such an event:
      </p>
      <Command line={`curl -s ${header} -H 'content-type: application/json' -d ${question} ${at}/check`} />
      <p>Follow what is stored, from this shell:</p>
      <Command line={`curl -N ${header} '${at}/tail?from=recent'`} />
      {settings.demo === undefined ? (
        <p class="hint">OPERATOR_TOKEN stands for the token that you logged in with.</p>
      ) : null}
      <FirstKeyNote firstKey={firstKey} event={{ type: topic, key: "1", data: {} }} />
      <p>Give its producers an account on the bus:</p>
      <Command line={`npx sluice bus add ${tenant}`} />
      <p class="actions">
        <Link to="policy" parameters={{ tenant }}>
          Its policy
        </Link>
        <Link to="tail" parameters={{ tenant }}>
          Its live tail
        </Link>
      </p>
    </>
  );
}

/** Its first producer's key, with a line that publishes. */
function FirstKeyNote({ firstKey, event }: { readonly firstKey: FirstKey; readonly event: object }) {
  const { settings } = useConsole();
  if (firstKey === undefined || settings.authUrl === undefined) return null;
  if ("client_secret" in firstKey) return <ShownSecretNote authUrl={settings.authUrl} made={firstKey} event={event} />;
  return <ErrorNote error={firstKey} />;
}

/** A text as one word of a shell, whatever is in it. */
function shellWord(text: string): string {
  return `'${text.replaceAll("'", String.raw`'\''`)}'`;
}
