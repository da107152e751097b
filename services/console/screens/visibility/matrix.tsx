import { useState } from "preact/hooks";
import { Dialog } from "../../parts/dialog.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { type Column, Table } from "../../parts/table.tsx";
import { PersonDetails } from "./person-details.tsx";
import { groupTypes, type Person, type Step, stepOf, type TypeGroup, type Visibility } from "./visibility.ts";

/** More columns than that are not shown: the filter makes fewer of them. */
const MAX_COLUMNS = 40;

const SIGNS = { all: "●", some: "◐", none: "·" } as const;
const STEPS: Readonly<Record<Step, string>> = { same: "", gained: "+", lost: "−", changed: "~" };

interface MatrixProps {
  readonly visibility: Visibility;
  /** A part of the event patterns that are looked at. */
  readonly wanted: string;
}

/** People by groups of event types. A row opens to all types of one person, with the rules. */
export function Matrix({ visibility, wanted }: MatrixProps) {
  const [open, setOpen] = useState<string>();
  const groups = groupTypes(visibility, wanted);
  const person = visibility.people.find(({ who }) => who === open);
  if (visibility.types.length === 0) {
    return (
      <EmptyState title="The policy knows no event types">
        Write them into `events:` of the policy document; what no rule names is shown to nobody.
      </EmptyState>
    );
  }
  return (
    <>
      <Table
        label="Who sees what"
        isWide
        columns={[NAME, ...groups.slice(0, MAX_COLUMNS).map(columnOf)]}
        rows={visibility.people}
        keyOf={({ who }) => who}
        openKey={open}
        onOpen={({ who }) => setOpen(who)}
        empty={<EmptyState title="The policy names nobody">Bind somebody to a role in the policy document.</EmptyState>}
      />
      <Legend isCompared={visibility.compared !== undefined} />
      <Groups groups={groups} />
      {person === undefined ? null : (
        <Dialog title={person.who} isPanel onClose={() => setOpen(undefined)}>
          <PersonDetails person={person} types={visibility.types} />
        </Dialog>
      )}
    </>
  );
}

const NAME: Column<Person> = { title: "Name", track: "minmax(7rem, 10rem)", cell: ({ who }) => who };

function columnOf({ patterns: [first = "", ...others] }: TypeGroup): Column<Person> {
  return {
    title: others.length === 0 ? first : `${first} and ${others.length} more`,
    track: "minmax(7rem, 1fr)",
    cell: (person) => <Cell person={person} pattern={first} />,
  };
}

function Cell({ person, pattern }: { readonly person: Person; readonly pattern: string }) {
  const how = person.sees[pattern]?.how ?? "none";
  const step = stepOf(person, pattern);
  return (
    <span class={`sight ${how} ${step}`}>
      <span aria-hidden="true">
        {step === "lost" ? "" : SIGNS[how]} {STEPS[step]}
      </span>
      <span class="visually-hidden">
        {how === "none" ? "nothing" : how}
        {step === "same" ? "" : `, ${step}`}
      </span>
      <span class="sight-word" aria-hidden="true">
        {how === "none" ? "" : how}
      </span>
    </span>
  );
}

function Legend({ isCompared }: { readonly isCompared: boolean }) {
  return (
    <p class="hint">
      <span aria-hidden="true">●</span> all of it · <span aria-hidden="true">◐</span> what some rules let through · a
      dot: nothing
      {isCompared ? " · + gained, − lost, ~ changed since the version that is compared" : ""}
    </p>
  );
}

function Groups({ groups }: { readonly groups: readonly TypeGroup[] }) {
  const large = groups.filter(({ patterns }) => patterns.length > 1);
  if (large.length === 0) return null;
  return (
    <details>
      <summary>Which types stand together</summary>
      <ul class="type-groups">
        {large.map(({ patterns }) => (
          <li key={patterns[0]}>
            <code>{patterns.join(" ")}</code>
          </li>
        ))}
      </ul>
    </details>
  );
}
