import { describe, expect, test } from "vitest";
import { Failure } from "../../shared/contracts/failures.ts";
import { seal } from "../../shared/core/crypto/master-keys.ts";
import type { RequestRecord, StoredText } from "../../shared/core/requests/state/record.ts";
import { type BuildCallDeps, buildCall } from "../../shared/core/requests/submission/build-call.ts";
import { newOwner, requestRecord } from "../support/payloads/request-records.ts";

const credentials = { "x-api-key": "k" };
const call = { method: "POST", path: "/p", headers: {}, body: "{}" } as const;
const masterKeys = { current: "k1", keys: new Map([["k1", "the master key of one test"]]) };
const waiting = requestRecord(newOwner());
const { requestId, accountId } = waiting;

const sealed = (text: string, boundTo = requestId) =>
  seal({ masterKeys, randomHex: (bytes) => "0".repeat(2 * bytes) }, boundTo, text);

/** @param of.broken what reading the params or the master keys throws */
function setUp(of: { broken?: unknown; hasContinuation?: boolean } = {}) {
  const calls: unknown[] = [];
  function read<Result>(name: string, given: unknown, result: Result): Result {
    calls.push([name, given]);
    if (of.broken !== undefined) throw of.broken;
    return result;
  }
  const builds =
    (name: string) =>
    (...args: unknown[]) => {
      calls.push([name, ...args]);
      return call;
    };
  const { hasContinuation = true } = of;
  const deps = {
    texts: {
      open: async (text: StoredText) => read("open", text, "inline" in text ? text.inline : ""),
    },
    masterKeys: async (text: string) => read("masterKeys", text, masterKeys),
    providerClients: {
      "we-link": {
        submitCall: builds("submitCall"),
        ...(hasContinuation ? { continuation: { call: builds("continuation") } } : {}),
      },
    },
  } as unknown as BuildCallDeps;
  const build = (more: Partial<RequestRecord>) =>
    buildCall(deps, { ...waiting, ...more }, credentials);
  return { calls, build };
}

const unreadable = {
  code: "CANNOT_BE_SENT",
  message: "The stored params of this request cannot be read",
};

describe("The call of a request that waits", () => {
  test("The call is built from the stored params with the credentials", async () => {
    const { calls, build } = setUp();
    const params = { inline: '{"profile":"ada"}' };
    expect(await build({ params })).toStrictEqual({ call });
    const input = { requestId, accountId, action: "invite", params: { profile: "ada" } };
    expect(calls).toStrictEqual([
      ["open", params],
      ["submitCall", input, credentials],
    ]);
  });

  test("The call is built from sealed params where there are some", async () => {
    const { calls, build } = setUp();
    const sealedParams = sealed('{"password":"p"}');
    expect(await build({ sealedParams, params: { inline: "{}" } })).toStrictEqual({ call });
    const input = { requestId, accountId, action: "invite", params: { password: "p" } };
    expect(calls).toStrictEqual([
      ["masterKeys", sealedParams],
      ["submitCall", input, credentials],
    ]);
  });

  test("A number of the params keeps its digits, however many they are", async () => {
    const { calls, build } = setUp();
    const inline = '{"n":123456789012345678901234567890}';
    await build({ params: { inline } });
    expect(JSON.stringify(calls[1])).toContain(inline);
  });

  test("No call can be built without params, or with those of another request, or with a text that is not JSON", async () => {
    const { calls, build } = setUp();
    const error = unreadable;
    const without = await build({});
    expect(without).toStrictEqual({ error, cause: expect.any(Failure) });
    expect(without).toMatchObject({ cause: { code: "BODY_NOT_JSON" } });
    expect(calls).toStrictEqual([["open", { inline: "" }]]);
    const another = await build({ sealedParams: sealed("{}", "rq_other") });
    expect(another).toStrictEqual({ error, cause: expect.any(Error) });
    expect(await build({ params: { inline: "{" } })).toMatchObject({ error });
    expect(calls).not.toContainEqual(expect.arrayContaining(["submitCall"]));
  });
});

describe("The call of a person's input", () => {
  const sealedInput = sealed("123456");
  const prompted: Partial<RequestRecord> = {
    ...{ submittedMs: 1, status: "SUBMITTING", providerRequestId: "theirs", sealedInput },
  };

  test("The call of an input is built from the opened input and the provider's id of the request", async () => {
    const { calls, build } = setUp();
    expect(await build(prompted)).toStrictEqual({ call });
    expect(calls).toStrictEqual([
      ["masterKeys", sealedInput],
      ["continuation", { providerRequestId: "theirs", accountId, input: "123456" }, credentials],
    ]);
  });

  test("The call of an input has no provider's id where none is known", async () => {
    const { calls, build } = setUp();
    await build({ ...prompted, providerRequestId: undefined });
    expect(calls[1]).toMatchObject(["continuation", { providerRequestId: "" }, credentials]);
  });

  test("No call can be built where the provider takes no input", async () => {
    const { build } = setUp({ hasContinuation: false });
    expect(await build(prompted)).toStrictEqual({
      error: { code: "NO_CONTINUATION", message: "This provider accepts no input" },
    });
  });

  test("No call can be built without the input, or with one that is sealed for another request", async () => {
    const { calls, build } = setUp();
    const result = { error: unreadable, cause: expect.any(Error) };
    expect(await build({ ...prompted, sealedInput: undefined })).toStrictEqual(result);
    const another = sealed("123456", "rq_other");
    expect(await build({ ...prompted, sealedInput: another })).toStrictEqual(result);
    expect(calls).toStrictEqual([
      ["masterKeys", ""],
      ["masterKeys", another],
    ]);
  });
});

describe("A dependency that fails while a call is built", () => {
  const sealedInput = sealed("123456");

  test.each<[string, Partial<RequestRecord>]>([
    ["params", { params: { inline: "{}" } }],
    ["sealed params", { sealedParams: sealed("{}") }],
    ["an input", { submittedMs: 1, sealedInput }],
  ])("A dependency that is down ends no request: its failure is thrown for %s", async (_, of) => {
    const broken = new Failure("DEPENDENCY_DOWN", "no keys");
    await expect(setUp({ broken }).build(of)).rejects.toBe(broken);
  });

  test.each([
    ["error", new Error("the text is gone")],
    ["error that only looks like it", Object.assign(new Error("r"), { code: "DEPENDENCY_DOWN" })],
    ["failure", new Failure("INTERNAL_ERROR", "r")],
  ])("Any other %s says that the request cannot be sent, with its cause", async (_, broken) => {
    const { build } = setUp({ broken });
    expect(await build({ submittedMs: 1, sealedInput })).toStrictEqual({
      ...{ error: unreadable, cause: broken },
    });
    expect(await build({})).toStrictEqual({ error: unreadable, cause: broken });
  });
});
