import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { DeleteButton } from "../../parts/delete-button.tsx";
import { ConfirmDialog, Dialog } from "../../parts/dialog.tsx";
import { Facts } from "../../parts/facts.tsx";
import { formatBytes, formatSpan } from "../../parts/format.ts";
import { Command } from "../../parts/command.tsx";
import { Moment } from "../../parts/moment.tsx";
import { Section } from "../../parts/page.tsx";
import { Switch } from "../../parts/switch.tsx";
import { ProducerKeys } from "../../producers/producer-keys.tsx";
import { EraseEvents } from "./erase-events.tsx";
import { LimitsForm } from "./limits-form.tsx";
import type { Tenant } from "./tenant.ts";

interface PanelProps {
  readonly tenant: Tenant;
  readonly onClose: () => void;
  readonly onChanged: () => void;
}

/** One tenant: its log, whether it is in use, its limits; and the ends of events and of all. */
export function TenantPanel({ tenant, onClose, onChanged }: PanelProps) {
  const { tenant: name, state, since, version, usage } = tenant;
  return (
    <Dialog title={name} isPanel onClose={onClose}>
      <Facts
        facts={{
          State: state,
          Since: since === undefined ? undefined : <Moment at={since} />,
          "Policy version": version,
          Log:
            usage &&
            `${formatBytes(usage.bytes)} of ${formatBytes(usage.maxBytes)}, ${usage.messages.toLocaleString()} messages`,
          Keeps: usage && formatSpan(usage.maxAgeSeconds),
          "First kept": usage?.firstAt && <Moment at={usage.firstAt} />,
          "Last stored": usage?.lastAt && <Moment at={usage.lastAt} />,
        }}
      />
      {state === "deleted" ? (
        <p class="note warn">It is being deleted: its log goes within minutes, and its name is free after that.</p>
      ) : (
        <>
          <Section title="Use">
            <InUse tenant={tenant} onChanged={onChanged} />
          </Section>
          <Section title="Limits">
            <LimitsForm key={`${name} ${version}`} tenant={tenant} onChanged={onChanged} />
          </Section>
          <ProducerKeys tenant={name} />
          <Section title="Producers on the bus">
            <p class="hint">
              Their keys are files beside the bus, which no service can write: they are made and replaced at a terminal,
              and shown there once. Between the two last lines both keys hold.
            </p>
            <Command line="npx sluice bus list" />
            <Command line={`npx sluice bus add ${name}`} />
            <Command line={`npx sluice bus rotate ${name}`} />
            <Command line={`npx sluice bus retire ${name} "$KEY"`} />
          </Section>
          <Section title="Erase">
            <EraseEvents tenant={name} onErased={onChanged} />
          </Section>
          <Section title="Delete the tenant">
            <DeleteButton
              name={name}
              path={`${tenantPath(name)}?confirm=${encodeURIComponent(name)}`}
              done={`${name} is being deleted.`}
              onDeleted={onChanged}
            >
              Its events, its policy with all versions and all sessions go. Nothing brings them back.
            </DeleteButton>
          </Section>
        </>
      )}
    </Dialog>
  );
}

/** Suspending cuts everybody off, and asks first; the way back does not. */
function InUse({ tenant: { tenant, state }, onChanged }: Pick<PanelProps, "tenant" | "onChanged">) {
  const { api, announce } = useConsole();
  const [isAsking, setAsking] = useState(false);
  const suspend = async (): Promise<void> => {
    await api.send(tenantPath(tenant, "suspend"), { method: "POST" });
    announce(`${tenant} is suspended.`);
    onChanged();
  };
  const resume = async (): Promise<void> => {
    await api.send(tenantPath(tenant, "resume"), { method: "POST" });
    announce(`${tenant} is in use again.`);
    onChanged();
  };
  return (
    <>
      <Switch label="In use" isOn={state === "active"} onChange={async (isOn) => (isOn ? resume() : setAsking(true))} />
      <p class="hint">Suspended, it takes no events and its streams end; its log, policy and sessions stay.</p>
      {isAsking ? (
        <ConfirmDialog
          title={`Suspend ${tenant}?`}
          action="Suspend it"
          kind="danger"
          onConfirm={suspend}
          onClose={() => setAsking(false)}
        >
          <p>All streams of {tenant} end now, and publishing to it fails, until it is resumed.</p>
        </ConfirmDialog>
      ) : null}
    </>
  );
}
