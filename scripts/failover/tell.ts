/** A step that a command has done. */
export interface Step {
  readonly step: "fenced" | "level" | "link_closed" | "promoted" | "exported" | "deleted";
  readonly region: string;
  readonly stream?: string;
  readonly entries?: number;
}

/** Is told each step once it is done. */
export type Tell = (step: Step) => void | Promise<void>;
