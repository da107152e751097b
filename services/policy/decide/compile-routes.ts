import { encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import type { Route } from "../document/policy-document.ts";
import { isOpen, isOptional, placeholderOf, segmentsOf } from "../document/route-path.ts";
import { parseRequestPath } from "./parse-request-path.ts";

/** What a request is for, by the first route that it takes. */
export interface RouteMatch {
  readonly permission: string;
  /** The route's topic patterns, as far as the path fills their placeholders: a segment stands in them as its token. */
  readonly topics: readonly string[];
  /**
   * Those with most of the path's parameters: they show which object the request is about. Empty where no topic can,
   * as when a parameter is no free name.
   */
  readonly about: readonly string[];
}

/** Finds the route of a request; undefined where it takes none, or its path can be read in more than one way. */
export type RouteMatcher = (method: string, path: string) => RouteMatch | undefined;

interface CompiledRoute {
  readonly route: Route;
  /** Its place in the document. */
  readonly index: number;
  /** Where the route is open, without the placeholder at its end. */
  readonly segments: readonly string[];
  /** Whether one or more segments follow these. */
  readonly isOpen: boolean;
}

/**
 * Compiles the routes of a document. The first that matches counts, in the document's order. A request is compared with
 * those of its method that are open, and of the others with those of its length.
 */
export function compileRoutes(routes: readonly Route[]): RouteMatcher {
  const { open = [], closed = [] } = Object.groupBy(routes.flatMap(expand), (each) =>
    each.isOpen ? "open" : "closed",
  );
  const byShape = Map.groupBy(closed, ({ route, segments }) => shapeOf(route.method, segments));
  const openOf = Map.groupBy(open, ({ route }) => route.method);
  return (method, path) => {
    const segments = parseRequestPath(path);
    if (segments === undefined) return undefined;
    const exact = byShape.get(shapeOf(method, segments))?.find((each) => matches(each, segments));
    const prefix = openOf
      .get(method)
      ?.find((each) => each.segments.length < segments.length && matches(each, segments));
    const found = firstOf(exact, prefix);
    return found === undefined ? undefined : matchOf(found, segments);
  };
}

/** A route whose end is optional is two, one with it and one without. */
function expand(route: Route, index: number): CompiledRoute[] {
  const segments = segmentsOf(route.path);
  const last = segments.at(-1) ?? "";
  const beforeLast = { route, index, segments: segments.slice(0, -1) };
  const whole = isOpen(last) ? { ...beforeLast, isOpen: true } : { route, index, segments, isOpen: false };
  return isOptional(last) ? [whole, { ...beforeLast, isOpen: false }] : [whole];
}

function shapeOf(method: string, segments: readonly string[]): string {
  return `${segments.length} ${method}`;
}

function firstOf(a: CompiledRoute | undefined, b: CompiledRoute | undefined): CompiledRoute | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.index < b.index ? a : b;
}

function matches({ segments }: CompiledRoute, asked: readonly string[]): boolean {
  return segments.every((segment, index) => placeholderOf(segment) !== undefined || segment === asked[index]);
}

function matchOf({ route, segments }: CompiledRoute, asked: readonly string[]): RouteMatch {
  const parameters = parametersOf(segments, asked);
  const possible = route.topics.map(templateOf).filter(({ names }) => names.every((name) => parameters.has(name)));
  const topics = possible.filter(({ names }) => names.every((name) => isFreeName(parameters.get(name) ?? "")));
  const most = Math.max(...possible.map(({ names }) => names.length));
  const about = topics.filter(({ names }) => names.length === most);
  const fillToken = (token: string): string => {
    const value = parameters.get(placeholderOf(token) ?? "");
    return value === undefined ? token : encodeName(value);
  };
  const fill = ({ tokens }: TopicTemplate): string => tokens.map(fillToken).join(".");
  return { permission: route.permission, topics: topics.map(fill), about: about.map(fill) };
}

function parametersOf(segments: readonly string[], asked: readonly string[]): Map<string, string> {
  return new Map(
    segments.flatMap((segment, index) => {
      const name = placeholderOf(segment);
      return name === undefined ? [] : [[name, asked[index] ?? ""]];
    }),
  );
}

interface TopicTemplate {
  readonly tokens: readonly string[];
  /** Of the placeholders among them. */
  readonly names: readonly string[];
}

function templateOf(topic: string): TopicTemplate {
  const tokens = topic.split(".");
  return { tokens, names: tokens.flatMap((token) => placeholderOf(token) ?? []) };
}
