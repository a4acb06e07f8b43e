import { isObject } from "../json/json.ts";

/** What a provider's word says about a request. */
export type Meaning =
  /** The provider has the request and has not started it. */
  | "waiting"
  | "running"
  /** A person must act. */
  | "actionRequired"
  | "completed"
  | "failed"
  /** The provider does not know the request, or not yet. */
  | "absent";

/** What follows from a code, wherever the provider says it. */
export type Consequence =
  /** The request ends, and nothing else follows. */
  | "end"
  /** Nothing is proven: the provider must be asked. */
  | "ask"
  /** The account's lane pauses for a limited time. */
  | "pauseLane"
  /** Requests of this kind must pause on this account; others may go on. */
  | "pauseCategory"
  /** The account pauses until a login succeeds or a person resumes it. */
  | "pauseAccount"
  /** The connection pauses: all of its accounts are affected. */
  | "pauseConnection";

export interface CodeRule {
  consequence: Consequence;
  /**
   * `true`: a submission that was refused with this code returns to its lane, because a later
   * attempt can succeed. Otherwise the request ends.
   */
  keepsRequest?: true;
  /** `true`: the provider's own limit of calls is reached. */
  isRateLimit?: true;
  /** `true`: the account is restricted, and must begin slowly when it is free again. */
  isRestriction?: true;
}

/**
 * The words of one provider. Keys are written in upper case with `_` between their parts;
 * letter case, surrounding blanks and the separator of a received word do not matter.
 */
export interface VocabularyTable {
  words: Readonly<Record<string, Meaning>>;
  /** The last part, or parts, of a word that no other table has. */
  suffixes: Readonly<Record<string, Meaning>>;
  /** Codes of errors; a status may be one. The keys are in the provider's own spelling. */
  codes: Readonly<Record<string, CodeRule>>;
}

/** The one place that judges a provider's words: webhooks, polls and submissions are read with it. */
export interface Vocabulary {
  /** Returns `undefined` for a word that the table does not list, which proves nothing. */
  meaningOf(word: string): Meaning | undefined;
  /** Returns the code in the provider's spelling; `undefined` where the text is no listed code. */
  codeOf(text: string): string | undefined;
  /** `end` for a code that is not listed. */
  consequenceOf(code: string): Consequence;
  /** Returns the rule of a listed code. */
  ruleOf(code: string): CodeRule | undefined;
}

/** Parts that turn a word such as `MESSAGE_SENT` into its opposite or leave it open. */
const qualifiers = new Set([
  ...["NOT", "NO", "NEVER", "NON", "UN", "PARTIAL", "PARTIALLY", "PARTLY", "BEING", "BE", "IS"],
  ...["TO", "FOR", "AWAITING", "WAITING", "PENDING", "MISSING", "INVALID", "MAYBE", "UNKNOWN"],
  ...["ALMOST", "NEARLY", "UNTIL", "BEFORE", "IF", "WHEN", "WILL"],
]);

/** The longest word that can be in a table. */
const MAX_WORD_LENGTH = 128;

export function makeVocabulary(table: VocabularyTable): Vocabulary {
  const words = new Map(Object.entries(table.words).map(([word, of]) => [squeezed(word), of]));
  const codes = new Map(
    Object.entries(table.codes).map(([code, rule]) => [squeezed(code), { code, rule }]),
  );
  const suffixes = Object.entries(table.suffixes);
  const listed = (text: string) =>
    text.length > MAX_WORD_LENGTH ? undefined : codes.get(squeezed(text));
  const ruleOf = (code: string) => listed(code)?.rule;

  return {
    meaningOf(word) {
      if (word.length > MAX_WORD_LENGTH) return undefined;
      const known = words.get(squeezed(word)) ?? (listed(word) ? "failed" : undefined);
      if (known) return known;
      const normal = normalised(word);
      const end = suffixes.find(([suffix]) => normal.endsWith(`_${suffix}`));
      if (!end) return undefined;
      const before = normal.slice(0, -end[0].length - 1).split("_");
      return before.some((part) => qualifiers.has(part)) ? undefined : end[1];
    },
    codeOf: (text) => listed(text)?.code,
    ruleOf,
    consequenceOf: (code) => ruleOf(code)?.consequence ?? "end",
  };
}

/** `connection-sent`, ` Connection Sent ` and `connectionSent` as `CONNECTION_SENT`. */
export function normalised(word: string): string {
  return word
    .trim()
    .replace(/([a-z0-9])([A-Z])/g, "$1_$2")
    .toUpperCase()
    .replace(/[\s_.-]+/g, "_");
}

/** The word without its separators, so that `INPROGRESS` and `in progress` are one. */
function squeezed(word: string): string {
  return word.toUpperCase().replace(/[\s_.-]+/g, "");
}

/**
 * Returns the word in a member that should be a text: a text itself, or the code or name in
 * an object. `undefined` where there is none.
 */
export function wordIn(value: unknown): string | undefined {
  if (typeof value === "string") return value.trim() === "" ? undefined : value;
  if (!isObject(value)) return undefined;
  const named = [value.code, value.status, value.name, value.value, value.type];
  return named.map((one) => (typeof one === "string" ? wordIn(one) : undefined)).find(Boolean);
}
