import type { PathBound, PathParams } from "../protocol/path-params.ts";
import type { Params } from "../protocol/scope.ts";

/**
 * What the compiler shows when a class is routed under a path that does not give the parameters
 * that the class's own path does.
 */
export interface PathMismatch<ClassPath extends string, RoutePath extends string> {
  readonly "the route captures less than the path of the class": { class: ClassPath; route: RoutePath };
}

/**
 * Holds the path that a class names against its route: `unknown` when they fit. They do when the
 * route gives all that the class's path captures, or when the class's path ends with the route's
 * pattern, because an outer route has the rest.
 */
export type PathCheck<RoutePath extends string, Target, Extra extends Params> =
  Fits<PathOf<Target>, RoutePath, Extra> extends true ? unknown : PathMismatch<PathOf<Target>, RoutePath>;

/** The path that a class names, and `string` where it names none. */
type PathOf<Target> = Target extends abstract new (...args: never) => PathBound<infer Path> ? Path : string;

type Fits<ClassPath extends string, RoutePath extends string, Extra extends Params> = string extends
  | ClassPath
  | RoutePath
  ? true
  : Given<RoutePath, Extra> extends PathParams<ClassPath>
    ? true
    : EndsWith<ClassPath, RoutePath>;

/** `Extra` is `never` for a route without parameters of its own. */
type Given<RoutePath extends string, Extra extends Params> = [Extra] extends [never]
  ? PathParams<RoutePath>
  : Omit<PathParams<RoutePath>, keyof Extra> & Extra;

type EndsWith<ClassPath extends string, RoutePath extends string> = RoutePath extends "" | "/"
  ? true
  : WithSlash<ClassPath> extends `${string}${WithSlash<RoutePath>}`
    ? true
    : false;

type WithSlash<Path extends string> = Path extends `/${string}` ? Path : `/${Path}`;
