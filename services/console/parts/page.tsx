import type { ComponentChildren } from "preact";

interface PageProps {
  readonly title: string;
  /** What the screen answers, in a sentence. */
  readonly lead: ComponentChildren;
  /** Buttons beside the title. */
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** The frame of a screen: its heading, what it answers, what can be done, and the rest. */
export function Page({ title, lead, actions, children }: PageProps) {
  return (
    <article class="page">
      <header class="page-head">
        <div>
          <h1 tabIndex={-1}>{title}</h1>
          <p class="lead">{lead}</p>
        </div>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </header>
      {children}
    </article>
  );
}

interface SectionProps {
  readonly title: string;
  readonly actions?: ComponentChildren;
  readonly children: ComponentChildren;
}

/** A part of a screen under a heading of its own. */
export function Section({ title, actions, children }: SectionProps) {
  return (
    <section class="section">
      <header class="section-head">
        <h2>{title}</h2>
        {actions === undefined ? null : <div class="actions">{actions}</div>}
      </header>
      {children}
    </section>
  );
}
