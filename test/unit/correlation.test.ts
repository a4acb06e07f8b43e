import { describe, expect, test } from "vitest";
import { sha256Hex } from "../../shared/core/crypto/digest.ts";
import type { ProviderEvent } from "../../shared/core/events/provider-event.ts";
import { eventKeys, keysIn, requestKey } from "../../shared/core/providers/correlation.ts";

const members = { person: /^person$/, conversation: /^thread$/ };
const keysOf = (value: object) => keysIn(value, members);

describe("The keys of the people and conversations that a value names", () => {
  test.each([
    "https://www.example.com/in/anna",
    "https://www.example.com/in/anna/",
    "https://www.example.com/in/anna///",
    "https://www.example.com/in/anna/?from=search#top",
    " ANNA ",
    "anna,NAME_SEARCH,x1",
    "%61nna",
  ])("The person %j is anna", (person) => {
    expect(keysOf({ person })).toEqual(keysOf({ person: "anna" }));
  });

  test("The letters of a name count as the same however they are composed", () => {
    expect(keysOf({ person: "Zo\u00eb" })).toEqual(keysOf({ person: "Zoe\u0308" }));
  });

  test.each([
    ["A person of 2,048 characters", 1, { person: "a".repeat(2_048) }],
    ["A person of 2,049 characters", 0, { person: "a".repeat(2_049) }],
    ["A person of a million slashes", 0, { person: `${"/".repeat(1_000_000)}a` }],
    ["A person of a million accents", 0, { person: "\u0301\u0316".repeat(500_000) }],
    ["A conversation of 2,048 characters", 1, { thread: "t".repeat(2_048) }],
    ["A conversation of 2,049 characters", 0, { thread: "t".repeat(2_049) }],
  ])("%s has %d keys", (_, count, value) => {
    expect(keysOf(value)).toHaveLength(count);
  });

  test("A value of slashes alone is a person of its own", () => {
    expect(keysOf({ person: "///" })).toHaveLength(1);
    expect(keysOf({ person: "///" })).not.toEqual(keysOf({ person: "anna" }));
  });

  test("What is no percent-encoding is taken as it is written", () => {
    expect(keysOf({ person: "100%" })).toEqual(keysOf({ person: "100%25" }));
    expect(keysOf({ person: "%zz" })).toHaveLength(1);
    expect(keysOf({ person: "%zz" })).not.toEqual(keysOf({ person: "zz" }));
  });

  // Keys are stored for months: another form would not match them.
  test("A key is the beginning of a digest, of the letters that count", () => {
    const keyOf = (text: string) => sha256Hex(text).slice(0, 32);
    expect(requestKey("pr-1")).toBe(keyOf("request pr-1"));
    expect(keysOf({ person: " Anna ", thread: " T-1" })).toEqual([
      keyOf("person anna"),
      keyOf("conversation  T-1"),
    ]);
  });

  test("A member that may name both names a person", () => {
    const both = { person: /^id$/, conversation: /^id$/ };
    expect(keysIn({ id: "x" }, both)).toEqual(keysOf({ person: "x" }));
  });

  test.each(["PERSON", "per_son", "-Per-Son_", `${"_".repeat(58)}person`])(
    "The member %s is found by its letters",
    (name) => {
      expect(keysOf({ [name]: "anna" })).toEqual(keysOf({ person: "anna" }));
    },
  );

  test.each<[string, unknown]>([
    ["a name of 65 characters", { [`${"_".repeat(59)}person`]: "anna" }],
    ["another name", { persons: "anna" }],
    ["an empty text", { person: "", thread: "" }],
    ["a number", { person: 7, thread: 7 }],
    ["null", { person: null }],
    ["a value that is no object", "anna"],
    ["no value", undefined],
    ["null alone", null],
  ])("With %s nobody is named", (_, value) => {
    expect(keysIn(value, members)).toEqual([]);
  });

  test("Nobody is named to a provider whose members are not known", () => {
    expect(keysIn({ person: "anna" }, undefined)).toEqual([]);
  });
});

describe("Where the keys of a value are looked for", () => {
  const anna = { person: "anna" };
  const nested = (levels: number): object =>
    levels === 0 ? anna : { a: 1, inner: nested(levels - 1) };

  test("Eight levels below the value are read, in objects and in lists", () => {
    expect(keysOf(nested(8))).toEqual(keysOf(anna));
    expect(keysOf(nested(9))).toEqual([]);
    expect(keysOf([nested(7)])).toEqual(keysOf(anna));
    expect(keysOf([nested(8)])).toEqual([]);
  });

  test("A result's lists are left out, and the objects around them are read", () => {
    const value = { found: [anna], inner: { person: "ben", list: [[anna]] } };
    expect(keysIn(value, members, { entersLists: false })).toEqual(keysOf({ person: "ben" }));
    expect(keysIn([anna], members, { entersLists: false })).toEqual([]);
    expect(keysIn(value, members, {})).toEqual([...keysOf(anna), ...keysOf({ person: "ben" })]);
  });

  const people = (count: number) => Array.from({ length: count }, (_, n) => ({ person: `p${n}` }));

  test("The first sixteen that a value names have keys", () => {
    expect(keysOf(people(16))).toHaveLength(16);
    expect(keysOf([...people(15), { thread: "t" }])).toHaveLength(16);
    expect(keysOf(people(17))).toEqual(keysOf(people(16)));
    expect(keysOf([{ inner: people(16) }, { thread: "t" }])).toEqual(keysOf(people(16)));
  });

  test("One who is named many times takes no place of another", () => {
    const messages = Array.from({ length: 20 }, () => anna);
    expect(keysOf({ messages, thread: "t" })).toEqual([
      ...keysOf(anna),
      ...keysOf({ thread: "t" }),
    ]);
    expect(keysOf([anna, { person: "ANNA" }, { person: "/in/anna" }])).toEqual(keysOf(anna));
    const same = [{ person: "x" }, { thread: "x" }];
    expect(keysOf(same)).toEqual([...keysOf({ person: "x" }), ...keysOf({ thread: "x" })]);
  });

  const event = (data: Partial<ProviderEvent["data"]>): ProviderEvent => ({
    ...{ type: "message.reply", providerObjectId: "p-1" },
    data: { eventType: "MESSAGE_REPLY", ...data },
  });

  test("An event names its request first, and those in its payload, sixteen together", () => {
    const own = requestKey("pr-1");
    expect(eventKeys(event({ providerRequestId: "pr-1", payload: anna }), members)).toEqual([
      own,
      ...keysOf(anna),
    ]);
    expect(eventKeys(event({ providerRequestId: "pr-1", payload: anna }))).toEqual([own]);
    expect(eventKeys(event({ payload: anna, result: { thread: "t" } }), members)).toEqual(
      keysOf(anna),
    );
    expect(eventKeys(event({}), members)).toEqual([]);
    const many = eventKeys(event({ providerRequestId: "pr-1", payload: people(16) }), members);
    expect(many).toEqual([own, ...keysOf(people(15))]);
  });
});
