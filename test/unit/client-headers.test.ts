import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { type MasterKeys, unseal } from "../../shared/core/crypto/master-keys.ts";
import {
  changedHeaders,
  hasHeaders,
  openHeaders,
  sealHeaders,
} from "../../shared/core/deliveries/signing/client-headers.ts";
import type { FetchMasterKeys } from "../../shared/core/deliveries/signing/signing.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

type Headers = Record<string, string>;

const pk = "webhook#cl_1";
const randomHex = (bytes: number) => "ab".repeat(bytes);
const sealing = { masterKeys: testMasterKeys, randomHex };
const withHeaders = (headers: Headers) => ({ pk, headers: sealHeaders({ pk }, headers, sealing) });

/** Reads these master keys; `asked` has the keys that were asked for. */
function reading(master: MasterKeys = testMasterKeys) {
  const asked: string[] = [];
  const read: FetchMasterKeys = async (keyId) => {
    asked.push(keyId);
    return master;
  };
  return { asked, read };
}

/** The key by which the headers were sealed is not among them. */
const otherKeys: MasterKeys = { current: "k1", keys: new Map([["k1", "1".repeat(32)]]) };
const down = new Failure("DEPENDENCY_DOWN", "no secret");
const { read } = reading();
const readNothing: FetchMasterKeys = () => Promise.reject(down);

describe("The headers that a client adds to its webhooks", () => {
  const headers = { "X-Api-Key": "sesame", authorization: "Bearer ü" };
  const lowerCased = { "x-api-key": "sesame", authorization: "Bearer ü" };

  test("They are stored with names in lower case that can be read, and values that cannot", () => {
    const stored = sealHeaders({ pk }, headers, sealing);
    expect(stored).toStrictEqual({
      names: ["x-api-key", "authorization"],
      sealed: expect.stringMatching(/^v1\.k2\./),
    });
    expect(stored.sealed).not.toContain("sesame");
    expect(JSON.parse(unseal(testMasterKeys, pk, stored.sealed))).toStrictEqual(lowerCased);
  });

  test("They are opened by the key that sealed them, which is read by its name", async () => {
    const { asked, read: readKeys } = reading({ ...testMasterKeys, current: "k1" });
    expect(await openHeaders(withHeaders(headers), readKeys)).toStrictEqual(lowerCased);
    expect(asked).toStrictEqual(["k2"]);
  });

  test("A webhook without headers has none, and no key is read for it", async () => {
    const { asked, read: readKeys } = reading();
    expect(await openHeaders({ pk }, readKeys)).toStrictEqual({});
    expect(asked).toStrictEqual([]);
  });

  test("While their key is not there the call can be repeated, and the error says what to do", async () => {
    const advice = "try again; if it was removed, put it back or set the webhook's headers again";
    const opening = openHeaders(withHeaders(headers), reading(otherKeys).read);
    await expect(opening).rejects.toMatchObject({
      ...{ code: "DEPENDENCY_DOWN", message: `the master secret has no key k2: ${advice}` },
    });
  });

  test("They do not open in the item of another client", async () => {
    const moved = { ...withHeaders(headers), pk: "webhook#cl_2" };
    await expect(openHeaders(moved, read)).rejects.toThrow();
  });

  test("An error of the master secret is passed on", async () => {
    await expect(openHeaders(withHeaders(headers), readNothing)).rejects.toBe(down);
  });
});

describe("Whether a webhook has these headers", () => {
  const stored = { "x-one": "1", "x-two": "2" };

  test.each<[string, Headers | undefined, boolean]>([
    ["in another order and another case", { "X-Two": "2", "X-ONE": "1" }, true],
    ["with another value", { "x-one": "1", "x-two": "3" }, false],
    ["with the values of each other", { "x-one": "2", "x-two": "1" }, false],
    ["with one more", { ...stored, "x-three": "3" }, false],
    ["with one less", { "x-one": "1" }, false],
    ["of which there are none", undefined, false],
  ])("Two stored headers compared to some %s are the same: %s", async (_, headers, expected) => {
    expect(await hasHeaders(withHeaders(stored), headers, read)).toBe(expected);
  });

  test("A webhook without headers has none, and no others", async () => {
    expect(await hasHeaders({ pk }, undefined, read)).toBe(true);
    expect(await hasHeaders({ pk }, { "x-one": "1" }, read)).toBe(false);
  });

  test("Stored headers that cannot be opened are not these, and not absent either", async () => {
    const webhook = withHeaders(stored);
    for (const headers of [stored, undefined]) {
      expect(await hasHeaders(webhook, headers, reading(otherKeys).read)).toBe(false);
      expect(await hasHeaders(webhook, headers, readNothing)).toBe(false);
    }
  });
});

describe("The change of one header", () => {
  const stored: Headers = { "x-one": "1", "x-two": "2" };
  const change = (of: { name: string; value: string | null }, headers = stored) =>
    changedHeaders(withHeaders(headers), of, read);

  test.each<[{ name: string; value: string | null }, Headers]>([
    [
      { name: "X-Two", value: "new" },
      { "x-one": "1", "x-two": "new" },
    ],
    [
      { name: "x-Three", value: "3" },
      { ...stored, "x-three": "3" },
    ],
    [{ name: "X-ONE", value: null }, { "x-two": "2" }],
    [{ name: "x-none", value: null }, stored],
  ])("The change %j of two stored headers leaves the others as they are", async (of, expected) => {
    expect(await change(of)).toStrictEqual(expected);
  });

  test("Without the last header there are none, and so it is where there were none", async () => {
    expect(await change({ name: "X-One", value: null }, { "x-one": "1" })).toBeNull();
    expect(await changedHeaders({ pk }, { name: "x-one", value: null }, read)).toBeNull();
  });

  test("A first header is set", async () => {
    const of = { name: "X-One", value: "1" };
    expect(await changedHeaders({ pk }, of, read)).toStrictEqual({ "x-one": "1" });
  });

  test.each([
    ["x key", "1", "name", "is not the name of a header"],
    ["Host", "1", "name", "is reserved: it is set by Ackwire"],
    [
      "x-one",
      "ü",
      "value",
      "must be 1 to 4,096 printable ASCII characters without a space at either end",
    ],
  ])(
    "The header %j with the value %j is refused for its %s, which %s",
    async (name, value, field, message) => {
      await expect(change({ name, value })).rejects.toMatchObject({
        ...{ code: "REQUEST_INVALID", errors: [{ field, message }] },
      });
    },
  );

  test("A header beside as many as are allowed is refused for its name", async () => {
    const twenty = Object.fromEntries(Array.from({ length: 20 }, (_, n) => [`x-${n}`, "1"]));
    const message = "has more than 20 headers";
    await expect(change({ name: "x-20", value: "1" }, twenty)).rejects.toMatchObject({
      ...{ code: "REQUEST_INVALID", errors: [{ field: "name", message }] },
    });
    const of = { name: "x-19", value: "2" };
    expect(await change(of, twenty)).toStrictEqual({ ...twenty, "x-19": "2" });
  });

  test("Headers that cannot be opened are not changed", async () => {
    const of = { name: "x-one", value: "1" };
    const changing = changedHeaders(withHeaders(stored), of, reading(otherKeys).read);
    await expect(changing).rejects.toMatchObject({ code: "DEPENDENCY_DOWN" });
  });
});
