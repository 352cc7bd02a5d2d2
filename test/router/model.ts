import { type Application, isMillraceError, type Params, path, type Route, URLRouter } from "millrace";
import { takesWholePath } from "../../src/protocol/path-taking.ts";
import { landing, landLater, middleware, slowMiddleware } from "../support/landing.ts";

/** One segment of a pattern, decoded: a text, and behind it perhaps a parameter. */
export interface SegmentModel {
  readonly text: string;
  readonly param?: string;
}

/** A route without any syntax. */
export interface RouteModel {
  readonly segments: readonly SegmentModel[];
  /** What stands in braces behind the segments, with the slash in front of it. */
  readonly optional?: SegmentModel;
  readonly end: "slash" | "none" | "wildcard";
  readonly leadingSlash: boolean;
  readonly wrapped: "no" | "sync" | "async";
  /** A name at the end, or the routes of a router. */
  readonly target: string | readonly RouteModel[];
}

/** Where a path leads, and with what. */
export interface Outcome {
  readonly name: string;
  readonly params: Params;
}

/** What the model says: a walk over lists of decoded segments, without expressions and encodings. */
export function predict(routes: readonly RouteModel[], segments: readonly string[]): Outcome | undefined {
  for (const route of routes) {
    const outcome =
      typeof route.target === "string" ? atEnd(route, route.target, segments) : within(route, route.target, segments);
    if (outcome !== undefined) return outcome;
  }
  return undefined;
}

function atEnd(route: RouteModel, name: string, segments: readonly string[]): Outcome | undefined {
  const params = first(spellings(route), (spelling) => whole(route, spelling, segments));
  return params === undefined ? undefined : { name, params };
}

function within(route: RouteModel, inner: readonly RouteModel[], segments: readonly string[]): Outcome | undefined {
  const complete = first(spellings(route), (spelling) => whole(route, spelling, segments));
  const found =
    complete === undefined
      ? first(spellings(route), (spelling) => front(route, spelling, segments))
      : { params: complete, rest: [""] };
  if (found === undefined) return undefined;
  const outcome = predict(inner, found.rest);
  return outcome === undefined ? undefined : { name: outcome.name, params: { ...found.params, ...outcome.params } };
}

function first<A, B>(list: readonly A[], find: (item: A) => B | undefined): B | undefined {
  return list.map(find).find((found) => found !== undefined);
}

/** With what stands in braces, then without. */
function spellings({ segments, optional }: RouteModel): ReadonlyArray<readonly SegmentModel[]> {
  return optional === undefined ? [segments] : [[...segments, optional], segments];
}

function whole(route: RouteModel, spelling: readonly SegmentModel[], segments: readonly string[]): Params | undefined {
  const tail = segments.slice(spelling.length);
  // The empty pattern is a path of one empty segment.
  const expected = spelling.length === 0 || route.end === "slash" ? 1 : 0;
  if (route.end === "wildcard") {
    if (tail.join("/") === "") return undefined;
    const params = captured(spelling, segments);
    return params === undefined ? undefined : { ...params, rest: tail };
  }
  return tail.length === expected && tail.every((text) => text === "") ? captured(spelling, segments) : undefined;
}

function front(
  route: RouteModel,
  spelling: readonly SegmentModel[],
  segments: readonly string[],
): { params: Params; rest: readonly string[] } | undefined {
  if (route.end === "wildcard" || segments.length <= spelling.length) return undefined;
  const params = captured(spelling, segments);
  return params === undefined ? undefined : { params, rest: segments.slice(spelling.length) };
}

function captured(spelling: readonly SegmentModel[], segments: readonly string[]): Params | undefined {
  const params: Array<[name: string, value: string]> = [];
  for (const [index, { text, param }] of spelling.entries()) {
    const segment = segments[index];
    if (segment === undefined || !segment.startsWith(text)) return undefined;
    const value = segment.slice(text.length);
    if ((param === undefined) !== (value === "")) return undefined;
    if (param !== undefined) params.push([param, value]);
  }
  return Object.fromEntries(params);
}

/** The routes that a model stands for. */
export function build(routes: readonly RouteModel[]): Application {
  return URLRouter(routes.map(buildRoute));
}

function buildRoute(route: RouteModel): Route {
  const { target, wrapped } = route;
  const application = typeof target === "string" ? landing(target) : build(target);
  if (wrapped === "async") return path(pattern(route), slowMiddleware(application));
  if (wrapped === "sync") return path(pattern(route), middleware(application));
  return path(pattern(route), typeof target === "string" ? takesWholePath(application) : application);
}

function pattern({ segments, optional, end, leadingSlash }: RouteModel): string {
  const body = segments.map((segment) => `/${written(segment)}`).join("");
  const braces = optional === undefined ? "" : `{/${written(optional)}}`;
  const text = body + braces + { slash: "/", none: "", wildcard: "/*rest" }[end];
  return leadingSlash || segments.length === 0 ? text : text.slice(1);
}

function written({ text, param }: SegmentModel): string {
  const literal = text.replace(/[%/]/g, encodeURIComponent).replace(/[{}()[\]+?!:*\\]/g, String.raw`\$&`);
  return param === undefined ? literal : `${literal}:${param}`;
}

/** What the router says. */
export async function ask(application: Application, rawPath: string): Promise<Outcome | undefined> {
  try {
    const { name, params } = await landLater(application, rawPath);
    return { name, params: { ...params } };
  } catch (error) {
    if (isMillraceError(error, "ERR_NO_ROUTE")) return undefined;
    throw error;
  }
}
