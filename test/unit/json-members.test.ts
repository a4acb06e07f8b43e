import { describe, expect, test } from "vitest";
import { topLevelMembers, withoutMember } from "../../shared/core/json/json-members.ts";

const cut = (text: string) => {
  const member = topLevelMembers(text).find(({ key }) => key === "hash");
  return member ? withoutMember(text, member) : undefined;
};

describe("removing a member from the bytes", () => {
  test.each([
    ["last", '{"a":1,"hash":"x"}', '{"a":1}'],
    ["first", '{"hash":"x","a":1}', '{"a":1}'],
    ["in the middle", '{"a":1,"hash":"x","b":2}', '{"a":1,"b":2}'],
    ["alone", '{"hash":"x"}', "{}"],
    ["with spaces", '{ "a" : 1 , "hash" : "x" }', '{ "a" : 1  }'],
    ["behind a nested one", '{"r":{"hash":"n"},"hash":"x"}', '{"r":{"hash":"n"}}'],
    ["with an escaped key", '{"a":1,"h\\u0061sh":"x"}', '{"a":1}'],
    ["with quotes in a value", '{"a":"\\"hash\\":1,","hash":"x"}', '{"a":"\\"hash\\":1,"}'],
    ["nested only", '{"r":{"hash":"n"}}', undefined],
  ])("a member is removed from the bytes: %s", (_name, text, expected) => {
    expect(cut(text)).toBe(expected);
  });
});

test("all duplicates of a member are found", () => {
  expect(topLevelMembers('{"a":1,"a":[1,2],"b":{}}').map(({ key }) => key)).toEqual([
    "a",
    "a",
    "b",
  ]);
});
