import { describe, expect, test } from "vitest";
import { readMasterKeys, seal, unseal } from "../../shared/core/crypto/master-keys.ts";

const key = (char: string) => char.repeat(64);
const one = readMasterKeys(JSON.stringify({ current: "k1", k1: key("a") }));
const two = readMasterKeys(JSON.stringify({ current: "k2", k1: key("a"), k2: key("b") }));

test("what was sealed opens again, also after the master key was rotated", () => {
  const sealed = seal(one, "connection#1", "secret ü");
  expect(sealed).not.toContain("secret");
  expect(unseal(one, "connection#1", sealed)).toBe("secret ü");
  expect(unseal(two, "connection#1", sealed)).toBe("secret ü");
  expect(seal(two, "connection#1", "x")).toMatch(/^v1\.k2\./);
});

test("the same text is sealed differently each time", () => {
  expect(seal(one, "c", "x")).not.toBe(seal(one, "c", "x"));
});

describe("what was moved or changed stays shut", () => {
  const sealed = seal(one, "connection#1", "secret");
  const [version, id, iv, body, tag] = sealed.split(".");
  const other = readMasterKeys(JSON.stringify({ current: "k1", k1: key("z") }));
  const cases: [string, typeof one, string, string][] = [
    ["in another item", one, "connection#2", sealed],
    ["under another key", other, "connection#1", sealed],
    [
      "with another body",
      one,
      "connection#1",
      [version, id, iv, `A${body?.slice(1)}`, tag].join("."),
    ],
    [
      "with a shortened tag",
      one,
      "connection#1",
      [version, id, iv, body, tag?.slice(0, 8)].join("."),
    ],
    ["of an unknown key", one, "connection#1", [version, "k9", iv, body, tag].join(".")],
    ["of an unknown version", one, "connection#1", ["v2", id, iv, body, tag].join(".")],
    ["empty", one, "connection#1", ""],
  ];
  test.each(cases)("%s", (_name, keys, boundTo, text) => {
    expect(() => unseal(keys, boundTo, text)).toThrow();
  });
});

describe("a master secret that cannot be used is refused, without its value", () => {
  test.each([
    ["no current", { k1: key("a") }],
    ["current names none", { current: "k2", k1: key("a") }],
    ["a key too short", { current: "k1", k1: "short" }],
    ["a list", []],
  ])("%s", (_name, value) => {
    expect(() => readMasterKeys(JSON.stringify(value))).toThrow(/^The master secret/);
  });

  test("not JSON: the parser would quote it", () => {
    const read = () => readMasterKeys("canary-passphrase");
    expect(read).toThrow("The master secret must be a JSON object");
    try {
      read();
    } catch (error) {
      expect(error).not.toHaveProperty("cause");
    }
  });
});
