import { useState } from "preact/hooks";
import { useConsole } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Field, Select } from "../../parts/field.tsx";
import { Form } from "../../parts/form.tsx";
import { type LimitName, LIMITS, type Tenant, type Tiers } from "./tenant.ts";

const NAMES = Object.keys(LIMITS) as LimitName[];
const DEFAULT_TIER = "default";

interface LimitsFormProps {
  readonly tenant: Tenant;
  readonly onChanged: () => void;
}

/** The tier, and what is otherwise for this tenant. A field that is empty leaves it to the tier. */
export function LimitsForm({ tenant: { tenant, limits }, onChanged }: LimitsFormProps) {
  const { api, announce } = useConsole();
  const [tier, setTier] = useState(limits.tier ?? DEFAULT_TIER);
  const [typed, setTyped] = useState<Partial<Record<LimitName, string>>>(() =>
    Object.fromEntries(NAMES.map((name) => [name, limits[name]?.toString() ?? ""])),
  );
  const tiers = useQuery("tiers", (signal) => api.get<Tiers>("/v1/tiers", { signal }));
  const known = tiers.state === "ready" ? tiers.value.tiers : {};
  const names = [...new Set([tier, ...Object.keys(known)])];
  const save = async (): Promise<void> => {
    const own = NAMES.flatMap((name) => (typed[name] === "" ? [] : [[name, Number(typed[name])]]));
    const body = { ...(tier === DEFAULT_TIER ? {} : { tier }), ...Object.fromEntries(own) };
    await api.send(tenantPath(tenant, "limits"), { method: "PUT", body });
    announce(`The limits of ${tenant} are in force.`);
    onChanged();
  };
  const shown = NAMES.filter((name) => typed[name] !== "");
  const isShort = shown.length < NAMES.length;
  return (
    <Form action="Set the limits" kind="plain" label="Limits" onSubmit={save}>
      <Select
        label="Tier"
        value={tier}
        options={names.map((name) => ({ value: name, text: name }))}
        onChange={setTier}
      />
      <details open={shown.length > 0 && isShort ? true : undefined}>
        <summary>Limits of its own{shown.length === 0 ? "" : `: ${shown.length}`}</summary>
        <div class="limits">
          {NAMES.map((name) => (
            <Field
              key={name}
              label={LIMITS[name]}
              type="number"
              value={typed[name] ?? ""}
              onInput={(value) => setTyped({ ...typed, [name]: value })}
              placeholder={known[tier]?.[name]?.toString() ?? "no limit of the tier"}
            />
          ))}
        </div>
      </details>
    </Form>
  );
}
