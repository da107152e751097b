import { useMemo, useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { Badge } from "../../parts/badge.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorNote } from "../../parts/error-note.tsx";
import { Facts } from "../../parts/facts.tsx";
import { Field, Select } from "../../parts/field.tsx";
import { formatCount } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { type AuditEntry, MAX_ENTRIES, useAudit } from "./use-audit.ts";

const HOURS = [
  { value: "1", text: "the last hour" },
  { value: "24", text: "the last day" },
  { value: "168", text: "the last week" },
];

/** What people should look at twice. */
const ALARMING = new Set(["reused", "login_refused", "refresh_refused", "user_disabled", "events_erased"]);

const COLUMNS: readonly Column<AuditEntry>[] = [
  { title: "When", track: "minmax(5rem, 9rem)", cell: ({ at }) => <Moment at={at} /> },
  {
    title: "What",
    track: "minmax(8rem, 1fr)",
    cell: ({ event }) => <Badge tone={toneOf(event)}>{wordsOf(event)}</Badge>,
  },
  { title: "Who", track: "minmax(6rem, 1fr)", cell: whoOf },
  { title: "From", track: "minmax(6rem, 9rem)", rank: 2, cell: ({ address }) => <code>{address}</code> },
  { title: "More", track: "minmax(8rem, 2fr)", rank: 3, cell: (entry) => <span class="quiet">{moreOf(entry)}</span> },
];

/** Who did what in the tenant, as it is noted. */
export function AuditScreen() {
  const { settings, session } = useConsole();
  const tenant = useTenant() ?? "";
  return (
    <Page
      title="Audit"
      lead="Who logged in, was refused, was cut off, changed the policy or looked at an event; nobody can take an entry out."
    >
      {settings.authUrl !== undefined && session.who.value?.kind === "person" ? (
        <Trail authUrl={settings.authUrl} />
      ) : (
        <EmptyState
          title="The trail is shown to people, not to operators"
          commands={[`npx sluice audit --tenant ${tenant} --since 1h --follow`]}
        >
          Auth keeps it, and takes no operator's token for it. Log in as somebody with audit:admin in this tenant, or
          follow it at a terminal.
        </EmptyState>
      )}
    </Page>
  );
}

function Trail({ authUrl }: { readonly authUrl: string }) {
  const { router } = useConsole();
  const hours = router.parameter("hours") ?? "24";
  const [typed, setTyped] = useState("");
  const [open, setOpen] = useState<AuditEntry>();
  const since = useMemo(() => new Date(Date.now() - Number(hours) * 3_600_000).toISOString(), [hours]);
  const { entries, error } = useAudit(authUrl, since);
  const shown = entries?.filter((entry) => isNamed(entry, typed.trim().toLowerCase())) ?? [];
  return (
    <>
      <div class="form line">
        <Select label="Since" value={hours} options={HOURS} onChange={(next) => router.set({ hours: next })} />
        <Field
          label="With"
          type="search"
          value={typed}
          onInput={setTyped}
          placeholder="a person, an event, an address"
        />
      </div>
      {error === undefined ? null : <ErrorNote error={error} />}
      {entries === undefined ? null : (
        <>
          <p class="quiet" role="status">
            {formatCount(shown.length, "entry", "entries")}
            {entries.length < MAX_ENTRIES ? "" : ` of the newest ${MAX_ENTRIES.toLocaleString()}`}
            {error === undefined ? ", followed live" : ", as they were read before"}
          </p>
          <Table
            label="Audit trail"
            columns={COLUMNS}
            rows={shown}
            keyOf={({ id }) => id}
            onOpen={setOpen}
            openKey={open?.id}
            toneOf={({ event }) => (event === "reused" ? "warn" : undefined)}
            empty={<EmptyState title="Nothing was noted">Take a longer time, or another word.</EmptyState>}
          />
        </>
      )}
      {open === undefined ? null : (
        <Dialog title={wordsOf(open.event)} isPanel onClose={() => setOpen(undefined)}>
          <Facts facts={factsOf(open)} />
        </Dialog>
      )}
    </>
  );
}

function toneOf(event: string): "good" | "warn" | "quiet" {
  if (ALARMING.has(event)) return "warn";
  return event === "login" ? "good" : "quiet";
}

function wordsOf(event: string): string {
  return event.replaceAll("_", " ");
}

/** The one who acted; beside them the one that it was about, where these are two. */
function whoOf({ subject, by }: AuditEntry): string {
  const actor = by?.replace(/^subject:/, "");
  if (actor === undefined || actor === subject) return subject ?? "";
  return subject === undefined ? actor : `${actor} → ${subject}`;
}

const COLUMN_FIELDS = new Set(["id", "at", "tenant", "event", "subject", "by", "address"]);

/** What the columns do not say. */
function moreOf(entry: AuditEntry): string {
  const rest = Object.entries(entry).filter(([name]) => !COLUMN_FIELDS.has(name));
  return rest.map(([name, value]) => `${name} ${textOf(value)}`).join(", ");
}

function factsOf({ at, ...rest }: AuditEntry) {
  const facts = Object.entries(rest).map(([name, value]) => [name, <code key={name}>{textOf(value)}</code>] as const);
  return { when: <Moment at={at} />, ...Object.fromEntries(facts) };
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

function isNamed(entry: AuditEntry, word: string): boolean {
  return word === "" || Object.values(entry).some((value) => textOf(value).toLowerCase().includes(word));
}
