import { useState } from "preact/hooks";
import { Badge } from "../../parts/badge.tsx";
import { EmptyState } from "../../parts/empty-state.tsx";
import { Field, Select } from "../../parts/field.tsx";
import { Section } from "../../parts/page.tsx";
import { type Column, Table } from "../../parts/table.tsx";

/** Settings by where each comes from, secrets masked. */
export type SettingsBySource = Readonly<Record<string, Readonly<Record<string, string>>>>;

/** A process whose settings are known, by the name that policy knows it by. */
export interface ProcessSettings {
  readonly name: string;
  readonly settings: SettingsBySource;
}

interface Setting {
  readonly name: string;
  readonly value: string;
  readonly source: string;
}

const COLUMNS: readonly Column<Setting>[] = [
  { title: "Setting", track: "minmax(12rem, 2fr)", cell: ({ name }) => <code>{name}</code> },
  { title: "Value", track: "minmax(8rem, 3fr)", cell: ({ value }) => <code>{value}</code> },
  {
    title: "From",
    track: "7rem",
    rank: 2,
    cell: ({ source }) => <Badge tone={source === "environment" ? "good" : "quiet"}>{source}</Badge>,
  },
];

/** What one of the processes was set to, and by what. */
export function SettingsSection({ processes }: { readonly processes: readonly ProcessSettings[] }) {
  const [chosen, setChosen] = useState("policy");
  const [wanted, setWanted] = useState("");
  const shown = processes.find(({ name }) => name === chosen) ?? processes[0];
  const name = shown?.name ?? "policy";
  const all = Object.entries(shown?.settings ?? {}).flatMap(([source, values]) =>
    Object.entries(values).map(([setting, value]): Setting => ({ name: setting, value, source })),
  );
  const rows = all.filter((setting) => setting.name.includes(wanted.toUpperCase()));
  const options = processes.map((process) => ({ value: process.name, text: process.name }));
  return (
    <Section title={`Settings of ${name}`}>
      <div class="fields health-filter">
        <Select label="Process" value={name} options={options} onChange={setChosen} />
        <Field label="Settings with" type="search" value={wanted} onInput={setWanted} placeholder="NATS" isMono />
      </div>
      <Table
        label={`Settings of ${name}`}
        columns={COLUMNS}
        rows={rows.toSorted((one, other) => one.name.localeCompare(other.name))}
        keyOf={(setting) => setting.name}
        empty={<EmptyState title="No setting has this in its name" />}
      />
    </Section>
  );
}
