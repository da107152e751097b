import { useState } from "preact/hooks";
import { useConsole, useTenant } from "../../context/console-context.ts";
import { tenantPath } from "../../http/api-client.ts";
import { useQuery } from "../../http/use-query.ts";
import { Button } from "../../parts/button.tsx";
import { Field, Select } from "../../parts/field.tsx";
import { Loaded } from "../../parts/loaded.tsx";
import { Page } from "../../parts/page.tsx";
import { Matrix } from "./matrix.tsx";
import type { Visibility } from "./visibility.ts";
import "./visibility.css";

/** Who sees which events, by the policy in force, beside what they saw by an earlier version. */
export function VisibilityScreen() {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const [wanted, setWanted] = useState("");
  const [after, compare] = [router.parameter("after"), router.parameter("compare")];
  const key = JSON.stringify([tenant, after, compare]);
  const visibility = useQuery(key, (signal) =>
    api.get<Visibility>(tenantPath(tenant, "policy", "visibility"), { parameters: { after, compare }, signal }),
  );
  return (
    <Page
      title="Who sees what"
      lead="The people, groups and roles that the policy names, and the events that they may see. Event types that the same people see stand together."
    >
      <div class="fields visibility-choice">
        <VersionChoice />
        <Field label="Event types with" type="search" value={wanted} onInput={setWanted} placeholder="issues" isMono />
      </div>
      <Loaded query={visibility} what="who sees what">
        {(value) => (
          <>
            <Matrix visibility={value} wanted={wanted} />
            <div class="actions">
              <span class="quiet">
                {value.people.length} of {value.total.toLocaleString()} names, by version {value.version}
                {value.compared === undefined ? "" : `, compared with version ${value.compared}`}
                {value.unseen === 0
                  ? ""
                  : `; ${value.unseen.toLocaleString()} people with roles set over HTTP are not among them`}
              </span>
              {after === undefined ? null : (
                <Button onClick={() => router.set({ after: undefined })}>From the start</Button>
              )}
              {value.next === undefined ? null : (
                <Button onClick={() => router.set({ after: value.next })}>Next page</Button>
              )}
            </div>
          </>
        )}
      </Loaded>
    </Page>
  );
}

interface Versions {
  readonly versions: readonly { readonly version: number; readonly why: string }[];
}

function VersionChoice() {
  const { api, router } = useConsole();
  const tenant = useTenant() ?? "";
  const read = useQuery(`versions ${tenant}`, (signal) =>
    api.get<Versions>(tenantPath(tenant, "policy", "versions"), { signal }),
  );
  const versions = read.state === "ready" ? read.value.versions : [];
  const earlier = versions
    .toSorted((one, other) => other.version - one.version)
    .slice(1)
    .map(({ version, why }) => ({ value: String(version), text: `version ${version}: ${why}` }));
  return (
    <Select
      label="Compare with"
      value={router.parameter("compare") ?? ""}
      options={[{ value: "", text: "no other version" }, ...earlier]}
      onChange={(version) => router.set({ compare: version, after: undefined })}
    />
  );
}
