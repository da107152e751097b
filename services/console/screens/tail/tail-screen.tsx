import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { usePeople } from "../../context/use-people.ts";
import { tenantPath } from "../../http/api-client.ts";
import type { StreamState } from "../../http/follow-stream.ts";
import { Badge } from "../../parts/badge.tsx";
import { Button } from "../../parts/button.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { ErrorNote } from "../../parts/error-note.tsx";
import { Field } from "../../parts/field.tsx";
import { formatBytes } from "../../parts/format.ts";
import { Moment } from "../../parts/moment.tsx";
import { Page } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { EventPanel } from "./event-panel.tsx";
import { isWarning, reachWords } from "./reach-words.ts";
import type { TailRow, TailRows } from "./tail-rows.ts";
import { TestEvent } from "./test-event.tsx";
import { type Tail, useTail } from "./use-tail.ts";
import "./tail.css";

const COLUMNS: readonly Column<TailRow>[] = [
  { title: "Stored", track: "minmax(5rem, 6rem)", cell: ({ at }) => <Moment at={at} /> },
  { title: "Type", track: "minmax(8rem, 1fr)", cell: ({ type }) => <code>{type}</code> },
  { title: "Key", track: "minmax(6rem, 1fr)", rank: 2, cell: ({ key }) => <code>{key}</code> },
  { title: "Size", track: "5rem", rank: 3, isFigure: true, cell: ({ bytes }) => formatBytes(bytes) },
  {
    title: "Reached",
    track: "minmax(9rem, 2fr)",
    cell: ({ reach }) => <span class={isWarning(reach) ? "unreached" : "quiet"}>{reachWords(reach)}</span>,
  },
];

/** Events as they are stored, and how many people each one reached. */
export function TailScreen() {
  const { router } = useConsole();
  const tenant = useTenant() ?? "";
  const [open, setOpen] = useState<TailRow>();
  const [isSending, setSending] = useState(false);
  const filter = {
    type: router.parameter("type") ?? "",
    topic: router.parameter("topic") ?? "",
    subject: router.parameter("subject") ?? "",
  };
  const query = new URLSearchParams({ from: "recent", type: filter.type, subject: filter.subject });
  for (const topic of filter.topic.split(/[\s,]+/)) query.append("topic", topic);
  const tail = useTail(`${tenantPath(tenant, "tail")}?${query}`);
  const { rows } = tail.rows;
  return (
    <Page
      title="Live tail"
      lead="Events as they are stored, and how many of those who are connected each one reached."
      actions={
        <>
          <Button onClick={() => setSending(true)}>Send a test event</Button>
          <PauseButton tail={tail} />
        </>
      }
    >
      <Filter key={filter.subject} {...filter} />
      {filter.subject === "" ? null : (
        <p class="hint">
          What {filter.subject} may see by the policy and the roles of this moment, whether they are connected or not.
        </p>
      )}
      <TailState tail={tail} />
      <Table
        label="Events"
        columns={COLUMNS}
        rows={rows}
        keyOf={({ id }) => id}
        onOpen={setOpen}
        openKey={open?.id}
        toneOf={({ reach }) => (isWarning(reach) ? "warn" : undefined)}
        empty={tail.state.kind === "live" ? <NoEvents tenant={tenant} hasFilter={isFiltered(filter)} /> : null}
      />
      {isSending ? <TestEvent tenant={tenant} onClose={() => setSending(false)} /> : null}
      {open === undefined ? null : (
        <EventPanel row={rows.find(({ id }) => id === open.id) ?? open} onClose={() => setOpen(undefined)} />
      )}
    </Page>
  );
}

function PauseButton({ tail }: { readonly tail: Tail }) {
  const { isPaused, waiting } = tail;
  return (
    <Button isPressed={isPaused} onClick={() => tail.pause(!isPaused)}>
      {isPaused ? (waiting === 0 ? "Go on" : `Go on: ${waiting.toLocaleString()} waiting`) : "Pause"}
    </Button>
  );
}

interface TailFilter {
  readonly type: string;
  readonly topic: string;
  /** The person whose events are looked for; empty for everybody's. */
  readonly subject: string;
}

function isFiltered({ type, topic, subject }: TailFilter): boolean {
  return type + topic + subject !== "";
}

/** The filter stands in the address once it is asked for. */
function Filter({ type, topic, subject }: TailFilter) {
  const { router } = useConsole();
  const people = usePeople();
  const [typed, setTyped] = useState<TailFilter>({ type, topic, subject });
  const isChanged = typed.type !== type || typed.topic !== topic || typed.subject !== subject;
  return (
    <form
      class="form line"
      aria-label="Filter"
      onSubmit={(event) => {
        event.preventDefault();
        router.set({ type: typed.type.trim(), topic: typed.topic.trim(), subject: typed.subject.trim() });
      }}
    >
      <Field
        label="Type"
        value={typed.type}
        onInput={(next) => setTyped({ ...typed, type: next })}
        placeholder="issues.*"
        isMono
      />
      <Field
        label="Topics"
        value={typed.topic}
        onInput={(next) => setTyped({ ...typed, topic: next })}
        placeholder="issues.>, push.>"
        isMono
      />
      <Field
        label="Person"
        value={typed.subject}
        onInput={(next) => setTyped({ ...typed, subject: next })}
        suggestions={people}
      />
      <Button submits isDisabled={!isChanged}>
        Filter
      </Button>
      {isFiltered({ type, topic, subject }) ? (
        <Button
          kind="quiet"
          onClick={() => {
            setTyped({ type: "", topic: "", subject: "" });
            router.set({ type: "", topic: "", subject: "" });
          }}
        >
          Show all
        </Button>
      ) : null}
    </form>
  );
}

function TailState({ tail: { state, rows, isPaused } }: { readonly tail: Tail }) {
  if (state.kind === "refused") return <ErrorNote error={state.error} />;
  return (
    <p class="tail-state">
      <span role="status">
        <StateBadge state={state} isPaused={isPaused} />
      </span>{" "}
      <span class="quiet">{countWords(rows)}</span>
    </p>
  );
}

function StateBadge({ state, isPaused }: { readonly state: StreamState; readonly isPaused: boolean }) {
  if (state.kind === "away") return <Badge tone="warn">away, coming back</Badge>;
  if (state.kind === "opening") return <Badge tone="quiet">opening</Badge>;
  return isPaused ? <Badge tone="warn">paused</Badge> : <Badge tone="good">live</Badge>;
}

function countWords({ seen, rows, leftOut, hasGap }: TailRows): string {
  const unreached = rows.filter(({ reach }) => reach?.reason).length;
  const words = [
    seen > rows.length ? `the last ${rows.length.toLocaleString()} of ${seen.toLocaleString()}` : `${seen} events`,
    ...(unreached === 0 ? [] : [`${unreached.toLocaleString()} reached nobody`]),
    ...(leftOut === 0 ? [] : [`${leftOut.toLocaleString()} left out: they came too fast to be read`]),
    ...(hasGap ? ["some are missing: the stream was away for long"] : []),
  ];
  return words.join(" · ");
}

function NoEvents({ tenant, hasFilter }: { readonly tenant: string; readonly hasFilter: boolean }) {
  if (hasFilter) return <EmptyState title="No event matches yet">New ones appear here as they are stored.</EmptyState>;
  return (
    <EmptyState
      title="No event has been stored yet"
      commands={[`npx sluice publish --tenant ${tenant} issues.opened.Hello-World '{"title":"by hand"}'`]}
    >
      Publish the first one; it appears here as it is stored.
    </EmptyState>
  );
}
