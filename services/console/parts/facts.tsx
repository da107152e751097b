import { type ComponentChildren, Fragment } from "preact";
import { visibleText } from "./format.ts";

/** Names with their values; those that are undefined are left out. Names and texts may be strangers'. */
export function Facts({ facts }: { readonly facts: Readonly<Record<string, ComponentChildren>> }) {
  const known = Object.entries(facts).filter(([, value]) => value !== undefined && value !== null);
  return (
    <dl class="facts">
      {known.map(([name, value]) => (
        <Fragment key={name}>
          <dt>{visibleText(name)}</dt>
          <dd>{typeof value === "string" ? visibleText(value) : value}</dd>
        </Fragment>
      ))}
    </dl>
  );
}
