import { limits } from "../../contracts/limits.ts";
import { isObject, type JsonObject } from "../../core/json/json.ts";
import { type Meaning, normalised, wordIn } from "../../core/providers/vocabulary.ts";
import { isText } from "./text.ts";
import { weLinkVocabulary } from "./vocabulary.ts";

export interface WeLinkError {
  code: string;
  message: string;
}

/** What the status and the error of a body say together. */
export interface WeLinkOutcome {
  /** `unknown`: a status that the vocabulary does not list, without a code. It proves nothing. */
  meaning: Meaning | "unknown";
  /** The status as it was sent; absent where the body has none. */
  word?: string;
  /** Present where `meaning` is `failed`. */
  error?: WeLinkError;
  result?: unknown;
  /** The members of the body contradict each other; the status decides. */
  contradiction?: true;
}

/**
 * Reads the outcome in a body of We-Link, for webhooks, polls and submissions alike. A
 * `message` is part of every answer and proves nothing. The members may be in `data`.
 *
 * @returns `undefined` where the body has neither a status nor a result nor an error
 */
export function weLinkOutcomeOf(body: JsonObject): WeLinkOutcome | undefined {
  const value = withNestedMembers(body);
  const word = wordIn(value.status);
  const code = errorCodeIn(value);
  const result = hasContent(value.result) ? { result: value.result } : {};
  if (word === undefined) {
    if (code !== undefined) return { meaning: "failed", error: weLinkErrorOf(value), ...result };
    // `{message, error, statusCode}` is about the call, not about the request.
    if ("statusCode" in value) return undefined;
    if (textsIn(value.error).length > 0) {
      return { meaning: "failed", error: weLinkErrorOf(value), ...result };
    }
    if (hasContent(value.result)) return { meaning: "completed", ...result };
    // A status of blanks is not listed either.
    return isText(value.status) ? { meaning: "unknown", word: value.status } : undefined;
  }
  const known = weLinkVocabulary.meaningOf(word);
  const meaning = known ?? (code === undefined ? "unknown" : "failed");
  if (meaning === "failed") return { meaning, word, error: weLinkErrorOf(value), ...result };
  const contradiction = code === undefined || meaning === "unknown" ? {} : contradicts;
  return { meaning, word, ...result, ...contradiction };
}

const contradicts = { contradiction: true } as const;

/**
 * The code of an error that a body names, wherever it does: the status, a code, or an error
 * that is a code. Accepts listed codes, and upper-case tokens that are not status words.
 */
function errorCodeIn(value: JsonObject): string | undefined {
  const codes = errorCodes(value);
  const listed = codes.map((code) => weLinkVocabulary.codeOf(code)).find(Boolean);
  return listed ?? codes.find(isCode) ?? sessionCodeIn(value);
}

/** The code in a body by which the table is asked; `undefined` where it names no listed one. */
export function listedCodeIn(body: JsonObject): string | undefined {
  const value = withNestedMembers(body);
  const words = [wordIn(value.status), ...errorCodes(value), ...textsIn(value.message)];
  const listed = words.map((word) => word && weLinkVocabulary.codeOf(word)).find(Boolean);
  return listed || sessionCodeIn(value);
}

/** https://apidocs.we-link.ai/docs/accounts-and-sessions/account-status: a dead session has no code. */
function sessionCodeIn(value: JsonObject): string | undefined {
  const texts = [value.message, value.error_message, value.error].flatMap(textsIn);
  return texts.some((text) => /linked account (is )?not active/i.test(text))
    ? "ACCOUNT_NOT_ACTIVE"
    : undefined;
}

/**
 * The error of a body. Its code is the one that the body names, else the status: a sentence
 * is no code. Its message is the provider's text; several texts are joined.
 */
export function weLinkErrorOf(body: JsonObject): WeLinkError {
  const value = withNestedMembers(body);
  const status = wordIn(value.status);
  const listedStatus = status === undefined ? undefined : weLinkVocabulary.codeOf(status);
  const plain = status === undefined ? "FAILED" : codeFrom(status);
  const code = listedStatus ?? errorCodeIn(value) ?? absentCodeIn(value) ?? plain;
  const texts = [value.message, value.error_message, value.error, value.errors, value.details];
  const message = texts.map((one) => textsIn(one).join("; ")).find((text) => text !== "") ?? code;
  return { code, message };
}

/** `NOT_FOUND` as the error of a failure: as a status it would say that there is no result yet. */
function absentCodeIn(value: JsonObject): string | undefined {
  return errorCodes(value).find(
    (text) => /^[A-Z_]+$/.test(text) && weLinkVocabulary.meaningOf(text) === "absent",
  );
}

/** Texts that may be codes, in the order of their worth. */
function errorCodes({ error, errors, ...value }: JsonObject): string[] {
  const places = [value.error_code, value.errorCode, value.code, ...list(error), ...list(errors)];
  return places.flatMap((one) => {
    const word = isObject(one)
      ? [one.code, one.type, one.error_code, one.name, one.status].find(isWord)
      : one;
    return isWord(word) ? [word.trim()] : [];
  });
}

/** A text in capitals, such as `PROXY_ERROR`, unless it says that there is no error. */
function isCode(text: string): boolean {
  if (text.length > limits.maxNameLength || !/^[A-Z][A-Z0-9_]*$/.test(text)) return false;
  return !["NONE", "NULL", "OK", "NO", "FALSE", "N_A"].includes(text) && isNoOtherWord(text);
}

/** Whether the text is no word of progress or success, which is no error wherever it stands. */
function isNoOtherWord(text: string): boolean {
  return (weLinkVocabulary.meaningOf(text) ?? "failed") === "failed";
}

/** A status as a code: `failed` as `FAILED`. */
function codeFrom(status: string): string {
  const code = normalised(status);
  return /^[A-Z0-9][A-Z0-9_]*$/.test(code) ? code : status;
}

/** The texts of a message or an error: a text, a list of texts, or objects that hold them. */
function textsIn(value: unknown): string[] {
  if (isWord(value)) return [value];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  if (!isObject(value)) return [];
  const { message, error_message, description, detail, error, code, type } = value;
  const [texts = []] = [message, error_message, description, detail, error, code ?? type]
    .map(textsIn)
    .filter((found) => found.length > 0);
  return texts;
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

/** The body, with the members of `data` for those that it lacks itself. */
export function withNestedMembers(value: JsonObject): JsonObject {
  const { data } = value;
  if (wordIn(value.status) !== undefined || !isObject(data)) return value;
  if (wordIn(data.status) === undefined) return value;
  const own = Object.fromEntries(Object.entries(value).filter(([, one]) => (one ?? "") !== ""));
  return { ...data, ...own, status: data.status };
}

/** Whether a result says anything. */
function hasContent(result: unknown): boolean {
  if (Array.isArray(result)) return true;
  return isObject(result) && Object.keys(result).length > 0;
}

/** Whether a member holds a text that says something. */
function isWord(value: unknown): value is string {
  return isText(value) && value.trim() !== "";
}
