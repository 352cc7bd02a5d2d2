import { afterEach, describe, expect, test } from "@jest/globals";
import { ChannelLayers, getChannelLayer, InMemoryChannelLayer, installChannelLayers } from "millrace";

const memory = new InMemoryChannelLayer();
const other = new InMemoryChannelLayer();

describe("channel layers", () => {
  test("are found by alias, and without one by default", () => {
    const layers = new ChannelLayers({ default: memory, other });
    expect(layers.get()).toBe(memory);
    expect(layers.get("default")).toBe(memory);
    expect(layers.get("other")).toBe(other);
    expect([layers.has("other"), layers.has("third")]).toEqual([true, false]);
  });

  test("are told one by one, with their aliases", () => {
    expect([...new ChannelLayers({ default: memory, other })]).toEqual([
      ["default", memory],
      ["other", other],
    ]);
  });

  test("say which there are, when there is none of an alias", () => {
    const layers = new ChannelLayers({ default: memory, other });
    expect(() => layers.get("third")).toThrow(
      expect.objectContaining({
        code: "ERR_NO_CHANNEL_LAYER",
        message: expect.stringMatching(/"third".*default, other/),
      }),
    );
  });

  test("say what to do, when there is none at all", () => {
    expect(() => new ChannelLayers().get()).toThrow(
      expect.objectContaining({
        code: "ERR_NO_CHANNEL_LAYER",
        message: expect.stringMatching(/at least one layer.*default: new InMemoryChannelLayer\(\)/),
      }),
    );
  });

  test.each(["constructor", "__proto__", "toString"])("do not find %s on a prototype", (alias) => {
    const layers = new ChannelLayers({ default: memory });
    expect(layers.has(alias)).toBe(false);
    expect(() => layers.get(alias)).toThrow(expect.objectContaining({ code: "ERR_NO_CHANNEL_LAYER" }));
  });
});

describe("getChannelLayer", () => {
  const installations: Disposable[] = [];
  const install = (layers: ChannelLayers): Disposable => {
    const installation = installChannelLayers(layers);
    installations.push(installation);
    return installation;
  };

  afterEach(() => {
    for (const installation of installations.splice(0)) installation[Symbol.dispose]();
  });

  test("has none before any are installed", () => {
    expect(() => getChannelLayer()).toThrow(expect.objectContaining({ code: "ERR_NO_CHANNEL_LAYER" }));
  });

  test("finds those that were installed, by alias", () => {
    install(new ChannelLayers({ default: memory, other }));
    expect(getChannelLayer()).toBe(memory);
    expect(getChannelLayer("other")).toBe(other);
    expect(() => getChannelLayer("third")).toThrow(expect.objectContaining({ code: "ERR_NO_CHANNEL_LAYER" }));
  });

  test("finds those that were installed last, until they are taken back", () => {
    install(new ChannelLayers({ default: memory }));
    const second = install(new ChannelLayers({ default: other }));
    expect(getChannelLayer()).toBe(other);
    second[Symbol.dispose]();
    expect(getChannelLayer()).toBe(memory);
  });

  test("finds the newest whatever the order in which others are taken back, each of which counts once", () => {
    const layers = new ChannelLayers({ default: memory });
    const first = install(layers);
    install(new ChannelLayers({ default: other }));
    first[Symbol.dispose]();
    first[Symbol.dispose]();
    expect(getChannelLayer()).toBe(other);
  });

  test("reads what another copy of the package has installed", () => {
    // The list that all copies of the package in a process share.
    const shared = (globalThis as { [key: symbol]: unknown })[Symbol.for("millrace.layers")] as unknown[];
    const layers = new ChannelLayers({ default: other });
    shared.push(layers);
    try {
      expect(getChannelLayer()).toBe(other);
    } finally {
      shared.splice(shared.indexOf(layers), 1);
    }
  });
});
