import { describe, expect, test } from "vitest";
import type { JsonObject } from "../../shared/core/json/json.ts";
import {
  listedCodeIn,
  weLinkErrorOf,
  weLinkOutcomeOf,
} from "../../shared/providers/we-link/outcome.ts";

/** An error whose code is all that is known of it. */
const named = (code: string, message = code) => ({ code, message });
const deadSession = named("ACCOUNT_NOT_ACTIVE", "Linked account not active");
const result = { n: 1 };

describe("The outcome of a body of We-Link", () => {
  test.each<[JsonObject, object]>([
    [{ status: "SUCCESS" }, { meaning: "completed", word: "SUCCESS" }],
    [{ status: " success " }, { meaning: "completed", word: " success " }],
    [{ status: { code: "SUCCESS" } }, { meaning: "completed", word: "SUCCESS" }],
    [
      { status: "SUCCESS", result },
      { meaning: "completed", word: "SUCCESS", result },
    ],
    [
      { status: "SUCCESS", result: [] },
      { meaning: "completed", word: "SUCCESS", result: [] },
    ],
    [
      { status: "SUCCESS", result: {} },
      { meaning: "completed", word: "SUCCESS" },
    ],
    [
      { status: "SUCCESS", result: "text" },
      { meaning: "completed", word: "SUCCESS" },
    ],
    [
      { status: "SUCCESS", error: "No way" },
      { meaning: "completed", word: "SUCCESS" },
    ],
    [
      { status: "SUCCESS", error: "PROXY_ERROR", result },
      { meaning: "completed", word: "SUCCESS", result, contradiction: true },
    ],
    [
      { status: "PROCESSING", code: "PROXY_ERROR" },
      { meaning: "running", word: "PROCESSING", contradiction: true },
    ],
    [
      { status: "QUEUED", message: "Wait" },
      { meaning: "waiting", word: "QUEUED" },
    ],
    [{ status: "PIN_REQUIRED" }, { meaning: "actionRequired", word: "PIN_REQUIRED" }],
    [{ status: "NOT_FOUND" }, { meaning: "absent", word: "NOT_FOUND" }],
    [
      { status: "REVIEWING", result },
      { meaning: "unknown", word: "REVIEWING", result },
    ],
    [{ status: "FAILED" }, { meaning: "failed", word: "FAILED", error: named("FAILED") }],
    [
      { status: "FAILED", error: "PROXY_ERROR", result },
      { meaning: "failed", word: "FAILED", error: named("PROXY_ERROR"), result },
    ],
    [
      { status: "REVIEWING", error: "PROXY_ERROR", result },
      { meaning: "failed", word: "REVIEWING", error: named("PROXY_ERROR"), result },
    ],
  ])("Of %j, which has a status, the status decides: %j", (body, outcome) => {
    expect(weLinkOutcomeOf(body)).toStrictEqual(outcome);
  });

  test.each<[JsonObject, object]>([
    [{ error: "PROXY_ERROR" }, { meaning: "failed", error: named("PROXY_ERROR") }],
    [
      { error: "PROXY_ERROR", result },
      { meaning: "failed", error: named("PROXY_ERROR"), result },
    ],
    [
      { error: "PROXY_ERROR", statusCode: 400 },
      { meaning: "failed", error: named("PROXY_ERROR") },
    ],
    [{ error: "No way" }, { meaning: "failed", error: named("FAILED", "No way") }],
    [
      { error: "No way", result },
      { meaning: "failed", error: named("FAILED", "No way"), result },
    ],
    [{ message: deadSession.message }, { meaning: "failed", error: deadSession }],
    [
      { message: deadSession.message, statusCode: 400 },
      { meaning: "failed", error: deadSession },
    ],
    [{ result }, { meaning: "completed", result }],
    [{ result: [] }, { meaning: "completed", result: [] }],
    [
      { status: null, result },
      { meaning: "completed", result },
    ],
    [
      { status: " \n", message: "m" },
      { meaning: "unknown", word: " \n" },
    ],
  ])("Of %j, which has no status, the other members decide: %j", (body, outcome) => {
    expect(weLinkOutcomeOf(body)).toStrictEqual(outcome);
  });

  test.each<[JsonObject]>([
    [{}],
    [{ status: "" }],
    [{ status: 7 }],
    [{ message: "Something" }],
    [{ result: {} }],
    [{ result: "text" }],
    [{ error: {} }],
    [{ error: { message: " " } }],
    [{ error: "Bad Request", message: "m", statusCode: 400 }],
    [{ result, statusCode: 200 }],
    [{ data: { result } }],
    [{ data: { status: 7, result } }],
    [{ data: "text" }],
    [{ data: [{ status: "SUCCESS" }] }],
  ])("%j has no outcome", (body) => {
    expect(weLinkOutcomeOf(body)).toBeUndefined();
  });

  test.each<[JsonObject, object]>([
    [{ data: { status: "SUCCESS", result } }, { meaning: "completed", word: "SUCCESS", result }],
    [
      { status: "PROCESSING", data: { status: "SUCCESS", result } },
      { meaning: "running", word: "PROCESSING" },
    ],
    [
      { result, data: { status: "SUCCESS", result: { n: 2 } } },
      { meaning: "completed", word: "SUCCESS", result },
    ],
    [
      { status: "", message: "own", data: { status: "FAILED", message: "inner" } },
      { meaning: "failed", word: "FAILED", error: named("FAILED", "own") },
    ],
    [
      { message: "", error: null, data: { status: "FAILED", message: "m", error: "PROXY_ERROR" } },
      { meaning: "failed", word: "FAILED", error: named("PROXY_ERROR", "m") },
    ],
  ])("Of %j the members of data count for those that the body lacks", (body, outcome) => {
    expect(weLinkOutcomeOf(body)).toStrictEqual(outcome);
  });
});

