import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Button } from "../../parts/button.tsx";
import { ConfirmDialog, Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Field } from "../../parts/field.tsx";
import { Link } from "../../parts/link.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Moment } from "../../parts/moment.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { Differences } from "./differences.tsx";
import type { Policy, PolicyVersion } from "./policy.ts";

const COLUMNS: readonly Column<PolicyVersion>[] = [
  { title: "Version", track: "4.5rem", cell: ({ version }) => version },
  { title: "When", track: "minmax(8rem, 1fr)", cell: ({ at }) => <Moment at={at} /> },
  { title: "Who", track: "minmax(7rem, 1fr)", rank: 2, cell: ({ by }) => by.replace(/^subject:/, "") },
  { title: "Why", track: "minmax(8rem, 3fr)", cell: ({ why }) => why },
  {
    title: "Changes",
    track: "5rem",
    rank: 2,
    isFigure: true,
    cell: ({ diff }) => (diff === undefined ? "" : diff.differences.length + diff.more),
  },
];

interface HistoryProps {
  readonly current: Policy;
  /** Takes an older document into the editor. */
  readonly onTake: (document: string) => void;
  readonly onChanged: () => void;
}

/** The versions that are kept: who made each, when, why, and what it changed; and the way back to one. */
export function History({ current, onTake, onChanged }: HistoryProps) {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const versions = useQuery(`versions ${tenant} ${current.version}`, (signal) =>
    api.get<{ versions: PolicyVersion[] }>(tenantPath(tenant, "policy", "versions"), { signal }),
  );
  const open = router.parameter("version");
  return (
    <Loaded query={versions} what="the history">
      {({ versions: list }) => {
        const shown = list.find(({ version }) => String(version) === open);
        return (
          <>
            <Table
              label="Versions"
              columns={COLUMNS}
              rows={list.toSorted((one, other) => other.version - one.version)}
              keyOf={({ version }) => String(version)}
              openKey={open}
              onOpen={({ version }) => router.set({ version: String(version) })}
              empty={<EmptyState title="No version is kept" />}
            />
            {shown === undefined ? null : (
              <VersionPanel
                shown={shown}
                current={current}
                onTake={onTake}
                onChanged={onChanged}
                onClose={() => router.set({ version: undefined })}
              />
            )}
          </>
        );
      }}
    </Loaded>
  );
}

interface VersionPanelProps extends HistoryProps {
  readonly shown: PolicyVersion;
  readonly onClose: () => void;
}

function VersionPanel({ shown, current, onTake, onChanged, onClose }: VersionPanelProps) {
  const { api } = useConsole();
  const tenant = useTenant() ?? "";
  const [isGoingBack, setGoingBack] = useState(false);
  const { version, at, by, why, diff } = shown;
  const whole = useQuery(`version ${tenant} ${version}`, (signal) =>
    api.get<Policy>(tenantPath(tenant, "policy", "versions", String(version)), { signal }),
  );
  return (
    <Dialog title={`Version ${version}`} isPanel onClose={onClose}>
      <Facts facts={{ When: <Moment at={at} />, Who: by, Why: why }} />
      {version === current.version ? (
        <p class="note good">This version is in force.</p>
      ) : (
        <div class="actions">
          <Button kind="primary" onClick={() => setGoingBack(true)}>
            Go back to it
          </Button>
          <Button
            isDisabled={whole.state !== "ready"}
            onClick={() => {
              if (whole.state === "ready") onTake(whole.value.document);
              onClose();
            }}
          >
            Take it into the editor
          </Button>
          <Link to="visibility" parameters={{ compare: String(version) }}>
            Who saw what
          </Link>
        </div>
      )}
      <h2>What it changed</h2>
      {diff === undefined ? (
        <p class="quiet">There is nothing that it could be compared with.</p>
      ) : (
        <Differences diff={diff} />
      )}
      <h2>The document</h2>
      <Loaded query={whole} what="the document">
        {({ document }) => (
          <pre class="document" tabIndex={0}>
            {document}
          </pre>
        )}
      </Loaded>
      {isGoingBack ? (
        <GoBack
          version={version}
          current={current.version}
          onDone={() => {
            onClose();
            onChanged();
          }}
          onClose={() => setGoingBack(false)}
        />
      ) : null}
    </Dialog>
  );
}

interface GoBackProps {
  readonly version: number;
  readonly current: number;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

function GoBack({ version, current, onDone, onClose }: GoBackProps) {
  const { api, announce } = useConsole();
  const tenant = useTenant() ?? "";
  const [reason, setReason] = useState("");
  const goBack = async (): Promise<void> => {
    const body = { version, ...(reason.trim() === "" ? {} : { reason: reason.trim() }) };
    const path = tenantPath(tenant, "policy", "rollback");
    const made = await api.send<{ version: number }>(path, { method: "POST", body, ifMatch: current });
    announce(`The document of version ${version} is in force again, as version ${made.version}.`);
    onDone();
  };
  return (
    <ConfirmDialog title={`Back to version ${version}`} action="Go back" onConfirm={goBack} onClose={onClose}>
      <p>
        Its document becomes the next version, for every event from then on. Roles that were set over HTTP stay as they
        are.
      </p>
      <Field label="Reason" value={reason} onInput={setReason} isRequired />
    </ConfirmDialog>
  );
}
