import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ask, build, predict, type RouteModel, type SegmentModel } from "./model.ts";

const texts = [
  "a",
  "b",
  "ab",
  "A",
  "聊天",
  "聊",
  "é",
  "🐯",
  "@a",
  "a b",
  "a/b",
  "100%",
  "%2F",
  "a:b",
  "a.b",
  "v(1)",
  "+",
];
const text = fc.constantFrom(...texts);
const names = ["one", "__proto__", "three"];

const segment: fc.Arbitrary<SegmentModel> = fc.oneof(
  text.map((literal) => ({ text: literal })),
  fc.constant({ text: "", param: "" }),
  text.map((literal) => ({ text: literal, param: "" })),
);

const { routes } = fc.letrec<{ routes: RouteModel[]; route: RouteModel }>((tie) => ({
  routes: fc.array(tie("route"), { minLength: 1, maxLength: 4 }),
  route: fc
    .record({
      segments: fc.array(segment, { maxLength: 2 }),
      optional: fc.option(segment, { nil: undefined, freq: 5 }),
      end: fc.constantFrom("slash", "slash", "none", "none", "wildcard"),
      leadingSlash: fc.boolean(),
      wrapped: fc.constantFrom("no", "no", "sync", "async"),
      target: fc.oneof({ depthSize: "small", withCrossShrink: true }, fc.uuid(), tie("routes")),
    } as const)
    .map(({ optional, ...route }) => named({ ...route, ...(optional === undefined ? {} : { optional }) })),
}));

/** Names the parameters by their places, so that inner routes capture under the same names as outer ones. */
function named(route: RouteModel): RouteModel {
  const name = (model: SegmentModel, index: number): SegmentModel =>
    model.param === undefined ? model : { ...model, param: names[index] ?? "more" };
  const segments = route.segments.map(name);
  const { optional } = route;
  return optional === undefined
    ? { ...route, segments }
    : { ...route, segments, optional: name(optional, segments.length) };
}

/** A path by its decoded segments: at random, or led along the routes. */
function pathFor(models: readonly RouteModel[]): fc.Arbitrary<string[]> {
  return fc.oneof(
    fc.array(fc.oneof(text, fc.constant("")), { minLength: 1, maxLength: 5 }),
    fc.array(fc.nat(), { minLength: 1, maxLength: 12 }).map((choices) => {
      const along = follow(models, choices);
      return along.length === 0 ? [""] : along;
    }),
  );
}

function follow(models: readonly RouteModel[], choices: number[]): string[] {
  const choose = (): number => choices.shift() ?? 0;
  const route = models[choose() % models.length];
  if (route === undefined) return [];
  const fill = ({ text: literal, param }: SegmentModel): string =>
    param === undefined ? literal : literal + (texts[choose() % texts.length] ?? "");
  const segments = route.segments.map(fill);
  if (route.optional !== undefined && choose() % 2 === 0) segments.push(fill(route.optional));
  if (typeof route.target !== "string") return [...segments, ...follow(route.target, choices)];
  if (route.end === "slash") return [...segments, ""];
  return route.end === "wildcard" ? [...segments, "a", "聊天"] : segments;
}

/** The spellings that a client may choose for one segment. */
const spell: ReadonlyArray<(decoded: string) => string> = [
  encodeURIComponent,
  (decoded) => [...Buffer.from(decoded)].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join(""),
  (decoded) => decoded.replace(/[%/? ]/g, encodeURIComponent),
];

describe("Any routes and any path", () => {
  test("come out where a walk over the decoded segments says", async () => {
    const seen = { reached: 0, nested: 0, wrapped: 0, missed: 0, captured: 0 };
    const cases = routes.chain((models) =>
      fc.record({
        models: fc.constant(models),
        segments: pathFor(models),
        spelling: fc.array(fc.nat({ max: spell.length - 1 }), { minLength: 12, maxLength: 12 }),
      }),
    );
    await fc.assert(
      fc.asyncProperty(cases, async ({ models, segments, spelling }) => {
        const rawPath = `/${segments.map((decoded, index) => (spell[spelling[index % 12] ?? 0] ?? encodeURIComponent)(decoded)).join("/")}`;
        const outcome = await ask(build(models), rawPath);
        const predicted = predict(models, segments);
        expect(outcome).toEqual(predicted);
        if (outcome === undefined) seen.missed++;
        else {
          seen.reached++;
          if (Object.keys(outcome.params).length > 0) seen.captured++;
          const direct = models.some(({ target }) => target === outcome.name);
          if (!direct) seen.nested++;
          if (!direct && models.every(({ wrapped }) => wrapped !== "no")) seen.wrapped++;
        }
      }),
      { numRuns: 1500, seed: 22_922_192 },
    );
    for (const [what, times] of Object.entries(seen)) expect([what, times > 50]).toEqual([what, true]);
  });
});