describe("The code of an error", () => {
  test.each<[JsonObject, string]>([
    [{ status: "PROXY_ERROR", error: "WRONG_PASSWORD" }, "PROXY_ERROR"],
    [{ status: "proxy error" }, "PROXY_ERROR"],
    [{ error_code: "ONE", errorCode: "TWO", code: "THREE", error: "FOUR", errors: "FIVE" }, "ONE"],
    [{ errorCode: "TWO", code: "THREE", error: "FOUR", errors: "FIVE" }, "TWO"],
    [{ code: "THREE", error: "FOUR", errors: "FIVE" }, "THREE"],
    [{ error: "FOUR", errors: "FIVE" }, "FOUR"],
    [{ error: [7, "FOUR"] }, "FOUR"],
    [{ errors: ["some words", "FIVE"] }, "FIVE"],
    [{ errors: [{ message: "some words" }, { code: "FIVE" }] }, "FIVE"],
    // One that is listed comes before any that is not.
    [{ error_code: "ONE", errors: [{ code: "proxy-error" }] }, "PROXY_ERROR"],
    [{ error: { code: "A", type: "B", error_code: "C", name: "D", status: "E" } }, "A"],
    [{ error: { type: "B", error_code: "C", name: "D", status: "E" } }, "B"],
    [{ error: { code: " ", error_code: "C", name: "D", status: "E" } }, "C"],
    [{ error: { code: 7, name: "D", status: "E" } }, "D"],
    [{ error: { status: "E" } }, "E"],
    [{ error: " NEW_CODE\n" }, "NEW_CODE"],
    [{ error: "X2_Y" }, "X2_Y"],
    [{ error: "X".repeat(256) }, "X".repeat(256)],
    [{ status: "FAILED", code: "ERROR" }, "ERROR"],
    [{ message: "The linked account is NOT active." }, "ACCOUNT_NOT_ACTIVE"],
    [{ error_message: "Linked account not active" }, "ACCOUNT_NOT_ACTIVE"],
    [{ error: { detail: "Linked account not active" } }, "ACCOUNT_NOT_ACTIVE"],
    [{ code: "ONE", message: "Linked account not active" }, "ONE"],
    [{ error: "NOT_FOUND" }, "NOT_FOUND"],
    [{ errors: ["some words", "REQUEST_NOT_FOUND"] }, "REQUEST_NOT_FOUND"],
    [{ status: "login failed" }, "LOGIN_FAILED"],
    [{ status: "404" }, "404"],
    [{ status: "échec" }, "échec"],
    [{ data: { status: "FAILED", error: "NEW_CODE" } }, "NEW_CODE"],
  ])("The code of %j is %s", (body, code) => {
    expect(weLinkErrorOf(body).code).toBe(code);
  });

  test.each([
    ...["NONE", "NULL", "OK", "NO", "FALSE", "N_A"],
    ...["SUCCESS", "PROCESSING", "QUEUED", "PIN_REQUIRED", "MESSAGE_SENT"],
    ...["new_code", "New Code", "NEW CODE", "2ND_CODE", "not found", "NOT-FOUND", ""],
    "X".repeat(257),
  ])("The text %s is no code, and the status stands for it", (text) => {
    for (const body of [{ code: text }, { error: text }, { errors: [{ code: text }] }]) {
      expect(weLinkErrorOf(body).code).toBe("FAILED");
      expect(weLinkErrorOf({ ...body, status: "TIMED_OUT" }).code).toBe("TIMED_OUT");
    }
  });
});

