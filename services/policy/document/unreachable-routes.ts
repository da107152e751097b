import type { DocumentWarning } from "./fault.ts";
import type { PolicyDocument, Route } from "./policy-document.ts";
import { isOpen, isOptional, segmentsOf } from "./route-path.ts";

/** Requests that a route matches: a method and segments, and whether one or more others follow. */
interface Shape {
  readonly segments: readonly string[];
  readonly isOpen: boolean;
}

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

/** Two of them where the route's end is optional. */
function shapesOf({ method, path }: Route): Shape[] {
  const segments = [method, ...segmentsOf(path)];
  const last = segments.at(-1) ?? "";
  const beforeLast = segments.slice(0, -1);
  const whole = isOpen(last) ? { segments: beforeLast, isOpen: true } : { segments, isOpen: false };
  return isOptional(last) ? [whole, { segments: beforeLast, isOpen: false }] : [whole];
}

function isIn(wider: readonly Shape[], shape: Shape): boolean {
  return wider.some(
    (other) =>
      coversLength(other, shape) &&
      other.segments.every((segment, index) => segment.startsWith("{") || segment === shape.segments[index]),
  );
}

function coversLength(wider: Shape, shape: Shape): boolean {
  if (!wider.isOpen) return !shape.isOpen && wider.segments.length === shape.segments.length;
  return wider.segments.length < shape.segments.length + (shape.isOpen ? 1 : 0);
}
