/** What of a list is in sight; all lengths in pixels. */
export interface RowSight {
  readonly top: number;
  readonly height: number;
  readonly rowPx: number;
  /** How many rows the list has. */
  readonly count: number;
}

/** So many rows above and below what is in sight are there already when it is scrolled. */
const MARGIN_ROWS = 8;

/** Which rows are to be in the page: from `first` on, and before `last`. */
export function windowOf({ top, height, rowPx, count }: RowSight): { readonly first: number; readonly last: number } {
  const seen = Math.ceil(height / rowPx);
  const first = Math.max(0, Math.min(Math.floor(top / rowPx), count - seen) - MARGIN_ROWS);
  return { first, last: Math.min(count, first + seen + 2 * MARGIN_ROWS) };
}
