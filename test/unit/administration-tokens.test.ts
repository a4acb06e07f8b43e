import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import {
  accountIdOfToken,
  identificationToken,
  masterKeyIdOf,
} from "../../shared/core/administration/identification-token.ts";
import { testMasterKeys } from "../support/fakes/webhook-api.ts";

const of = { clientId: "cl_1", accountId: "acc-1" };
const token = identificationToken(testMasterKeys, of);
const [keyId = "", account = "", proof = ""] = token.split(".");
const encoded = (accountId: string) => Buffer.from(accountId).toString("base64url");

describe("The token of an account", () => {
  test("It names the current master key and the account, and proves the client", () => {
    const text = '["ackwire/identification","cl_1","acc-1"]';
    const expected = createHmac("sha256", "2".repeat(32)).update(text).digest("base64url");
    expect(identificationToken(testMasterKeys, of)).toBe(`k2.${encoded("acc-1")}.${expected}`);
  });

  test("It cannot be derived without the current master key", () => {
    const master = { ...testMasterKeys, current: "k3" };
    expect(() => identificationToken(master, of)).toThrow(
      new Error("The master secret has no current key"),
    );
  });

  test.each(["acc-1", "a", "anna@example.com", "Zoë", "a.b", "x".repeat(256)])(
    "The account %j is read from its token",
    (accountId) => {
      const own = identificationToken(testMasterKeys, { ...of, accountId });
      expect(accountIdOfToken(testMasterKeys, "cl_1", own)).toBe(accountId);
    },
  );

  test("It is still valid when another master key is current, as long as its own exists", () => {
    const earlier = identificationToken({ ...testMasterKeys, current: "k1" }, of);
    expect(earlier).not.toBe(token);
    expect(accountIdOfToken(testMasterKeys, "cl_1", earlier)).toBe("acc-1");
    const removed = { ...testMasterKeys, keys: new Map([["k2", "2".repeat(32)]]) };
    expect(accountIdOfToken(removed, "cl_1", earlier)).toBeUndefined();
  });

  test.each([
    ["of another client", "cl_2", token],
    ["of another master key", "cl_1", `k1.${account}.${proof}`],
    ["of a master key that there is not", "cl_1", `k9.${account}.${proof}`],
    ["of no master key", "cl_1", `${account}.${proof}`],
    ["of another account", "cl_1", `${keyId}.${encoded("acc-2")}.${proof}`],
    ["of no account", "cl_1", identificationToken(testMasterKeys, { ...of, accountId: "" })],
    ["without its proof", "cl_1", `${keyId}.${account}`],
    ["with a cut proof", "cl_1", token.slice(0, -1)],
    ["with a text behind it", "cl_1", `${token}.`],
    ["whose account is spelled in another way", "cl_1", `${keyId}.${account}=.${proof}`],
    ["that is only the id of a key", "cl_1", keyId],
    ["that is empty", "cl_1", ""],
  ])("A token %s names no account", (_, clientId, text) => {
    expect(accountIdOfToken(testMasterKeys, clientId, text)).toBeUndefined();
  });
});

test.each([
  ["k2.x.y", "k2"],
  ["k123456.x.y", "k123456"],
  ["k1234567.x.y", ""],
  ["k.x.y", ""],
  ["k2", ""],
  ["xk2.x.y", ""],
  ["K2.x.y", ""],
  ["", ""],
])("The master key that the text %j names is %j", (text, id) => {
  expect(masterKeyIdOf(text)).toBe(id);
});
