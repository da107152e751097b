import type { DocumentWarning } from "./fault.ts";
import type { PolicyDocument, Route } from "./policy-document.ts";

/** Routes that no request takes, because every request that they match is matched by an earlier one. */
export function unreachableRoutes({ routes }: PolicyDocument): DocumentWarning[] {
  const shapes = routes.map(shapesOf);
  return routes.flatMap((_, index) => {
    const own = shapes[index] ?? [];
    const earlier = routes[shapes.slice(0, index).findIndex((others) => own.every((shape) => isIn(others, shape)))];
    if (earlier === undefined) return [];
    return [
      { path: ["routes", index], message: `no request gets here: ${earlier.method} ${earlier.path} comes first` },
    ];
  });
}

/** The method and the segments that a request may have; two of them where the route's end is optional. */
function shapesOf({ method, path }: Route): string[][] {
  const segments = path.split("/");
  const whole = [method, ...segments.slice(1)];
  return segments.at(-1)?.endsWith("?}") ? [whole, whole.slice(0, -1)] : [whole];
}

function isIn(wider: readonly string[][], shape: readonly string[]): boolean {
  return wider.some(
    (other) =>
      other.length === shape.length &&
      other.every((segment, index) => segment.startsWith("{") || segment === shape[index]),
  );
}
