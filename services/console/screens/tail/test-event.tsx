import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { publishEvent } from "../../http/call-service.ts";
import { Command } from "../../parts/command.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Field } from "../../parts/field.tsx";
import { Form } from "../../parts/form.tsx";

interface TestEventProps {
  readonly tenant: string;
  readonly onClose: () => void;
}

/** Sends an event as the person who is logged in, by whose right to publish; operators have none, and get a line for a shell. */
export function TestEvent({ tenant, onClose }: TestEventProps) {
  const { settings, session } = useConsole();
  const isPerson = session.who.value?.kind === "person";
  return (
    <Dialog title="Send a test event" onClose={onClose}>
      {settings.publishUrl !== undefined && isPerson ? (
        <EventForm publishUrl={settings.publishUrl} onClose={onClose} />
      ) : (
        <>
          <p>
            {isPerson
              ? "POLICY_PUBLISH_URL does not say where people publish. At a terminal:"
              : "Events are published by people who may, and operators are none. At a terminal:"}
          </p>
          <Command line={`npx sluice publish --tenant ${tenant} issues.opened.Hello-World '{"title":"by hand"}'`} />
        </>
      )}
    </Dialog>
  );
}

function EventForm({ publishUrl, onClose }: { readonly publishUrl: string; readonly onClose: () => void }) {
  const { session, announce } = useConsole();
  const [topic, setTopic] = useState("issues.opened.Hello-World");
  const [data, setData] = useState('{"title": "A test from the console"}');
  const fault = faultOf(data);
  const send = async (): Promise<void> => {
    const [resource, action, ...key] = topic.trim().split(".");
    const event = { type: `${resource}.${action}`, data: JSON.parse(data) as unknown };
    await publishEvent(publishUrl, session, key.length === 0 ? event : { ...event, key: key.join(".") });
    announce(`${topic.trim()} is stored.`);
    onClose();
  };
  return (
    <Form action="Send it" label="A test event" isDisabled={fault !== undefined} onSubmit={send}>
      <p class="quiet">Everybody who may see it gets it, as any other event.</p>
      <Field label="Topic" value={topic} onInput={setTopic} isRequired isMono hint="Its type, then its key" />
      <Field label="Data" value={data} onInput={setData} isRequired isMono fault={fault} />
    </Form>
  );
}

function faultOf(data: string): string | undefined {
  try {
    JSON.parse(data);
    return undefined;
  } catch {
    return "This is no JSON";
  }
}
