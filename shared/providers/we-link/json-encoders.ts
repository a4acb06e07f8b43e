import { type NumberFormatName, numberFormatNames } from "./number-formats.ts";

/** How one JSON encoder differs from that of JavaScript. */
export interface JsonEncoder {
  name: string;
  /** `json` without and `python` with a space after each `,` and `:`. */
  form: "json" | "python";
  /** Whether it differs for texts that `differs` does not match, too. */
  isAlwaysTried: boolean;
  /** Matches a text that it may write differently; without the flag `g`, so that it has no state. */
  differs: RegExp;
  /** Rewrites a text of JavaScript's encoder without white space. */
  rewrite(text: string): string;
  /** Notations of floating-point numbers that it may use, beside that of the body. */
  numbers: readonly NumberFormatName[];
}

/** The encoders of common languages, the likely ones first. Tests run the real ones, or have their recorded output. */
export const jsonEncoders: readonly JsonEncoder[] = [
  // JavaScript, Ruby, Jackson; Python's separators=(",", ":"), ensure_ascii=False.
  encoder("plain", undefined, { numbers: numberFormatNames }),
  // json.dumps(value)
  encoder("python", "[\\u007f-\\uffff]", { isSpaced: true, numbers: ["python"] }),
  // json.dumps(value, ensure_ascii=False)
  encoder("python-unicode", undefined, {
    isSpaced: true,
    onlyFor: "[\\u007f-\\uffff]",
    numbers: ["python"],
  }),
  // json.dumps(value, separators=(",", ":"))
  encoder("python-compact", "[\\u007f-\\uffff]", { numbers: ["python"] }),
  // json_encode($value)
  encoder("php", "[\\u0080-\\uffff]", { slash: "/", numbers: ["php"] }),
  // json_encode($value, JSON_UNESCAPED_SLASHES); JSON.generate(value, ascii_only: true)
  encoder("ascii", "[\\u0080-\\uffff]", { numbers: ["php", "ruby"] }),
  // json_encode($value, JSON_UNESCAPED_UNICODE)
  encoder("php-unicode", "[\\u2028\\u2029]", { slash: "/", numbers: ["php"] }),
  // PHP with both options; Gson after disableHtmlEscaping()
  encoder("line-separators", "[\\u2028\\u2029]", { numbers: ["php", "java"] }),
  // json.Marshal(value) of Go; to_json of Ruby on Rails
  encoder("go", "[<>&\\u2028\\u2029]", { numbers: ["javaScript", "ruby"] }),
  // new Gson().toJson(value)
  encoder("gson", "[<>&'=\\u2028\\u2029]", { numbers: ["java"] }),
  // System.Text.Json
  {
    name: "dotnet",
    form: "json",
    isAlwaysTried: false,
    differs: /[<>&'"+`\u007f-\uffff]/,
    rewrite: (text) => dotnet(text),
    numbers: ["dotnet"],
  },
  // Newtonsoft.Json
  encoder("newtonsoft", "[\\u0085\\u2028\\u2029]", { numbers: [] }),
  // Jackson with ESCAPE_NON_ASCII
  encoder("jackson-ascii", "[\\u0080-\\uffff]", { isUpperCase: true, numbers: ["java"] }),
  // Jackson: its control characters have digits in upper case.
  encoder("jackson", undefined, {
    isUpperCase: true,
    onlyFor: "\\\\u00[01][a-f]",
    numbers: ["java"],
  }),
  // org.json
  encoder("org-json", "[\\u0080-\\u009f\\u2000-\\u20ff]", { slash: "</", numbers: [] }),
];

/** An encoder that escapes the characters of a class as `\uXXXX`, and a slash or `</` with a backslash. */
function encoder(
  name: string,
  escapedCharacters: string | undefined,
  options: {
    slash?: "/" | "</";
    isSpaced?: boolean;
    isUpperCase?: boolean;
    /** Tried only for texts that match; for all others its output equals another encoder's. */
    onlyFor?: string;
    numbers: readonly NumberFormatName[];
  },
): JsonEncoder {
  const { slash, isSpaced = false, isUpperCase = false, onlyFor, numbers } = options;
  const characters = escapedCharacters && new RegExp(escapedCharacters, "g");
  const differences = [escapedCharacters, slash, onlyFor].filter((one) => one !== undefined);
  return {
    name,
    form: isSpaced ? "python" : "json",
    isAlwaysTried: name === "plain" || name === "python",
    differs: new RegExp(differences.join("|")),
    rewrite(text) {
      const layout = isSpaced ? spaced(text) : text;
      const escaped = characters ? layout.replace(characters, escapeOf) : layout;
      const cased = isUpperCase ? inUpperCase(escaped) : escaped;
      return slash ? cased.replaceAll(slash, slash.replace("/", "\\/")) : cased;
    },
    numbers,
  };
}

/** Puts a space after every `,` and `:` outside of strings. */
function spaced(text: string): string {
  return outsideStrings(text, (part) => part.replaceAll(",", ", ").replaceAll(":", ": "));
}

/**
 * Rewrites what is between the strings of a JSON text, or what is in them. Splitting is
 * several times faster than an expression that matches every token.
 */
function outsideStrings(text: string, rewrite: (part: string) => string): string {
  return rewriteParts(text, (part, isString) => (isString ? part : rewrite(part)));
}

function rewriteParts(text: string, rewrite: (part: string, isString: boolean) => string): string {
  // JSON has no control characters, so these stand for what must not end a string.
  const hasEscapes = text.includes("\\");
  const safe = hasEscapes ? text.replaceAll("\\\\", "\u0000").replaceAll('\\"', "\u0001") : text;
  const parts = safe.split('"').map((part, n) => (part === "" ? part : rewrite(part, n % 2 === 1)));
  const joined = parts.join('"');
  return hasEscapes ? joined.replaceAll("\u0001", '\\"').replaceAll("\u0000", "\\\\") : joined;
}

/** Writes the hexadecimal digits of escapes in upper case. */
function inUpperCase(text: string): string {
  if (!text.includes("\\u")) return text;
  return text.replace(/\\(?:u([0-9a-f]{4})|[^u])/g, (sequence, digits?: string) =>
    digits === undefined ? sequence : `\\u${digits.toUpperCase()}`,
  );
}

/** It escapes what could end a string in HTML, XML or a URL, and everything that is not ASCII. */
function dotnet(text: string): string {
  const escaped = text.replace(/[<>&'`\u007f-\uffff]/g, escapeOf);
  // A number may have a plus sign, too.
  const plus = escaped.includes("+")
    ? rewriteParts(escaped, (part, isString) => (isString ? part.replaceAll("+", "\\u002b") : part))
    : escaped;
  const quotes = plus.includes('\\"')
    ? plus.replace(/\\[^u]/g, (sequence) => (sequence === '\\"' ? "\\u0022" : sequence))
    : plus;
  return inUpperCase(quotes);
}

/** The escapes that were written once: there are at most 65,536. */
const escapes = new Map<string, string>();

function escapeOf(character: string): string {
  const known = escapes.get(character);
  if (known !== undefined) return known;
  const digits = character.charCodeAt(0).toString(16).padStart(4, "0");
  escapes.set(character, `\\u${digits}`);
  return `\\u${digits}`;
}

/**
 * Returns the text as JavaScript's encoder writes it: without white space, with the
 * same escapes, and with members, numbers and characters as they are.
 */
export function normalised(text: string): string {
  const compact = outsideStrings(text, (part) =>
    /[ \t\r\n]/.test(part) ? part.replace(/[ \t\r\n]+/g, "") : part,
  );
  if (!/\\[u/]/.test(compact)) return compact;
  const unescaped = compact.replace(
    /\\(?:u([0-9a-fA-F]{4})|[^u])/g,
    (sequence, digits?: string) => {
      if (digits !== undefined) return plainOf(digits);
      return sequence === "\\/" ? "/" : sequence;
    },
  );
  return unescaped.isWellFormed() ? unescaped : unescaped.replace(/\p{Surrogate}/gu, escapeOf);
}

/** The character of an escape; quotes, backslashes and control characters as JavaScript escapes them. */
function plainOf(digits: string): string {
  const character = String.fromCharCode(Number.parseInt(digits, 16));
  return /[\ud800-\udfff]/.test(character) ? character : JSON.stringify(character).slice(1, -1);
}
