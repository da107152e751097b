import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { windowOf } from "./row-window.ts";

/** A column of a table. */
export interface Column<Row> {
  readonly title: string;
  /** A track of CSS grid, such as `minmax(10rem, 2fr)` or `6rem`. */
  readonly track: string;
  /** 1 is always shown; 2 not on phones; 3 only where there is much room. */
  readonly rank?: 1 | 2 | 3;
  /** Figures stand at the end of their column. */
  readonly isFigure?: boolean;
  readonly cell: (row: Row) => ComponentChildren;
}

interface TableProps<Row> {
  /** What it lists, for screen readers. */
  readonly label: string;
  readonly columns: readonly Column<Row>[];
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row) => string;
  /** Opens a row's details. The first cell of each row becomes the button for it. */
  readonly onOpen?: (row: Row) => void;
  /** The row whose details are open. */
  readonly openKey?: string | undefined;
  /** Stands in its place while there are no rows. */
  readonly empty: ComponentChildren;
  /** How rows stand out, such as `warn`; undefined for those that do not. */
  readonly toneOf?: (row: Row) => string | undefined;
  /** It may be wider than its place: then it is scrolled, and the first column stays in sight. */
  readonly isWide?: boolean;
}

/** More rows than that are not listed: nobody reads them, and the scroll bar of the browser ends. */
const MAX_ROWS = 100_000;

const NARROW_PX = 620;
const WIDE_PX = 980;

/** A list in columns, of which only the rows that are in sight are in the page. */
export function Table<Row>(props: TableProps<Row>) {
  const { label, rows, empty } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const { width, height, top, rowPx } = useSight(scroller);
  if (rows.length === 0) return <>{empty}</>;
  const columns = props.columns.filter(({ rank = 1 }) => rank === 1 || width >= (rank === 2 ? NARROW_PX : WIDE_PX));
  const count = Math.min(rows.length, MAX_ROWS);
  const { first, last } = windowOf({ top, height, rowPx, count });
  const tracks = columns.map(({ track }) => track).join(" ");
  return (
    <div class="table-frame">
      <div class="table-scroll" ref={scroller} tabIndex={0} role="region" aria-label={label}>
        <div
          role="table"
          class={props.isWide === true ? "wide" : undefined}
          aria-label={label}
          aria-rowcount={count + 1}
          style={{ "--tracks": tracks }}
        >
          <div role="rowgroup" class="table-head">
            <div role="row" class="table-row" aria-rowindex={1}>
              {columns.map(({ title, isFigure = false }) => (
                <div key={title} role="columnheader" class={isFigure ? "figure" : undefined}>
                  {title}
                </div>
              ))}
            </div>
          </div>
          <div role="rowgroup" class="table-body" style={{ height: `${count * rowPx}px` }}>
            {rows.slice(first, last).map((row, place) => (
              <TableRow
                key={props.keyOf(row)}
                {...props}
                row={row}
                columns={columns}
                place={first + place}
                rowPx={rowPx}
              />
            ))}
          </div>
        </div>
      </div>
      {rows.length > count ? (
        <p class="hint">
          The first {count.toLocaleString()} of {rows.length.toLocaleString()} rows: narrow the list.
        </p>
      ) : null}
    </div>
  );
}

interface TableRowProps<Row> extends TableProps<Row> {
  readonly row: Row;
  readonly place: number;
  readonly rowPx: number;
}

function TableRow<Row>({ row, columns, place, rowPx, onOpen, openKey, keyOf, toneOf }: TableRowProps<Row>) {
  const isOpen = openKey === keyOf(row);
  const tone = toneOf?.(row) ?? "";
  return (
    <div
      role="row"
      class={`table-row ${tone} ${onOpen === undefined ? "" : "opens"} ${isOpen ? "open" : ""}`}
      aria-rowindex={place + 2}
      style={{ transform: `translateY(${place * rowPx}px)` }}
      onClick={onOpen === undefined ? undefined : () => onOpen(row)}
    >
      {columns.map(({ title, isFigure = false, cell }, at) => (
        <div key={title} role="cell" class={isFigure ? "figure" : undefined}>
          {at === 0 && onOpen !== undefined ? (
            <button type="button" class="row-button" aria-expanded={isOpen}>
              {cell(row)}
            </button>
          ) : (
            cell(row)
          )}
        </div>
      ))}
    </div>
  );
}

interface Sight {
  readonly width: number;
  readonly height: number;
  readonly top: number;
  /** The height of a row: fingers need more than a mouse. */
  readonly rowPx: number;
}

/** What of the list is in sight, as it is scrolled and as the window changes. */
function useSight(scroller: { readonly current: HTMLElement | null }): Sight {
  const [sight, setSight] = useState<Sight>({ width: innerWidth, height: innerHeight, top: 0, rowPx: 34 });
  const element = scroller.current;
  useEffect(() => {
    const shown = scroller.current;
    if (shown === null) return undefined;
    const look = (): void => {
      const { clientWidth: width, clientHeight: height, scrollTop: top } = shown;
      setSight({ width, height, top, rowPx: matchMedia("(pointer: coarse)").matches ? 44 : 34 });
    };
    look();
    const resizes = new ResizeObserver(look);
    resizes.observe(shown);
    shown.addEventListener("scroll", look, { passive: true });
    return () => {
      resizes.disconnect();
      shown.removeEventListener("scroll", look);
    };
    // The list is in the page only while it has rows.
  }, [element === null]);
  return sight;
}
