import { encodeName } from "#shared/protocol/encode-name.ts";
import { isFreeName } from "#shared/protocol/names.ts";
import type { Route } from "../document/policy-document.ts";
import { isOptional, placeholderOf } from "../document/route-path.ts";
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
  readonly segments: readonly string[];
}

/** Compiles the routes of a document: a request is compared only with those of its method and length, in their order. */
export function compileRoutes(routes: readonly Route[]): RouteMatcher {
  const compiled = routes.flatMap(expand);
  const byShape = Map.groupBy(compiled, ({ route, segments }) => shapeOf(route.method, segments));
  return (method, path) => {
    const segments = parseRequestPath(path);
    if (segments === undefined) return undefined;
    const found = byShape.get(shapeOf(method, segments))?.find((route) => matches(route, segments));
    return found === undefined ? undefined : matchOf(found, segments);
  };
}

/** A route whose end is optional is two, one with it and one without. */
function expand(route: Route): CompiledRoute[] {
  const segments = route.path === "/" ? [] : route.path.split("/").slice(1);
  const last = segments.at(-1);
  const whole = { route, segments };
  return last !== undefined && isOptional(last) ? [whole, { route, segments: segments.slice(0, -1) }] : [whole];
}

function shapeOf(method: string, segments: readonly string[]): string {
  return `${segments.length} ${method}`;
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