describe("The text of an error", () => {
  const texts = { message: "one", error_message: "two", error: "three", errors: "four" };

  test.each<[JsonObject, string]>([
    [{ ...texts, details: "five" }, "one"],
    [{ ...texts, message: "", details: "five" }, "two"],
    [{ ...texts, message: 7, error_message: " ", details: "five" }, "three"],
    [{ errors: "four", details: "five" }, "four"],
    [{ details: "five" }, "five"],
    [{ message: ["one", ["two", { detail: "three" }], 7, ""] }, "one; two; three"],
    [{ error: { message: "a", error_message: "b", description: "c", detail: "d" } }, "a"],
    [{ error: { error_message: "b", description: "c", detail: "d", error: "e" } }, "b"],
    [{ error: { description: "c", detail: "d", error: "e", code: "f f" } }, "c"],
    [{ error: { message: [], detail: "d", error: "e", code: "f f", type: "g g" } }, "d"],
    [{ error: { error: { message: "e" }, code: "f f", type: "g g" } }, "e"],
    [{ error: { code: "f f", type: "g g" } }, "f f"],
    [{ error: { code: null, type: "g g" } }, "g g"],
    [{ status: "FAILED", error: { name: "some words" } }, "FAILED"],
    [{ status: "PROXY_ERROR" }, "PROXY_ERROR"],
    [{}, "FAILED"],
  ])("The text of %j is %j", (body, message) => {
    expect(weLinkErrorOf(body).message).toBe(message);
  });
});

describe("The listed code by which the table is asked", () => {
  test.each<[JsonObject, string | undefined]>([
    [{ status: "proxy error" }, "PROXY_ERROR"],
    [{ status: { code: "PROXY_ERROR" } }, "PROXY_ERROR"],
    [{ status: "PROXY_ERROR", code: "WRONG_PASSWORD", message: "STATUS_429" }, "PROXY_ERROR"],
    [{ status: "FAILED", code: "WRONG_PASSWORD", message: "STATUS_429" }, "WRONG_PASSWORD"],
    [{ message: ["some words", "STATUS_429"] }, "STATUS_429"],
    [{ data: { status: "PROXY_ERROR" } }, "PROXY_ERROR"],
    [{ code: "NEW_CODE", error: "Linked account is not active" }, "ACCOUNT_NOT_ACTIVE"],
    [{ status: "NEW_CODE", error: "ANOTHER" }, undefined],
    [{ message: "It was a PROXY_ERROR" }, undefined],
    [{ details: "Linked account not active" }, undefined],
    [{ message: "Linked account was not active" }, undefined],
    [{}, undefined],
  ])("Of %j it is %s", (body, code) => {
    expect(listedCodeIn(body)).toBe(code);
  });
});
