import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

/** A point of a curve: milliseconds since 1970, and the value. */
export type CurvePoint = readonly [at: number, value: number];

interface SparklineProps {
  /** What it shows, in words: the curve itself says nothing to screen readers. */
  readonly label: string;
  readonly points: readonly CurvePoint[];
}

const WIDTH_PX = 150;
const HEIGHT_PX = 30;

/** A curve without axes, in the accent's colour. */
export function Sparkline({ label, points }: SparklineProps) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  useEffect(() => {
    if (place.current === null) return undefined;
    const colour = getComputedStyle(place.current).color;
    plot.current = new uPlot(
      {
        width: WIDTH_PX,
        height: HEIGHT_PX,
        legend: { show: false },
        cursor: { show: false },
        padding: [3, 0, 3, 0],
        axes: [{ show: false }, { show: false }],
        scales: { y: { range: (_, __, most) => [0, Math.max(1, most * 1.1)] } },
        series: [{}, { stroke: colour, width: 1.5, points: { show: false } }],
      },
      [[], []],
      place.current,
    );
    return () => plot.current?.destroy();
  }, []);
  useEffect(() => {
    plot.current?.setData([points.map(([at]) => at / 1_000), points.map(([, value]) => value)]);
  }, [points]);
  return <div class="sparkline" ref={place} role="img" aria-label={label} />;
}
